//! Time, events and what runs meanwhile. Every case runs with a crash after every input.
mod common;

use common::{build::*, case::*, drive::Script, world::Reply};

#[test]
fn time_and_events() {
    let awaits = |within| S::Await("Go", Some((1000, within)));
    let arms = || S::First(vec![("Go", vec![N]), ("Nudge", vec![S::Do("ship")])], Some((1000, vec![S::Do("check")])));
    run_all(vec![
        case("an event in time", vec![awaits(None), N], events(&[(500, "Go")]), "+Go notify completed"),
        case(
            "an event that came before",
            vec![S::Wait(300), S::Await("Go", None)],
            events(&[(100, "Go")]),
            "+Go completed",
        ),
        case(
            "after an `await` the scope still waits for what interrupts it, and for its time",
            vec![
                attempt(vec![S::Await("Go", None), S::Wait(1000)], vec![(On::Event("Cancel", None), vec![N])]),
                attempt(
                    vec![S::Await("Go", Some((9000, None))), S::Wait(1000)],
                    vec![(On::After(1000), vec![S::Do("ship")])],
                ),
            ],
            events(&[(100, "Go"), (200, "Cancel"), (400, "Go")]),
            "+Go +Cancel notify +Go ship completed",
        ),
        case(
            "a deadline",
            vec![attempt(vec![open("hold", "h"), awaits(None)], vec![(On::Deadline(None), vec![N])])],
            none(),
            "hold release notify completed",
        ),
        case(
            "a deadline by its name",
            vec![attempt(
                vec![open("hold", "h"), awaits(Some("w"))],
                vec![(On::Deadline(Some("v")), vec![S::Do("ship")]), (On::Deadline(Some("w")), vec![N])],
            )],
            none(),
            "hold release notify completed",
        ),
        case("the first arm", vec![arms()], events(&[(300, "Go"), (400, "Nudge")]), "+Go notify completed"),
        case("the second arm", vec![arms()], events(&[(300, "Nudge")]), "+Nudge ship completed"),
        case("no arm in time", vec![arms()], events(&[(1500, "Nudge")]), "check completed"),
        case(
            "an event acknowledged before the timer is due beats it",
            vec![attempt(vec![awaits(None), N], vec![(On::Deadline(None), vec![S::Do("ship")])])],
            Script { offer_ms: 200, ..events(&[(999, "Go")]) },
            "+Go notify completed",
        ),
        case(
            "one acknowledged later doesn't",
            vec![attempt(vec![awaits(None), N], vec![(On::Deadline(None), vec![S::Do("ship")])])],
            Script { offer_ms: 200, ..events(&[(1001, "Go")]) },
            "ship completed",
        ),
        case(
            "the same for a scope: an interrupt before its time is up",
            vec![attempt(
                vec![open("hold", "h"), S::Wait(5000)],
                vec![(On::After(1000), vec![S::Do("ship")]), (On::Event("Cancel", None), vec![N])],
            )],
            Script { offer_ms: 200, ..events(&[(999, "Cancel")]) },
            "hold +Cancel release notify completed",
        ),
        case(
            "an event inside a scope whose time is up moves it no further than the next step",
            vec![attempt(
                vec![open("hold", "h"), S::Await("Go", None), S::Do("check")],
                vec![(On::After(1000), vec![N])],
            )],
            Script { offer_ms: 200, ..events(&[(999, "Go")]) },
            "hold +Go release notify completed",
        ),
        case(
            "time is up",
            vec![attempt(vec![open("hold", "h"), S::Await("Go", None)], vec![(On::After(1000), vec![N])])],
            none(),
            "hold release notify completed",
        ),
        case(
            "time is up while a call is out",
            vec![attempt(vec![open("hold", "h"), S::Do("check")], vec![(On::After(1000), vec![N])])],
            replies(&[("check", 1, Reply::Slow(5000))]),
            "hold check release notify completed",
        ),
        case(
            "two timers at once: the outer scope is left",
            vec![attempt(
                vec![attempt(vec![S::Await("Go", None)], vec![(On::After(1000), vec![S::Do("ship")])])],
                vec![(On::After(1000), vec![N]), (On::Event("Cancel", None), vec![])],
            )],
            Script { offer_ms: 50, ..none() },
            "notify completed",
        ),
        case(
            "rounds until a condition holds",
            vec![S::Set("n", 0), S::Repeat(5, vec![S::Inc("n"), N], Some(("n", 3))), S::Show("n")],
            none(),
            "notify notify notify =3 completed",
        ),
        case(
            "a value that is given ends the rounds",
            vec![
                S::Set("n", 0),
                S::Repeat(5, vec![S::Inc("n"), N, S::When("n", 2, vec![S::Give(7)], vec![])], None),
                S::Show("n"),
            ],
            none(),
            "notify notify =2 completed",
        ),
        case(
            "rounds exhausted",
            vec![attempt(
                vec![open("hold", "h"), S::Repeat(2, vec![S::Do("assign_pick")], None)],
                vec![(On::Exhausted, vec![N])],
            )],
            none(),
            "hold assign_pick assign_pick cancel_pick cancel_pick release notify completed",
        ),
        case(
            "an expression without a value, tried again",
            vec![S::Set("n", 0), S::Divide("n"), N],
            Script { retry_at: vec![100], settle_at: Some(200), ..none() },
            "incident:eval incident:eval settled",
        ),
    ]);
}

#[test]
fn meanwhile() {
    let beside = |body: Block, every: Every, block: Block| S::Attempt(body, vec![], vec![(every, block)]);
    run_all(vec![
        case(
            "every so often while the body waits",
            vec![beside(vec![S::Await("Go", None)], Every::Ms(300), vec![N])],
            events(&[(1000, "Go")]),
            "notify notify notify +Go completed",
        ),
        case(
            "ticks without a pause between them don't keep time from going on",
            vec![beside(vec![S::Wait(50)], Every::Ms(0), vec![])],
            none(),
            "completed",
        ),
        case(
            "the body stands still while one runs",
            vec![beside(vec![S::Await("Go", None), S::Do("ship")], Every::Ms(300), vec![N])],
            Script { events: vec![(320, "Go")], ..replies(&[("notify", 1, Reply::Slow(200))]) },
            "notify +Go ship completed",
        ),
        case(
            "ticks coalesce, one runs at a time",
            vec![beside(vec![S::Await("Go", None)], Every::Ms(300), vec![N])],
            Script { events: vec![(2000, "Go")], ..replies(&[("notify", 1, Reply::Slow(1650))]) },
            "notify notify +Go completed",
        ),
        case(
            "it assigns what the attempt sees, and waits on it are looked at again",
            vec![
                S::Set("n", 0),
                beside(vec![S::AwaitIf("Go", "n", 1), S::Show("n")], Every::Event("Nudge"), vec![S::Set("n", 1)]),
            ],
            events(&[(100, "Go"), (200, "Nudge")]),
            "+Nudge +Go =1 completed",
        ),
        case(
            "events one after the other",
            vec![beside(vec![S::Await("Go", None)], Every::Event("Nudge"), vec![N])],
            Script {
                events: vec![(100, "Nudge"), (110, "Nudge"), (900, "Go")],
                ..replies(&[("notify", 1, Reply::Slow(200))])
            },
            "+Nudge notify +Nudge notify +Go completed",
        ),
        case(
            "what waits is run before the attempt is left",
            vec![beside(vec![S::Do("check")], Every::Event("Nudge"), vec![N]), S::Do("ship")],
            Script {
                events: vec![(10, "Nudge"), (11, "Nudge")],
                ..replies(&[("check", 1, Reply::Slow(100)), ("notify", 1, Reply::Slow(500))])
            },
            "check +Nudge notify +Nudge notify ship completed",
        ),
        case(
            "and before a `stop`",
            vec![beside(vec![S::Do("check"), S::Stop("done")], Every::Event("Nudge"), vec![N])],
            Script {
                events: vec![(10, "Nudge")],
                ..replies(&[("check", 1, Reply::Slow(100)), ("notify", 1, Reply::Slow(500))])
            },
            "check +Nudge notify stopped:done",
        ),
        case(
            "an interrupt leaves it too, and what it opened is settled",
            vec![S::Attempt(
                vec![open("hold", "h"), S::Await("Go", None)],
                vec![(On::Event("Cancel", None), vec![N])],
                vec![(Every::Event("Nudge"), vec![open("authorise", "c"), S::Wait(1000), on("void", "c")])],
            )],
            events(&[(100, "Nudge"), (200, "Cancel")]),
            "hold +Nudge authorise +Cancel void release notify completed",
        ),
        case(
            "its own failure goes to the next one outward",
            vec![attempt(
                vec![S::Attempt(
                    vec![open("hold", "h"), S::Await("Go", None)],
                    boom(vec![S::Do("ship")]),
                    vec![(Every::Event("Nudge"), vec![S::Fail("Boom")])],
                )],
                boom(vec![N]),
            )],
            events(&[(100, "Nudge")]),
            "hold +Nudge release notify completed",
        ),
    ]);
}
