//! Branches, elements, and settling at every point. Every case runs with a crash after every input.
mod common;

use common::{
    build::*,
    case::*,
    drive::{Drive, Script},
    world::Reply,
};

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
