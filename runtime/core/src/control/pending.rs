//! Orders that a crash may have swallowed.
use flowline_plan::{Bundle, NodeKind, Plan};

use super::{CallFor, Control, Oracle, TimerFor};
use crate::{Call, Output};

impl Control {
    /// The calls that are out: after a restart the shell hands them out again, same key, same attempt, same instant.
    pub fn pending_calls(&self, bundle: &Bundle, plan: &Plan, oracle: &impl Oracle) -> Vec<Output> {
        let out = self.frames.iter().filter(|frame| !frame.timers.iter().any(|timer| timer.what == TimerFor::Retry));
        let out = out.filter(|frame| !matches!(frame.at, super::At::Incident(_)));
        out.filter_map(|frame| {
            let call = frame.call.as_ref()?;
            let own = match frame.pc.and_then(|pc| plan.nodes.get(pc.index())).map(|node| &node.kind) {
                Some(NodeKind::Call(node)) if call.what == CallFor::Step => node.timeout_ms,
                Some(_) | None => None,
            };
            let args = oracle.call_args(frame.no);
            let resources = super::call::views(oracle, &args);
            Some(Output::Call(Box::new(Call {
                call: call.no,
                attempt: call.attempt,
                op: call.op,
                key: call.key,
                args,
                opens: call.opens.and_then(|resource| oracle.view(resource).fields.first().cloned()),
                resources,
                timeout_ms: own.or(bundle.op(call.op).map(|op| op.timeout_ms))?,
                at: call.sent_at,
            })))
        })
        .collect()
    }
}
