//! Sub-flows of sketches: `flow NAME money:CardMoney:authorised=>captured,voided -> StockHold:held keeps
//! Refused:money:authorised undo`, with its body inside, and `raises …` as the first line of that.
use flowline_plan::*;

use super::{Sketch, contracts, lines::Line};

/// A flow without a body.
pub(super) fn bare(name: &str, raises: Vec<TypeId>) -> Plan {
    Plan {
        name: format!("case.{name}"),
        doc: String::new(),
        semantics: SEMANTICS,
        params: 0,
        start: None,
        key: None,
        status: None,
        track: Vec::new(),
        owner: None,
        promises: Vec::new(),
        late: Late::default(),
        side: None,
        raises,
        result: Type::Unit,
        signature: Signature::default(),
        nodes: Vec::new(),
        scopes: Vec::new(),
        span: SpanId(0),
    }
}

pub(super) fn errors(bundle: &Bundle, text: &str) -> Vec<TypeId> {
    text.split(", ").map(|error| contracts::ty(bundle, error)).collect()
}

/// A sub-flow; those before it are in the bundle.
pub(super) fn sub_flow(bundle: &Bundle, line: &Line) -> Plan {
    let mut lines = line.inside.clone();
    let raises = lines.first().and_then(|first| first.text.strip_prefix("raises ")).map(|text| errors(bundle, text));
    if raises.is_some() {
        lines.remove(0);
    }
    let (words, span) = (line.text.split(' ').collect::<Vec<_>>(), SpanId(line.no));
    let mut plan = Plan { span, ..bare(words[1], raises.unwrap_or_default()) };
    let mut slots = Vec::new();
    let mut at = 2;
    while at < words.len() {
        let parts: Vec<&str> = words.get(at + 1).map_or(Vec::new(), |word| word.split(':').collect());
        match words[at] {
            "->" => {
                let resource = contracts::ty(bundle, parts[0]);
                plan.result = Type::Optional(Box::new(Type::Resource(resource)));
                plan.signature.gives = Some(Gives { resource, states: states(bundle, resource, parts[1]) });
                at += 1;
            }
            "keeps" => {
                let error = contracts::ty(bundle, parts[0]);
                let param = slots.iter().position(|(name, _)| *name == parts[1]).unwrap();
                let take: &Take = &plan.signature.takes[param];
                let state = states(bundle, take.resource, parts[2])[0];
                plan.signature.keeps.push(Keep { error, param: take.param, state });
                at += 1;
            }
            "undo" => plan.signature.undo = Some(FlowUndo { flow: FlowId(0), args: Vec::new() }),
            param => {
                let parts: Vec<&str> = param.split(':').collect();
                let resource = contracts::ty(bundle, parts[1]);
                let (from, to) = parts[2].split_once("=>").unwrap_or((parts[2], ""));
                let (from, to) = (states(bundle, resource, from), states(bundle, resource, to));
                plan.signature.takes.push(Take { param: plan.params, resource, from, to, span });
                plan.params += 1;
                slots.push((parts[0], Type::Resource(resource)));
            }
        }
        at += 1;
    }
    let mut sketch = Sketch { bundle, plan };
    sketch.scope(ScopeKind::Flow, None, line.no, &slots);
    sketch.fill(ScopeId(0), &lines);
    sketch.plan
}

fn states(bundle: &Bundle, resource: TypeId, names: &str) -> Vec<StateId> {
    let def = bundle.resource(resource).unwrap();
    names.split(',').filter(|name| !name.is_empty()).map(|name| def.state(name).unwrap()).collect()
}
