//! Drives one run: delivers answers, timers and events in order, and crashes after every input.
use std::{collections::BTreeMap, sync::Arc};

use flowline_core::{
    Answer, Ending, EventId, Incident, Input, Output, Program, Run, RunId, TaskFate, TaskId, data::DataOracle,
};
use flowline_plan::{Bundle, FlowId, TypeId, Value};

use super::{
    contracts::{ev, op_name, state_name, ty, type_name},
    world::{Reply, World},
};

/// What happens around a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// Operation, which of its attempts (from 1), how it answers.
    pub(crate) replies: Vec<(&'static str, u32, Reply)>,
    /// When it reaches its home, ms, and which event.
    pub(crate) events: Vec<(i64, &'static str)>,
    /// When somebody answers the question asked last, ms, who, and what.
    pub(crate) answers: Vec<(i64, &'static str, Value)>,
    pub(crate) settle_at: Option<i64>,
    /// When everything that is parked is tried again, ms.
    pub(crate) retry_at: Vec<i64>,
    /// Operation and answer that somebody gives by hand for a parked call, at that time.
    pub(crate) by_hand: Option<(i64, Reply)>,
    /// How the sub-flow ends; by default well.
    pub(crate) child_fails: Option<&'static str>,
    /// How long an event is on its way from its home, ms.
    pub(crate) offer_ms: i64,
    /// How long an answer takes, ms.
    pub(crate) answer_ms: i64,
    pub(crate) card_life_ms: Option<i64>,
    pub(crate) card_amount: Option<i64>,
    /// Each incident is tried again a second later, so often.
    pub(crate) retries: u32,
}

/// Something on its way.
#[derive(Debug, Clone)]
enum Item {
    In(Input),
    /// An event reaches its home.
    Event(&'static str),
    RetryAll,
    Person(&'static str, Value),
    ByHand(Reply),
}

/// An event at its home.
#[derive(Debug, Clone)]
struct Kept {
    id: EventId,
    name: &'static str,
    at: i64,
    taken: bool,
    /// Waits that were offered it.
    tried: Vec<u32>,
    in_flight: bool,
}

/// One run with its world.
pub(crate) struct Drive {
    pub(crate) program: Program,
    pub(crate) run: Run,
    pub(crate) world: World,
    pub(crate) script: Script,
    /// What happened, in short: see [`Drive::trace`].
    pub(crate) words: Vec<String>,
    queue: BTreeMap<(i64, u64), Item>,
    seq: u64,
    log: Vec<(Input, i64, Vec<Output>)>,
    attempts: BTreeMap<&'static str, u32>,
    kept: Vec<Kept>,
    /// The question that was asked last.
    asked: TaskId,
    waits: BTreeMap<u32, (TypeId, bool, i64)>,
    pub(crate) choose: Option<Box<dyn FnMut(&'static str, u32) -> Reply>>,
    /// Whether every input is followed by a crash; else only the last one.
    pub(crate) crash_always: bool,
}

/// Plays a block under a script and says what happened.
pub(crate) fn play(block: &[super::build::S], script: Script) -> Drive {
    let mut drive = Drive::new(super::build::bundle(block), script);
    drive.go();
    drive
}

/// How long a run is watched, ms.
const HORIZON_MS: i64 = 20_000_000;

impl Drive {
    pub(crate) fn new(bundle: Arc<Bundle>, script: Script) -> Self {
        let program = Program::new(&bundle, FlowId(0)).expect("flow 0 is there");
        let mut world = World::default();
        world.card_life_ms = script.card_life_ms.unwrap_or(world.card_life_ms);
        world.card_amount = script.card_amount.unwrap_or(world.card_amount);
        let mut drive = Self {
            program,
            run: Run::new(RunId(7), FlowId(0), None),
            world,
            words: Vec::new(),
            queue: BTreeMap::new(),
            seq: 0,
            log: Vec::new(),
            attempts: BTreeMap::new(),
            kept: Vec::new(),
            asked: TaskId(0),
            waits: BTreeMap::new(),
            choose: None,
            crash_always: true,
            script,
        };
        drive.later(0, Item::In(Input::Start { args: Vec::new(), parent: None, resources: Vec::new() }));
        for (at, name) in drive.script.events.clone() {
            drive.later(at, Item::Event(name));
        }
        for at in drive.script.retry_at.clone() {
            drive.later(at, Item::RetryAll);
        }
        for (at, by, value) in drive.script.answers.clone() {
            drive.later(at, Item::Person(by, value));
        }
        if let Some(at) = drive.script.settle_at {
            drive.later(at, Item::In(Input::Settle));
        }
        if let Some((at, reply)) = drive.script.by_hand {
            drive.later(at, Item::ByHand(reply));
        }
        drive
    }

    /// Calls by name, with what came of them: `!E` a business error, `-` refused, `x` rejected, `?` unknown, `~` acted
    /// but the answer is lost, `#` nonsense; `+E` an event taken, `=n` a status; incidents; the end.
    pub(crate) fn trace(&self) -> String {
        self.words.join(" ")
    }

    fn later(&mut self, at: i64, item: Item) {
        self.seq += 1;
        self.queue.insert((at, self.seq), item);
    }

    /// One more input, right after the last one.
    pub(crate) fn push(&mut self, input: Input) {
        self.words.retain(|word| word != "waiting" && word != "parked");
        self.later(self.run.now + 1, Item::In(input));
    }

    /// Goes on until nothing is on its way any more.
    pub(crate) fn go(&mut self) {
        // A run that is stuck may tick on for ever beside its parked step.
        let inputs_max = self.log.len() + if self.crash_always { 400 } else { 10_000 };
        while let Some(((now, _), item)) = self.queue.pop_first() {
            if now > HORIZON_MS || self.log.len() > inputs_max {
                break;
            }
            match item {
                Item::In(input) => self.feed(&input, now),
                Item::Event(name) => self.event(name, now),
                Item::RetryAll => {
                    for frame in self.parked() {
                        self.feed(&Input::Retry { frame }, now);
                    }
                }
                Item::ByHand(reply) => self.by_hand(reply, now),
                Item::Person(by, value) => self.person(by, value, now),
            }
        }
        self.replay();
        self.through_bytes();
        if self.run.ending.is_none() {
            let parked = if self.parked().is_empty() { "waiting" } else { "parked" };
            self.words.push(parked.to_owned());
        }
    }

    /// Takes what is on its way next.
    pub(crate) fn step(&mut self) {
        let ((now, _), item) = self.queue.pop_first().expect("something is on its way");
        let Item::In(input) = item else { panic!("an input is on its way") };
        self.feed(&input, now);
    }

    fn parked(&self) -> Vec<u32> {
        let frames = self.run.control.frames.iter();
        let parked = frames.filter(|frame| matches!(frame.at, flowline_core::control::At::Incident(_)));
        parked.map(|frame| frame.no).collect()
    }

    fn by_hand(&mut self, reply: Reply, now: i64) {
        for frame in self.parked() {
            let call = self.run.control.frame(frame).and_then(|frame| frame.call.clone()).expect("a parked call");
            let answer = match reply {
                Reply::Error(name) => Answer::Error(World::error(name)),
                _ => Answer::Done(Value::None),
            };
            self.feed(&Input::Answered { call: call.no, attempt: call.attempt, answer }, now);
        }
    }

    /// Somebody answers the question that was asked last; an answer that isn't accepted changes nothing.
    fn person(&mut self, by: &'static str, value: Value, now: i64) {
        let (task, by) = (self.asked, Arc::from(by));
        let (bundle, plan) = (&self.program.bundle, &self.program.plan);
        let fate = self.run.control.judge(bundle, plan, task, &by, &value, now);
        self.words.push(match &fate {
            TaskFate::Accepted => "@accepted".to_owned(),
            TaskFate::Unknown => "@unknown".to_owned(),
            TaskFate::AlreadyAnswered { by, .. } => format!("@answered-by-{by}"),
            TaskFate::Over { .. } => "@over".to_owned(),
            TaskFate::Excluded { by } => format!("@not-{by}"),
            TaskFate::Misfit { .. } => "@misfit".to_owned(),
        });
        let before = (self.run.control.clone(), self.run.data.clone());
        self.feed(&Input::TaskAnswered { task, by, value }, now);
        if fate != TaskFate::Accepted {
            assert_eq!((&before.0, &before.1), (&self.run.control, &self.run.data), "{fate}");
        }
    }

    /// One input: the run takes it, a twin replays, a copy goes through bytes, a repetition changes nothing.
    fn feed(&mut self, input: &Input, now: i64) {
        let out = self.run.handle(&self.program, input, now);
        self.log.push((input.clone(), now, out.clone()));
        if self.crash_always {
            self.replay();
            self.repeat(input, now);
        }
        let (replies, rest): (Vec<_>, Vec<_>) = out.into_iter().partition(|o| matches!(o, Output::Reply { .. }));
        for output in replies.into_iter().chain(rest) {
            self.take(output, now);
        }
        if self.crash_always {
            self.through_bytes();
            self.same_calls();
        }
    }

    fn through_bytes(&mut self) {
        let bytes = postcard::to_stdvec(&self.run).expect("a run can be written");
        let copy: Run = postcard::from_bytes(&bytes).expect("a run can be read");
        assert_eq!(copy, self.run, "a run survives its bytes");
        self.run = copy;
    }

    /// The run once more from the journal.
    pub(crate) fn replay(&self) {
        let mut twin = Run::new(RunId(7), FlowId(0), None);
        for (input, now, out) in &self.log {
            assert_eq!(twin.handle(&self.program, input, *now), *out, "a replay asks for the same");
        }
        assert_eq!(twin, self.run, "a replay comes to the same state");
        assert_eq!(twin.state_hash(), self.run.state_hash());
    }

    /// The same input again changes nothing.
    fn repeat(&self, input: &Input, now: i64) {
        let mut twin = self.run.clone();
        let out = twin.handle(&self.program, input, now);
        let first = self.log.last().expect("an input was taken");
        for output in &out {
            match output {
                Output::Reply { taken, .. } => {
                    assert!(first.2.contains(output), "a repeated offer gets the same answer: {taken}");
                }
                Output::Incident { .. } | Output::IncidentGone { .. } => {}
                other => panic!("{input:?} taken twice asks for {other:?}\n{}", self.trace()),
            }
        }
        assert_eq!(twin.control, self.run.control, "{input:?} taken twice\n{}", self.trace());
        assert_eq!(twin.data, self.run.data);
    }

    /// The calls that a restart would hand out are among those that were made.
    fn same_calls(&mut self) {
        let mut data = self.run.data.clone();
        let (bundle, plan) = (&*self.program.bundle, &*self.program.plan);
        let oracle = DataOracle { bundle, plan, data: &mut data, now: self.run.now };
        let made = || self.log.iter().flat_map(|(_, _, out)| out);
        for pending in self.run.control.pending_calls(bundle, plan, &oracle) {
            let Output::Call(pending) = &pending else { panic!("a call") };
            let same = |output: &Output| match output {
                Output::Call(call) => {
                    (call.call, call.attempt, call.key, &call.args, &call.opens, call.at, call.timeout_ms)
                        == (
                            pending.call,
                            pending.attempt,
                            pending.key,
                            &pending.args,
                            &pending.opens,
                            pending.at,
                            pending.timeout_ms,
                        )
                }
                _ => false,
            };
            assert!(made().any(same), "handed out again but never made: {pending:?}");
        }
    }

    fn take(&mut self, output: Output, now: i64) {
        match output {
            Output::Call(call) => self.call(&call, now),
            Output::Arm { timer, due } => self.later(due, Item::In(Input::Due { timer })),
            Output::Disarm { .. } | Output::Emit { .. } => {}
            Output::Register { wait, event, fresh, .. } => {
                self.waits.insert(wait, (event, fresh, now));
                self.offer_all(now);
            }
            Output::Withdraw { wait, reply } => {
                self.offer_all(now);
                self.waits.remove(&wait);
                if reply {
                    self.later(now + self.script.offer_ms, Item::In(Input::Withdrawn { wait }));
                }
            }
            Output::Reply { event, taken, .. } => {
                let kept = self.kept.iter_mut().find(|kept| kept.id == event).expect("an event that is kept");
                assert!(!kept.taken || taken, "an event is taken once");
                (kept.taken, kept.in_flight) = (kept.taken | taken, false);
                if taken {
                    let word = format!("+{}", kept.name);
                    self.words.push(word);
                }
                self.offer_all(now);
            }
            Output::Status { value, .. } => self.words.push(match value {
                Value::Int(n) => format!("={n}"),
                other => format!("={other:?}"),
            }),
            Output::StartChild { child, flow, joined, .. } => {
                // Flows 0 and 1 are those of the text; the others are begun by clauses.
                let word = if joined { "run".to_owned() } else { "start".to_owned() };
                self.words.push(if flow.0 > 1 { format!("{word}:{}", flow.0) } else { word });
                if joined {
                    let ending = match self.script.child_fails {
                        Some(error) => Ending::Failed(World::error(error)),
                        None => Ending::Completed { value: Value::None },
                    };
                    self.later(now + 1000, Item::In(Input::ChildEnded { child, ending, resources: Vec::new() }));
                }
            }
            Output::SettleChild { child } => {
                self.words.push("settle-child".to_owned());
                let of_child =
                    |item: &Item| matches!(item, Item::In(Input::ChildEnded { child: c, .. }) if *c == child);
                self.queue.retain(|_, item| !of_child(item));
                self.later(
                    now + 10,
                    Item::In(Input::ChildEnded { child, ending: Ending::Settled, resources: Vec::new() }),
                );
            }
            Output::Incident { frame, incident } => {
                self.words.push(incident_word(&incident).to_owned());
                if self.script.retries > 0 {
                    self.script.retries -= 1;
                    self.later(now + 1000, Item::In(Input::Retry { frame }));
                }
            }
            Output::IncidentGone { .. } => {}
            Output::Alarm { .. } => self.words.push("alarm".to_owned()),
            Output::Closed => self.words.push("closed".to_owned()),
            Output::Ask(task) => {
                self.asked = task.id;
                self.words.push("ask".to_owned());
            }
            Output::Chosen { arm, .. } => {
                self.words.push(arm.map_or("chosen:otherwise".to_owned(), |arm| format!("chosen:{arm}")));
            }
            Output::Fallback { .. } => self.words.push("fallback".to_owned()),
            Output::Ended(ending) => self.words.push(match ending {
                Ending::Completed { .. } => "completed".to_owned(),
                Ending::Stopped { outcome, .. } => format!("stopped:{outcome}"),
                Ending::Failed(error) => format!("failed:{}", type_name(error.error)),
                Ending::Settled => "settled".to_owned(),
            }),
        }
    }

    fn call(&mut self, call: &flowline_core::Call, now: i64) {
        let name = op_name(call.op);
        let nth = self.attempts.entry(name).or_insert(0);
        *nth += 1;
        let nth = *nth;
        let scripted = self.script.replies.iter().find(|(op, at, _)| *op == name && *at == nth);
        let mut reply = scripted.map_or(Reply::Ok, |(_, _, reply)| *reply);
        if let Some(choose) = &mut self.choose {
            reply = choose(name, nth);
        }
        let (reply, value) = self.world.arrives(call, reply, now);
        let (mut after, mark, answer) = match reply {
            Reply::Ok | Reply::Slow(_) => (5, String::new(), Answer::Done(value)),
            Reply::Error(error) => (5, format!("!{error}"), Answer::Error(World::error(error))),
            Reply::Refused => (5, "-".to_owned(), Answer::Refused("busy".to_owned())),
            Reply::Rejected => (5, "x".to_owned(), Answer::Rejected("no".to_owned())),
            Reply::Unknown => (30, "?".to_owned(), Answer::Unknown("time-out".to_owned())),
            Reply::Lost => (30, "~".to_owned(), Answer::Unknown("time-out".to_owned())),
            Reply::Nonsense => (5, "#".to_owned(), Answer::Done(value)),
        };
        if let Reply::Slow(ms) = reply {
            after = ms;
        }
        self.words.push(format!("{name}{mark}"));
        let input = Input::Answered { call: call.call, attempt: call.attempt, answer };
        self.later(now + after + self.script.answer_ms, Item::In(input));
    }

    fn event(&mut self, name: &'static str, now: i64) {
        let id = EventId::of("test", &format!("{name}{}", self.kept.len()));
        self.kept.push(Kept { id, name, at: now, taken: false, tried: Vec::new(), in_flight: false });
        self.offer_all(now);
    }

    /// The home offers what is kept to waits that haven't seen it, one at a time.
    fn offer_all(&mut self, now: i64) {
        let mut offers = Vec::new();
        for kept in self.kept.iter_mut().filter(|kept| !kept.taken && !kept.in_flight) {
            let sees = |wait: &(&u32, &(TypeId, bool, i64))| {
                let (no, (event, fresh, since)) = wait;
                *event == ev(kept.name) && !kept.tried.contains(no) && (!fresh || kept.at > *since)
            };
            if let Some((wait, _)) = self.waits.iter().find(sees) {
                kept.tried.push(*wait);
                kept.in_flight = true;
                let value = Value::Record(vec![Value::Int(1)].into());
                let input = Input::Offered { wait: *wait, event: kept.id, acknowledged_at: kept.at, value };
                offers.push(Item::In(input));
            }
        }
        for offer in offers {
            self.later(now + self.script.offer_ms, offer);
        }
    }

    /// Accounts at the end: the run and the world agree, and nothing is left open.
    pub(crate) fn accounts(&self) {
        let well = matches!(self.run.ending, Some(Ending::Completed { .. } | Ending::Stopped { .. }));
        assert!(self.run.ending.is_some(), "the run has ended");
        for (at, resource) in self.run.control.resources.iter().enumerate() {
            let Some(state) = resource.state else { continue };
            let name = state_name(resource.ty, state);
            let def = self.program.bundle.resource(resource.ty).expect("a resource");
            let row = def.states[state.index()].abandon.is_some();
            let closed = def.states[state.index()].kind == flowline_plan::StateKind::Closed;
            let id = match self.run.data.view(u32::try_from(at).unwrap()).fields.first() {
                Some(Value::Text(id)) => id.to_string(),
                other => panic!("an id, not {other:?}"),
            };
            assert!(closed, "{} {id} is left {name}", type_name(resource.ty));
            assert!(!row || well || resource.last.is_some(), "{} {id} is left {name}", type_name(resource.ty));
            if let Some(real) = self.world.resources.get(&id) {
                let lapsed = name == "lapsed" && real.state == "authorised";
                assert!(lapsed || real.state == name, "{id} is {} in the world, {name} in the run", real.state);
            }
        }
        for (id, real) in &self.world.resources {
            assert!(real.state != "held", "{id} is left held");
            let known = self.run.control.resources.iter().any(|resource| {
                resource.ty == ty("CardMoney") && resource.state.is_some_and(|s| state_name(resource.ty, s) == "lapsed")
            });
            assert!(real.state != "authorised" || known, "{id} is left authorised");
        }
    }
}

fn incident_word(incident: &Incident) -> &'static str {
    match incident {
        Incident::Eval(_) => "incident:eval",
        Incident::RetriesUsedUp { .. } => "incident:used-up",
        Incident::Refused { .. } => "incident:refused",
        Incident::Contract { .. } => "incident:contract",
        Incident::ResourceState { .. } => "incident:state",
        Incident::OverShared { .. } => "incident:over-shared",
        Incident::Limit { .. } => "incident:limit",
        Incident::Internal(what) => panic!("internal fault: {what}"),
    }
}
