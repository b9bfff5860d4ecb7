//! Questions to people, and models that advise. Every case runs with a crash after every input.
mod common;

use common::{build::*, case::*, drive::Script, world::Reply};
use flowline_plan::Value;

fn answers(answers: &[(i64, &'static str, i64)]) -> Script {
    let answers = answers.iter().map(|(at, by, value)| (*at, *by, Value::Int(*value)));
    Script { answers: answers.collect(), ..none() }
}

fn ask() -> S {
    S::Ask(1000, vec![S::Do("check")])
}

#[test]
fn questions_to_people() {
    let asked = || vec![ask(), N];
    run_all(vec![
        case(
            "the answer is a record of what was said, by whom and when",
            vec![ask(), S::Show("answer")],
            answers(&[(300, "bo", 3)]),
            "ask @accepted =Record([Int(3), Text(\"bo\"), Instant(300)]) completed",
        ),
        case("nobody answers in time", asked(), none(), "ask check notify completed"),
        case(
            "an answer before the due time beats the timer",
            asked(),
            answers(&[(999, "bo", 1)]),
            "ask @accepted notify completed",
        ),
        case(
            "one that comes later is too late",
            asked(),
            answers(&[(1001, "bo", 1)]),
            "ask check @over notify completed",
        ),
        case(
            "of two answers the first counts",
            vec![ask(), S::Wait(500)],
            answers(&[(300, "bo", 1), (301, "cy", 2), (302, "bo", 1)]),
            "ask @accepted @answered-by-bo @answered-by-bo completed",
        ),
        case(
            "who is excluded can't answer; somebody else still can",
            asked(),
            answers(&[(300, "anna", 1), (400, "bo", 1)]),
            "ask @not-anna @accepted notify completed",
        ),
        case(
            "what doesn't fit isn't taken; the right one still is",
            asked(),
            Script {
                answers: vec![(300, "bo", Value::text("yes")), (350, "", Value::Int(1)), (400, "bo", Value::Int(1))],
                ..none()
            },
            "ask @misfit @misfit @accepted notify completed",
        ),
        case(
            "nobody is asked any more when the run is told to settle",
            vec![open("hold", "h"), ask(), on("release", "h")],
            Script { settle_at: Some(500), ..answers(&[(600, "bo", 1)]) },
            "hold ask release settled @over",
        ),
        case(
            "an error elsewhere withdraws the question; its answer is too late",
            vec![attempt(
                vec![S::Parallel(vec![vec![ask(), S::Do("ship")], vec![S::Wait(200), S::Fail("Boom")]])],
                boom(vec![S::Wait(500), N]),
            )],
            answers(&[(300, "bo", 1)]),
            "ask @over notify completed",
        ),
        case(
            "an event that interrupts withdraws it, too",
            vec![attempt(vec![open("hold", "h"), ask()], vec![(On::Event("Cancel", None), vec![N])])],
            Script { events: vec![(200, "Cancel")], ..answers(&[(300, "bo", 1)]) },
            "hold ask +Cancel release notify completed @over",
        ),
        case(
            "the time of the scope around it is up first",
            vec![attempt(vec![open("hold", "h"), ask()], vec![(On::After(400), vec![N])])],
            answers(&[(401, "bo", 1)]),
            "hold ask release @over notify completed",
        ),
        case(
            "the same while the home of another wait is slow to answer",
            vec![attempt(
                vec![S::Parallel(vec![vec![ask(), S::Do("ship")], vec![S::Await("Go", None)]])],
                vec![(On::After(400), vec![N])],
            )],
            Script { offer_ms: 200, ..answers(&[(500, "bo", 1)]) },
            "ask @over notify completed",
        ),
        case(
            "each round asks anew",
            vec![S::Set("n", 0), S::Repeat(3, vec![ask(), S::Inc("n")], Some(("n", 2)))],
            answers(&[(300, "bo", 1), (400, "bo", 2)]),
            "ask @accepted ask @accepted completed",
        ),
        case(
            "what runs meanwhile holds the answer back, and no longer",
            vec![S::Attempt(vec![ask(), N], vec![], vec![(Every::Ms(290), vec![S::Wait(50), S::Do("pack")])])],
            answers(&[(300, "bo", 1)]),
            "ask @accepted pack notify completed",
        ),
        case(
            "past a point of no return it goes on asking",
            vec![attempt(
                vec![S::Parallel(vec![
                    vec![attempt(vec![S::Ponr, ask(), S::Do("ship")], vec![])],
                    vec![S::Wait(200), S::Fail("Boom")],
                ])],
                boom(vec![N]),
            )],
            answers(&[(300, "bo", 1)]),
            "ask @accepted ship notify completed",
        ),
    ]);
}

#[test]
fn which_arm_of_a_govern_decided_is_told() {
    let governed = |n| vec![S::Set("r", n), S::Govern("r", vec![N], vec![S::Do("check")]), S::Do("ship")];
    run_all(vec![
        case("the arm that holds", governed(1), none(), "chosen:0 notify ship completed"),
        case("otherwise", governed(2), none(), "chosen:otherwise check ship completed"),
    ]);
}

#[test]
fn a_model_that_is_down_is_stood_in_for() {
    let predicts = || vec![S::Predict, S::Show("advice")];
    let down = [("predict", 1, Reply::Unknown), ("predict", 2, Reply::Refused), ("predict", 3, Reply::Refused)];
    run_all(vec![
        case(
            "its retries are used up: the fallback counts, without an incident",
            predicts(),
            replies(&down),
            "predict? predict- predict- fallback =7 completed",
        ),
        case("a retry helps", predicts(), replies(&down[..2]), "predict? predict- predict =None completed"),
        case(
            "one that is told the call makes no sense is looked at",
            predicts(),
            Script { by_hand: Some((500, Reply::Ok)), ..replies(&[("predict", 1, Reply::Rejected)]) },
            "predictx incident:refused =None completed",
        ),
    ]);
}
