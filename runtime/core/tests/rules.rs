//! The rules of scopes, failure and undo, one small flow each. Every case runs with a crash after every input.
mod common;

use common::{
    build::{Block, Each, Every, On, S, attempt, each, errs, on, open},
    drive::{Drive, Script, play},
    world::Reply,
};

struct Case {
    name: &'static str,
    flow: Block,
    script: Script,
    want: &'static str,
}

/// A case whose accounts must be clean at its end.
fn case(name: &'static str, flow: Block, script: Script, want: &'static str) -> Case {
    Case { name, flow, script, want }
}

fn none() -> Script {
    Script::default()
}
fn replies(replies: &[(&'static str, u32, Reply)]) -> Script {
    Script { replies: replies.to_vec(), ..none() }
}
fn events(events: &[(i64, &'static str)]) -> Script {
    Script { events: events.to_vec(), ..none() }
}

fn run_all(cases: Vec<Case>) {
    let mut failed = Vec::new();
    for case in cases {
        let result = std::panic::catch_unwind(|| {
            let drive = play(&case.flow, case.script.clone());
            if drive.trace() == case.want && drive.run.ending.is_some() {
                drive.accounts();
            }
            drive.trace()
        });
        match result {
            Ok(trace) if trace == case.want => {}
            Ok(trace) => failed.push(format!("{}\n  want {}\n  got  {trace}", case.name, case.want)),
            Err(_) => failed.push(format!("{}: panicked", case.name)),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// hold, authorise; then the rest.
fn opened(rest: Block) -> Block {
    let mut block = vec![open("hold", "h"), open("authorise", "c")];
    block.extend(rest);
    block
}
/// point of no return, everything closed.
fn closing() -> Block {
    vec![S::Ponr, on("commit", "h"), attempt(vec![on("capture", "c")], vec![errs(&["CaptureFailed"], vec![])])]
}
fn with(mut first: Block, rest: Block) -> Block {
    first.extend(rest);
    first
}
fn boom(handler: Block) -> Vec<(On, Block)> {
    vec![errs(&["Boom"], handler)]
}
const N: S = S::Do("notify");

#[test]
fn calls_and_their_answers() {
    let refused = || vec![errs(&["OutOfStock", "Declined"], vec![N, S::Stop("refused")])];
    let order = || vec![attempt(opened(closing()), refused())];
    run_all(vec![
        case("straight through", order(), none(), "hold authorise commit capture completed"),
        case(
            "an error in the middle settles, newest first, then the handler",
            vec![attempt(opened(vec![S::Do("assign_pick"), S::Do("check")]), boom(vec![N, S::Stop("no")]))],
            replies(&[("check", 1, Reply::Error("Boom"))]),
            "hold authorise assign_pick check!Boom cancel_pick void release notify stopped:no",
        ),
        case(
            "declined",
            order(),
            replies(&[("authorise", 1, Reply::Error("Declined"))]),
            "hold authorise!Declined release notify stopped:refused",
        ),
        case(
            "a lost answer, then a retry",
            order(),
            replies(&[("hold", 1, Reply::Lost)]),
            "hold~ hold authorise commit capture completed",
        ),
        case(
            "the doubt of an earlier attempt is cleared by a business error",
            order(),
            replies(&[("hold", 1, Reply::Unknown), ("hold", 2, Reply::Error("OutOfStock"))]),
            "hold? hold!OutOfStock notify stopped:refused",
        ),
        case(
            "but not once the key is no longer kept",
            vec![attempt(vec![open("hold", "h"), S::Ponr, on("commit", "h")], refused())],
            Script {
                retry_at: vec![3_650_000],
                by_hand: Some((3_700_000, Reply::Error("OutOfStock"))),
                ..replies(&[("hold", 1, Reply::Lost), ("hold", 2, Reply::Refused), ("hold", 3, Reply::Refused)])
            },
            "hold~ hold- hold- incident:used-up incident:refused release notify stopped:refused",
        ),
        case(
            "an error that leaves the outcome unknown",
            vec![attempt(vec![S::Do("pack"), N], vec![errs(&["Foggy"], vec![N])])],
            replies(&[("pack", 1, Reply::Error("Foggy"))]),
            "pack!Foggy cancel_pick notify completed",
        ),
        case(
            "retries used up, tried again by an operator",
            vec![S::Do("check"), N],
            Script {
                retry_at: vec![60_000],
                ..replies(&[("check", 1, Reply::Refused), ("check", 2, Reply::Unknown), ("check", 3, Reply::Refused)])
            },
            "check- check? check- incident:used-up check notify completed",
        ),
        case(
            "answered by hand",
            vec![S::Do("check"), N],
            Script { by_hand: Some((60_000, Reply::Ok)), ..replies(&[("check", 1, Reply::Rejected)]) },
            "checkx incident:refused notify completed",
        ),
        case(
            "a business error by hand",
            vec![attempt(opened(vec![S::Do("check")]), boom(vec![N]))],
            Script { by_hand: Some((60_000, Reply::Error("Boom"))), ..replies(&[("check", 1, Reply::Rejected)]) },
            "hold authorise checkx incident:refused void release notify completed",
        ),
        case(
            "retries of its own",
            vec![S::Retry("check", 1), N],
            replies(&[("check", 1, Reply::Refused), ("check", 2, Reply::Refused)]),
            "check- check- incident:used-up parked",
        ),
        case(
            "an incident is settled",
            vec![attempt(opened(vec![S::Do("check")]), boom(vec![N]))],
            Script { settle_at: Some(60_000), ..replies(&[("check", 1, Reply::Rejected)]) },
            "hold authorise checkx incident:refused void release settled",
        ),
        case(
            "nonsense for an answer leaves doubt",
            vec![open("hold", "h")],
            Script { settle_at: Some(60_000), ..replies(&[("hold", 1, Reply::Nonsense)]) },
            "hold# incident:contract release settled",
        ),
        case(
            "an error that isn't declared leaves doubt",
            vec![open("hold", "h")],
            Script { settle_at: Some(60_000), ..replies(&[("hold", 1, Reply::Error("Boom"))]) },
            "hold!Boom incident:contract release settled",
        ),
        case(
            "settling repeats until it succeeds",
            vec![attempt(vec![open("hold", "h"), S::Fail("Boom")], boom(vec![N]))],
            replies(&[
                ("release", 1, Reply::Refused),
                ("release", 2, Reply::Lost),
                ("release", 3, Reply::Unknown),
                ("release", 4, Reply::Refused),
            ]),
            "hold release- release~ release? release- release notify completed",
        ),
    ]);
}

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
            "an undo that uses the result first repeats the step",
            vec![attempt(vec![S::Do("post_invoice")], vec![(On::Event("Cancel", None), vec![N])])],
            Script {
                events: vec![(10, "Cancel")],
                ..replies(&[("post_invoice", 1, Reply::Lost), ("post_invoice", 2, Reply::Refused)])
            },
            "post_invoice~ +Cancel post_invoice- post_invoice post_credit_note notify completed",
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
fn leaving_while_a_call_is_out() {
    let cancelled = |block: Block| vec![attempt(block, vec![(On::Event("Cancel", None), vec![N])])];
    run_all(vec![
        case(
            "it is awaited",
            cancelled(vec![open("hold", "h"), open("authorise", "c")]),
            Script { events: vec![(10, "Cancel")], ..replies(&[("authorise", 1, Reply::Slow(1000))]) },
            "hold authorise +Cancel void release notify completed",
        ),
        case(
            "its error counts as nothing happened, the first cause wins",
            vec![attempt(
                vec![open("hold", "h"), S::Do("check")],
                vec![(On::Event("Cancel", None), vec![N]), errs(&["Boom"], vec![S::Do("ship")])],
            )],
            Script { events: vec![(6, "Cancel")], ..replies(&[("check", 1, Reply::Error("Boom"))]) },
            "hold check!Boom +Cancel release notify completed",
        ),
        case(
            "without an answer it is in doubt",
            cancelled(vec![open("hold", "h"), open("authorise", "c")]),
            Script { events: vec![(10, "Cancel")], ..replies(&[("authorise", 1, Reply::Lost)]) },
            "hold authorise~ +Cancel void release notify completed",
        ),
        case(
            "an irreversible one isn't left before its outcome is known",
            cancelled(vec![open("hold", "h"), S::Do("ship")]),
            Script { events: vec![(10, "Cancel")], ..replies(&[("ship", 1, Reply::Lost)]) },
            "hold ship~ +Cancel ship release notify completed",
        ),
        case(
            "not even when its retries are used up",
            cancelled(vec![open("hold", "h"), S::Do("ship")]),
            Script {
                events: vec![(10, "Cancel")],
                settle_at: Some(60_000),
                retry_at: vec![90_000],
                ..replies(&[("ship", 1, Reply::Lost), ("ship", 2, Reply::Refused), ("ship", 3, Reply::Rejected)])
            },
            "hold ship~ +Cancel ship- shipx incident:refused ship release settled",
        ),
        case(
            "nor one whose doubt no state tells",
            cancelled(vec![open("authorise", "c"), on("capture", "c"), on("refund", "c")]),
            Script { events: vec![(20, "Cancel")], ..replies(&[("refund", 1, Reply::Lost)]) },
            "authorise capture refund~ +Cancel refund notify completed",
        ),
        case(
            "a sub-flow is settled first",
            cancelled(vec![open("hold", "h"), S::Run]),
            events(&[(100, "Cancel")]),
            "hold run +Cancel settle-child release notify completed",
        ),
        case("a sub-flow ends well", vec![S::Run, N], none(), "run notify completed"),
        case("a sub-flow on its own", vec![S::Start, N], none(), "start notify completed"),
        case(
            "a sub-flow fails",
            vec![attempt(vec![open("hold", "h"), S::Run], boom(vec![N]))],
            Script { child_fails: Some("Boom"), ..none() },
            "hold run release notify completed",
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

#[test]
fn branches_and_elements() {
    let hold = |then: Block| with(vec![open("hold", "p")], then);
    let share = |n, amount, body: Block| {
        S::Each(Each { n, width: None, sharing: Some(("c".to_owned(), amount, "m".to_owned())), body, result: None })
    };
    run_all(vec![
        case(
            "branches join",
            vec![S::Parallel(vec![vec![S::Do("check")], vec![N, N], vec![]]), S::Do("ship")],
            none(),
            "check notify notify ship completed",
        ),
        case(
            "one failing branch stops its siblings, all are settled",
            vec![attempt(
                vec![S::Parallel(vec![
                    hold(vec![S::Await("Go", None)]),
                    hold(vec![]),
                    vec![S::Wait(100), S::Fail("Boom")],
                ])],
                boom(vec![N]),
            )],
            none(),
            "hold hold release release notify completed",
        ),
        case(
            "what branches did is undone when a later step fails",
            vec![attempt(
                vec![S::Parallel(vec![hold(vec![]), vec![S::Do("assign_pick")]]), S::Fail("Boom")],
                boom(vec![N]),
            )],
            none(),
            "hold assign_pick release cancel_pick notify completed",
        ),
        case(
            "two branches fail: the first cause wins",
            vec![attempt(
                vec![S::Parallel(vec![vec![S::Do("check")], vec![S::Do("check")]])],
                vec![errs(&["Boom"], vec![N]), errs(&["OutOfStock"], vec![S::Do("ship")])],
            )],
            replies(&[("check", 1, Reply::Error("Boom")), ("check", 2, Reply::Error("OutOfStock"))]),
            "check!Boom check!OutOfStock notify completed",
        ),
        case(
            "a branch past its own point of no return finishes",
            vec![attempt(
                vec![S::Parallel(vec![
                    vec![attempt(vec![open("hold", "h"), S::Ponr, S::Wait(1000), on("commit", "h")], vec![])],
                    vec![open("hold", "h2"), S::Wait(100), S::Fail("Boom")],
                ])],
                boom(vec![N]),
            )],
            none(),
            "hold hold release commit notify completed",
        ),
        case(
            "elements, two at a time",
            vec![
                S::Each(Each { n: 4, width: Some(2), sharing: None, body: vec![S::Wait(10), N], result: None }),
                S::Do("ship"),
            ],
            replies(&[("notify", 1, Reply::Slow(100))]),
            "notify notify notify notify ship completed",
        ),
        case("no elements", vec![each(0, vec![N]), S::Do("ship")], none(), "ship completed"),
        case(
            "an element fails while others wait for their turn",
            vec![attempt(
                vec![S::Each(Each {
                    n: 4,
                    width: Some(2),
                    sharing: None,
                    body: hold(vec![S::Do("check")]),
                    result: None,
                })],
                boom(vec![N]),
            )],
            replies(&[("check", 1, Reply::Slow(50)), ("check", 2, Reply::Error("Boom"))]),
            "hold hold check check!Boom release release notify completed",
        ),
        case(
            "shares are captured or voided, the whole keeps the rest",
            vec![
                open("authorise", "c"),
                share(2, 40, vec![attempt(vec![on("capture", "m")], vec![errs(&["CaptureFailed"], vec![])])]),
                on("void", "c"),
            ],
            none(),
            "authorise capture capture void completed",
        ),
        case(
            "shared out twice: each part is a resource of its own",
            vec![
                open("authorise", "c"),
                share(1, 40, vec![S::Ponr, on("capture", "m")]),
                share(1, 40, vec![on("void", "m")]),
                on("void", "c"),
            ],
            none(),
            "authorise capture void void completed",
        ),
        case(
            "shares that come to more than there is",
            vec![open("authorise", "c"), share(3, 40, vec![on("capture", "m")])],
            Script { settle_at: Some(100), ..none() },
            "authorise incident:over-shared void settled",
        ),
        case(
            "a failing element: its part is voided, captured ones are refunded",
            vec![attempt(
                vec![
                    open("authorise", "c"),
                    share(2, 50, vec![S::Do("check"), on("capture", "m")]),
                    S::Fail("OutOfStock"),
                ],
                vec![errs(&["Boom"], vec![N])],
            )],
            replies(&[("check", 2, Reply::Error("Boom")), ("check", 1, Reply::Slow(3))]),
            "authorise check check!Boom capture void refund void notify completed",
        ),
        case(
            "per element its own point of no return",
            vec![attempt(
                vec![
                    open("authorise", "c"),
                    share(2, 50, vec![S::Do("check"), S::Ponr, on("capture", "m")]),
                    S::Fail("Boom"),
                ],
                boom(vec![N]),
            )],
            none(),
            "authorise check check capture capture void notify completed",
        ),
        case(
            "what elements give",
            vec![
                S::Each(Each { n: 3, width: Some(2), sharing: None, body: vec![S::Give(5)], result: Some("all") }),
                S::Show("all"),
            ],
            none(),
            "=List([Int(5), Int(5), Int(5)]) completed",
        ),
    ]);
}

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

/// A flow with a bit of everything, settled at every point: at the end nothing is left.
#[test]
fn settled_at_every_point() {
    let flow = vec![attempt(
        vec![
            open("authorise", "c"),
            S::Parallel(vec![
                vec![attempt(
                    vec![open("hold", "h"), S::Do("assign_pick"), S::Wait(20), S::Ponr, on("commit", "h")],
                    vec![],
                )],
                vec![S::Do("post_invoice"), S::Run],
            ]),
            S::Each(Each {
                n: 3,
                width: Some(2),
                sharing: Some(("c".to_owned(), 20, "m".to_owned())),
                body: vec![
                    S::Do("check"),
                    S::Ponr,
                    attempt(vec![on("capture", "m")], vec![errs(&["CaptureFailed"], vec![])]),
                ],
                result: None,
            }),
            S::Await("Go", Some((500, None))),
            S::Ponr,
            on("void", "c"),
        ],
        vec![(On::Deadline(None), vec![N]), (On::Event("Cancel", Some(vec![N])), vec![S::Stop("cancelled")])],
    )];
    let faults = [
        vec![],
        vec![("hold", 1, Reply::Lost)],
        vec![("capture", 2, Reply::Unknown)],
        vec![("post_invoice", 1, Reply::Lost)],
    ];
    for replies in faults {
        for at in (0..1300).step_by(3).chain([1500, 2000, 5000]) {
            let script = Script {
                replies: replies.clone(),
                settle_at: Some(at),
                events: vec![(1200, "Go")],
                ..Script::default()
            };
            let mut drive = Drive::new(common::build::bundle(&flow), script);
            drive.crash_always = at % 5 == 0;
            drive.go();
            assert!(drive.run.ending.is_some(), "settled at {at}: {}", drive.trace());
            drive.accounts();
        }
    }
}

/// A `for each` over many elements stays fast, and fails fast.
#[test]
fn a_thousand_elements() {
    let flow =
        vec![attempt(vec![each(1000, vec![open("hold", "h"), S::Do("assign_pick")]), S::Fail("Boom")], boom(vec![N]))];
    let mut drive = Drive::new(common::build::bundle(&flow), Script::default());
    drive.crash_always = false;
    drive.go();
    drive.accounts();
    assert!(drive.trace().ends_with("notify completed"));
}
