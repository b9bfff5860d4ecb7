//! What follows from the contracts of a bundle, worked out once.
use std::collections::BTreeSet;

use flowline_core::hash128;
use flowline_plan::{Bundle, OpClass, OpDef, OpId, OpRef, StateId, StateKind, SystemId, TypeId, TypeKind};
use rustc_hash::{FxHashMap, FxHashSet};

/// Facts about the contracts that are asked for with every call.
#[derive(Debug)]
pub(crate) struct Contracts {
    /// What each doubt state may hide.
    hidden: FxHashMap<(TypeId, StateId), Hidden>,
    /// Operations that undo another one.
    undoing: FxHashSet<OpRef>,
    /// Hash of all types and contracts.
    pub(crate) hash: [u8; 16],
}

/// Where a resource may really be while its outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hidden {
    /// It may never have been opened.
    pub(crate) absent: bool,
    pub(crate) states: BTreeSet<StateId>,
}

impl Contracts {
    pub(crate) fn of(bundle: &Bundle) -> Self {
        let undo = |op: &OpDef| match &op.class {
            OpClass::Compensatable(undo) => Some(undo.op),
            OpClass::Read | OpClass::Transition | OpClass::Irreversible | OpClass::Harmless | OpClass::Settles => None,
        };
        let undoing = ops(bundle).filter_map(|(_, op)| undo(op)).collect();
        let content = postcard::to_stdvec(&(&bundle.types, &bundle.systems));
        let content = content.expect("invariant: a bundle is plain data, which postcard always encodes");
        Self { hidden: hidden(bundle), undoing, hash: hash128("contracts", &[&content]).to_le_bytes() }
    }

    /// Where a resource may really be in that doubt state.
    pub(crate) fn hidden(&self, ty: TypeId, state: StateId) -> Option<&Hidden> {
        self.hidden.get(&(ty, state))
    }

    pub(crate) fn undoes_another(&self, op: OpRef) -> bool {
        self.undoing.contains(&op)
    }
}

/// Every operation of a bundle.
pub(crate) fn ops(bundle: &Bundle) -> impl Iterator<Item = (OpRef, &OpDef)> {
    bundle.systems.iter().enumerate().flat_map(|(system, def)| {
        let named = move |op: usize| OpRef { system: SystemId::from(system), op: OpId::from(op) };
        def.ops.iter().enumerate().map(move |(at, op)| (named(at), op))
    })
}

/// A doubt that a call leaves hides the state before it, the state after it, and what its errors tell; a doubt that
/// opening leaves also hides that nothing was opened. What may have expired meanwhile is hidden too.
fn hidden(bundle: &Bundle) -> FxHashMap<(TypeId, StateId), Hidden> {
    let mut found: FxHashMap<(TypeId, StateId), Hidden> = FxHashMap::default();
    loop {
        let before = found.clone();
        for (_, op) in ops(bundle) {
            if let Some(opens) = &op.opens
                && let Some(doubt) = opens.doubt
            {
                let hidden = found.entry((opens.resource, doubt)).or_default();
                hidden.absent = true;
                hidden.states.insert(opens.state);
            }
            left_by_use(bundle, op, &mut found);
        }
        for ((ty, _), hidden) in &mut found {
            let expired =
                |state: &StateId| Some(bundle.resource(*ty)?.states.get(state.index())?.expires.as_ref()?.into);
            let expired: Vec<_> = hidden.states.iter().filter_map(expired).collect();
            hidden.states.extend(expired);
        }
        if found == before {
            return found;
        }
    }
}

fn left_by_use(bundle: &Bundle, op: &OpDef, found: &mut FxHashMap<(TypeId, StateId), Hidden>) {
    for (at, param) in (0_u16..).zip(&op.params) {
        let (Some(uses), flowline_plan::Type::Resource(ty)) = (&param.resource, &param.ty) else { continue };
        let Some(doubt) = uses.doubt else { continue };
        let mut left = Hidden::default();
        for state in &uses.from {
            if kind_of(bundle, *ty, *state) == Some(StateKind::Doubt) {
                let inner = found.get(&(*ty, *state)).cloned().unwrap_or_default();
                left.absent |= inner.absent;
                left.states.extend(inner.states);
            } else {
                left.states.insert(*state);
            }
        }
        let told = op.raises.iter().flat_map(|raise| &raise.states).filter(|(param, _, _)| *param == at);
        left.states.extend(told.map(|(_, _, now)| *now).chain(uses.to));
        let hidden = found.entry((*ty, doubt)).or_default();
        hidden.absent |= left.absent;
        hidden.states.extend(left.states);
    }
}

/// What a state of a resource means.
pub(crate) fn kind_of(bundle: &Bundle, ty: TypeId, state: StateId) -> Option<StateKind> {
    Some(bundle.resource(ty)?.states.get(state.index())?.kind)
}

/// The name of a state, for people.
pub(crate) fn state_name(bundle: &Bundle, ty: TypeId, state: StateId) -> String {
    let state = bundle.resource(ty).and_then(|def| def.states.get(state.index()));
    state.map_or_else(|| "an unknown state".to_owned(), |state| state.name.clone())
}

/// The short name of a type, for people.
pub(crate) fn type_name(bundle: &Bundle, ty: TypeId) -> String {
    bundle.ty(ty).map_or_else(|| "an unknown type".to_owned(), |ty| ty.short_name().to_owned())
}

/// The fields of a record or a resource.
pub(crate) fn fields_of(bundle: &Bundle, ty: TypeId) -> &[flowline_plan::FieldDef] {
    match bundle.ty(ty).map(|def| &def.kind) {
        Some(TypeKind::Record(fields)) => fields,
        Some(TypeKind::Resource(resource)) => &resource.fields,
        Some(TypeKind::Id | TypeKind::Enum(_) | TypeKind::Error(_) | TypeKind::Event(_)) | None => &[],
    }
}
