//! Positions in a bundle's tables, each with a type of its own so that none stands for another.
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl $name {
            /// The position as an index.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            fn from(at: usize) -> Self {
                Self(u32::try_from(at).expect("a bundle's tables stay far below 2^32 entries"))
            }
        }
    )*};
}

ids! {
    /// A type in [`Bundle::types`](crate::Bundle::types).
    TypeId,
    /// A system in [`Bundle::systems`](crate::Bundle::systems).
    SystemId,
    /// An operation in its system's list.
    OpId,
    /// A function in [`Bundle::functions`](crate::Bundle::functions).
    FunctionId,
    /// A decision in [`Bundle::decisions`](crate::Bundle::decisions).
    DecisionId,
    /// A calendar in [`Bundle::calendars`](crate::Bundle::calendars).
    CalendarId,
    /// A flow in [`Bundle::flows`](crate::Bundle::flows).
    FlowId,
    /// A node in [`Plan::nodes`](crate::Plan::nodes).
    NodeId,
    /// A scope in [`Plan::scopes`](crate::Plan::scopes).
    ScopeId,
    /// A span in [`Bundle::spans`](crate::Bundle::spans).
    SpanId,
    /// A state in its resource's list.
    StateId,
    /// A role in [`Bundle::roles`](crate::Bundle::roles).
    RoleId,
}
