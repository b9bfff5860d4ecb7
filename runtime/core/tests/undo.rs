//! Resource states, undo, and points of no return. Every case runs with a crash after every input.
mod common;

use common::{build::*, case::*, drive::Script, world::Reply};

#[test]
fn states_and_undo() {
    let fails = |block: Block| vec![attempt(with(block, vec![S::Fail("Boom")]), boom(vec![N]))];
    run_all(vec![
        case(
            "released by hand, then a failure: nothing is released twice",
            fails(vec![open("hold", "h"), on("release", "h")]),
            none(),
            "hold release notify completed",
        ),
        case(
            "captured, then a failure: refunded",
            fails(vec![open("authorise", "c"), on("capture", "c")]),
            none(),
            "authorise capture refund notify completed",
        ),
        case(
            "a capture in doubt: the void tells that it took place",
            vec![attempt(vec![open("authorise", "c"), on("capture", "c")], vec![(On::Event("Cancel", None), vec![N])])],
            Script { events: vec![(20, "Cancel")], ..replies(&[("capture", 1, Reply::Lost)]) },
            "authorise capture~ +Cancel void!AlreadyCaptured refund notify completed",
        ),
        case(
            "a capture in doubt that didn't take place",
            vec![attempt(vec![open("authorise", "c"), on("capture", "c")], vec![(On::Event("Cancel", None), vec![N])])],
            Script { events: vec![(20, "Cancel")], ..replies(&[("capture", 1, Reply::Unknown)]) },
            "authorise capture? +Cancel void notify completed",
        ),
        case(
            "a doubt that is settled forward",
            vec![attempt(vec![open("hold", "h"), on("commit", "h")], vec![(On::Event("Cancel", None), vec![N])])],
            Script { events: vec![(20, "Cancel")], ..replies(&[("commit", 1, Reply::Unknown)]) },
            "hold commit? +Cancel commit notify completed",
        ),
        case(
            "an error may say where the resource is",
            vec![
                open("authorise", "c"),
                S::Wait(60_000),
                attempt(vec![on("capture", "c")], vec![errs(&["CaptureFailed"], vec![N])]),
            ],
            replies(&[("capture", 1, Reply::Error("CaptureFailed"))]),
            "authorise capture!CaptureFailed notify completed",
        ),
        case(
            "a state ends by itself",
            vec![attempt(vec![open("authorise", "c"), S::Wait(60_000)], vec![]), S::Fail("Boom")],
            Script { card_life_ms: Some(1000), ..none() },
            "authorise failed:Boom",
        ),
        case(
            "a lapsed card isn't taken",
            vec![open("authorise", "c"), S::Wait(60_000), on("capture", "c")],
            Script { card_life_ms: Some(1000), settle_at: Some(70_000), ..none() },
            "authorise incident:state settled",
        ),
        case(
            "a state that ends while a call is out that leaves it as it was",
            vec![open("authorise", "c"), S::Retry("notify", 0), on("void", "c")],
            Script { card_life_ms: Some(3), ..replies(&[("void", 1, Reply::Refused)]) },
            "authorise notify incident:state parked",
        ),
        case(
            "past its point of no return a body goes to its end, but nothing more begins beside it",
            vec![attempt(
                vec![S::Attempt(vec![S::Ponr, S::Await("Go", None)], vec![], vec![(Every::Ms(150), vec![N])])],
                vec![],
            )],
            Script { settle_at: Some(309), events: vec![(900, "Go")], ..replies(&[("notify", 1, Reply::Slow(175))]) },
            "notify +Go settled",
        ),
        case(
            "an undo that uses the result first repeats the step",
            vec![attempt(vec![S::Do("post_invoice")], vec![(On::Event("Cancel", None), vec![N])])],
            Script {
                events: vec![(10, "Cancel")],
                ..replies(&[("post_invoice", 1, Reply::Lost), ("post_invoice", 2, Reply::Refused)])
            },
            "post_invoice~ +Cancel post_invoice- post_invoice post_credit_note notify completed",
        ),
        case(
            "but not once its key is no longer kept: then a person says what came of it",
            vec![attempt(vec![S::Do("post_invoice")], vec![(On::Event("Cancel", None), vec![N])])],
            Script {
                answer_ms: 3_599_990,
                events: vec![(3_700_000, "Cancel")],
                retry_at: vec![3_750_000],
                by_hand: Some((3_800_000, Reply::Error("Boom"))),
                ..replies(&[("post_invoice", 1, Reply::Unknown)])
            },
            "post_invoice? incident:refused +Cancel incident:refused incident:refused notify completed",
        ),
        case(
            "and when it never took place, there is nothing to undo",
            vec![attempt(vec![S::Do("post_invoice")], vec![(On::Event("Cancel", None), vec![N])])],
            Script {
                events: vec![(10, "Cancel")],
                ..replies(&[("post_invoice", 1, Reply::Unknown), ("post_invoice", 2, Reply::Error("Boom"))])
            },
            "post_invoice? +Cancel post_invoice!Boom notify completed",
        ),
        case(
            "an undo accepts a step that never took place",
            vec![attempt(vec![S::Do("assign_pick")], vec![(On::Event("Cancel", None), vec![N])])],
            Script { events: vec![(10, "Cancel")], ..replies(&[("assign_pick", 1, Reply::Unknown)]) },
            "assign_pick? +Cancel cancel_pick notify completed",
        ),
        case(
            "nested attempts hand up what they did",
            fails(vec![
                attempt(vec![open("hold", "h"), attempt(vec![S::Do("assign_pick")], vec![])], vec![]),
                S::Do("post_invoice"),
            ]),
            none(),
            "hold assign_pick post_invoice post_credit_note cancel_pick release notify completed",
        ),
        case(
            "inner scopes first, and their handlers don't run",
            vec![attempt(
                vec![
                    open("hold", "h"),
                    attempt(vec![open("authorise", "c"), S::Await("Go", None)], boom(vec![S::Do("ship")])),
                ],
                vec![(On::Event("Cancel", None), vec![N])],
            )],
            events(&[(100, "Cancel")]),
            "hold authorise +Cancel void release notify completed",
        ),
        case(
            "a handler lies outside its own attempt",
            vec![attempt(
                vec![attempt(vec![S::Fail("Boom")], boom(vec![open("hold", "h"), S::Fail("Boom")]))],
                boom(vec![N]),
            )],
            none(),
            "hold release notify completed",
        ),
        case(
            "an error that nobody takes ends the run",
            opened(vec![S::Do("assign_pick"), S::Fail("Boom")]),
            none(),
            "hold authorise assign_pick cancel_pick void release failed:Boom",
        ),
    ]);
}

#[test]
fn points_of_no_return() {
    let late = || Some(vec![S::Do("ship")]);
    let order = |tail: Block, too_late: Option<Block>| {
        vec![
            attempt(with(opened(closing()), tail), vec![(On::Event("Cancel", too_late), vec![S::Stop("cancelled")])]),
            S::Stop("done"),
        ]
    };
    run_all(vec![
        case(
            "an event interrupts before it",
            order(vec![], late()),
            events(&[(7, "Cancel")]),
            "hold authorise +Cancel void release stopped:cancelled",
        ),
        case(
            "too late past it",
            order(vec![S::Wait(1000)], late()),
            events(&[(500, "Cancel")]),
            "hold authorise commit capture +Cancel ship stopped:done",
        ),
        case(
            "too late, while the last call is out: answered before the attempt is left",
            order(vec![S::Do("notify")], late()),
            Script {
                events: vec![(25, "Cancel")],
                ..replies(&[("notify", 1, Reply::Slow(100)), ("ship", 1, Reply::Slow(500))])
            },
            "hold authorise commit capture notify +Cancel ship stopped:done",
        ),
        case(
            "nobody takes it without a `too late`",
            order(vec![S::Wait(1000)], None),
            events(&[(500, "Cancel")]),
            "hold authorise commit capture stopped:done",
        ),
        case(
            "a `too late` before a `stop`",
            vec![attempt(vec![S::Ponr, S::Do("check"), S::Stop("done")], vec![(On::Event("Cancel", late()), vec![])])],
            Script { events: vec![(2, "Cancel")], ..replies(&[("ship", 1, Reply::Slow(500))]) },
            "check +Cancel ship stopped:done",
        ),
        case(
            "a `stop` in a `too late`",
            vec![attempt(
                vec![S::Ponr, S::Wait(1000)],
                vec![(On::Event("Cancel", Some(vec![N, S::Stop("late")])), vec![])],
            )],
            events(&[(500, "Cancel")]),
            "+Cancel notify stopped:late",
        ),
        case(
            "a `too late` that fails goes to the next one outward, when the body has ended",
            vec![attempt(
                vec![
                    open("hold", "h"),
                    attempt(
                        vec![S::Ponr, S::Wait(1000), S::Do("ship")],
                        vec![(On::Event("Cancel", Some(vec![S::Fail("Boom")])), vec![])],
                    ),
                    S::Do("check"),
                ],
                boom(vec![N]),
            )],
            events(&[(500, "Cancel")]),
            "hold +Cancel ship release notify completed",
        ),
        case(
            "a `too late` that fails while an outer interrupt waits",
            vec![attempt(
                vec![attempt(
                    vec![S::Ponr, S::Wait(1000), S::Do("ship")],
                    vec![(On::Event("Cancel", Some(vec![S::Fail("Boom")])), vec![])],
                )],
                vec![errs(&["Boom"], vec![]), (On::Event("Nudge", None), vec![N])],
            )],
            events(&[(400, "Nudge"), (500, "Cancel")]),
            "+Nudge +Cancel ship notify completed",
        ),
        case(
            "interrupts from outside wait until it ends",
            vec![attempt(
                vec![
                    open("hold", "h"),
                    attempt(vec![open("authorise", "c"), S::Ponr, S::Wait(1000), on("capture", "c")], vec![]),
                    S::Do("check"),
                ],
                vec![(On::Event("Cancel", None), vec![N])],
            )],
            events(&[(500, "Cancel")]),
            "hold authorise +Cancel capture release notify completed",
        ),
        case(
            "a state reached past it isn't undone by an outer scope",
            vec![attempt(
                vec![
                    open("authorise", "c"),
                    attempt(vec![S::Ponr, on("capture", "c")], vec![]),
                    S::Do("assign_pick"),
                    S::Fail("Boom"),
                ],
                boom(vec![N]),
            )],
            none(),
            "authorise capture assign_pick cancel_pick notify completed",
        ),
        case(
            "nor one reached before it in the same attempt",
            vec![attempt(
                vec![
                    open("authorise", "c"),
                    attempt(vec![on("capture", "c"), S::Ponr, S::Do("ship")], vec![]),
                    S::Fail("Boom"),
                ],
                boom(vec![N]),
            )],
            none(),
            "authorise capture ship notify completed",
        ),
        case(
            "an attempt inside it still undoes its own",
            vec![attempt(
                vec![
                    S::Ponr,
                    attempt(vec![open("hold", "h"), S::Do("assign_pick"), S::Fail("Boom")], boom(vec![N])),
                    S::Do("ship"),
                ],
                vec![],
            )],
            none(),
            "hold assign_pick cancel_pick release notify ship completed",
        ),
        case(
            "settling waits until it ends",
            vec![open("hold", "h"), attempt(vec![S::Ponr, S::Wait(1000), S::Do("ship")], vec![]), S::Do("check")],
            Script { settle_at: Some(500), ..none() },
            "hold ship release settled",
        ),
        case(
            "time is up past it",
            vec![attempt(vec![S::Ponr, S::Wait(1000), N], vec![(On::After(500), vec![S::Do("ship")])])],
            none(),
            "notify completed",
        ),
        case(
            "time is up around one: its waits stay",
            vec![attempt(
                vec![attempt(vec![S::Ponr, S::Await("Go", None), S::Do("ship")], vec![]), S::Do("check")],
                vec![(On::After(500), vec![N])],
            )],
            events(&[(1000, "Go")]),
            "+Go ship notify completed",
        ),
    ]);
}
