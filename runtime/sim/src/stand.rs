//! Where the resources of a call really are, and what that allows, whatever the caller believes.
use flowline_core::{Call, ResourceView};
use flowline_plan::{OpDef, Raise, ResourceUse, StateId, StateKind, Value};

use crate::{
    contract::kind_of,
    decide::Decider,
    entry::{Change, ResourceChange},
    ledger::{Resource, describe, shown, split_amount},
};

/// Where a resource among the arguments really is.
pub(crate) enum Real<'a> {
    At(&'a Resource, StateId),
    /// A part that is seen for the first time, of that whole.
    Part {
        whole: &'a Resource,
        state: StateId,
    },
    Absent,
}

impl Real<'_> {
    pub(crate) fn state(&self) -> Option<StateId> {
        match self {
            Self::At(_, state) | Self::Part { state, .. } => Some(*state),
            Self::Absent => None,
        }
    }
}

/// A resource among the arguments: its parameter, what the call does to it, how the caller sees it, where it is.
pub(crate) struct Given<'a> {
    pub(crate) param: u16,
    pub(crate) uses: &'a ResourceUse,
    pub(crate) view: &'a ResourceView,
    pub(crate) real: Real<'a>,
}

/// What the states of the resources allow.
pub(crate) enum Stand<'a> {
    /// Exactly what the contract names.
    Plain,
    /// A doubt hid where the resource was; the target is reached all the same.
    Hidden,
    /// An error says where the resource is.
    Told(&'a Raise, Option<i64>),
    /// The call makes no sense.
    Misused(String),
}

impl<'a> Decider<'a> {
    /// The resources among the arguments.
    pub(crate) fn given(&self, call: &'a Call, op: &'a OpDef) -> Result<Vec<Given<'a>>, String> {
        let mut found = Vec::new();
        for ((param, def), arg) in (0_u16..).zip(&op.params).zip(&call.args) {
            let (Some(uses), Value::Resource(no)) = (&def.resource, arg) else { continue };
            let view = call.resources.iter().find(|view| view.resource == *no);
            let view = view.ok_or_else(|| format!("nothing is said about the resource in `{}`", def.name))?;
            found.push(Given { param, uses, view, real: self.real(view, call.at)? });
        }
        Ok(found)
    }

    fn real(&self, view: &ResourceView, now: i64) -> Result<Real<'a>, String> {
        let id = view.fields.first().ok_or("a resource without an id")?;
        if let Some(resource) = self.ledger.resource(view.ty, id) {
            return Ok(Real::At(resource, resource.state(self.bundle, now)));
        }
        let Some(whole) = &view.whole else { return Ok(Real::Absent) };
        let Some(mut whole) = self.nearest_whole(view, whole) else { return Ok(Real::Absent) };
        let Some(amount) = split_amount(self.bundle, view.ty, &view.fields) else {
            return Err(format!("part `{}` has no amount", shown(id)));
        };
        // A part that was seen only after its own parts were taken from it stands for its rest: those were its whole's.
        loop {
            let same = whole.total.is_some_and(|total| total.currency == amount.currency);
            if same && whole.left(self.bundle).is_some_and(|left| amount.amount <= left) {
                return Ok(Real::Part { whole, state: whole.state_of_part(self.bundle, now) });
            }
            match whole.whole.and_then(|outer| self.ledger.resources.get(&outer)) {
                Some(outer) => whole = outer,
                None => return Err(format!("part `{}` of {amount} is more than what is left", shown(id))),
            }
        }
    }

    /// The whole, or what it is a part of itself where it was never seen: ids of parts are the whole's id, a slash and
    /// a number.
    fn nearest_whole(&self, view: &ResourceView, whole: &Value) -> Option<&'a Resource> {
        if let Some(known) = self.ledger.resource(view.ty, whole) {
            return (!known.tombstone).then_some(known);
        }
        let Value::Text(id) = whole else { return None };
        let (outer, _) = id.rsplit_once('/')?;
        self.nearest_whole(view, &Value::text(outer))
    }

    /// What the real states allow, whatever the caller believes.
    pub(crate) fn stand<'b>(&self, op: &'b OpDef, given: &[Given<'_>], acted_before: bool) -> Stand<'b> {
        let mut stand = Stand::Plain;
        for Given { param, uses, view, real } in given {
            let state = real.state();
            if state.is_some_and(|state| self.takes_plainly(view, uses, state)) {
                continue;
            }
            let told = |raise: &&Raise| raise.states.iter().any(|(at, _, now)| at == param && Some(*now) == state);
            if let Some(raise) = op.raises.iter().find(told) {
                let since = if let Real::At(resource, _) = real { Some(resource.since) } else { None };
                return Stand::Told(raise, since);
            }
            let there_again = acted_before && state.is_some() && state == uses.to;
            if !there_again && !self.may_hide(view, uses, state) {
                let id = view.fields.first().unwrap_or(&Value::None);
                return Stand::Misused(describe(self.bundle, view.ty, id, state));
            }
            stand = Stand::Hidden;
        }
        stand
    }

    fn takes_plainly(&self, view: &ResourceView, uses: &ResourceUse, state: StateId) -> bool {
        uses.from.contains(&state) && kind_of(self.bundle, view.ty, state) != Some(StateKind::Doubt)
    }

    fn may_hide(&self, view: &ResourceView, uses: &ResourceUse, state: Option<StateId>) -> bool {
        let hidden = uses.from.iter().filter_map(|doubt| self.contracts.hidden(view.ty, *doubt));
        let mut hidden = hidden.map(|hidden| state.map_or(hidden.absent, |state| hidden.states.contains(&state)));
        hidden.any(|may| may)
    }
}

/// A part of a whole: what the caller says of it, and of the whole what the caller doesn't know.
pub(crate) fn split(whole: &Resource, view: &ResourceView) -> Change {
    let of_whole = whole.fields.iter().cloned().chain(std::iter::repeat(Value::None));
    let fields = view.fields.iter().zip(of_whole);
    let fields = fields.map(|(own, of_whole)| if *own == Value::None { of_whole } else { own.clone() }).collect();
    Change::Split { whole: whole.id.clone(), fields }
}

/// Parts that are seen for the first time, where they are.
pub(crate) fn seen_parts(given: &[Given<'_>]) -> Vec<ResourceChange> {
    let seen = |given: &Given<'_>| {
        let Real::Part { whole, state } = &given.real else { return None };
        let id = given.view.fields.first()?.clone();
        Some(ResourceChange { ty: given.view.ty, id, how: split(whole, given.view), state: *state })
    };
    given.iter().filter_map(seen).collect()
}
