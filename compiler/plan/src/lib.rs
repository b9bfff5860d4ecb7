//! The plan: what the compiler hands to the runtime, and the values both speak of.
//!
//! A [`Bundle`] holds everything a project runs by: types, system contracts, functions, decisions, calendars and one
//! [`Plan`] per flow. It is pure data; nothing here reads a clock, a disk or a network.

mod bundle;
pub mod calendar;
mod code;
mod encoding;
pub mod eval;
mod fits;
mod governance;
pub mod graph;
mod ids;
mod intake;
pub mod json;
mod plan;
mod schedule;
mod side;
mod signature;
mod system;
mod text;
mod types;
mod value;

pub use bundle::{Bundle, Column, Decision, DecisionRow, Function, HitPolicy, SourceFile, SourceSpan};
pub use code::{Code, Instr, ListMethod, Method, Rounding, Slot};
pub use encoding::{BUNDLE_FORMAT, BundleHash, DecodeError, decode_bundle, encode_bundle};
pub use eval::{ConstEnv, Env, EvalError, eval, eval_bool};
pub use fits::misfit;
pub use governance::{Approval, ModelDef, RoleDef};
pub use ids::{
    CalendarId, DecisionId, FlowId, FunctionId, NodeId, OpId, RoleId, ScopeId, SpanId, StateId, SystemId, TypeId,
};
pub use intake::{IntakeError, Upcast};
pub use plan::{
    AwaitNode, CallNode, Catch, ChooseArm, EachNode, EventArm, GatherRule, Handler, Kept, KeyMode, KeyRule, Meanwhile,
    MeanwhileKind, Node, NodeKind, Plan, Promise, PromiseEnd, RunFlowNode, SEMANTICS, Scope, ScopeKind, Sharing, Shown,
    SlotDef, StableId, StartRule, StatusRule, TaskArm, TimerArm, TimerEnd, Trigger,
};
pub use schedule::Schedule;
pub use side::{Late, LateClause, PromiseStep, Side};
pub use signature::{FlowUndo, Gives, Keep, Signature, Take};
pub use system::{
    Idempotency, Later, LaterMode, OpClass, OpDef, OpParam, OpRef, Opens, Raise, ResourceUse, RetryPolicy, SystemDef,
    Undo,
};
pub use text::{duration_text, scalar_text};
pub use types::{
    Abandon, EventDef, EventKey, Expiry, FieldDef, ResourceDef, StateDef, StateKind, Type, TypeDef, TypeKind,
    VariantDef,
};
pub use value::{Currency, CurrencyError, ErrorValue, Money, Value, VariantValue};
