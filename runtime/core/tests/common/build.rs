//! Plans by hand: a small language of statements, lowered to the plan that the core runs.
use std::sync::Arc;

use flowline_plan::*;

use super::contracts::{self, ev, op, ty};

/// A block of statements.
pub(crate) type Block = Vec<S>;

/// One statement. Operations, events and errors go by name, see [`contracts`].
#[derive(Debug, Clone)]
pub(crate) enum S {
    /// `let x = do op()`: opens a resource.
    Open(&'static str, String),
    /// `do op(x)`: moves a resource on.
    Use(&'static str, String),
    /// `do op()` with nothing but its number.
    Do(&'static str),
    /// `let advice = predict model(1)`.
    Predict,
    /// `do op()` for one case: retried so often.
    Retry(&'static str, u32),
    /// `await E [within d [as w]]`.
    Await(&'static str, Option<(i64, Option<&'static str>)>),
    /// `await E if var == n`.
    AwaitIf(&'static str, &'static str, i64),
    /// `await first { E => … after d => … }`.
    First(Vec<(&'static str, Block)>, Option<(i64, Block)>),
    /// `let answer = ask desk "?" { show 1  answer Int within d else { … }  not by "anna" }`, in milliseconds.
    Ask(i64, Block),
    /// A `govern`: `when var == 1 => … otherwise => …`.
    Govern(&'static str, Block, Block),
    Wait(i64),
    Attempt(Block, Vec<(On, Block)>, Vec<(Every, Block)>),
    Parallel(Vec<Block>),
    /// `let both = parallel { … }`: the names take what the branches give.
    Both(Vec<&'static str>, Vec<Block>),
    Each(Each),
    /// `repeat up to n times { … } until var == n`; without a variable never.
    Repeat(i64, Block, Option<(&'static str, i64)>),
    /// `var x = n`, or `x = n` where x is known.
    Set(&'static str, i64),
    /// `x = x + 1`.
    Inc(&'static str),
    When(&'static str, i64, Block, Block),
    /// `run flow 1`.
    Run,
    Start,
    /// `[let x =] run flow n(args)`.
    Hand {
        flow: u32,
        args: Vec<&'static str>,
        result: Option<&'static str>,
        detached: bool,
    },
    /// `stop outcome with x`.
    StopWith(&'static str, &'static str),
    Fail(&'static str),
    Stop(&'static str),
    Give(i64),
    /// Reports a variable as the status.
    Show(&'static str),
    /// Divides by zero while the variable is 0.
    Divide(&'static str),
    Ponr,
}

/// `for each x in 0..n`.
#[derive(Debug, Clone)]
pub(crate) struct Each {
    pub(crate) n: i64,
    pub(crate) width: Option<i64>,
    /// Resource, share of each element in whole currency units, name of the part.
    pub(crate) sharing: Option<(String, i64, String)>,
    /// One body for all.
    pub(crate) body: Block,
    pub(crate) result: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub(crate) enum On {
    Errors(Vec<&'static str>),
    Deadline(Option<&'static str>),
    Exhausted,
    Event(&'static str, Option<Block>),
    After(i64),
    /// The same, keeping what the body has under these names.
    Keeping(Vec<String>, Box<On>),
}

#[derive(Debug, Clone)]
pub(crate) enum Every {
    Ms(i64),
    Event(&'static str),
}

pub(crate) fn open(name: &'static str, slot: &str) -> S {
    S::Open(name, slot.to_owned())
}
pub(crate) fn on(name: &'static str, slot: &str) -> S {
    S::Use(name, slot.to_owned())
}
/// `attempt { body } on …`.
pub(crate) fn attempt(body: Block, handlers: Vec<(On, Block)>) -> S {
    S::Attempt(body, handlers, Vec::new())
}
/// `on E { block }`.
pub(crate) fn errs(names: &[&'static str], block: Block) -> (On, Block) {
    (On::Errors(names.to_vec()), block)
}
pub(crate) fn each(n: i64, body: Block) -> S {
    S::Each(Each { n, width: None, sharing: None, body, result: None })
}

/// A bundle whose flow 0 is the block.
pub(crate) fn bundle(block: &[S]) -> Arc<Bundle> {
    let mut bundle = contracts::bundle();
    for (name, block) in [("main", block), ("sub", &[S::Do("notify")] as &[S])] {
        bundle.flows.push(Arc::new(plan(name, block)));
    }
    Arc::new(bundle)
}

/// A bundle of flows that hand resources to each other; parameters go by name.
pub(crate) fn bundle_of(flows: Vec<(&[&'static str], Signature, Block)>) -> Arc<Bundle> {
    let mut bundle = contracts::bundle();
    for (params, signature, block) in flows {
        let plan = plan_with("flow", params, &block);
        bundle.flows.push(Arc::new(Plan { signature, params: params.len() as u16, ..plan }));
    }
    Arc::new(bundle)
}

fn plan(name: &str, block: &[S]) -> Plan {
    plan_with(name, &[], block)
}

fn plan_with(name: &str, params: &[&'static str], block: &[S]) -> Plan {
    let mut lower = Lower::default();
    let root = lower.bare_scope(ScopeKind::Flow, None);
    for param in params {
        lower.declare(root, param);
    }
    let entry = lower.block(root, block, None);
    lower.scopes[root.index()].entry = entry;
    Plan {
        name: name.to_owned(),
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
        raises: Vec::new(),
        result: Type::Unit,
        signature: Signature::default(),
        nodes: lower.nodes.into_iter().map(|node| node.expect("each node is lowered")).collect(),
        scopes: lower.scopes,
        span: SpanId(0),
    }
}

#[derive(Default)]
struct Lower {
    nodes: Vec<Option<Node>>,
    scopes: Vec<Scope>,
}

impl Lower {
    fn scope(&mut self, kind: ScopeKind, parent: Option<ScopeId>, block: &[S]) -> ScopeId {
        let id = self.bare_scope(kind, parent);
        let entry = self.block(id, block, None);
        self.scopes[id.index()].entry = entry;
        id
    }

    fn bare_scope(&mut self, kind: ScopeKind, parent: Option<ScopeId>) -> ScopeId {
        let id = ScopeId::from(self.scopes.len());
        self.scopes.push(Scope {
            kind,
            parent,
            entry: None,
            slots: Vec::new(),
            label: format!("{kind:?}"),
            span: SpanId(0),
        });
        id
    }

    fn block(&mut self, scope: ScopeId, block: &[S], next: Option<NodeId>) -> Option<NodeId> {
        let ids: Vec<NodeId> = block.iter().map(|_| self.reserve()).collect();
        for (at, stmt) in block.iter().enumerate() {
            self.stmt(scope, stmt, ids[at], ids.get(at + 1).copied().or(next));
        }
        ids.first().copied().or(next)
    }

    fn reserve(&mut self) -> NodeId {
        self.nodes.push(None);
        NodeId::from(self.nodes.len() - 1)
    }

    fn find(&self, mut scope: ScopeId, name: &str) -> Option<Slot> {
        loop {
            let of = &self.scopes[scope.index()];
            if let Some(at) = of.slots.iter().position(|slot| slot.name == name) {
                return Some(Slot { scope, at: at as u16 });
            }
            scope = of.parent?;
        }
    }

    fn declare(&mut self, scope: ScopeId, name: &str) -> Slot {
        let slots = &mut self.scopes[scope.index()].slots;
        slots.push(SlotDef { name: name.to_owned(), ty: Type::Int });
        Slot { scope, at: (slots.len() - 1) as u16 }
    }

    fn arm(&self, name: &str, condition: Option<Code>, target: Option<NodeId>) -> EventArm {
        EventArm { event: ev(name), key: 0, value: int(1), bind: None, condition, fresh: false, target }
    }

    fn equals(&self, scope: ScopeId, name: &str, n: i64) -> Code {
        let slot = self.find(scope, name).unwrap_or_else(|| panic!("no variable {name}"));
        Code { ops: vec![Instr::Slot(slot), Instr::Const(0), Instr::Eq], consts: vec![Value::Int(n)], locals: 1 }
    }

    fn stmt(&mut self, scope: ScopeId, stmt: &S, id: NodeId, next: Option<NodeId>) {
        let mut label = format!("{id:?}");
        let kind = match stmt {
            S::Open(name, slot) => {
                label = (*name).to_owned();
                let slot = self.declare(scope, slot);
                self.call(name, vec![int(i64::from(id.0))], Some(slot), None)
            }
            S::Use(name, slot) => {
                label = (*name).to_owned();
                let slot = self.find(scope, slot).unwrap_or_else(|| panic!("no resource {slot}"));
                let mut args = vec![Code::slot(slot)];
                if *name == "refund" {
                    args.push(Code { ops: vec![Instr::Slot(slot), Instr::Field(1)], ..Code::default() });
                }
                self.call(name, args, None, None)
            }
            S::Do(name) => {
                label = (*name).to_owned();
                self.call(name, vec![int(i64::from(id.0))], None, None)
            }
            S::Predict => {
                let slot = self.declare(scope, "advice");
                self.call("predict", vec![int(1)], Some(slot), None)
            }
            S::Retry(name, times) => {
                label = (*name).to_owned();
                let policy = RetryPolicy { retries_max: Some(*times), first_ms: 100, longest_ms: 1000 };
                self.call(name, vec![int(i64::from(id.0))], None, Some(policy))
            }
            S::Await(name, within) => {
                let arm = self.arm(name, None, next);
                let end = |(ms, name): &(i64, Option<&str>)| TimerArm {
                    due: millis(*ms),
                    end: TimerEnd::Deadline(name.map(str::to_owned)),
                };
                NodeKind::Await(AwaitNode { events: vec![arm], timers: within.iter().map(end).collect(), task: None })
            }
            S::AwaitIf(name, var, n) => {
                let arm = self.arm(name, Some(self.equals(scope, var, *n)), next);
                NodeKind::Await(AwaitNode { events: vec![arm], timers: Vec::new(), task: None })
            }
            S::First(arms, after) => {
                let mut events = Vec::new();
                for (name, block) in arms {
                    let target = self.block(scope, block, next);
                    events.push(self.arm(name, None, target));
                }
                let timers = after.iter().map(|(ms, block)| TimerArm {
                    due: millis(*ms),
                    end: TimerEnd::Goto(self.block(scope, block, next)),
                });
                NodeKind::Await(AwaitNode { timers: timers.collect(), events, task: None })
            }
            S::Ask(ms, silence) => {
                let shown = Shown { label: "one".to_owned(), ty: Type::Int, advice: false, value: int(1) };
                let bind = Some(self.find(scope, "answer").unwrap_or_else(|| self.declare(scope, "answer")));
                let task = TaskArm {
                    role: RoleId(0),
                    question: Code::constant(Value::text("?")),
                    show: vec![shown],
                    answer: Type::Int,
                    not_by: vec![Code::constant(Value::text("anna"))],
                    bind,
                    target: next,
                };
                let end = TimerEnd::Goto(self.block(scope, silence, next));
                let timers = vec![TimerArm { due: millis(*ms), end }];
                NodeKind::Await(AwaitNode { timers, events: Vec::new(), task: Some(Box::new(task)) })
            }
            S::Govern(name, then, or) => {
                let condition = self.equals(scope, name, 1);
                let target = self.block(scope, then, next);
                let otherwise = self.block(scope, or, next);
                let arms = vec![ChooseArm { label: String::new(), condition, target }];
                NodeKind::Choose { arms, otherwise, told: true }
            }
            S::Wait(ms) => NodeKind::Wait { due: millis(*ms) },
            S::Attempt(body, handlers, meanwhile) => self.attempt(scope, body, handlers, meanwhile),
            S::Parallel(branches) => self.branches(scope, &[], branches),
            S::Both(names, branches) => self.branches(scope, names, branches),
            S::Each(each) => self.each(scope, each),
            S::Repeat(max, body, until) => {
                let body = self.scope(ScopeKind::Round, Some(scope), body);
                let until =
                    until.map_or_else(|| Code::constant(Value::Bool(false)), |(name, n)| self.equals(body, name, n));
                NodeKind::Repeat { max: int(*max), body, until, result: None }
            }
            S::Set(name, n) => {
                let slot = self.find(scope, name).unwrap_or_else(|| self.declare(scope, name));
                NodeKind::Let { slot, code: int(*n) }
            }
            S::Inc(name) => {
                let slot = self.find(scope, name).expect("a known variable");
                let ops = vec![Instr::Slot(slot), Instr::Const(0), Instr::Add];
                NodeKind::Let { slot, code: Code { ops, consts: vec![Value::Int(1)], locals: 0 } }
            }
            S::When(name, n, then, or) => {
                let condition = self.equals(scope, name, *n);
                let target = self.block(scope, then, next);
                let otherwise = self.block(scope, or, next);
                NodeKind::Choose {
                    arms: vec![ChooseArm { label: String::new(), condition, target }],
                    otherwise,
                    told: false,
                }
            }
            S::Run | S::Start => NodeKind::RunFlow(RunFlowNode {
                flow: FlowId(1),
                args: Vec::new(),
                detached: matches!(stmt, S::Start),
                result: None,
            }),
            S::Hand { flow, args, result, detached } => {
                let args = args.iter().map(|name| Code::slot(self.find(scope, name).expect("a known name")));
                let args = args.collect();
                let result = result.map(|name| self.declare(scope, name));
                NodeKind::RunFlow(RunFlowNode { flow: FlowId(*flow), args, detached: *detached, result })
            }
            S::StopWith(outcome, name) => {
                let value = Some(Code::slot(self.find(scope, name).expect("a known name")));
                NodeKind::Stop { outcome: (*outcome).to_owned(), status: None, value }
            }
            S::Fail(name) => {
                let ops = vec![Instr::Error { error: ty(name), fields: 0 }];
                NodeKind::Fail { value: Code { ops, ..Code::default() } }
            }
            S::Stop(outcome) => NodeKind::Stop { outcome: (*outcome).to_owned(), status: None, value: None },
            S::Give(n) => NodeKind::Give { value: int(*n) },
            S::Show(name) => {
                let slot = self.find(scope, name).expect("a known variable");
                NodeKind::Status { value: Code::slot(slot), part: None }
            }
            S::Divide(name) => {
                let slot = self.find(scope, name).expect("a known variable");
                let unused = self.declare(scope, "unused");
                let ops = vec![Instr::Const(0), Instr::Slot(slot), Instr::Div];
                NodeKind::Let { slot: unused, code: Code { ops, consts: vec![Value::Int(1)], locals: 0 } }
            }
            S::Ponr => NodeKind::PointOfNoReturn,
        };
        let stable = StableId(u64::from(id.0) + 1000);
        self.nodes[id.index()] = Some(Node { id: stable, label, scope, span: SpanId(0), kind, next });
    }

    fn branches(&mut self, scope: ScopeId, names: &[&str], branches: &[Block]) -> NodeKind {
        let results = names.iter().map(|name| Some(self.declare(scope, name))).collect();
        let branches = branches.iter().map(|b| self.scope(ScopeKind::Branch, Some(scope), b)).collect();
        NodeKind::Parallel { branches, results }
    }

    fn call(&self, name: &str, args: Vec<Code>, result: Option<Slot>, retry: Option<RetryPolicy>) -> NodeKind {
        NodeKind::Call(CallNode { op: op(name), args, result, retry, timeout_ms: None, undo: None })
    }

    fn attempt(&mut self, scope: ScopeId, body: &[S], on: &[(On, Block)], beside: &[(Every, Block)]) -> NodeKind {
        let body = self.scope(ScopeKind::Attempt, Some(scope), body);
        let mut handlers = Vec::new();
        for (what, block) in on {
            let (what, names) = match what {
                On::Keeping(names, what) => (what.as_ref(), names.as_slice()),
                what => (what, &[][..]),
            };
            let trigger = match what {
                On::Errors(names) => Trigger::Errors(names.iter().map(|name| Catch::Error(ty(name))).collect()),
                On::Deadline(name) => Trigger::Errors(vec![Catch::Deadline(name.map(str::to_owned))]),
                On::Exhausted => Trigger::Errors(vec![Catch::Exhausted]),
                On::Event(name, too_late) => Trigger::Event {
                    arm: self.arm(name, None, None),
                    too_late: too_late.as_ref().map(|block| self.scope(ScopeKind::TooLate, Some(scope), block)),
                },
                On::After(ms) => Trigger::After(millis(*ms)),
                On::Keeping(..) => panic!("`keeping` twice"),
            };
            let own = self.bare_scope(ScopeKind::Handler, Some(scope));
            let keeping = names.iter().map(|name| {
                let from = self.find(body, name).expect("a name of the body");
                Kept { from, to: self.declare(own, name) }
            });
            let keeping = keeping.collect();
            let entry = self.block(own, block, None);
            self.scopes[own.index()].entry = entry;
            handlers.push(Handler { trigger, scope: own, bind: None, keeping });
        }
        let mut meanwhile = Vec::new();
        for (every, block) in beside {
            let kind = match every {
                Every::Ms(ms) => MeanwhileKind::Every(millis(*ms)),
                Every::Event(name) => MeanwhileKind::Event(self.arm(name, None, None)),
            };
            meanwhile.push(Meanwhile { kind, scope: self.scope(ScopeKind::Meanwhile, Some(scope), block) });
        }
        NodeKind::Attempt { body, handlers, meanwhile, result: None }
    }

    fn each(&mut self, scope: ScopeId, each: &Each) -> NodeKind {
        let body = self.bare_scope(ScopeKind::Element, Some(scope));
        let item = self.declare(body, "item");
        let sharing = each.sharing.as_ref().map(|(whole, share, part)| Sharing {
            resource: Code::slot(self.find(scope, whole).expect("a known resource")),
            by: Code::constant(Value::Money(contracts::euro(*share))),
            part: self.declare(body, part),
        });
        let entry = self.block(body, &each.body, None);
        self.scopes[body.index()].entry = entry;
        let list = Code::constant(Value::List((0..each.n).map(Value::Int).collect()));
        let result = each.result.map(|name| self.find(scope, name).unwrap_or_else(|| self.declare(scope, name)));
        NodeKind::Each(EachNode { list, item, width: each.width.map(int), sharing, body, result })
    }
}

fn int(n: i64) -> Code {
    Code::constant(Value::Int(n))
}

fn millis(ms: i64) -> Code {
    Code::constant(Value::Duration(ms))
}
