//! Who decides besides the flow itself: models that advise, people who answer.
use serde::{Deserialize, Serialize};

use crate::{Money, OpId, OpRef, SystemId, Type, Value};

/// A model: a system with one operation, which reads and is believed only through a `govern`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelDef {
    /// Its full name: `returns.returns_risk`.
    pub name: String,
    /// The name for people.
    pub label: String,
    pub doc: String,
    /// The system that it is, of the same short name.
    pub system: SystemId,
    pub version: String,
    pub input: Type,
    pub output: Type,
    pub approval: Option<Approval>,
    /// What counts when the model is down: its retries are used up.
    pub fallback: Option<Value>,
    /// May be given personal data.
    pub sees_pii: bool,
}

impl ModelDef {
    /// Its one operation.
    pub fn op(&self) -> OpRef {
        OpRef { system: self.system, op: OpId(0) }
    }
}

/// Who let a model be used, and for how long. Days since 1970-01-01, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub by: String,
    pub on: i32,
    pub until: Option<i32>,
}

/// People who do the same work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDef {
    /// Its full name: `returns.returns_reviewer`.
    pub name: String,
    /// The name for people.
    pub label: String,
    pub doc: String,
    /// May be shown personal data.
    pub sees_pii: bool,
    /// What one of them may approve at most.
    pub limit: Option<Money>,
}

impl RoleDef {
    /// The name as authors write it: the last part.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}
