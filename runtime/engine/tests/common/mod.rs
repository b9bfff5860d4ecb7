#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]

pub(crate) mod desk;
pub(crate) mod drive;
pub(crate) mod shop;

use std::{sync::mpsc, thread, time::Duration};

use drive::{Line, line};
use shop::{ASK, BOTH, CANCEL, NUDGE, ORDER, PICKED, STRAY};

/// Nothing here takes nearly as long: what is awaited for longer never comes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// Runs a test on a thread of its own, so that it fails where it would wait for ever.
pub(crate) fn bounded(test: fn()) {
    let (done, ended) = mpsc::channel();
    let name = thread::current().name().unwrap_or("test").to_owned();
    let body = thread::Builder::new().name(name).spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match ended.recv_timeout(BOUND) {
        Ok(()) => {}
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not at its end after {BOUND:?}: it waits for what never comes"),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(body.unwrap().join().unwrap_err()),
    }
}

/// A day in the shop that has everything in it.
pub(crate) fn busy_day() -> Vec<Line> {
    let mut lines = Vec::new();
    let mut no = 0;
    let mut add = |at: i64, event, order: i64, code: i64| {
        no += 1;
        lines.push(line(1_000_000 + at, no, event, order, code));
    };
    for order in 0..10 {
        let at = order / 3 * 500;
        // Two come before their order.
        if order % 5 == 4 {
            add(at - 400, PICKED, order, 100 + order);
        }
        add(at, ORDER, order, 100 + order);
        match order % 5 {
            0 | 2 => add(at + 4_000, PICKED, order, 100 + order),
            1 => add(at + 300 * order, CANCEL, order, 0),
            // At the very instant of a deadline, or at least near it.
            3 => add(at + 20_000, PICKED, order, 100 + order),
            _ => {}
        }
    }
    add(2_000, ORDER, 3, 55);
    add(2_000, ORDER, 77, 9);
    add(2_500, STRAY, 1, 1);
    add(3_000, ASK, 1, 0);
    add(3_100, ASK, 1, 0);
    add(3_200, NUDGE, 1, 5);
    add(9_000, ASK, 1, 0);
    add(9_100, ASK, 2, 0);
    add(9_100, BOTH, 1, 5);
    add(9_100, BOTH, 2, 6);
    add(9_200, PICKED, 404, 404);
    add(90_000, ASK, 1, 0);
    lines.sort_by_key(|line| line.at);
    // Once more the same, and once the same id with another body.
    let repeated = Line { at: lines[5].at + 700, ..lines[5] };
    let other = Line { at: lines[6].at + 700, code: 1_000, ..lines[6] };
    lines.extend([repeated, other]);
    lines.sort_by_key(|line| line.at);
    lines
}
