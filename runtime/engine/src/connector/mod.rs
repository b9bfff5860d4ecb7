//! Doors to the systems: who carries out a call once its record is durable.
//!
//! A connector is synchronous at its door and answers whenever it likes, from any thread. What is sockets lies behind
//! [`HttpConnector`], the only place here that knows of `async`.

mod binding;
mod http;
mod limits;
mod message;

use std::{fmt, sync::Arc};

use flowline_core::{Answer, RunId};
use flowline_plan::{ErrorValue, TypeId};

pub use binding::{Auth, Binding, BindingError, BreakerRule, CallLimit, SecretRef};
pub use http::{BODY_BYTES_MAX, ConnectorError, HttpConnector};

use crate::{Given, Order};

/// Carries out calls.
pub trait Connector: Send + Sync + fmt::Debug {
    /// Takes orders and returns without waiting for systems. Each order gets exactly one reply, in any order, now or
    /// later; within the call's `timeout_ms`, or as [`Answer::Unknown`].
    fn call_all(&self, orders: Vec<Order>, replies: &Replies);
}

/// What became of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub run: RunId,
    pub call: u32,
    pub attempt: u32,
    pub answer: Answer,
}

impl Reply {
    /// The answer to an order.
    pub fn to(order: &Order, answer: Answer) -> Self {
        Self { run: order.run, call: order.call.call, attempt: order.call.attempt, answer }
    }
}

impl From<Reply> for Given {
    fn from(Reply { run, call, attempt, answer }: Reply) -> Self {
        Given::Answer { run, call, attempt, answer }
    }
}

/// Where replies go. Copies lead to the same place.
#[derive(Clone)]
pub struct Replies(Arc<dyn Fn(Vec<Reply>) + Send + Sync>);

impl Replies {
    /// Replies that go to a function, which must return at once.
    pub fn new(take: impl Fn(Vec<Reply>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Hands over replies; many at a time cost less than each by itself.
    pub fn send(&self, replies: Vec<Reply>) {
        if !replies.is_empty() {
            (self.0)(replies);
        }
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replies")
    }
}

/// A system broke its contract: it may have acted, but what it says can't be used.
///
/// It is an error that no operation declares: the run takes the outcome for unknown, so that nothing is lost, and parks
/// at a contract incident. Repeating the call would bring the same answer, so it isn't tried.
fn broken_contract(how: &str) -> Answer {
    let text = how.into();
    Answer::Error(ErrorValue { error: TypeId(u32::MAX), fields: Box::default(), text })
}
