//! Identities that follow from what they name, so that a repeated message finds the same thing.
use serde::{Deserialize, Serialize};
use std::fmt;

/// A run: 128 bits of blake3 over flow, key and generation. No randomness, so a redelivered start finds the same run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u128);

/// An idempotency key: run, node and iteration path; never the attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey(pub u128);

/// An event: 128 bits of blake3 over its source and id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u128);

/// A question to a person: run, node and iteration path, as a step's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId(pub u128);

macro_rules! shown_as_hex {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )*};
}
shown_as_hex!(RunId, CallKey, EventId, TaskId);

/// Hashes parts to 128 bits; each part is preceded by its length, so that no two lists of parts run together.
pub fn hash128(kind: &str, parts: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(&kind.as_bytes()).chain(parts) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let (head, _) =
        hasher.finalize().as_bytes().split_first_chunk::<16>().map(|(h, r)| (*h, r.len())).expect("32 bytes");
    u128::from_le_bytes(head)
}

impl RunId {
    /// The run of a flow for a business key; generations count from 0.
    pub fn of_key(flow: &str, key: &[u8], generation: u32) -> Self {
        Self(hash128("run", &[flow.as_bytes(), key, &generation.to_le_bytes()]))
    }

    /// The run of a flow for what starts it, whatever its key is: an event, a tick, a batch.
    pub fn of_cause(flow: &str, kind: &str, cause: &[u8]) -> Self {
        Self(hash128("caused", &[flow.as_bytes(), kind.as_bytes(), cause]))
    }

    /// The run that a step of another run starts.
    pub fn of_parent(parent: RunId, call: CallKey) -> Self {
        Self(hash128("child", &[&parent.0.to_le_bytes(), &call.0.to_le_bytes()]))
    }
}

impl EventId {
    /// The event of that source and id.
    pub fn of(source: &str, id: &str) -> Self {
        Self(hash128("event", &[source.as_bytes(), id.as_bytes()]))
    }
}
