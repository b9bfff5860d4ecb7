//! What the abandon rows of a resource come to: the runtime follows them until a state has none.
use flowline_plan::{Bundle, Instr, OpDef, ResourceUse, StateId, StateKind, TypeId};

/// Where settling ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) state: StateId,
    /// How many answers on the way were refusals.
    pub(super) mishaps: u32,
    /// It is let go: the state is closed and no row is stuck.
    pub(super) done: bool,
}

/// All states in which settling from this one may end.
pub(super) fn settle(bundle: &Bundle, ty: TypeId, from: StateId) -> Vec<Settled> {
    let Some(def) = bundle.resource(ty) else { return Vec::new() };
    let (mut ends, mut seen, mut todo) = (Vec::new(), Vec::new(), vec![(from, 0)]);
    while let Some((state, mishaps)) = todo.pop() {
        if seen.contains(&state) {
            continue;
        }
        seen.push(state);
        let Some(known) = def.states.get(state.index()) else { continue };
        let Some(row) = &known.abandon else {
            ends.push(Settled { state, mishaps, done: known.kind == StateKind::Closed });
            continue;
        };
        let this = row.args.iter().position(|arg| arg.ops == [Instr::Local(0)]);
        let taken = bundle.op(row.op).zip(this).and_then(|(op, param)| Some((op, param, on_param(op, param)?)));
        let Some((op, param, change)) = taken.filter(|(_, _, change)| change.from.contains(&state)) else {
            ends.push(Settled { state, mishaps, done: false });
            continue;
        };
        todo.extend(change.to.map(|to| (to, mishaps)));
        for raise in &op.raises {
            let told = raise.states.iter().find(|(at, from, _)| {
                usize::from(*at) == param && from.is_none_or(|from| from == state || Some(from) == change.doubt)
            });
            todo.extend(told.map(|(_, _, to)| (*to, mishaps + 1)));
        }
    }
    ends
}

/// What an operation does to the resource in that parameter.
pub(super) fn on_param(op: &OpDef, param: usize) -> Option<&ResourceUse> {
    op.params.get(param)?.resource.as_ref()
}
