//! Events as they come in: by their CloudEvents type, in the current version or in an older one that is brought up to it.
//!
//! What goes into a journal is the event of the current version, and never what an older version became it from: so a later
//! change of an upcast changes nothing for what was taken in before.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    Bundle, Code, ConstEnv, EvalError, EventDef, Type, TypeId, TypeKind, Value, eval, eval_bool,
    json::{JsonError, JsonReader, to_json},
};

/// How an event of an older version becomes one of a later version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upcast {
    pub event: TypeId,
    pub from: u32,
    /// The version that it comes to, from which another upcast may go on.
    pub to: u32,
    /// The record that the older version was.
    pub shape: TypeId,
    /// Gives the later event, or the record that it was; local 0 is the older one. `now` is when the event was sent.
    pub code: Code,
}

/// Why an event isn't taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    #[error("`data` doesn't fit `{name}`: {problem}")]
    Data { name: String, problem: JsonError },
    #[error("`{name}` can't become v{to}: {why}")]
    Upcast { name: String, to: u32, why: EvalError },
    #[error("what `{name}` becomes doesn't fit v{version}: {problem}")]
    After { name: String, version: u32, problem: JsonError },
}

impl Bundle {
    /// The event of that CloudEvents type, in the version that flows speak, or in an older one that is brought up to it.
    pub fn event_spoken(&self, name: &str) -> Option<(TypeId, u32)> {
        let events = || {
            self.types.iter().enumerate().filter_map(|(at, ty)| match &ty.kind {
                TypeKind::Event(event) => Some((TypeId::from(at), event)),
                TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Resource(_) => {
                    None
                }
            })
        };
        let current = events().find(|(_, event)| event.full_type() == name);
        current.map(|(id, event)| (id, event.version)).or_else(|| {
            let older = self
                .upcasts
                .iter()
                .find(|upcast| self.event(upcast.event).is_some_and(|event| event.type_of(upcast.from) == name))?;
            Some((older.event, older.from))
        })
    }

    /// The older versions of an event that are brought up to the current one, in order.
    pub fn older_versions(&self, event: TypeId) -> Vec<u32> {
        let mut versions: Vec<u32> =
            self.upcasts.iter().filter(|upcast| upcast.event == event).map(|upcast| upcast.from).collect();
        versions.sort_unstable();
        versions
    }

    /// Reads the data of an event that came in that version, and brings it up to the current one.
    ///
    /// # Errors
    /// [`IntakeError`], for the sender to mend.
    pub fn take_in(&self, event: TypeId, version: u32, data: &Json, sent_ms: i64) -> Result<Value, IntakeError> {
        let Some(def) = self.event(event) else { return Ok(Value::None) };
        let name = || def.type_of(version);
        let env = ConstEnv { bundle: self, now: sent_ms };
        let mut check = |code: &Code, value: &Value| eval_bool(&env, code, std::slice::from_ref(value));
        let mut reader = JsonReader::new(self, &mut check);
        let data_problem = |problem| IntakeError::Data { name: name(), problem };
        let Some(mut step) = self.upcast_from(event, version) else {
            return reader.read_fields(&def.fields, data).map_err(data_problem);
        };
        let mut value = reader.read(&Type::Named(step.shape), data).map_err(data_problem)?;
        loop {
            value = eval(&env, &step.code, &[value]).map_err(|why| IntakeError::Upcast {
                name: name(),
                to: step.to,
                why,
            })?;
            match self.upcast_from(event, step.to) {
                Some(next) if next.from > step.from => step = next,
                Some(_) | None => break,
            }
        }
        // It enters as an event of today: what its types state with `where` holds for it.
        let today = to_json(self, &Type::Named(event), &value, &|_| None);
        let after = |problem| IntakeError::After { name: name(), version: def.version, problem };
        reader.read_fields(&def.fields, &today).map_err(after)
    }

    fn upcast_from(&self, event: TypeId, version: u32) -> Option<&Upcast> {
        self.upcasts.iter().find(|upcast| upcast.event == event && upcast.from == version)
    }
}

impl EventDef {
    /// Its CloudEvents type in some version: `retail.order.placed.v1`.
    pub fn type_of(&self, version: u32) -> String {
        format!("{}.v{version}", self.ce_type)
    }
}
