//! What a flow takes and gives of resources, and what undoes it: the contract with the flows that run it.
//!
//! A parameter or a result may be a resource, or one that may be absent; what lies in lists and records may not. Proofs
//! hold the flow to what is said here, so every state has to be said.

use crate::flow::FlowCx;
use crate::model::{FlowUndo, Local, LocalKind, ResourceDef, Signature, Take, Ty};
use crate::names::{Globals, suggest};
use crate::signature::state;
use crate::ty;
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{Gives, Keep, StateId, StateKind, TypeId};
use flowline_syntax::ast;

/// The type of a flow's parameter or result.
pub(crate) fn resolve(globals: &Globals, module: usize, text: &ast::Type, diagnostics: &mut Vec<Diagnostic>) -> Ty {
    let ast::TypeKind::Optional(inner) = &text.kind else {
        return ty::resolve(globals, module, text, true, diagnostics);
    };
    if !matches!(inner.kind, ast::TypeKind::Named(_) | ast::TypeKind::Resource { .. }) {
        return ty::resolve(globals, module, text, true, diagnostics);
    }
    Ty::Optional(Box::new(ty::resolve(globals, module, inner, true, diagnostics)))
}

/// What the header says of resources; the undo comes later.
pub(crate) fn signature(
    globals: &Globals,
    module: usize,
    flow: &ast::Flow,
    (locals, result): (&[Local], &Ty),
    diagnostics: &mut Vec<Diagnostic>,
) -> Signature {
    let mut signature = Signature::default();
    for ((at, param), local) in (0u16..).zip(&flow.params).zip(locals) {
        let Some((resource, def)) = resource_of(globals, &local.ty) else { continue };
        let name = Some(param.name.as_str());
        let Some(states) = states_of(globals, resource, def, name, &param.ty, diagnostics) else { continue };
        let (from, to) = (listed(def, &states.from, diagnostics), listed(def, &states.to, diagnostics));
        signature.takes.push(Take { param: at, resource, from, to, span: param.span });
    }
    if let (Some(text), Some((resource, def))) = (&flow.result, resource_of(globals, result))
        && let Some(states) = states_of(globals, resource, def, None, text, diagnostics)
    {
        if let Some(to) = states.to.first() {
            let message = "a result has no state before: say only those in which it comes";
            diagnostics.push(Diagnostic::new(&f02::CONTRACT, message, to.span).label("leave out `=>`"));
        }
        signature.gives = Some(Gives { resource, states: listed(def, &states.from, diagnostics) });
    }
    for raise in &flow.raises {
        let error = globals.find(module, raise.error.as_str()).map(|entry| entry.symbol);
        let Some(crate::names::Symbol::Type(error)) = error else { continue };
        match &raise.effect {
            None => {}
            Some(ast::RaiseEffect::OutcomeUnknown(span)) => diagnostics.push(
                Diagnostic::new(&f02::CONTRACT, "the outcome of a flow is never unknown", *span)
                    .label("this is said of operations")
                    .help("a flow that ends by an error has let go of everything before"),
            ),
            Some(ast::RaiseEffect::State { subject, state: kept, .. }) => {
                let by_name = signature
                    .takes
                    .iter()
                    .find(|take| flow.params.get(usize::from(take.param)).is_some_and(|p| p.name.text == subject.text));
                let Some(take) = by_name else {
                    let message = format!("`{subject}` is no resource that the flow takes");
                    let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, message, subject.span)
                        .help("name a parameter: `raises E (money is authorised)`");
                    let params = signature.takes.iter().filter_map(|take| flow.params.get(usize::from(take.param)));
                    diagnostics.push(suggest(diagnostic, subject, params.map(|param| param.name.as_str())));
                    continue;
                };
                let (param, def) = (take.param, globals.model.resource(take.resource));
                let state = def.and_then(|def| state(def, kept, None, diagnostics));
                signature.keeps.extend(state.map(|state| Keep { error, param, state }));
            }
        }
    }
    signature
}

/// A resource, or one that may be absent.
fn resource_of<'g>(globals: &'g Globals, ty: &Ty) -> Option<(TypeId, &'g ResourceDef)> {
    if let Ty::Optional(inner) = ty {
        return resource_of(globals, inner);
    }
    if let Ty::Resource(id) = ty { Some((*id, globals.model.resource(*id)?)) } else { None }
}

/// The states in brackets; a finding where there are none, or some that no flow may speak of.
fn states_of<'t>(
    globals: &Globals,
    resource: TypeId,
    def: &ResourceDef,
    param: Option<&str>,
    text: &'t ast::Type,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<&'t ast::ResourceStates> {
    let core = if let ast::TypeKind::Optional(inner) = &text.kind { &**inner } else { text };
    let ast::TypeKind::Resource { states, .. } = &core.kind else {
        let ty = globals.model.ty(resource).map_or("?", |ty| ty.short_name());
        let first = def.states.first().map_or("open", |state| state.name.as_str());
        let message = match param {
            Some(param) => format!("in which states does the flow take `{param}`?"),
            None => format!("in which state is the `{ty}` that the flow gives?"),
        };
        let help = match param {
            Some(param) => format!("for example `{param}: {ty}[{first}]`, or `{ty}[{first} => …]` where it changes"),
            None => format!("for example `-> {ty}[{first}]`"),
        };
        diagnostics.push(Diagnostic::new(&f02::CONTRACT, message, core.span).label("no states").help(help));
        return None;
    };
    if let Some(doubt) = states.doubt.first() {
        diagnostics.push(
            Diagnostic::new(&f02::CONTRACT, "a flow that has ended leaves no doubt of its own", doubt.span)
                .label("this is said of operations")
                .help("where it may end in a state of doubt, name that state with the others"),
        );
    }
    Some(states)
}

fn listed(def: &ResourceDef, names: &[ast::Ident], diagnostics: &mut Vec<Diagnostic>) -> Vec<StateId> {
    let mut states: Vec<StateId> = names.iter().filter_map(|name| state(def, name, None, diagnostics)).collect();
    states.sort_unstable();
    states.dedup();
    states
}

impl FlowCx<'_> {
    /// `undo other_flow(args)`: in terms of the flow's parameters and its `result`.
    pub(crate) fn undo_of_flow(&mut self, call: &ast::FlowCall) -> Option<FlowUndo> {
        let mark = self.cx.mark();
        let result = (self.result != Ty::Unit && self.cx.lookup("result").is_none()).then(|| {
            let local = self.cx.hidden("result", call.span, self.result.clone(), LocalKind::Code);
            self.cx.visible.push(local);
            local
        });
        let found = self.flow_call(call);
        self.cx.reset(mark);
        let (flow, args) = found?;
        let other = self.cx.globals.model.flow(flow)?;
        let name = &call.flow;
        if let Some((error, at)) = other.raises.first() {
            let error = self.cx.globals.model.ty(*error).map_or("?", |ty| ty.short_name());
            self.cx.diagnostics.push(
                Diagnostic::new(
                    &f02::CONTRACT,
                    format!("an undo may not fail, and `{name}` raises `{error}`"),
                    name.span,
                )
                .label("this undoes what has happened")
                .also(*at, "said here")
                .help(format!("let `{name}` handle its errors itself: nobody could go on from there")),
            );
        }
        let signature = &other.signature;
        let speaks_of = signature.takes.first().map(|take| take.span).or(signature.gives.as_ref().map(|_| other.head));
        if let Some(at) = speaks_of {
            self.cx.diagnostics.push(
                Diagnostic::new(&f02::CONTRACT, format!("`{name}` takes or gives a resource"), name.span)
                    .label("an undo has none")
                    .also(at, "said here")
                    .help("a resource is let go by the `abandon` row of its state, by itself; hand over its `id` where that is needed"),
            );
        }
        Some(FlowUndo { span: call.span, flow, args, result })
    }

    /// A flow that nobody waits for can hand nothing back.
    pub(crate) fn started_alone(&mut self, flow: flowline_plan::FlowId, name: &ast::Ident) {
        let globals = self.cx.globals;
        let Some(flow) = globals.model.flow(flow) else { return };
        let signature = &flow.signature;
        let is_open = |resource: TypeId, state: StateId| {
            let def = globals.model.resource(resource).and_then(|def| def.states.get(state.index()));
            def.is_some_and(|state| state.kind != StateKind::Closed)
        };
        let comes_back = |take: &&Take| {
            let ends = if take.to.is_empty() { &take.from } else { &take.to };
            let keeps = signature.keeps.iter().filter(|keep| keep.param == take.param).map(|keep| &keep.state);
            ends.iter().chain(keeps).any(|state| is_open(take.resource, *state))
        };
        let handed: Option<(Span, &str)> = match signature.takes.iter().find(comes_back) {
            Some(take) => Some((take.span, "this may come back open")),
            None => signature.gives.as_ref().map(|_| (flow.head, "it gives a resource")),
        };
        if let Some((at, why)) = handed {
            let message = format!("nobody takes what `{name}` hands back: it is started and stands by itself");
            self.cx.diagnostics.push(
                Diagnostic::new(&f02::RESOURCE, message, name.span)
                    .label("nobody waits for its end")
                    .also(at, why)
                    .help(format!("write `run {name}(…)`; or let it close what it is given on every way")),
            );
        }
    }
}
