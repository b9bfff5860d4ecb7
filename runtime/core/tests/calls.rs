//! Calls, their answers, and leaving a scope while one is out. Every case runs with a crash after every input.
mod common;

use common::{build::*, case::*, drive::Script, world::Reply};

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
            "nor is the call made again by itself then",
            vec![attempt(vec![open("hold", "h"), S::Ponr, on("commit", "h")], refused())],
            Script { answer_ms: 3_599_990, settle_at: Some(5_000_000), ..replies(&[("hold", 1, Reply::Lost)]) },
            "hold~ incident:refused release settled",
        ),
        case(
            "but a call of which it is known that nothing happened is",
            vec![attempt(vec![open("hold", "h"), S::Ponr, on("commit", "h")], refused())],
            Script { answer_ms: 3_599_990, ..replies(&[("hold", 1, Reply::Refused)]) },
            "hold- hold commit completed",
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
