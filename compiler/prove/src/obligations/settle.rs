//! What the abandon rows of a resource come to: the runtime follows them until a state has none.
use flowline_plan::{Bundle, Instr, OpDef, Raise, ResourceDef, ResourceUse, StateId, StateKind, TypeId};

/// Where settling ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) state: StateId,
    /// How many answers on the way were refusals.
    pub(super) mishaps: u32,
    /// Why it isn't let go there; none where it is.
    pub(super) stuck: Option<Stuck>,
}

/// Why settling comes to no good end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    /// The state isn't closed and has no row.
    NoRow,
    /// The row's operation doesn't take the state.
    NotTaken,
    /// The row's operation may be refused by that error, and nothing tells what is true then.
    Refused(TypeId),
    /// The rows lead back to where they were.
    Circle,
}

/// All ends that settling from this state may come to.
pub(super) fn settle(bundle: &Bundle, ty: TypeId, from: StateId) -> Vec<Settled> {
    let Some(def) = bundle.resource(ty) else { return Vec::new() };
    let mut rows = Rows { bundle, def, way: Vec::new(), seen: Vec::new(), ends: Vec::new() };
    rows.follow(from, 0);
    rows.ends
}

/// The rows of a resource while they are followed.
struct Rows<'a> {
    bundle: &'a Bundle,
    def: &'a ResourceDef,
    /// The states that led here.
    way: Vec<StateId>,
    seen: Vec<StateId>,
    ends: Vec<Settled>,
}

impl Rows<'_> {
    fn follow(&mut self, state: StateId, mishaps: u32) {
        if self.way.contains(&state) {
            self.end(state, mishaps, Some(Stuck::Circle));
            return;
        }
        if self.seen.contains(&state) {
            return;
        }
        self.seen.push(state);
        let Some(known) = self.def.states.get(state.index()) else { return };
        let Some(row) = &known.abandon else {
            let closed = known.kind == StateKind::Closed;
            self.end(state, mishaps, (!closed).then_some(Stuck::NoRow));
            return;
        };
        let this = row.args.iter().position(|arg| arg.ops == [Instr::Local(0)]);
        let taken = self.bundle.op(row.op).zip(this).and_then(|(op, param)| Some((op, param, on_param(op, param)?)));
        let Some((op, param, change)) = taken.filter(|(_, _, change)| change.from.contains(&state)) else {
            self.end(state, mishaps, Some(Stuck::NotTaken));
            return;
        };
        self.way.push(state);
        match change.to {
            Some(to) => self.follow(to, mishaps),
            None => self.end(state, mishaps, Some(Stuck::Circle)),
        }
        for raise in &op.raises {
            match after_refusal(raise, param, change, state) {
                Refusal::Never => {}
                Refusal::Leads(to) if to == state => self.end(state, mishaps + 1, Some(Stuck::Refused(raise.error))),
                Refusal::Leads(to) => self.follow(to, mishaps + 1),
            }
        }
        self.way.pop();
    }

    fn end(&mut self, state: StateId, mishaps: u32, stuck: Option<Stuck>) {
        self.ends.push(Settled { state, mishaps, stuck });
    }
}

/// What a refusal makes true while a resource is let go.
enum Refusal {
    /// It can't come in this state.
    Never,
    Leads(StateId),
}

fn after_refusal(raise: &Raise, param: usize, change: &ResourceUse, state: StateId) -> Refusal {
    let mut told = raise.states.iter().filter(|(at, _, _)| usize::from(*at) == param).peekable();
    let by_state = told.peek().is_some();
    let fits = told.find(|(_, from, _)| from.is_none_or(|from| from == state || Some(from) == change.doubt));
    match (fits, change.doubt) {
        (Some((_, _, to)), _) => Refusal::Leads(*to),
        (None, Some(doubt)) if raise.outcome_unknown => Refusal::Leads(doubt),
        (None, _) if by_state => Refusal::Never,
        (None, _) => Refusal::Leads(state),
    }
}

/// What an operation does to the resource in that parameter.
pub(super) fn on_param(op: &OpDef, param: usize) -> Option<&ResourceUse> {
    op.params.get(param)?.resource.as_ref()
}
