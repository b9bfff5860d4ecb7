//! Resources that go from run to run: lent to a sub-flow and given back, handed over for good, given as a result; and
//! sub-flows that are undone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use common::{
    build::{Block, Each, On, S, attempt, bundle_of, errs, on, open},
    contracts::{CARD_STATES, HOLD_STATES, op_name, state_name, ty, type_name},
    world::{Reply, World},
};
use flowline_core::{Answer, Call, Ending, EventId, Input, Output, Program, Run, RunId};
use flowline_plan::{Bundle, FlowId, FlowUndo, Gives, Keep, Signature, StateId, Take, Value};

const MAIN: RunId = RunId(7);

/// All runs of a small world. Calls are answered at once, but for those that the test answers itself.
struct Family {
    bundle: Arc<Bundle>,
    runs: BTreeMap<RunId, (Run, Program, Option<RunId>)>,
    /// What each run took, and what it asked for then.
    log: Vec<(RunId, FlowId, Input, i64, Vec<Output>)>,
    world: World,
    messages: VecDeque<(RunId, Input)>,
    timers: BTreeMap<(i64, u32, RunId), ()>,
    waits: Vec<(RunId, u32)>,
    /// Operation and how it answers; an answer that never comes stays in `out`.
    replies: Vec<(&'static str, Option<Reply>)>,
    out: Vec<(RunId, Box<Call>)>,
    words: Vec<String>,
    now: i64,
}

impl Family {
    fn new(flows: Vec<(&[&'static str], Signature, Block)>) -> Self {
        let bundle = bundle_of(flows);
        let mut world = World::default();
        world.card_life_ms = 5_000;
        let mut family = Self {
            bundle,
            runs: BTreeMap::new(),
            log: Vec::new(),
            world,
            messages: VecDeque::new(),
            timers: BTreeMap::new(),
            waits: Vec::new(),
            replies: Vec::new(),
            out: Vec::new(),
            words: Vec::new(),
            now: 0,
        };
        family.begin(MAIN, FlowId(0), None);
        family.messages.push_back((MAIN, Input::Start { args: Vec::new(), parent: None, resources: Vec::new() }));
        family
    }

    fn begin(&mut self, run: RunId, flow: FlowId, joined: Option<RunId>) {
        let program = Program::new(&self.bundle, flow).unwrap();
        self.runs.insert(run, (Run::new(run, flow, None), program, joined));
    }

    /// Works off what runs send each other. Every input is taken twice, and every run goes through its bytes.
    fn go(&mut self) -> &mut Self {
        while let Some((run, input)) = self.messages.pop_front() {
            let Some((state, program, joined)) = self.runs.get_mut(&run) else { continue };
            let out = state.handle(program, &input, self.now);
            let mut twin = state.clone();
            twin.handle(program, &input, self.now);
            assert_eq!(twin.control, state.control, "{input:?} taken twice");
            let bytes = postcard::to_stdvec(&*state).unwrap();
            *state = postcard::from_bytes(&bytes).unwrap();
            let (flow, joined) = (state.flow, *joined);
            self.log.push((run, flow, input, self.now, out.clone()));
            for output in out {
                self.take(run, joined, output);
            }
        }
        self.replay();
        self
    }

    fn take(&mut self, run: RunId, joined: Option<RunId>, output: Output) {
        match output {
            Output::Call(call) => self.call(run, call),
            Output::Arm { timer, due } => {
                self.timers.insert((due, timer, run), ());
            }
            Output::Disarm { timer } => self.timers.retain(|(_, known, of), ()| (*known, *of) != (timer, run)),
            Output::Register { wait, .. } => self.waits.push((run, wait)),
            Output::Withdraw { wait, reply } => {
                self.waits.retain(|known| *known != (run, wait));
                if reply {
                    self.messages.push_back((run, Input::Withdrawn { wait }));
                }
            }
            Output::StartChild { child, flow, args, joined, resources } => {
                self.words.push(format!("{}{}", if joined { "run" } else { "start" }, flow.0));
                self.begin(child, flow, joined.then_some(run));
                self.messages.push_back((child, Input::Start { args, parent: None, resources }));
            }
            Output::SettleChild { child } => self.messages.push_back((child, Input::Settle)),
            Output::Ended(ending) => {
                self.words.push(match &ending {
                    Ending::Completed { .. } => "completed".to_owned(),
                    Ending::Stopped { outcome, .. } => format!("stopped:{outcome}"),
                    Ending::Failed(error) => format!("failed:{}", type_name(error.error)),
                    Ending::Settled => "settled".to_owned(),
                });
                if let Some(parent) = joined {
                    let resources = self.runs[&run].0.returned();
                    self.messages.push_back((parent, Input::ChildEnded { child: run, ending, resources }));
                }
            }
            Output::Incident { incident, .. } => self.words.push(format!("incident:{incident}")),
            Output::Reply { .. }
            | Output::Emit { .. }
            | Output::Status { .. }
            | Output::IncidentGone { .. }
            | Output::Alarm { .. }
            | Output::Ask(_)
            | Output::Chosen { .. }
            | Output::Fallback { .. }
            | Output::Closed => {}
        }
    }

    fn call(&mut self, run: RunId, call: Box<Call>) {
        let name = op_name(call.op);
        let at = self.replies.iter().position(|(op, _)| *op == name);
        let reply = at.map_or(Some(Reply::Ok), |at| self.replies.remove(at).1);
        match reply {
            Some(reply) => self.answer(run, &call, reply),
            None => self.out.push((run, call)),
        }
    }

    fn answer(&mut self, run: RunId, call: &Call, reply: Reply) {
        let (reply, value) = self.world.arrives(call, reply, self.now);
        self.words.push(op_name(call.op).to_owned());
        let answer = match reply {
            Reply::Error(error) => Answer::Error(World::error(error)),
            Reply::Unknown | Reply::Lost => Answer::Unknown("time-out".to_owned()),
            Reply::Refused | Reply::Rejected => Answer::Refused("busy".to_owned()),
            Reply::Ok | Reply::Slow(_) | Reply::Nonsense => Answer::Done(value),
        };
        self.messages.push_back((run, Input::Answered { call: call.call, attempt: call.attempt, answer }));
    }

    /// The call that is still out is answered now.
    fn answered(&mut self, reply: Reply) -> &mut Self {
        let (run, call) = self.out.remove(0);
        self.answer(run, &call, reply);
        self.go()
    }

    /// An event for the newest wait.
    fn event(&mut self) -> &mut Self {
        let (run, wait) = self.waits.pop().unwrap();
        self.offer(run, wait)
    }

    /// An event for the oldest wait: the one of the outermost run.
    fn interrupt(&mut self) -> &mut Self {
        let (run, wait) = self.waits.remove(0);
        self.offer(run, wait)
    }

    fn offer(&mut self, run: RunId, wait: u32) -> &mut Self {
        let event = EventId(self.log.len() as u128);
        self.messages.push_back((run, Input::Offered { wait, event, acknowledged_at: self.now, value: Value::None }));
        self.go()
    }

    /// Time goes on, and the timers that are due act.
    fn at(&mut self, now: i64) -> &mut Self {
        while let Some(((due, timer, run), ())) = self.timers.first_key_value().map(|(key, ())| (*key, ()))
            && due <= now
        {
            self.timers.remove(&(due, timer, run));
            self.now = self.now.max(due);
            self.messages.push_back((run, Input::Due { timer }));
            self.go();
        }
        self.now = now;
        self
    }

    /// Every run once more, from what it took.
    fn replay(&self) {
        let mut twins: BTreeMap<RunId, Run> = BTreeMap::new();
        for (run, flow, input, now, out) in &self.log {
            let program = Program::new(&self.bundle, *flow).unwrap();
            let twin = twins.entry(*run).or_insert_with(|| Run::new(*run, *flow, None));
            assert_eq!(twin.handle(&program, input, *now), *out, "a replay asks for the same");
        }
        for (run, twin) in &twins {
            assert_eq!(*twin, self.runs[run].0, "a replay comes to the same state");
        }
    }

    /// What happened, in short.
    fn story(&self) -> String {
        self.words.join(" ")
    }

    /// The states of what the main run ever had, as it knows them, and as the world does.
    fn states(&self) -> String {
        let main = &self.runs[&MAIN].0;
        let known = main.control.resources.iter().enumerate().filter_map(|(at, resource)| {
            let view = main.data.view(at as u32);
            let Some(Value::Text(id)) = view.fields.first() else { return None };
            let real = self.world.resources.get(id.as_ref()).map_or("nothing", |real| real.state);
            let away = if resource.away.is_some() { " away" } else { "" };
            let known = state_name(resource.ty, resource.state?);
            Some(if known == real { format!("{known}{away}") } else { format!("{known}/{real}{away}") })
        });
        known.collect::<Vec<_>>().join(" ")
    }
}

fn card(names: &[&str]) -> Vec<StateId> {
    let at = |name: &&str| StateId::from(CARD_STATES.iter().position(|known| known == name).unwrap());
    names.iter().map(at).collect()
}

fn held() -> Vec<StateId> {
    vec![StateId::from(HOLD_STATES.iter().position(|known| *known == "held").unwrap())]
}

/// `money: CardMoney[authorised => …]`
fn takes_card(to: &[&str]) -> Signature {
    let span = flowline_plan::SpanId(0);
    let take = Take { param: 0, resource: ty("CardMoney"), from: card(&["authorised"]), to: card(to), span };
    Signature { takes: vec![take], ..Signature::default() }
}

fn run(flow: u32, args: &[&'static str]) -> S {
    S::Hand { flow, args: args.to_vec(), result: None, detached: false }
}

fn let_run(name: &'static str, flow: u32) -> S {
    S::Hand { flow, args: Vec::new(), result: Some(name), detached: false }
}

fn main_with(child: (&'static [&'static str], Signature, Block), main: Block) -> Family {
    Family::new(vec![(&[], Signature::default(), main), child])
}

#[test]
fn what_is_lent_comes_back_as_it_was_left() {
    let child = (&["money"][..], takes_card(&["captured"]), vec![on("capture", "money")]);
    let mut family = main_with(child, vec![open("authorise", "card"), run(1, &["card"]), S::Do("notify")]);
    family.go();
    assert_eq!(
        (family.story().as_str(), family.states().as_str()),
        ("authorise run1 capture completed notify completed", "captured")
    );
}

#[test]
fn the_child_lets_go_of_what_it_was_given_and_its_parent_does_not_again() {
    // The parent is left while the child waits.
    let child = (&["money"][..], takes_card(&["voided"]), vec![S::Await("Go", None), on("void", "money")]);
    let body = vec![open("authorise", "card"), run(1, &["card"])];
    let cancelled = (On::Event("Cancel", None), vec![S::Stop("cancelled")]);
    let mut family = main_with(child.clone(), vec![attempt(body.clone(), vec![cancelled])]);
    family.go().interrupt();
    assert_eq!(family.story(), "authorise run1 void settled stopped:cancelled");
    assert_eq!(family.states(), "voided");

    // The child has ended well before it could be told.
    let mut family =
        main_with(child, vec![attempt(body, vec![(On::Event("Cancel", None), vec![S::Stop("cancelled")])])]);
    family.replies = vec![("void", None)];
    family.go().event().interrupt().answered(Reply::Ok);
    assert_eq!(family.story(), "authorise run1 void settled stopped:cancelled");
    assert_eq!(family.states(), "voided");
}

#[test]
fn an_error_leaves_what_the_header_says_and_else_nothing() {
    let body = vec![S::Fail("Boom"), on("void", "money")];
    let main = || {
        let tried = attempt(vec![run(1, &["card"])], vec![errs(&["Boom"], vec![S::Do("notify")])]);
        vec![open("authorise", "card"), tried, S::Fail("Declined")]
    };
    let mut family = main_with((&["money"], takes_card(&["voided"]), body.clone()), main());
    family.go();
    assert_eq!(family.story(), "authorise run1 void failed:Boom notify failed:Declined");
    assert_eq!(family.states(), "voided");

    let keeps = vec![Keep { error: ty("Boom"), param: 0, state: card(&["authorised"])[0] }];
    let signature = Signature { keeps, ..takes_card(&["voided"]) };
    let mut family = main_with((&["money"], signature, body), main());
    family.go();
    // The parent has it back, and lets go of it when it fails itself.
    assert_eq!(family.story(), "authorise run1 failed:Boom notify void failed:Declined");
    assert_eq!(family.states(), "voided");
}

#[test]
fn the_end_of_a_state_is_watched_by_whoever_has_it() {
    let child = (&["money"][..], takes_card(&["authorised", "lapsed"]), vec![S::Await("Go", None)]);
    let main = vec![open("authorise", "card"), run(1, &["card"]), S::Await("Go", None)];
    // It comes back in time, and the parent's own timer runs on.
    let mut family = main_with(child.clone(), main.clone());
    family.go();
    assert_eq!(family.timers.keys().map(|(due, _, run)| (*due, *run == MAIN)).collect::<Vec<_>>(), [(5_000, false)]);
    family.at(2_000).event();
    assert_eq!(family.timers.keys().map(|(due, _, run)| (*due, *run == MAIN)).collect::<Vec<_>>(), [(5_000, true)]);
    family.at(6_000);
    assert_eq!(family.states(), "lapsed/authorised");

    // It ends while it is lent: the child tells.
    let mut family = main_with(child, main);
    family.go().at(6_000);
    assert_eq!(family.states(), "authorised away");
    family.event();
    assert_eq!(family.states(), "lapsed/authorised");
    assert!(family.timers.is_empty());
}

#[test]
fn what_is_handed_over_for_good_is_let_go_by_nobody_here() {
    let child = (&["money"][..], takes_card(&["captured"]), vec![S::Await("Go", None), on("capture", "money")]);
    let start = S::Hand { flow: 1, args: vec!["card"], result: None, detached: true };
    let mut family = main_with(child, vec![open("authorise", "card"), start, S::Fail("Boom")]);
    family.go();
    assert_eq!(
        (family.story().as_str(), family.states().as_str()),
        ("authorise start1 failed:Boom", "authorised away")
    );
    family.event();
    assert_eq!(family.story(), "authorise start1 failed:Boom capture completed");
}

#[test]
fn a_result_is_the_parents_from_then_on() {
    let gives = Signature { gives: Some(Gives { resource: ty("StockHold"), states: held() }), ..Signature::default() };
    let child = (&[][..], gives, vec![open("hold", "hold"), S::StopWith("found", "hold")]);
    let mut family = main_with(child.clone(), vec![let_run("mine", 1), on("commit", "mine")]);
    family.go();
    assert_eq!(
        (family.story().as_str(), family.states().as_str()),
        ("run1 hold stopped:found commit completed", "committed")
    );
    // Left before it was used: the parent's row lets go of it, once.
    let main = vec![attempt(vec![let_run("mine", 1), S::Fail("Boom")], vec![errs(&["Boom"], vec![])])];
    let mut family = main_with(child.clone(), main);
    family.go();
    assert_eq!(
        (family.story().as_str(), family.states().as_str()),
        ("run1 hold stopped:found release completed", "released")
    );
    // The parent is left just when the child ends with it.
    let cancelled = (On::Event("Cancel", None), vec![]);
    let mut family = main_with(child, vec![attempt(vec![let_run("mine", 1)], vec![cancelled])]);
    family.replies = vec![("hold", None)];
    family.go();
    let (run, call) = family.out.remove(0);
    let (of_main, wait) = family.waits.remove(0);
    family.answer(run, &call, Reply::Ok);
    let event = EventId(1);
    let offered = Input::Offered { wait, event, acknowledged_at: 0, value: Value::None };
    family.messages.push_back((of_main, offered));
    family.go();
    assert_eq!(
        (family.story().as_str(), family.states().as_str()),
        ("run1 hold stopped:found release completed", "released")
    );
}

#[test]
fn a_part_keeps_its_id_and_its_whole_and_parts_of_it_count_on() {
    let share = |whole: &str, each: i64, part: &str, body: Block| {
        S::Each(Each {
            n: 2,
            width: None,
            sharing: Some((whole.to_owned(), each, part.to_owned())),
            body,
            result: None,
        })
    };
    // The child shares out what it is given, then the parent does again.
    let inner = share("money", 10, "piece", vec![on("capture", "piece")]);
    let child = (&["money"][..], takes_card(&["authorised"]), vec![inner]);
    let again = share("card", 20, "mine", vec![on("capture", "mine")]);
    let main = vec![open("authorise", "card"), run(1, &["card"]), again, on("void", "card")];
    let mut family = main_with(child, main);
    family.go();
    assert!(family.story().ends_with("void completed"), "{}", family.story());
    let states: Vec<&str> = family.world.resources.values().map(|real| real.state).collect();
    assert_eq!(
        states.iter().filter(|state| **state == "captured").count(),
        4,
        "each part has an id of its own: {states:?}"
    );
    let main = &family.runs[&MAIN].0;
    let amount = main.data.view(0).fields[1].clone();
    assert_eq!(amount, Value::Money(common::contracts::euro(40)), "the whole keeps the rest");

    // A part is lent: systems still hear whose part it is.
    let child = (&["money"][..], takes_card(&["captured"]), vec![on("capture", "money")]);
    let lend = share("card", 50, "part", vec![run(1, &["part"])]);
    let mut family = main_with(child, vec![open("authorise", "card"), lend, on("void", "card")]);
    family.go();
    let calls = family.log.iter().flat_map(|(.., out)| out);
    let wholes: Vec<bool> = calls
        .filter_map(|output| if let Output::Call(call) = output { Some(call) } else { None })
        .filter(|call| op_name(call.op) == "capture")
        .map(|call| call.resources[0].whole.is_some())
        .collect();
    assert_eq!(wholes, [true, true]);
}

#[test]
fn what_a_child_reached_past_its_point_of_no_return_stays() {
    let child = (&["money"][..], takes_card(&["captured"]), vec![S::Ponr, on("capture", "money")]);
    let main = |first: S| {
        vec![attempt(vec![open("authorise", "card"), first, S::Fail("Boom")], vec![errs(&["Boom"], vec![])])]
    };
    let mut family = main_with(child, main(run(1, &["card"])));
    family.go();
    assert_eq!(
        (family.story().as_str(), family.states().as_str()),
        ("authorise run1 capture completed completed", "captured")
    );
    // Without one the parent's row gives it back.
    let child = (&["money"][..], takes_card(&["captured"]), vec![on("capture", "money")]);
    let mut family = main_with(child, main(run(1, &["card"])));
    family.go();
    assert_eq!(family.story(), "authorise run1 capture completed refund completed");

    // What was taken past the parent's point of no return isn't given back by a child that fails.
    let mut signature = takes_card(&["captured"]);
    signature.takes[0].from = card(&["captured"]);
    let child = (&["money"][..], signature, vec![S::Fail("Boom")]);
    let tried = attempt(vec![run(1, &["card"])], vec![errs(&["Boom"], vec![])]);
    let mut family = main_with(child, vec![open("authorise", "card"), S::Ponr, on("capture", "card"), tried]);
    family.go();
    assert_eq!(
        (family.story().as_str(), family.states().as_str()),
        ("authorise capture run1 failed:Boom completed", "captured")
    );
}

#[test]
fn a_flow_is_not_given_what_it_does_not_take() {
    let child = (&["money"][..], takes_card(&["captured"]), vec![on("capture", "money")]);
    let mut family =
        main_with(child, vec![open("authorise", "card"), on("void", "card"), run(1, &["card"]), S::Do("notify")]);
    family.go();
    assert_eq!(family.story(), "authorise void incident:`run flow` takes `CardMoney` in another state than `voided`");
    assert_eq!(family.states(), "voided");
}

#[test]
fn a_child_that_is_parked_is_settled_and_its_parent_goes_on_leaving() {
    let child = (&["money"][..], takes_card(&["captured"]), vec![on("capture", "money")]);
    let body = vec![open("authorise", "card"), run(1, &["card"])];
    let mut family = main_with(child, vec![attempt(body, vec![(On::Event("Cancel", None), vec![])])]);
    family.replies = vec![("capture", None), ("void", None)];
    family.go();
    let (run, call) = family.out.remove(0);
    let rejected = Answer::Rejected("no".to_owned());
    family.messages.push_back((run, Input::Answered { call: call.call, attempt: call.attempt, answer: rejected }));
    family.go().interrupt();
    assert_eq!(family.states(), "authorised away");
    family.answered(Reply::Ok);
    assert!(family.story().ends_with("void settled completed"), "{}", family.story());
    assert_eq!(family.states(), "voided");
}

/// A flow that is undone by another one, which takes nothing.
fn undone_by(flow: u32) -> Signature {
    Signature { undo: Some(FlowUndo { flow: FlowId(flow), args: Vec::new() }), ..Signature::default() }
}

fn with_undo(main: Block, undo: Block) -> Family {
    let child = (&[][..], undone_by(2), vec![S::Do("notify")]);
    Family::new(vec![(&[], Signature::default(), main), child, (&[], Signature::default(), undo)])
}

#[test]
fn a_finished_flow_is_undone_in_its_turn() {
    let body = vec![S::Do("assign_pick"), run(1, &[]), open("hold", "hold"), S::Fail("Boom")];
    let main = vec![attempt(body, vec![errs(&["Boom"], vec![S::Do("notify")])])];
    let mut family = with_undo(main, vec![S::Do("pack")]);
    family.go();
    assert_eq!(
        family.story(),
        "assign_pick run1 notify completed hold release run2 pack completed cancel_pick notify completed"
    );

    // The parent is left while the undo runs: that goes to its end.
    let body = vec![attempt(vec![run(1, &[]), S::Fail("Boom")], vec![errs(&["Boom"], vec![S::Do("notify")])])];
    let mut family = with_undo(vec![attempt(body, vec![(On::Event("Cancel", None), vec![])])], vec![S::Do("pack")]);
    family.replies = vec![("pack", None)];
    family.go().interrupt().answered(Reply::Ok);
    assert_eq!(family.story(), "run1 notify completed run2 pack completed completed");
}

#[test]
fn a_flow_is_not_undone_when_all_is_well_or_past_the_point_of_no_return() {
    let mut family = with_undo(vec![run(1, &[])], vec![S::Do("pack")]);
    family.go();
    assert_eq!(family.story(), "run1 notify completed completed");
    let body = vec![run(1, &[]), S::Ponr, S::Do("assign_pick")];
    let mut family = with_undo(vec![attempt(body, vec![]), S::Fail("Boom")], vec![S::Do("pack")]);
    family.go();
    assert_eq!(family.story(), "run1 notify completed assign_pick failed:Boom");
    // One that failed has let go of what it did.
    let child = (&[][..], undone_by(2), vec![S::Fail("Boom")]);
    let main = vec![attempt(vec![run(1, &[])], vec![errs(&["Boom"], vec![])])];
    let undo = (&[][..], Signature::default(), vec![S::Do("pack")]);
    let mut family = Family::new(vec![(&[], Signature::default(), main), child, undo]);
    family.go();
    assert_eq!(family.story(), "run1 failed:Boom completed");
}

#[test]
fn an_undo_that_fails_parks_until_somebody_looks() {
    let main = vec![attempt(vec![run(1, &[]), S::Fail("Boom")], vec![errs(&["Boom"], vec![S::Do("notify")])])];
    let mut family = with_undo(main, vec![S::Fail("Boom")]);
    family.go();
    assert_eq!(
        family.story(),
        "run1 notify completed run2 failed:Boom \
         incident:`undo` broke its contract: the flow that undoes a sub-flow failed: Boom"
    );
}
