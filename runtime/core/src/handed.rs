//! Resources on their way between a run and a sub-flow of it.
use flowline_plan::{StateId, TypeId, Value};
use serde::{Deserialize, Serialize};

/// A resource as one run hands it to another. It keeps its id, so systems know it for the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    pub ty: TypeId,
    pub state: StateId,
    /// Where the state is a closed one: nobody undoes it any more, it was reached past a point of no return.
    pub is_last: bool,
    pub goods: Goods,
}

/// What a run knows of a resource besides its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Goods {
    /// By position; field 0 is the id.
    pub fields: Vec<Value>,
    /// The id of the whole, where this is a part.
    pub whole: Option<Value>,
    /// How many parts were taken of it so far: the next one has an id of its own.
    pub parts: u32,
}

/// A resource that a sub-flow's end hands back, or out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Its number in the sub-flow: of what that was given, the place in [`Input::Start`](crate::Input::Start).
    pub number: u32,
    pub handed: Handed,
}
