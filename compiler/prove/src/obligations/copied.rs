//! F0405: two names of one resource, a collection that takes it in, two branches or all elements that use the same one.
use flowline_diag::{Diagnostic, code::f04};
use flowline_plan::{CallNode, Code, Instr, NodeId, NodeKind, RunFlowNode, ScopeKind, Slot, Type};
use rustc_hash::FxHashMap;

use super::{
    Resource,
    origin::{given_to, names, plain},
    settle::on_param,
};
use crate::cause::runs_beside;
use crate::flowing::comes_after;
use crate::shape::Shape;

pub(super) fn check(shape: &Shape<'_>, resources: &[Resource]) -> Vec<Diagnostic> {
    let known = |slot: &Slot| resources.iter().any(|resource| resource.origin.slots.contains(slot));
    let mut uses: FxHashMap<Slot, Vec<NodeId>> = FxHashMap::default();
    for (at, _) in shape.nodes() {
        for slot in names(shape, at).into_iter().filter(|slot| known(slot) && holds_resource(shape, *slot)) {
            uses.entry(slot).or_default().push(at);
        }
    }
    let mut found = Vec::new();
    for (at, node) in shape.nodes() {
        found.extend(taken_in(shape, at));
        if let NodeKind::Let { slot, code } = &node.kind {
            let from = plain(code).filter(|from| holds_resource(shape, *from));
            let other = from.and_then(|from| uses.get(&from)?.iter().find(|user| may_follow(shape, at, **user)));
            if let (Some(from), Some(other), Some(own)) = (from, other, uses.get(slot).and_then(|own| own.first())) {
                found.push(two_names(shape, at, from, *slot, *other, *own));
            }
        }
        found.extend(given_but_kept(shape, at, &uses));
        if let NodeKind::Call(CallNode { args, .. }) | NodeKind::RunFlow(RunFlowNode { args, .. }) = &node.kind {
            let mut args: Vec<Slot> = args.iter().filter_map(plain).filter(|s| uses.contains_key(s)).collect();
            args.sort_unstable();
            if let Some([twice, _]) = args.array_windows().find(|[a, b]| a == b) {
                let message = format!("`{}` is given `{}` twice", node.label, shape.slot_name(*twice));
                found.push(
                    Diagnostic::new(&f04::COPIED, message, shape.node_span(at))
                        .label("one resource in two places")
                        .help("give each parameter a resource of its own"),
                );
            }
        }
    }
    found.extend(two_lists(shape));
    let mut moved: Vec<(Slot, Vec<NodeId>)> = uses.into_iter().collect();
    moved.sort();
    for (slot, users) in moved {
        let users: Vec<NodeId> = users.into_iter().filter(|user| moves(shape, *user, slot)).collect();
        found.extend(every_element(shape, slot, &users));
        found.extend(two_branches(shape, slot, &users));
    }
    found
}

fn is_resource(shape: &Shape<'_>, slot: Slot) -> bool {
    let ty = shape.scope(slot.scope).slots.get(usize::from(slot.at)).map(|def| &def.ty);
    match ty {
        Some(Type::Resource(_)) => true,
        Some(Type::Optional(inner)) => matches!(**inner, Type::Resource(_)),
        Some(_) | None => false,
    }
}

/// A resource, or a list of some.
fn holds_resource(shape: &Shape<'_>, slot: Slot) -> bool {
    let ty = shape.scope(slot.scope).slots.get(usize::from(slot.at)).map(|def| &def.ty);
    let of_resources = |ty: &Type| matches!(ty, Type::List(of, _) if matches!(**of, Type::Resource(_)));
    let is_list = match ty {
        Some(Type::Optional(inner)) => of_resources(inner),
        Some(ty) => of_resources(ty),
        None => false,
    };
    is_list || is_resource(shape, slot)
}

/// `give` of what has a name outside of the block that ends: that name stays, beside the one that takes the value.
fn given_but_kept(shape: &Shape<'_>, at: NodeId, uses: &FxHashMap<Slot, Vec<NodeId>>) -> Option<Diagnostic> {
    let node = shape.node(at);
    let NodeKind::Give { value } = &node.kind else { return None };
    let from = plain(value).filter(|from| !shape.contains(node.scope, from.scope))?;
    let to = given_to(shape, node.scope)?;
    // Before the block has ended, and on other ways, there is only the old name.
    let runner = shape.runner(node.scope)?;
    let after = |user: NodeId| comes_after(shape, runner, user);
    let other = uses.get(&from)?.iter().find(|user| after(**user) && moves(shape, **user, from))?;
    let own = uses.get(&to)?.first()?;
    Some(two_names(shape, at, from, to, *other, *own))
}

/// Whether a node may run while a name stands that another one has bound: behind it, or beside the attempt that it is in.
fn may_follow(shape: &Shape<'_>, at: NodeId, user: NodeId) -> bool {
    let beside = shape.outward(shape.node(user).scope).any(|scope| {
        let body = shape.outer(scope).filter(|_| runs_beside(shape.scope(scope).kind));
        body.is_some_and(|body| shape.contains(body, shape.node(at).scope))
    });
    user != at && (beside || comes_after(shape, at, user))
}

/// Whether the node changes who owns the resource, or under which name, or what state it is in.
fn moves(shape: &Shape<'_>, at: NodeId, slot: Slot) -> bool {
    let kind = &shape.node(at).kind;
    if let NodeKind::Call(call) = kind {
        let mut params = call.args.iter().enumerate().filter(|(_, arg)| plain(arg) == Some(slot));
        return params.any(|(param, _)| on_param(shape.op(call), param).is_some_and(|change| change.to.is_some()));
    }
    matches!(kind, NodeKind::RunFlow(_) | NodeKind::Give { .. } | NodeKind::Each(_) | NodeKind::Let { .. })
}

fn two_names(shape: &Shape<'_>, at: NodeId, from: Slot, to: Slot, other: NodeId, own: NodeId) -> Diagnostic {
    let (from, to) = (shape.slot_name(from), shape.slot_name(to));
    let message = format!("`{to}` is a second name of `{from}`, and both are used");
    Diagnostic::new(&f04::COPIED, message, shape.node_span(at))
        .label("a resource can't be copied")
        .also(shape.node_span(other), format!("used as `{from}`"))
        .also(shape.node_span(own), format!("used as `{to}`"))
        .help(format!("keep one of the names: write `{from}` everywhere"))
}

/// Elements that a `for each` hands on into a list of its own, while the list that it goes through is used again.
fn two_lists(shape: &Shape<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, node) in shape.nodes() {
        let NodeKind::Each(each) = &node.kind else { continue };
        let (Some(list), Some(result)) = (plain(&each.list), each.result) else { continue };
        let hands_on = shape.nodes().any(|(_, inner)| {
            matches!(&inner.kind, NodeKind::Give { value } if plain(value) == Some(each.item) && is_resource(shape, each.item))
        });
        let user =
            |slot: Slot| shape.nodes().map(|(user, _)| user).find(|u| *u != at && names(shape, *u).contains(&slot));
        if let (true, Some(other), Some(own)) = (hands_on, user(list), user(result)) {
            found.push(two_names(shape, at, list, result, other, own));
        }
    }
    found
}

/// The innermost `for each` between the name and its use: every element would use the same one.
fn every_element(shape: &Shape<'_>, slot: Slot, users: &[NodeId]) -> Option<Diagnostic> {
    let (user, element) = users.iter().find_map(|user| {
        let mut between = shape.outward(shape.node(*user).scope).take_while(|scope| *scope != slot.scope);
        between.find(|scope| shape.scope(*scope).kind == ScopeKind::Element).map(|element| (*user, element))
    })?;
    let name = shape.slot_name(slot);
    let message = format!("every element of the `for each` would use the same `{name}`");
    Some(
        Diagnostic::new(&f04::COPIED, message, shape.node_span(user))
            .label(format!("`{name}` has one owner"))
            .also(shape.scope_span(element), "this runs once for each element")
            .help(format!("use `{name}` before or behind the `for each`; what splits can be handed out: `sharing {name} by … as …`")),
    )
}

fn two_branches(shape: &Shape<'_>, slot: Slot, users: &[NodeId]) -> Option<Diagnostic> {
    let name = shape.slot_name(slot);
    for (_, node) in shape.nodes() {
        let NodeKind::Parallel { .. } = &node.kind else { continue };
        if shape.outward(slot.scope).any(|scope| shape.runner(scope).is_some_and(|n| std::ptr::eq(shape.node(n), node)))
        {
            continue;
        }
        let in_branch = |branch| users.iter().find(|user| shape.contains(branch, shape.node(**user).scope)).copied();
        let users: Vec<NodeId> = node.kind.scopes().into_iter().filter_map(in_branch).collect();
        if let [first, second, ..] = users.as_slice() {
            let message = format!("two branches use `{name}` at the same time");
            return Some(
                Diagnostic::new(&f04::COPIED, message, shape.node_span(*second))
                    .label("here")
                    .also(shape.node_span(*first), "and here")
                    .help(format!("use `{name}` in one branch, or behind the `parallel`")),
            );
        }
    }
    None
}

/// A list, a record or an error that takes a resource in.
fn taken_in(shape: &Shape<'_>, at: NodeId) -> Option<Diagnostic> {
    let codes: Vec<&Code> = match &shape.node(at).kind {
        NodeKind::Let { code, .. } => vec![code],
        NodeKind::Call(call) => call.args.iter().collect(),
        NodeKind::RunFlow(run) => run.args.iter().collect(),
        NodeKind::Give { value } | NodeKind::Fail { value } => vec![value],
        NodeKind::Emit { value, .. } => vec![value],
        NodeKind::Await(_)
        | NodeKind::Wait { .. }
        | NodeKind::Choose { .. }
        | NodeKind::Attempt { .. }
        | NodeKind::Parallel { .. }
        | NodeKind::Each(_)
        | NodeKind::Repeat { .. }
        | NodeKind::Status { .. }
        | NodeKind::Stop { .. }
        | NodeKind::PointOfNoReturn => Vec::new(),
    };
    let slot = codes.into_iter().find_map(|code| whole_in(shape, code))?;
    let name = shape.slot_name(slot);
    let message = format!("`{name}` would be copied into another value");
    Some(
        Diagnostic::new(&f04::COPIED, message, shape.node_span(at))
            .label("a resource can't be put into a list or a record")
            .help(format!("keep `{name}` under its own name; a `for each` that gives a resource makes a list of them")),
    )
}

/// A resource that the code puts into something, instead of looking at a field of it.
fn whole_in(shape: &Shape<'_>, code: &Code) -> Option<Slot> {
    let builds = |op: &Instr| {
        matches!(
            op,
            Instr::List(_)
                | Instr::Record(_)
                | Instr::Map(_)
                | Instr::Variant { .. }
                | Instr::Error { .. }
                | Instr::With(_)
        )
    };
    if !code.ops.iter().any(builds) {
        return None;
    }
    let next = code.ops.iter().skip(1).map(Some).chain([None]);
    code.ops.iter().zip(next).find_map(|(op, next)| match (op, next) {
        (Instr::Slot(_), Some(Instr::Field(_) | Instr::OptField(_) | Instr::IsNone)) => None,
        (Instr::Slot(slot), _) if is_resource(shape, *slot) => Some(*slot),
        _ => None,
    })
}
