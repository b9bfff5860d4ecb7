//! What the fuzz targets hold: whatever comes in, these never panic. `README.md` says how to run them.
use std::{collections::VecDeque, sync::Arc};

use flowline_core::{Answer, Ending, EventId, Incident, Input, Output, Program, Run, RunId};
use flowline_diag::{Diagnostic, Sources, Span};
use flowline_driver::{MemoryFiles, compile_files};
use flowline_plan::{Bundle, ErrorValue, FlowId, TypeId, Value, decode_bundle, encode_bundle};
use flowline_syntax::{FormatError, format, parse};

/// Any text gives a tree, and findings that point into it.
pub fn parses(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("fuzz.flow", text);
    let parsed = parse(file, text);
    for finding in &parsed.diagnostics {
        points_inside(finding, &sources);
    }
}

/// What parses has one layout, which is its own layout; what doesn't is refused. That tokens and comments stay the same the
/// formatter holds itself, and says so.
pub fn formats(text: &str) {
    let has_errors = !parse(Sources::default().add("fuzz.flow", text), text).diagnostics.is_empty();
    match format(text) {
        Ok(laid_out) => {
            let again = format(&laid_out).expect("what was laid out parses");
            assert_eq!(again, laid_out, "a second time changes nothing");
        }
        Err(FormatError::Broken) => assert!(has_errors, "only what doesn't parse is refused"),
        Err(FormatError::Unsound(what)) => panic!("unsound: {what}"),
    }
}

/// Any text as a project of one file: findings that point into it, and a bundle exactly where none is an error.
pub fn checks(text: &str) {
    let outcome = compile_files(&MemoryFiles::single("fuzz", text)).expect("files in memory can be read");
    assert_eq!(outcome.bundle.is_none(), outcome.has_errors());
    for finding in &outcome.diagnostics {
        points_inside(finding, &outcome.sources);
    }
    if let Some(bundle) = outcome.bundle {
        let (bytes, hash) = encode_bundle(&bundle);
        assert_eq!(decode_bundle(&bytes), Ok((bundle, hash)));
    }
}

fn points_inside(finding: &Diagnostic, sources: &Sources) {
    assert!(!finding.message.is_empty() && !finding.message.contains('\n'), "{:?}", finding.message);
    let labels = [&finding.primary].into_iter().chain(&finding.secondary).chain(&finding.path);
    let edits = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
    for span in labels.map(|label| label.span).chain(edits) {
        let Span { file, start, end } = span;
        let text = sources.text(file);
        assert!(text.get(start as usize..end as usize).is_some(), "{}: {start}..{end}", finding.message);
    }
}

/// Bytes in front of a bundle's content: what it is, its format, its hash.
const HEAD_BYTES: usize = 8 + 2 + 32;

/// Bytes are a bundle or they aren't. One is known by its bytes, and whatever it says, the core runs it without a panic.
pub fn loads(bytes: &[u8]) {
    loads_whole(bytes);
    // Behind a head that fits, so that what is tried is the content and not the hash.
    let (empty, _) = encode_bundle(&Bundle::default());
    let content = bytes.get(HEAD_BYTES..).unwrap_or(bytes);
    let mut whole = empty[..HEAD_BYTES - 32].to_vec();
    whole.extend(blake3::hash(content).as_bytes());
    whole.extend(content);
    loads_whole(&whole);
}

fn loads_whole(bytes: &[u8]) {
    let Ok((bundle, hash)) = decode_bundle(bytes) else { return };
    let (again, same) = encode_bundle(&bundle);
    assert!(again == bytes && same == hash, "a bundle has one way to be written");
    let bundle = Arc::new(bundle);
    for flow in (0..bundle.flows.len().min(FLOWS_MAX)).map(FlowId::from) {
        runs(&bundle, flow);
    }
}

const FLOWS_MAX: usize = 8;
const STEPS_MAX: usize = 60;

/// Runs a flow with answers of every kind, one after the other.
fn runs(bundle: &Arc<Bundle>, flow: FlowId) {
    let Some(program) = Program::new(bundle, flow) else { return };
    let mut run = Run::new(RunId(1), flow, None);
    let args = vec![Value::None, Value::Int(1), Value::text("a")];
    let mut queue = VecDeque::from([Input::Start { args, parent: None, resources: Vec::new() }]);
    let mut turn = 0;
    while let (Some(input), true) = (queue.pop_front(), turn < STEPS_MAX) {
        let outputs = run.handle(&program, &input, turn as i64 * 60_000);
        for output in outputs {
            turn += 1;
            queue.extend(answer(&output, turn));
        }
        turn += 1;
    }
    run.pending_calls(&program);
    run.handle(&program, &Input::Settle, i64::MAX / 2);
}

fn answer(output: &Output, turn: usize) -> Option<Input> {
    Some(match output {
        Output::Call(call) => {
            let error = || ErrorValue { error: TypeId::from(turn % 7), fields: Box::default(), text: "no".into() };
            let answer = match turn % 5 {
                0 => Answer::Unknown("?".to_owned()),
                1 => Answer::Error(error()),
                2 => Answer::Refused("later".to_owned()),
                3 => Answer::Done(Value::Record([Value::None, Value::Int(1)].into())),
                _ => Answer::Done(Value::None),
            };
            Input::Answered { call: call.call, attempt: call.attempt, answer }
        }
        Output::Arm { timer, .. } => Input::Due { timer: *timer },
        Output::Register { wait, .. } => Input::Offered {
            wait: *wait,
            event: EventId(turn as u128),
            acknowledged_at: 0,
            value: Value::Record([Value::text("a"), Value::None].into()),
        },
        Output::Withdraw { wait, reply: true } => Input::Withdrawn { wait: *wait },
        Output::StartChild { child, joined: true, .. } => {
            Input::ChildEnded { child: *child, ending: Ending::Completed { value: Value::None }, resources: Vec::new() }
        }
        Output::SettleChild { child } => {
            Input::ChildEnded { child: *child, ending: Ending::Settled, resources: Vec::new() }
        }
        // What never comes to a pause would take its many steps again each time.
        Output::Incident { incident: Incident::Limit { .. }, .. } => return None,
        Output::Incident { frame, .. } => Input::Retry { frame: *frame },
        _ => return None,
    })
}
