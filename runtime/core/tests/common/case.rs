//! Cases: a flow, what happens around it, and what must come of it.
use super::{
    build::{Block, On, S, attempt, errs, on, open},
    drive::{Script, play},
    world::Reply,
};

pub(crate) struct Case {
    name: &'static str,
    flow: Block,
    script: Script,
    want: &'static str,
}

/// A case whose accounts must be clean at its end.
pub(crate) fn case(name: &'static str, flow: Block, script: Script, want: &'static str) -> Case {
    Case { name, flow, script, want }
}

pub(crate) fn none() -> Script {
    Script::default()
}
pub(crate) fn replies(replies: &[(&'static str, u32, Reply)]) -> Script {
    Script { replies: replies.to_vec(), ..none() }
}
pub(crate) fn events(events: &[(i64, &'static str)]) -> Script {
    Script { events: events.to_vec(), ..none() }
}

pub(crate) fn run_all(cases: Vec<Case>) {
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
pub(crate) fn opened(rest: Block) -> Block {
    let mut block = vec![open("hold", "h"), open("authorise", "c")];
    block.extend(rest);
    block
}
/// point of no return, everything closed.
pub(crate) fn closing() -> Block {
    vec![S::Ponr, on("commit", "h"), attempt(vec![on("capture", "c")], vec![errs(&["CaptureFailed"], vec![])])]
}
pub(crate) fn with(mut first: Block, rest: Block) -> Block {
    first.extend(rest);
    first
}
pub(crate) fn boom(handler: Block) -> Vec<(On, Block)> {
    vec![errs(&["Boom"], handler)]
}
pub(crate) const N: S = S::Do("notify");
