//! What a handler keeps, and the values of branches. Every case runs with a crash after every input.
mod common;

use common::{
    build::*,
    case::*,
    drive::{Drive, Script},
    world::Reply,
};

fn keep(names: &[&str], (what, block): (On, Block)) -> (On, Block) {
    (On::Keeping(names.iter().map(ToString::to_string).collect(), Box::new(what)), block)
}
fn cancel(block: Block) -> (On, Block) {
    (On::Event("Cancel", None), block)
}

#[test]
fn what_is_older_is_let_go_and_the_rest_is_kept() {
    let body = || vec![open("hold", "old"), open("hold", "h"), open("authorise", "c"), S::Fail("Boom")];
    run_all(vec![
        case(
            "kept with what was opened since, and closed by the handler",
            vec![attempt(
                body(),
                vec![keep(&["h", "c"], errs(&["Boom"], vec![N, on("void", "c"), on("commit", "h")]))],
            )],
            none(),
            "hold hold authorise release notify void commit completed",
        ),
        case(
            "the later of two names: only from there on",
            vec![attempt(body(), vec![keep(&["c"], errs(&["Boom"], vec![N, on("capture", "c")]))])],
            none(),
            "hold hold authorise release release notify capture completed",
        ),
        case(
            "names in any order",
            vec![attempt(body(), vec![keep(&["c", "h"], errs(&["Boom"], vec![on("void", "c"), on("release", "h")]))])],
            none(),
            "hold hold authorise release void release completed",
        ),
        case(
            "another handler of the same attempt keeps nothing",
            vec![attempt(body(), vec![keep(&["h", "c"], cancel(vec![])), errs(&["Boom"], vec![N])])],
            none(),
            "hold hold authorise void release release notify completed",
        ),
        case(
            "steps since are kept too: undone when the handler fails in its turn, newest first",
            vec![attempt(
                vec![attempt(
                    vec![
                        S::Do("post_invoice"),
                        open("hold", "h"),
                        S::Do("assign_pick"),
                        attempt(vec![S::Do("pack")], vec![]),
                        S::Fail("Boom"),
                    ],
                    vec![keep(&["h"], errs(&["Boom"], vec![S::Do("assign_pick"), S::Fail("Boom")]))],
                )],
                boom(vec![N]),
            )],
            none(),
            "post_invoice hold assign_pick pack post_credit_note assign_pick cancel_pick cancel_pick cancel_pick release notify \
             completed",
        ),
        case(
            "and stay done when it ends well",
            vec![attempt(
                vec![open("hold", "h"), S::Do("assign_pick"), S::Fail("Boom")],
                vec![keep(&["h"], errs(&["Boom"], vec![on("commit", "h")]))],
            )],
            none(),
            "hold assign_pick commit completed",
        ),
        case(
            "what the handler hands up is undone by the scope around",
            vec![attempt(
                vec![
                    attempt(
                        vec![open("hold", "h"), S::Do("assign_pick"), S::Fail("Boom")],
                        vec![keep(&["h"], errs(&["Boom"], vec![N]))],
                    ),
                    S::Fail("Boom"),
                ],
                boom(vec![S::Do("ship")]),
            )],
            none(),
            "hold assign_pick notify cancel_pick release ship completed",
        ),
    ]);
}

#[test]
fn its_own_call_may_have_been_the_last() {
    let body = || vec![open("hold", "old"), open("hold", "h"), S::Wait(1000)];
    run_all(vec![
        case(
            "refused: there is nothing to keep, and what is older is let go",
            vec![attempt(body(), vec![keep(&["h"], errs(&["OutOfStock"], vec![N]))])],
            replies(&[("hold", 2, Reply::Error("OutOfStock"))]),
            "hold hold!OutOfStock release notify completed",
        ),
        case(
            "no answer, and it never took place: kept in doubt",
            vec![attempt(body(), vec![keep(&["h"], cancel(vec![N, on("release", "h")]))])],
            Script { events: vec![(20, "Cancel")], ..replies(&[("hold", 2, Reply::Unknown)]) },
            "hold hold? +Cancel release notify release completed",
        ),
        case(
            "an answer that was lost: kept in doubt, closed once",
            vec![attempt(body(), vec![keep(&["h"], cancel(vec![N, on("release", "h")]))])],
            Script { events: vec![(20, "Cancel")], ..replies(&[("hold", 2, Reply::Lost)]) },
            "hold hold~ +Cancel release notify release completed",
        ),
        case(
            "kept in doubt, and let go by its row when the handler fails",
            vec![attempt(vec![attempt(body(), vec![keep(&["h"], cancel(vec![S::Fail("Boom")]))])], boom(vec![N]))],
            Script { events: vec![(20, "Cancel")], ..replies(&[("hold", 2, Reply::Lost)]) },
            "hold hold~ +Cancel release release notify completed",
        ),
        case(
            "an answer that comes while the attempt is left",
            vec![attempt(body(), vec![keep(&["h"], cancel(vec![N, on("commit", "h")]))])],
            Script { events: vec![(5, "Cancel")], ..replies(&[("hold", 2, Reply::Slow(50))]) },
            "hold hold +Cancel release notify commit completed",
        ),
        case(
            "the attempt is left before it is opened",
            vec![attempt(
                vec![open("hold", "old"), S::Wait(1000), open("hold", "h")],
                vec![keep(&["h"], cancel(vec![N]))],
            )],
            events(&[(20, "Cancel")]),
            "hold +Cancel release notify completed",
        ),
        case(
            "time is up",
            vec![attempt(body(), vec![keep(&["h"], (On::After(500), vec![on("release", "h")]))])],
            none(),
            "hold hold release release completed",
        ),
        case(
            "a wait's deadline",
            vec![attempt(
                vec![open("hold", "old"), open("hold", "h"), S::Await("Go", Some((100, None)))],
                vec![keep(&["h"], (On::Deadline(None), vec![on("commit", "h")]))],
            )],
            none(),
            "hold hold release commit completed",
        ),
    ]);
}

#[test]
fn blocks_that_had_not_ended_are_let_go() {
    let hold = |then: Block| with(vec![open("hold", "p")], then);
    run_all(vec![
        case(
            "an inner attempt that is left with it; a finished one has handed up",
            vec![attempt(
                vec![
                    open("hold", "h"),
                    attempt(vec![S::Do("assign_pick")], vec![]),
                    attempt(vec![S::Do("post_invoice"), S::Fail("Boom")], vec![]),
                ],
                vec![keep(&["h"], errs(&["Boom"], vec![N, on("commit", "h")]))],
            )],
            none(),
            "hold assign_pick post_invoice post_credit_note notify commit completed",
        ),
        case(
            "branches are one block: those that had ended are let go with it",
            vec![attempt(
                vec![
                    open("authorise", "c"),
                    S::Parallel(vec![vec![S::Do("assign_pick")], hold(vec![S::Wait(100), S::Fail("Boom")])]),
                ],
                vec![keep(&["c"], errs(&["Boom"], vec![N, S::Do("check"), on("capture", "c")]))],
            )],
            none(),
            "authorise assign_pick hold release cancel_pick notify check capture completed",
        ),
        case(
            "a step without an answer is undone, though it is newer; what is done is kept",
            vec![attempt(
                vec![open("hold", "h"), S::Do("pack"), S::Do("assign_pick"), S::Wait(1000)],
                vec![keep(&["h"], cancel(vec![N, on("commit", "h")]))],
            )],
            Script { events: vec![(30, "Cancel")], ..replies(&[("assign_pick", 1, Reply::Lost)]) },
            "hold pack assign_pick~ +Cancel cancel_pick notify commit completed",
        ),
        case(
            "a resource without an answer that has no name in the handler is let go",
            vec![attempt(
                vec![open("hold", "h"), open("authorise", "c"), S::Wait(1000)],
                vec![keep(&["h"], cancel(vec![N, on("commit", "h")]))],
            )],
            Script { events: vec![(20, "Cancel")], ..replies(&[("authorise", 1, Reply::Lost)]) },
            "hold authorise~ +Cancel void notify commit completed",
        ),
        case(
            "rounds that had ended are let go with the rest of their loop",
            vec![attempt(
                vec![
                    open("hold", "h"),
                    S::Set("n", 0),
                    S::Repeat(
                        3,
                        vec![S::Do("assign_pick"), S::Inc("n"), S::When("n", 2, vec![S::Fail("Boom")], vec![])],
                        None,
                    ),
                ],
                vec![keep(&["h"], errs(&["Boom"], vec![N, on("commit", "h")]))],
            )],
            none(),
            "hold assign_pick assign_pick cancel_pick cancel_pick notify commit completed",
        ),
        case(
            "and the rest follows when the handler fails",
            vec![attempt(
                vec![attempt(
                    vec![
                        open("authorise", "c"),
                        S::Parallel(vec![vec![S::Do("assign_pick")], hold(vec![S::Wait(100), S::Fail("Boom")])]),
                    ],
                    vec![keep(&["c"], errs(&["Boom"], vec![S::Fail("Boom")]))],
                )],
                boom(vec![N]),
            )],
            none(),
            "authorise assign_pick hold release cancel_pick void notify completed",
        ),
        case(
            "a part of a whole that is kept is let go with its element",
            vec![attempt(
                vec![
                    open("authorise", "c"),
                    S::Each(Each {
                        n: 2,
                        width: None,
                        sharing: Some(("c".to_owned(), 10, "m".to_owned())),
                        body: vec![S::Wait(100), S::Fail("Boom")],
                        result: None,
                    }),
                ],
                vec![keep(&["c"], errs(&["Boom"], vec![on("capture", "c")]))],
            )],
            none(),
            "authorise void void capture completed",
        ),
    ]);
}

#[test]
fn the_handler_is_a_scope_like_any_other() {
    run_all(vec![
        case(
            "the run is ended while the older rest is let go: the kept follows",
            vec![attempt(
                vec![open("hold", "old"), open("hold", "h"), S::Fail("Boom")],
                vec![keep(&["h"], errs(&["Boom"], vec![N]))],
            )],
            Script { settle_at: Some(30), ..replies(&[("release", 1, Reply::Slow(50))]) },
            "hold hold release release settled",
        ),
        case(
            "the run is ended in the handler",
            vec![attempt(
                vec![open("hold", "h"), S::Fail("Boom")],
                vec![keep(&["h"], errs(&["Boom"], vec![S::Wait(1000), on("commit", "h")]))],
            )],
            Script { settle_at: Some(30), ..none() },
            "hold release settled",
        ),
        case(
            "an event interrupts the attempt around the handler",
            vec![attempt(
                vec![attempt(
                    vec![open("hold", "h"), S::Fail("Boom")],
                    vec![keep(&["h"], errs(&["Boom"], vec![S::Wait(1000), on("commit", "h")]))],
                )],
                vec![cancel(vec![N])],
            )],
            events(&[(20, "Cancel")]),
            "hold +Cancel release notify completed",
        ),
        case(
            "an event interrupts the attempt around while the older rest is let go",
            vec![attempt(
                vec![attempt(
                    vec![open("hold", "old"), open("hold", "h"), S::Fail("Boom")],
                    vec![keep(&["h"], errs(&["Boom"], vec![on("commit", "h")]))],
                )],
                vec![cancel(vec![N])],
            )],
            Script { events: vec![(30, "Cancel")], ..replies(&[("release", 1, Reply::Slow(50))]) },
            "hold hold release +Cancel release notify completed",
        ),
        case(
            "letting go is parked, and goes on by a retry: the kept waits",
            vec![attempt(
                vec![S::Do("assign_pick"), open("hold", "h"), S::Fail("Boom")],
                vec![keep(&["h"], errs(&["Boom"], vec![on("commit", "h")]))],
            )],
            Script { retry_at: vec![1000], ..replies(&[("cancel_pick", 1, Reply::Rejected)]) },
            "assign_pick hold cancel_pickx incident:refused cancel_pick commit completed",
        ),
        case(
            "a point of no return in the handler: nobody undoes what was kept",
            vec![attempt(
                vec![
                    attempt(
                        vec![open("hold", "h"), S::Do("assign_pick"), S::Fail("Boom")],
                        vec![keep(&["h"], errs(&["Boom"], vec![S::Ponr, on("commit", "h")]))],
                    ),
                    N,
                ],
                vec![],
            )],
            none(),
            "hold assign_pick commit notify completed",
        ),
        case(
            "an attempt in the handler has a point of no return of its own",
            vec![attempt(
                vec![attempt(
                    vec![open("hold", "h"), S::Do("assign_pick"), S::Fail("Boom")],
                    vec![keep(
                        &["h"],
                        errs(&["Boom"], vec![attempt(vec![S::Ponr, on("commit", "h")], vec![]), S::Fail("Boom")]),
                    )],
                )],
                boom(vec![N]),
            )],
            none(),
            "hold assign_pick commit cancel_pick notify completed",
        ),
        case(
            "a handler that keeps inside of a handler that keeps",
            vec![attempt(
                vec![open("hold", "old"), open("hold", "h"), S::Fail("Boom")],
                vec![keep(
                    &["h"],
                    errs(
                        &["Boom"],
                        vec![attempt(
                            vec![open("authorise", "c"), on("commit", "h"), S::Fail("Boom")],
                            vec![keep(&["c"], errs(&["Boom"], vec![on("void", "c")]))],
                        )],
                    ),
                )],
            )],
            none(),
            "hold hold release authorise commit void completed",
        ),
    ]);
}

/// Settled at every point, with answers that are lost at the worst places: at the end nothing is left.
#[test]
fn settled_at_every_point() {
    let inner = attempt(
        vec![
            S::Do("assign_pick"),
            open("hold", "h"),
            open("authorise", "c"),
            S::Parallel(vec![vec![S::Do("pack")], vec![S::Wait(40)]]),
            S::Do("check"),
            S::Wait(1000),
        ],
        vec![
            keep(&["h", "c"], errs(&["Boom"], vec![S::Wait(50), on("void", "c"), S::Fail("Boom")])),
            keep(&["c"], (On::After(300), vec![S::Do("post_invoice"), S::Ponr, on("void", "c")])),
        ],
    );
    let flow = vec![attempt(vec![inner, N], vec![errs(&["Boom"], vec![N]), cancel(vec![N])])];
    let faults = [
        vec![],
        vec![("check", 1, Reply::Error("Boom"))],
        vec![("check", 1, Reply::Error("Boom")), ("cancel_pick", 1, Reply::Slow(60))],
        vec![("hold", 1, Reply::Lost), ("check", 1, Reply::Error("Boom"))],
        vec![("authorise", 1, Reply::Lost), ("release", 1, Reply::Unknown)],
        vec![("authorise", 1, Reply::Unknown), ("authorise", 2, Reply::Unknown)],
    ];
    for replies in faults {
        for at in (0..600).step_by(3) {
            for event in [None, Some((at + 2, "Cancel"))] {
                let settle_at = event.is_none().then_some(at);
                let events = event.into_iter().collect();
                let script = Script { replies: replies.clone(), settle_at, events, ..Script::default() };
                let mut drive = Drive::new(common::build::bundle(&flow), script);
                drive.crash_always = at % 5 == 0;
                drive.go();
                assert!(drive.run.ending.is_some(), "settled at {at}: {}", drive.trace());
                drive.accounts();
            }
        }
    }
}

#[test]
fn values_of_branches() {
    run_all(vec![
        case(
            "each branch has its own; one without a value leaves none",
            vec![
                S::Both(vec!["a", "b"], vec![vec![S::Wait(100), S::Give(7)], vec![N, S::Give(9)]]),
                S::Show("a"),
                S::Show("b"),
            ],
            none(),
            "notify =7 =9 completed",
        ),
        case(
            "a value that is there when another branch fails is gone with the attempt",
            vec![attempt(
                vec![S::Both(vec!["a", "b"], vec![vec![S::Give(1)], vec![S::Wait(100), S::Fail("Boom")]])],
                boom(vec![N]),
            )],
            none(),
            "notify completed",
        ),
    ]);
}
