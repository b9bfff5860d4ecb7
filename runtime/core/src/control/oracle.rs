//! What control asks of data.
use flowline_plan::{Code, EachNode, EventArm, NodeId, OpRef, ScopeId, Slot, TypeId, Value};

use crate::{Goods, Incident};

/// What a milestone did to a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromiseNews {
    /// It counts from now; when each of its steps is due, where that is known.
    Begun { promise: u16, steps: Vec<Option<i64>> },
    /// Its second end is reached.
    Met { promise: u16 },
}

/// Answers every question that depends on values.
///
/// A run's own data answers by evaluating; an explorer answers in every way that is possible.
pub trait Oracle {
    /// A frame begins.
    fn enter(&mut self, frame: u32, scope: ScopeId, parent: Option<u32>);
    /// The run has begun: its parameters are bound.
    fn begun(&mut self) {}
    /// A frame is gone.
    fn leave(&mut self, frame: u32);
    /// Evaluates in a frame.
    fn eval(&mut self, frame: u32, code: &Code) -> Result<Value, Incident>;
    /// Whether an arm of a choice holds, or the `until` of a round.
    fn guard(&mut self, frame: u32, node: NodeId, arm: usize, code: &Code) -> Result<bool, Incident>;
    /// A count: rounds, width.
    fn count(&mut self, frame: u32, code: &Code, what: &'static str) -> Result<u32, Incident>;
    /// The instant at which a timer is due: now plus a Duration, or an Instant.
    fn due(&mut self, frame: u32, code: &Code) -> Result<i64, Incident>;
    /// Whether a wait takes an event.
    fn takes(&mut self, frame: u32, arm: &EventArm, event: &Value) -> Result<bool, Incident>;
    /// Binds a slot that the frame can see.
    fn bind(&mut self, frame: u32, slot: Slot, value: Value) -> Result<(), Incident>;
    /// The elements of a `for each`.
    fn elements(&mut self, frame: u32, each: &EachNode) -> Result<Vec<Value>, Incident>;
    /// Takes all shares of a divisible resource, or none: makes the parts `first_part..` and gives their number's
    /// whole.
    fn share(&mut self, frame: u32, each: &EachNode, elements: &[Value], first_part: u32) -> Result<u32, Incident>;
    /// Evaluates the arguments of a call and keeps them for the frame's call.
    fn prepare(&mut self, frame: u32, args: &[Code]) -> Result<Vec<Value>, Incident>;
    /// The arguments of the abandon row of a resource's state.
    fn abandon_args(&mut self, frame: u32, resource: u32, args: &[Code]) -> Result<Vec<Value>, Incident>;
    /// The arguments of an undo, from what was kept of the step.
    fn undo_args(&mut self, frame: u32, effect: u32, args: &[Code]) -> Result<Vec<Value>, Incident>;
    /// The arguments of a step whose effect was kept, for a repetition.
    fn step_args(&mut self, frame: u32, effect: u32) -> Result<Vec<Value>, Incident>;
    /// The arguments of the frame's call, for a further attempt.
    fn call_args(&self, frame: u32) -> Vec<Value>;
    /// The frame's call is over.
    fn call_over(&mut self, frame: u32);
    /// A resource is minted, with that id.
    fn mint(&mut self, resource: u32, ty: TypeId, id: String);
    /// The fields of a resource as the system gave them; the id stays.
    fn opened(&mut self, resource: u32, result: &Value, op: OpRef) -> Result<(), Incident>;
    /// What is known of a resource, for the run that is handed it.
    fn goods(&self, resource: u32) -> Goods;
    /// A resource comes from another run.
    fn adopt(&mut self, resource: u32, ty: TypeId, goods: &Goods);
    /// A resource comes back from a sub-flow.
    fn take_back(&mut self, resource: u32, goods: &Goods);
    /// The instant in a field of a resource, where it is known.
    fn instant_of(&self, resource: u32, field: u16) -> Option<i64>;
    /// Keeps the arguments of the frame's call as a step that may have to be undone.
    fn keep_step(&mut self, frame: u32, effect: u32);
    /// The result of a kept step.
    fn keep_result(&mut self, effect: u32, result: &Value);
    /// A kept step needs no undo any more.
    fn forget_step(&mut self, effect: u32);
    /// How a resource looks to a system.
    fn view(&self, resource: u32) -> crate::ResourceView;
    /// A milestone is reached.
    fn status(&mut self, value: &Value, part: Option<&Value>);
    /// What a scope's end gives; taken by the scope around it.
    fn give(&mut self, frame: u32, value: Value);
    /// Takes what a frame's body gave.
    fn given(&mut self, frame: u32) -> Value;
    /// Keeps what an element gave.
    fn collect(&mut self, frame: u32, iteration: u32, value: Value);
    /// Takes what the elements gave, in their order.
    fn collected(&mut self, frame: u32) -> Value;
    /// What the last milestone did to the promises of the flow.
    fn promise_news(&mut self) -> Vec<PromiseNews> {
        Vec::new()
    }
    /// The run ends: keeps what runs for late events are given.
    fn keep_for_late(&mut self, _sees: &[Option<Slot>]) {}
    /// Evaluates in what was kept of the ended run.
    fn late_value(&mut self, _code: &Code) -> Result<Value, Incident> {
        Ok(Value::None)
    }
    /// The instant up to which an ended run waits.
    fn late_due(&mut self, _code: &Code) -> Result<i64, Incident> {
        Ok(i64::MAX)
    }
    /// Whether an ended run takes an event.
    fn late_takes(&mut self, _arm: &EventArm, _event: &Value) -> Result<bool, Incident> {
        Ok(true)
    }
    /// The arguments of the run that answers a late event.
    fn late_args(&mut self, event: &Value) -> Vec<Value> {
        vec![event.clone()]
    }
}
