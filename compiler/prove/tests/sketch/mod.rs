//! Plans from sketches: flows in a few indented words, so that a case reads like the process and needs no compiler.
mod contracts;
mod header;
mod lines;

use flowline_plan::*;

use self::lines::Line;
use contracts::contracts;

/// A case of a `.case` file.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The cases of a file; each begins with `== name`.
pub(crate) fn cases(text: &str) -> Vec<Case> {
    let blocks = text.split("== ").skip(1);
    blocks
        .map(|block| {
            let (name, text) = block.split_once('\n').unwrap();
            Case { name: name.trim().to_owned(), text: text.trim_end().to_owned() }
        })
        .collect()
}

/// The bundle and the plan of a sketch. Span n is line n of it, from 1; the flow's own is 0.
pub(crate) fn plan(text: &str) -> (Bundle, Plan) {
    let mut lines = lines::parse(text);
    let mut bundle = contracts();
    let mut raises = Vec::new();
    lines.retain(|line| {
        if let Some(errors) = line.text.strip_prefix("raises ") {
            raises = header::errors(&bundle, errors);
        } else if let Some(state) = line.text.strip_prefix("without ") {
            contracts::drop_row(&mut bundle, state);
        } else if let Some(row) = line.text.strip_prefix("row ") {
            contracts::change_row(&mut bundle, row);
        } else {
            return true;
        }
        false
    });
    let (flows, lines): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| line.text.starts_with("flow "));
    for flow in flows {
        let flow = header::sub_flow(&bundle, &flow);
        bundle.flows.push(flow.into());
    }
    let plan = header::bare("sketch", raises);
    let mut sketch = Sketch { bundle: &bundle, plan };
    sketch.scope(ScopeKind::Flow, None, 0, &[]);
    sketch.fill(ScopeId(0), &lines);
    let plan = sketch.plan;
    (bundle, plan)
}

struct Sketch<'b> {
    bundle: &'b Bundle,
    plan: Plan,
}

/// A place in a node that takes the node which follows.
#[derive(Clone, Copy)]
enum Hole {
    Next(NodeId),
    Arm(NodeId, usize),
    Otherwise(NodeId),
    Timer(NodeId, usize),
    Entry(ScopeId),
}

impl Sketch<'_> {
    fn scope(&mut self, kind: ScopeKind, parent: Option<ScopeId>, line: u32, names: &[(&str, Type)]) -> ScopeId {
        let slots = names.iter().map(|(name, ty)| SlotDef { name: (*name).to_owned(), ty: ty.clone() }).collect();
        let label = format!("{kind:?}");
        self.plan.scopes.push(Scope { kind, parent, entry: None, slots, label, span: SpanId(line) });
        ScopeId::from(self.plan.scopes.len() - 1)
    }

    fn node(&mut self, scope: ScopeId, line: &Line, label: &str, kind: NodeKind) -> NodeId {
        let id = StableId(self.plan.nodes.len() as u64);
        let span = SpanId(line.no);
        self.plan.nodes.push(Node { id, label: label.to_owned(), scope, span, kind, next: None });
        NodeId::from(self.plan.nodes.len() - 1)
    }

    fn bind(&mut self, scope: ScopeId, name: &str, ty: Type) -> Slot {
        let slots = &mut self.plan.scopes[scope.index()].slots;
        slots.push(SlotDef { name: name.to_owned(), ty });
        Slot { scope, at: (slots.len() - 1) as u16 }
    }

    fn find(&self, scope: ScopeId, name: &str) -> Option<Slot> {
        let def = &self.plan.scopes[scope.index()];
        match def.slots.iter().rposition(|slot| slot.name == name) {
            Some(at) => Some(Slot { scope, at: at as u16 }),
            None => self.find(def.parent?, name),
        }
    }

    fn ty(&self, slot: Slot) -> Type {
        self.plan.scopes[slot.scope.index()].slots[slot.at as usize].ty.clone()
    }

    /// A name, a list of names, or something without a resource.
    fn code(&self, scope: ScopeId, text: &str) -> Code {
        if let Some(names) = text.strip_prefix('[') {
            let names: Vec<&str> = names.trim_end_matches(']').split(", ").collect();
            let mut ops: Vec<Instr> = names.iter().map(|name| Instr::Slot(self.find(scope, name).unwrap())).collect();
            ops.push(Instr::List(names.len() as u16));
            return Code { ops, ..Code::default() };
        }
        self.find(scope, text).map_or(Code::constant(Value::Bool(true)), Code::slot)
    }

    fn fill(&mut self, scope: ScopeId, lines: &[Line]) {
        self.block(scope, lines, vec![Hole::Entry(scope)]);
    }

    fn patch(&mut self, holes: Vec<Hole>, to: NodeId) {
        for hole in holes {
            match hole {
                Hole::Next(node) => self.plan.nodes[node.index()].next = Some(to),
                Hole::Entry(scope) => self.plan.scopes[scope.index()].entry = Some(to),
                Hole::Arm(node, arm) => match &mut self.plan.nodes[node.index()].kind {
                    NodeKind::Choose { arms, .. } => arms[arm].target = Some(to),
                    NodeKind::Await(wait) => wait.events[arm].target = Some(to),
                    other => panic!("no arms in {other:?}"),
                },
                Hole::Otherwise(node) => {
                    if let NodeKind::Choose { otherwise, .. } = &mut self.plan.nodes[node.index()].kind {
                        *otherwise = Some(to);
                    }
                }
                Hole::Timer(node, at) => {
                    if let NodeKind::Await(wait) = &mut self.plan.nodes[node.index()].kind {
                        wait.timers[at].end = TimerEnd::Goto(Some(to));
                    }
                }
            }
        }
    }

    /// Lowers statements; gives the places that what follows has to fill.
    fn block(&mut self, scope: ScopeId, lines: &[Line], mut holes: Vec<Hole>) -> Vec<Hole> {
        let mut at = 0;
        while at < lines.len() {
            let rest = &lines[at + 1..];
            let belongs = |line: &&Line| {
                ["on ", "too late", "after", "meanwhile", "else"].iter().any(|word| line.text.starts_with(word))
            };
            let tail: Vec<Line> = rest.iter().take_while(belongs).cloned().collect();
            let (node, open) = self.statement(scope, &lines[at], &tail);
            self.patch(holes, node);
            holes = open;
            at += 1 + tail.len();
        }
        holes
    }

    fn statement(&mut self, scope: ScopeId, line: &Line, tail: &[Line]) -> (NodeId, Vec<Hole>) {
        let (name, text) = match line.text.split_once(" = ") {
            Some((name, text)) => (Some(name), text),
            None => (None, line.text.as_str()),
        };
        let words: Vec<&str> = text.split(' ').collect();
        if words[0] == "parallel" {
            return self.branches(scope, line, name);
        }
        let result = name.map(|name| self.bind(scope, name, Type::Unit));
        let value = words.get(1).map_or(Code::constant(Value::None), |word| self.code(scope, word));
        let kind = match words[0] {
            "attempt" => return self.attempt(scope, line, tail, result),
            "when" => return self.choice(scope, line, tail),
            "first" => return self.first(scope, line),
            "each" => return self.each(scope, line, &words, result),
            "repeat" => {
                let body = self.scope(ScopeKind::Round, Some(scope), line.no, &[]);
                let kind = NodeKind::Repeat { max: value.clone(), body, until: Code::default(), result };
                let node = self.node(scope, line, text, kind);
                self.fill(body, &line.inside);
                return (node, vec![Hole::Next(node)]);
            }
            "await" => {
                let timers = words.iter().position(|word| *word == "within").map(|at| TimerArm {
                    due: Code::default(),
                    end: TimerEnd::Deadline(words.get(at + 1).filter(|w| **w != "_").map(|w| (*w).to_owned())),
                });
                let events = vec![self.arm(words[1])];
                let label = format!("await {}", words[1]);
                let kind = NodeKind::Await(AwaitNode { events, timers: timers.into_iter().collect(), task: None });
                let node = self.node(scope, line, &label, kind);
                return (node, vec![Hole::Arm(node, 0)]);
            }
            "give" => {
                self.give_type(scope, words.get(1).copied());
                NodeKind::Give { value }
            }
            "stop" => {
                let value = words.get(3).map(|name| self.code(scope, name));
                NodeKind::Stop { outcome: words[1].to_owned(), status: None, value }
            }
            "fail" => {
                let error = contracts::ty(self.bundle, words[1]);
                let ops = vec![Instr::Error { error, fields: 0 }];
                NodeKind::Fail { value: Code { ops, ..Code::default() } }
            }
            "point" => NodeKind::PointOfNoReturn,
            "wait" => NodeKind::Wait { due: Code::default() },
            "run" | "start" => {
                let args = words[2..].iter().map(|word| self.code(scope, word)).collect();
                let flow = self.bundle.flows.iter().position(|flow| flow.short_name() == words[1]).unwrap();
                if let (Some(slot), Some(gives)) = (result, &self.bundle.flows[flow].signature.gives) {
                    self.retype(slot, Type::Resource(gives.resource));
                }
                let (flow, detached) = (FlowId::from(flow), words[0] == "start");
                NodeKind::RunFlow(RunFlowNode { flow, args, detached, result })
            }
            op if op.contains('.') && self.find(scope, op).is_none() => {
                let op_ref = contracts::op(self.bundle, op);
                let args: Vec<Code> = words[1..].iter().map(|word| self.code(scope, word)).collect();
                if let (Some(slot), Some(opens)) = (result, &self.bundle.op(op_ref).unwrap().opens) {
                    self.retype(slot, Type::Resource(opens.resource));
                }
                NodeKind::Call(CallNode { op: op_ref, args, result, retry: None, timeout_ms: None, undo: None })
            }
            other => {
                let slot = result.unwrap_or_else(|| panic!("no statement: {text}"));
                let code = self.code(scope, text);
                if let Some(from) = self.find(scope, other) {
                    self.retype(slot, self.ty(from));
                }
                NodeKind::Let { slot, code }
            }
        };
        let label = if words[0].contains('.') { words[0] } else { text };
        let node = self.node(scope, line, label, kind);
        (node, vec![Hole::Next(node)])
    }

    fn retype(&mut self, slot: Slot, ty: Type) {
        self.plan.scopes[slot.scope.index()].slots[slot.at as usize].ty = ty;
    }

    /// What a block gives decides the type of the slot that takes it.
    fn give_type(&mut self, scope: ScopeId, name: Option<&str>) {
        let Some(ty) = name.and_then(|name| self.find(scope, name)).map(|slot| self.ty(slot)) else { return };
        let result = self.plan.nodes.iter().find_map(|node| match &node.kind {
            NodeKind::Attempt { body, handlers, result, .. }
                if *body == scope || handlers.iter().any(|handler| handler.scope == scope) =>
            {
                result.map(|slot| (slot, ty.clone()))
            }
            NodeKind::Each(each) if each.body == scope => {
                each.result.map(|slot| (slot, Type::List(Box::new(ty.clone()), None)))
            }
            NodeKind::Parallel { branches, results } => {
                let branch = branches.iter().position(|branch| *branch == scope)?;
                results.get(branch).copied().flatten().map(|slot| (slot, ty.clone()))
            }
            _ => None,
        });
        if let Some((slot, ty)) = result {
            self.retype(slot, ty);
        }
    }

    /// `x = parallel` binds `x.0`, `x.1`: what the branches give.
    fn branches(&mut self, scope: ScopeId, line: &Line, name: Option<&str>) -> (NodeId, Vec<Hole>) {
        let branch = |sketch: &mut Self, at: usize, branch: &Line| {
            let result = name.map(|name| sketch.bind(scope, &format!("{name}.{at}"), Type::Unit));
            (sketch.scope(ScopeKind::Branch, Some(scope), branch.no, &[]), result)
        };
        let bound: Vec<_> = line.inside.iter().enumerate().map(|(at, inside)| branch(self, at, inside)).collect();
        let (branches, results) = bound.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let kind = NodeKind::Parallel { branches: branches.clone(), results };
        let node = self.node(scope, line, "parallel", kind);
        for (branch, inside) in branches.into_iter().zip(&line.inside) {
            self.fill(branch, &inside.inside);
        }
        (node, vec![Hole::Next(node)])
    }

    fn arm(&self, event: &str) -> EventArm {
        let event = contracts::ty(self.bundle, event);
        EventArm { event, key: 0, value: Code::default(), bind: None, condition: None, fresh: false, target: None }
    }

    fn attempt(&mut self, scope: ScopeId, line: &Line, tail: &[Line], result: Option<Slot>) -> (NodeId, Vec<Hole>) {
        let body = self.scope(ScopeKind::Attempt, Some(scope), line.no, &[]);
        let mut handlers: Vec<Handler> = Vec::new();
        let mut meanwhile = Vec::new();
        let mut fills = vec![(body, line.inside.clone())];
        let mut keeping = Vec::new();
        for part in tail {
            let (head, names) = part.text.split_once(" keeping ").unwrap_or((&part.text, ""));
            let (kind, around) = match head {
                "too late" => (ScopeKind::TooLate, body),
                "meanwhile" => (ScopeKind::Meanwhile, body),
                _ => (ScopeKind::Handler, scope),
            };
            let own = self.scope(kind, Some(around), part.no, &[]);
            keeping
                .push((own, names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()));
            fills.push((own, part.inside.clone()));
            match kind {
                ScopeKind::TooLate => {
                    if let Some(Trigger::Event { too_late, .. }) = handlers.last_mut().map(|h| &mut h.trigger) {
                        *too_late = Some(own);
                    }
                }
                ScopeKind::Meanwhile => {
                    meanwhile.push(Meanwhile { kind: MeanwhileKind::Every(Code::default()), scope: own });
                }
                _ => {
                    let trigger = self.trigger(head);
                    handlers.push(Handler { trigger, scope: own, bind: None, keeping: Vec::new() });
                }
            }
        }
        let node = self.node(scope, line, "attempt", NodeKind::Attempt { body, handlers, meanwhile, result });
        for (scope, lines) in fills {
            for name in keeping.iter().filter(|(own, _)| *own == scope).flat_map(|(_, names)| names) {
                self.keep(node, body, scope, name);
            }
            self.fill(scope, &lines);
        }
        (node, vec![Hole::Next(node)])
    }

    /// `keeping name` of a handler; the body is there already.
    fn keep(&mut self, attempt: NodeId, body: ScopeId, handler: ScopeId, name: &str) {
        let from = self.find(body, name).filter(|slot| slot.scope == body).unwrap();
        let to = self.bind(handler, name, Type::Optional(Box::new(self.ty(from))));
        if let NodeKind::Attempt { handlers, .. } = &mut self.plan.nodes[attempt.index()].kind {
            let own = handlers.iter_mut().find(|own| own.scope == handler).unwrap();
            own.keeping.push(Kept { from, to });
        }
    }

    fn trigger(&self, text: &str) -> Trigger {
        if text == "after" {
            return Trigger::After(Code::default());
        }
        let words = text.strip_prefix("on ").unwrap();
        if let Some(event) = words.strip_prefix("event ") {
            return Trigger::Event { arm: self.arm(event), too_late: None };
        }
        Trigger::Errors(
            words
                .split(", ")
                .map(|word| match word {
                    "Exhausted" => Catch::Exhausted,
                    "Deadline" => Catch::Deadline(None),
                    _ => match word.strip_prefix("Deadline of ") {
                        Some(wait) => Catch::Deadline(Some(wait.to_owned())),
                        None => Catch::Error(contracts::ty(self.bundle, word)),
                    },
                })
                .collect(),
        )
    }

    fn choice(&mut self, scope: ScopeId, line: &Line, tail: &[Line]) -> (NodeId, Vec<Hole>) {
        let words: Vec<&str> = line.text.split(' ').collect();
        let mut condition = Code::default();
        if let ["when", name, "exists"] = words.as_slice() {
            condition.ops = vec![Instr::Slot(self.find(scope, name).unwrap()), Instr::IsNone, Instr::Not];
        }
        let arm = ChooseArm { label: String::new(), condition, target: None };
        let node =
            self.node(scope, line, &line.text, NodeKind::Choose { arms: vec![arm], otherwise: None, told: false });
        let mut open = self.block(scope, &line.inside, vec![Hole::Arm(node, 0)]);
        let otherwise = tail.first().map_or(&[][..], |line| line.inside.as_slice());
        open.extend(self.block(scope, otherwise, vec![Hole::Otherwise(node)]));
        (node, open)
    }

    fn first(&mut self, scope: ScopeId, line: &Line) -> (NodeId, Vec<Hole>) {
        let (timers, events): (Vec<&Line>, Vec<&Line>) = line.inside.iter().partition(|arm| arm.text == "after");
        let wait = AwaitNode {
            events: events.iter().map(|arm| self.arm(&arm.text)).collect(),
            timers: timers.iter().map(|_| TimerArm { due: Code::default(), end: TimerEnd::Goto(None) }).collect(),
            task: None,
        };
        let node = self.node(scope, line, "await first", NodeKind::Await(wait));
        let mut open = Vec::new();
        for (at, arm) in events.iter().enumerate() {
            open.extend(self.block(scope, &arm.inside, vec![Hole::Arm(node, at)]));
        }
        for (at, arm) in timers.iter().enumerate() {
            open.extend(self.block(scope, &arm.inside, vec![Hole::Timer(node, at)]));
        }
        (node, open)
    }

    /// `each item in list [sharing whole as part]`.
    fn each(&mut self, scope: ScopeId, line: &Line, words: &[&str], result: Option<Slot>) -> (NodeId, Vec<Hole>) {
        let list = self.code(scope, words[3]);
        let item = match self.find(scope, words[3]).map(|slot| self.ty(slot)) {
            Some(Type::List(item, _)) => *item,
            Some(Type::Optional(list)) => match *list {
                Type::List(item, _) => *item,
                _ => Type::Unit,
            },
            _ => Type::Unit,
        };
        let body = self.scope(ScopeKind::Element, Some(scope), line.no, &[(words[1], item)]);
        let sharing = words.get(5).map(|whole| {
            let slot = self.find(scope, whole).unwrap();
            let part = self.bind(body, words[7], self.ty(slot));
            Sharing { resource: Code::slot(slot), by: Code::default(), part }
        });
        let item = Slot { scope: body, at: 0 };
        let each = EachNode { list, item, width: None, sharing, body, result };
        let node = self.node(scope, line, "for each", NodeKind::Each(each));
        self.fill(body, &line.inside);
        (node, vec![Hole::Next(node)])
    }
}
