//! What can be said of a declaration without looking into expressions: fields, cases, states, parameters, results. Then
//! constants, whose types are those of their values.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::bodies::{EXPRESSIONS_END, circles_of};
use crate::cx::Cx;
use crate::fold::fold;
use crate::model::{
    Case, Const, ConstId, ExprKind, Field, Local, LocalKind, OpParam, ResourceDef, State, Ty, TypeKind,
};
use crate::names::{Declared, Globals, Symbol, suggest, twice};
use crate::{Beside, calendar, contract, governance, hand_over, ty};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{HitPolicy, Opens, ResourceUse, ScopeId, StateId, StateKind, SystemId, TypeId};
use flowline_syntax::ast::{self, Ident, ItemKind};

/// Fills the tables with signatures.
pub(crate) fn fill(
    globals: &mut Globals,
    declared: &[Declared<'_>],
    beside: &Beside,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for each in declared {
        match (&each.item.kind, each.symbol) {
            (ItemKind::Enum(declared), Symbol::Type(id)) => {
                let cases = cases(globals, each.module, declared, diagnostics);
                set_type(globals, id, TypeKind::Enum(cases));
            }
            (ItemKind::Record(record), Symbol::Type(id)) => {
                let fields = fields(globals, each.module, &record.fields, diagnostics);
                set_type(globals, id, TypeKind::Record(fields));
            }
            (ItemKind::Error(record), Symbol::Type(id)) => {
                for field in &record.fields {
                    if ["code", "text"].contains(&field.name.as_str()) {
                        diagnostics.push(
                            Diagnostic::new(
                                &f01::DUPLICATE_NAME,
                                format!("every error has `.{}` already", field.name),
                                field.name.span,
                            )
                            .label("give it another name"),
                        );
                    }
                }
                let fields = fields(globals, each.module, &record.fields, diagnostics);
                set_type(globals, id, TypeKind::Error(fields));
            }
            (ItemKind::Event(event), Symbol::Type(id)) => {
                let fields = fields(globals, each.module, &event.fields, diagnostics);
                if let Some(TypeKind::Event(def)) = kind_mut(globals, id) {
                    def.fields = fields;
                    def.ce_type = ce_type(event);
                }
            }
            (ItemKind::Resource(resource), Symbol::Type(id)) => {
                let def = resource_def(globals, each.module, resource, diagnostics);
                set_type(globals, id, TypeKind::Resource(def));
            }
            _ => {}
        }
    }
    calendar::fill(globals, declared, beside, diagnostics);
    for each in declared {
        match (&each.item.kind, each.symbol) {
            (ItemKind::System(system), Symbol::System(id)) => ops(globals, each.module, id, system, diagnostics),
            (ItemKind::Model(model), Symbol::Model(id)) => {
                governance::model_signature(globals, each.module, id, model, diagnostics);
            }
            (ItemKind::Fn(function), Symbol::Function(id)) => {
                let locals = params(globals, each.module, &function.params, LocalKind::Code, diagnostics);
                let result = ty::resolve(globals, each.module, &function.result, false, diagnostics);
                if let Some(def) = globals.model.functions.get_mut(id.index()) {
                    (def.params, def.locals, def.result) = (count(&locals), locals, result);
                }
            }
            (ItemKind::Decision(decision), Symbol::Decision(id)) => {
                let locals = params(globals, each.module, &decision.params, LocalKind::Code, diagnostics);
                let result = ty::resolve(globals, each.module, &decision.result, false, diagnostics);
                let policy = decision.hit_policy.as_ref().and_then(|policy| HitPolicy::of_name(policy.as_str()));
                if let Some(def) = globals.model.decisions.get_mut(id.index()) {
                    (def.params, def.locals, def.result) = (count(&locals), locals, result);
                    def.policy = policy.unwrap_or_default();
                }
            }
            (ItemKind::Flow(flow), Symbol::Flow(id)) => {
                let scope = LocalKind::Slot(ScopeId(0));
                let locals = params(globals, each.module, &flow.params, scope, diagnostics);
                let result = flow.result.as_ref();
                let result =
                    result.map_or(Ty::Unit, |result| hand_over::resolve(globals, each.module, result, diagnostics));
                let raises = flow_raises(globals, each.module, flow, diagnostics);
                let signature = hand_over::signature(globals, each.module, flow, (&locals, &result), diagnostics);
                if let Some(def) = globals.model.flows.get_mut(id.index()) {
                    (def.params, def.locals, def.result, def.raises) = (count(&locals), locals, result, raises);
                    def.signature = signature;
                }
            }
            _ => {}
        }
    }
    consts(globals, declared, diagnostics);
}

fn kind_mut(globals: &mut Globals, id: TypeId) -> Option<&mut TypeKind> {
    globals.model.types.get_mut(id.index()).map(|def| &mut def.kind)
}

fn set_type(globals: &mut Globals, id: TypeId, kind: TypeKind) {
    if let Some(place) = kind_mut(globals, id) {
        *place = kind;
    }
}

fn count(locals: &[Local]) -> u16 {
    crate::expr::narrow(locals.len())
}

/// Two of one name in a list of names.
pub(crate) fn unique<'a>(names: impl IntoIterator<Item = &'a Ident>, diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: Vec<&Ident> = Vec::new();
    for name in names {
        match seen.iter().find(|first| first.text == name.text) {
            Some(first) => diagnostics.push(twice(name, first.span)),
            None => seen.push(name),
        }
    }
}

fn fields(globals: &Globals, module: usize, fields: &[ast::Field], diagnostics: &mut Vec<Diagnostic>) -> Vec<Field> {
    unique(fields.iter().map(|field| &field.name), diagnostics);
    let mut checked = Vec::with_capacity(fields.len());
    for field in fields {
        for annotation in &field.annotations {
            if annotation.name.as_str() != "pii" {
                let diagnostic = Diagnostic::new(
                    &f01::UNKNOWN_NAME,
                    format!("there is no label `@{}`", annotation.name),
                    annotation.span,
                )
                .help("personal data is marked `@pii`");
                diagnostics.push(diagnostic);
            }
        }
        checked.push(Field {
            name: field.name.to_string(),
            span: field.name.span,
            ty: ty::resolve(globals, module, &field.ty, false, diagnostics),
            pii: field.annotations.iter().any(|annotation| annotation.name.as_str() == "pii"),
            check: None,
        });
    }
    checked
}

fn cases(globals: &Globals, module: usize, declared: &ast::Enum, diagnostics: &mut Vec<Diagnostic>) -> Vec<Case> {
    unique(declared.cases.iter().map(|case| &case.name), diagnostics);
    let mut cases = Vec::with_capacity(declared.cases.len());
    for case in &declared.cases {
        unique(case.fields.iter().map(|field| &field.name), diagnostics);
        let fields = case.fields.iter().map(|field| Field {
            name: field.name.to_string(),
            span: field.name.span,
            ty: ty::resolve(globals, module, &field.ty, false, diagnostics),
            pii: false,
            check: None,
        });
        cases.push(Case { name: case.name.to_string(), span: case.name.span, fields: fields.collect() });
    }
    cases
}

/// `retail.order.placed`; the name in lower case where the text gives none.
pub(crate) fn ce_type(event: &ast::Event) -> String {
    if let Some(name) = event.type_name.as_ref().and_then(ast::TextLit::plain) {
        return name.to_owned();
    }
    let mut name = String::new();
    for letter in event.name.as_str().chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn resource_def(
    globals: &Globals,
    module: usize,
    resource: &ast::Resource,
    diagnostics: &mut Vec<Diagnostic>,
) -> ResourceDef {
    let mut fields = fields(globals, module, &resource.fields, diagnostics);
    match fields.iter().position(|field| field.name == "id") {
        Some(at) => {
            let is_id = |ty: &Ty| match ty {
                Ty::Named(id) => matches!(globals.model.ty(*id).map(|def| &def.kind), Some(TypeKind::Id) | None),
                Ty::Unknown => true,
                _ => false,
            };
            if let Some(field) = fields.get(at).filter(|field| !is_id(&field.ty)) {
                diagnostics.push(
                    Diagnostic::new(
                        &f02::MISMATCH,
                        format!("the `id` of `{}` must be of an `id` type", resource.name),
                        field.span,
                    )
                    .label("this is minted by the caller"),
                );
            }
            if let Some(front) = fields.get_mut(..=at) {
                front.rotate_right(1);
            }
        }
        None => diagnostics.push(
            Diagnostic::new(
                &f02::MISSING_FIELD,
                format!("resource `{}` needs a field `id`", resource.name),
                resource.name.span,
            )
            .help("the caller mints it, so that the resource is known even when an answer is lost"),
        ),
    }
    let names = resource.open.iter().map(|state| &state.name).chain(&resource.doubt).chain(&resource.closed);
    unique(names, diagnostics);
    let state =
        |name: &Ident, kind| State { name: name.to_string(), span: name.span, kind, abandon: None, expires: None };
    let open = resource.open.iter().map(|open| state(&open.name, StateKind::Open));
    let doubt = resource.doubt.iter().map(|name| state(name, StateKind::Doubt));
    let closed = resource.closed.iter().map(|name| state(name, StateKind::Closed));
    let states = open.chain(doubt).chain(closed).collect();
    let splits_by = resource.splits_by.as_ref().and_then(|name| {
        let at = fields.iter().position(|field| field.name == name.as_str());
        match at.and_then(|at| fields.get(at)) {
            Some(field) if matches!(field.ty, Ty::Money(_) | Ty::MoneyOf(_, _, true) | Ty::Unknown) => {}
            Some(field) => diagnostics.push(
                Diagnostic::new(&f02::MISMATCH, format!("`{name}` must be Money to be split by"), name.span)
                    .also(field.span, "declared here"),
            ),
            None => {
                let diagnostic = Diagnostic::new(
                    &f02::UNKNOWN_MEMBER,
                    format!("`{}` has no field `{name}`", resource.name),
                    name.span,
                );
                diagnostics.push(suggest(diagnostic, name, fields.iter().map(|field| field.name.as_str())));
            }
        }
        at.map(crate::expr::narrow)
    });
    ResourceDef { fields, states, splits_by }
}

/// Parameters as locals, positions in order.
fn params(
    globals: &Globals,
    module: usize,
    params: &[ast::Param],
    kind: LocalKind,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Local> {
    unique(params.iter().map(|param| &param.name), diagnostics);
    let flow = matches!(kind, LocalKind::Slot(_));
    let local = |param: &ast::Param| Local {
        name: param.name.to_string(),
        span: param.name.span,
        ty: if flow {
            hand_over::resolve(globals, module, &param.ty, diagnostics)
        } else {
            ty::resolve(globals, module, &param.ty, false, diagnostics)
        },
        kind,
    };
    params.iter().map(local).collect()
}

fn flow_raises(
    globals: &Globals,
    module: usize,
    flow: &ast::Flow,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(TypeId, Span)> {
    unique(flow.raises.iter().map(|raise| &raise.error), diagnostics);
    let mut raises = Vec::new();
    for raise in &flow.raises {
        raises.extend(contract::error_named(globals, module, &raise.error, diagnostics).map(|id| (id, raise.span)));
    }
    raises
}

/// Parameters and results of a system's operations; their clauses come later.
fn ops(globals: &mut Globals, module: usize, id: SystemId, system: &ast::System, diagnostics: &mut Vec<Diagnostic>) {
    unique(system.ops.iter().map(|op| &op.name), diagnostics);
    let mut ops = Vec::with_capacity(system.ops.len());
    for op in &system.ops {
        unique(op.params.iter().map(|param| &param.name), diagnostics);
        let mut params = Vec::with_capacity(op.params.len());
        for param in &op.params {
            let ty = ty::resolve(globals, module, &param.ty, true, diagnostics);
            let resource = match &ty {
                Ty::Resource(id) => globals.model.resource(*id).map(|def| use_of(def, &param.ty, diagnostics)),
                _ => None,
            };
            params.push(OpParam { name: param.name.to_string(), span: param.name.span, ty, resource });
        }
        let result = op.result.as_ref().map_or(Ty::Unit, |ty| ty::resolve(globals, module, ty, true, diagnostics));
        let opens = match (&result, &op.result) {
            (Ty::Resource(id), Some(ty)) => opens(globals, *id, ty, diagnostics),
            _ => None,
        };
        ops.push(contract::unfilled(op, params, result, opens));
    }
    if let Some(def) = globals.model.systems.get_mut(id.index()) {
        def.label = system.title.as_ref().and_then(ast::TextLit::plain).unwrap_or(&def.name).to_owned();
        def.ops = ops;
    }
}

fn use_of(def: &ResourceDef, ty: &ast::Type, diagnostics: &mut Vec<Diagnostic>) -> ResourceUse {
    let ast::TypeKind::Resource { states, .. } = &ty.kind else {
        return ResourceUse { from: (0..def.states.len()).map(StateId::from).collect(), to: None, doubt: None };
    };
    let from = states.from.iter().filter_map(|name| state(def, name, None, diagnostics)).collect();
    let to = at_most_one(def, &states.to, None, "a call leaves its resource in one state", diagnostics);
    let doubt = at_most_one(def, &states.doubt, Some(StateKind::Doubt), "a call has one state of doubt", diagnostics);
    ResourceUse { from, to, doubt }
}

fn opens(globals: &Globals, id: TypeId, ty: &ast::Type, diagnostics: &mut Vec<Diagnostic>) -> Option<Opens> {
    let def = globals.model.resource(id)?;
    let ast::TypeKind::Resource { states, .. } = &ty.kind else {
        diagnostics.push(
            Diagnostic::new(&f02::CONTRACT, "the state of the new resource is not said", ty.span)
                .help("put it in brackets: `StockHold[held, doubt maybe_held]`"),
        );
        return None;
    };
    if let Some(extra) = states.to.first() {
        diagnostics.push(Diagnostic::new(&f02::CONTRACT, "a new resource has no state to come from", extra.span));
    }
    let open = at_most_one(def, &states.from, None, "a new resource is in one state", diagnostics)?;
    let doubt = at_most_one(def, &states.doubt, Some(StateKind::Doubt), "a call has one state of doubt", diagnostics);
    Some(Opens { resource: id, state: open, doubt })
}

fn at_most_one(
    def: &ResourceDef,
    names: &[Ident],
    kind: Option<StateKind>,
    rule: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<StateId> {
    if let Some(extra) = names.get(1) {
        diagnostics.push(Diagnostic::new(&f02::CONTRACT, rule, extra.span).label("one too many"));
    }
    names.first().and_then(|name| state(def, name, kind, diagnostics))
}

/// The state of that name; a finding where the resource has none, or one of another kind.
pub(crate) fn state(
    def: &ResourceDef,
    name: &Ident,
    kind: Option<StateKind>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<StateId> {
    let found = def.state(name.as_str());
    match found.and_then(|id| def.states.get(id.index())) {
        Some(found) if kind.is_some_and(|kind| kind != found.kind) => diagnostics.push(
            Diagnostic::new(&f02::CONTRACT, format!("`{name}` is no state of doubt"), name.span)
                .also(found.span, "declared here"),
        ),
        Some(_) => {}
        None => {
            let diagnostic =
                Diagnostic::new(&f02::UNKNOWN_MEMBER, format!("the resource has no state `{name}`"), name.span)
                    .label("no such state");
            diagnostics.push(suggest(diagnostic, name, def.states.iter().map(|state| state.name.as_str())));
        }
    }
    found
}

/// Constants in an order in which each comes after those that it uses.
fn consts(globals: &mut Globals, declared: &[Declared<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let mut by_id: Vec<Option<(usize, &ast::Const)>> = globals.model.consts.iter().map(|_| None).collect();
    for each in declared {
        if let (ItemKind::Const(declared), Symbol::Const(id)) = (&each.item.kind, each.symbol)
            && let Some(place) = by_id.get_mut(id.index())
        {
            *place = Some((each.module, declared));
        }
    }
    let edges: Vec<Vec<(usize, Span)>> = by_id
        .iter()
        .map(|declared| {
            let mut used = Vec::new();
            if let Some((module, declared)) = declared {
                names_in(&declared.value, &mut |name| {
                    if let Some(Symbol::Const(id)) = globals.find(*module, name.as_str()).map(|entry| entry.symbol) {
                        used.push((id.index(), name.span));
                    }
                });
            }
            used
        })
        .collect();
    let name = |at: usize| globals.model.consts.get(at).map_or("", |found| found.name.as_str());
    let in_circle = circles_of(&edges, name, "constants use each other in a circle", EXPRESSIONS_END, diagnostics);
    let mut done: Vec<bool> = by_id.iter().map(|_| false).collect();
    for start in 0..by_id.len() {
        let mut stack = vec![(start, false)];
        while let Some((at, ready)) = stack.pop() {
            if done.get(at).copied().unwrap_or(true) {
                continue;
            }
            if !ready && !in_circle.contains(&at) {
                stack.push((at, true));
                stack.extend(edges.get(at).into_iter().flatten().map(|(to, _)| (*to, false)));
                continue;
            }
            if let Some(flag) = done.get_mut(at) {
                *flag = true;
            }
            if let Some(Some((module, declared))) = by_id.get(at)
                && !in_circle.contains(&at)
            {
                constant(globals, *module, ConstId(u32::try_from(at).unwrap_or(u32::MAX)), declared, diagnostics);
            }
        }
    }
}

fn constant(
    globals: &mut Globals,
    module: usize,
    id: ConstId,
    declared: &ast::Const,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let wanted = declared.ty.as_ref().map(|ty| ty::resolve(globals, module, ty, false, diagnostics));
    let mut cx = Cx::new(globals, module);
    cx.is_constant = true;
    let value = match &wanted {
        Some(wanted) => cx.expect(&declared.value, wanted),
        None => cx.expr(&declared.value, None),
    };
    let ty = wanted.unwrap_or_else(|| value.ty.clone());
    if matches!(ty, Ty::Absent) {
        let diagnostic = cx.found(&f02::MISMATCH, "a constant needs a value", declared.value.span);
        cx.push(diagnostic);
    }
    let folded = fold(&globals.model, &value).filter(|_| !matches!(value.kind, ExprKind::Unknown));
    diagnostics.append(&mut cx.diagnostics);
    if let Some(place) = globals.model.consts.get_mut(id.index()) {
        *place = Const { ty, value, folded, ..place.clone() };
    }
}

/// Every name that an expression uses as a value.
fn names_in(expr: &ast::Expr, each: &mut dyn FnMut(&Ident)) {
    use ast::ExprKind as E;
    let inits = |fields: &[ast::FieldInit], each: &mut dyn FnMut(&Ident)| {
        for field in fields {
            names_in(&field.value, each);
        }
    };
    let args = |args: &[ast::Arg], each: &mut dyn FnMut(&Ident)| {
        for arg in args {
            match arg {
                ast::Arg::Expr(value) => names_in(value, each),
                ast::Arg::Closure { body, .. } => names_in(body, each),
            }
        }
    };
    match &expr.kind {
        E::Name(name) => each(name),
        E::Text(text) => {
            for part in &text.parts {
                if let ast::TextPart::Value(value) = part {
                    names_in(value, each);
                }
            }
        }
        E::Field { base, .. } => names_in(base, each),
        E::Call { args: list, .. } => args(list, each),
        E::Method { base, args: list, .. } => {
            names_in(base, each);
            args(list, each);
        }
        E::List(items) => items.iter().for_each(|item| names_in(item, each)),
        E::Map(pairs) => {
            for (key, value) in pairs {
                names_in(key, each);
                names_in(value, each);
            }
        }
        E::Record(record) => inits(&record.fields, each),
        E::With { base, fields } => {
            names_in(base, each);
            inits(fields, each);
        }
        E::Unary { operand, .. } | E::Exists(operand) => names_in(operand, each),
        E::Binary { left, right, .. } => {
            names_in(left, each);
            names_in(right, each);
        }
        E::Of { duration, .. } => names_in(duration, each),
        E::If { condition, then, otherwise } => {
            [condition, then, otherwise].into_iter().for_each(|part| names_in(part, each));
        }
        E::Match { value, arms } => {
            names_in(value, each);
            arms.iter().for_each(|arm| names_in(&arm.value, each));
        }
        E::Int(_)
        | E::Decimal(_)
        | E::Percent(_)
        | E::Duration(_)
        | E::Date(_)
        | E::Money { .. }
        | E::Bool(_)
        | E::None
        | E::Now
        | E::Bad => {}
    }
}
