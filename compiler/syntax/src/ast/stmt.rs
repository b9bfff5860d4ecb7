//! Statements of a flow.

use super::{Arg, Expr, Ident, OpCall, Pattern, RecordLit, Retry, TextLit, Type};
use flowline_diag::Span;
use std::sync::Arc;

/// Statements in braces, or the one statement of an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// With its braces, where it has some.
    pub span: Span,
    pub stmts: Vec<Stmt>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stmt {
    pub span: Span,
    pub kind: StmtKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StmtKind {
    /// `let x = e`, `let x: T = e`
    Let {
        name: Ident,
        ty: Option<Type>,
        value: Value,
    },
    /// `var n = e`
    Var {
        name: Ident,
        ty: Option<Type>,
        value: Value,
    },
    /// `n = e`
    Assign {
        name: Ident,
        value: Value,
    },
    Do(DoCall),
    Await(EventWait),
    /// `await first { … }`
    AwaitFirst {
        arms: Vec<Arm>,
    },
    /// `wait d`
    WaitFor(Expr),
    /// `wait until t`
    WaitUntil(Expr),
    When(When),
    Match {
        value: Expr,
        arms: Vec<StmtMatchArm>,
    },
    Parallel {
        branches: Vec<Branch>,
    },
    ForEach(ForEach),
    Repeat(Repeat),
    /// `give e`
    Give(Expr),
    Attempt(Attempt),
    Ask(Ask),
    Predict(Predict),
    Govern(Govern),
    /// `emit E { … }`
    Emit(RecordLit),
    /// `status s`, `status s for part.id`
    Status {
        value: Ident,
        args: Vec<Arg>,
        part: Option<Expr>,
    },
    /// `run flow(args)`
    Run(FlowCall),
    /// `start flow(args)`
    Start(FlowCall),
    /// `fail Error { … }`
    Fail(RecordLit),
    /// `stop outcome [with value]`
    Stop {
        outcome: Ident,
        args: Vec<Arg>,
        with: Option<Expr>,
    },
    PointOfNoReturn,
    /// Text that no statement could be read from. Where it opened a block, the statements in it are kept, so that their names count.
    Bad {
        inside: Vec<Block>,
        /// The words before the first block: what is bound there can't be told from the rest.
        words: Vec<Arc<str>>,
    },
}

/// What a name is bound to: an expression, or the value of a statement (`do`, `await`, `attempt`, `for each`, `ask`, …).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Expr(Expr),
    Stmt(Box<Stmt>),
}

impl Value {
    pub fn span(&self) -> Span {
        match self {
            Value::Expr(expr) => expr.span,
            Value::Stmt(stmt) => stmt.span,
        }
    }
}

/// `do sys.op(args) retry … timeout … undo … as step_name`
#[derive(Debug, Clone, PartialEq)]
pub struct DoCall {
    pub call: OpCall,
    pub retry: Option<Retry>,
    pub timeout: Option<Expr>,
    pub undo: Option<OpCall>,
    /// Behind `as`: the step's name, stable over edits.
    pub step: Option<Ident>,
}

/// `E for k as e if cond within d`: of `await`, of a handler, of an arm and of `late`.
#[derive(Debug, Clone, PartialEq)]
pub struct EventWait {
    pub span: Span,
    /// `fresh`: only what comes after the wait was armed.
    pub fresh: bool,
    pub event: Ident,
    /// Behind `for`; several where the key is composite.
    pub key: Vec<Expr>,
    pub binding: Option<Ident>,
    pub condition: Option<Expr>,
    pub within: Option<Expr>,
}

/// `PickConfirmed for order.id as pick => status ready`
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    pub span: Span,
    pub trigger: ArmTrigger,
    /// Empty for `nothing`.
    pub body: Block,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ArmTrigger {
    Event(EventWait),
    /// `after d`
    After(Expr),
    Bad,
}

/// `when c { … } else { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    pub condition: Expr,
    pub then: Block,
    /// `else when …` is a block of that one statement.
    pub otherwise: Option<Block>,
}

/// An arm of a `match` statement.
#[derive(Debug, Clone, PartialEq)]
pub struct StmtMatchArm {
    pub span: Span,
    /// None for an arm that can't be read.
    pub patterns: Vec<Pattern>,
    /// Empty for `nothing`.
    pub body: Block,
}

/// `branch a { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    pub span: Span,
    pub name: Ident,
    pub body: Block,
}

/// `for each x in xs, 5 at a time sharing card by x.total as part { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct ForEach {
    pub binding: Ident,
    pub list: Expr,
    /// Behind the comma: how many branches run side by side.
    pub at_a_time: Option<Expr>,
    pub share: Option<Share>,
    pub body: Block,
}

/// `sharing card by parcel.total as money`
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    pub span: Span,
    pub resource: Ident,
    pub amount: Expr,
    pub part: Ident,
}

/// `repeat up to n times { … } until c`
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    pub times: Expr,
    pub body: Block,
    /// Without it the body ends the loop by `give`.
    pub until: Option<Expr>,
}

/// `attempt { … } on …`
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub body: Block,
    pub handlers: Vec<Handler>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    /// The head, from `on` to before the `{`.
    pub span: Span,
    pub kind: HandlerKind,
    /// `keeping hold, card`: what isn't let go when the body is left for this handler.
    pub keeping: Vec<Ident>,
    pub body: Block,
}

#[derive(Debug, Clone, PartialEq)]
pub enum HandlerKind {
    /// `on OutOfStock, Deadline of pickup as why`
    Error {
        errors: Vec<ErrorPattern>,
        binding: Option<Ident>,
    },
    /// `on event E for k as e`
    Event(EventWait),
    /// `too late`
    TooLate,
    /// `after d`
    After(Expr),
    /// `meanwhile on event E for k as e`
    MeanwhileEvent(EventWait),
    /// `meanwhile every d`
    MeanwhileEvery(Expr),
    Bad,
}

/// An error's name in `on`; `Deadline` may say of which wait.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorPattern {
    pub span: Span,
    pub name: Ident,
    pub of: Option<Ident>,
}

/// `ask role "question" { show a, b  answer T within d else …  not by person }`
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub role: Ident,
    pub question: TextLit,
    pub show: Vec<Expr>,
    pub answer: Option<Type>,
    pub within: Option<Expr>,
    /// What counts when nobody answers: `fail …`, or a value.
    pub otherwise: Option<Value>,
    pub not_by: Vec<Expr>,
}

/// `predict model(input)`
#[derive(Debug, Clone, PartialEq)]
pub struct Predict {
    pub model: Ident,
    pub args: Vec<Arg>,
}

/// `govern advice as x { when c => v … otherwise => v }`
#[derive(Debug, Clone, PartialEq)]
pub struct Govern {
    pub advice: Expr,
    pub binding: Option<Ident>,
    pub arms: Vec<GovernArm>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GovernArm {
    pub span: Span,
    /// None for `otherwise`.
    pub condition: Option<Expr>,
    pub value: GovernValue,
}

#[derive(Debug, Clone, PartialEq)]
pub enum GovernValue {
    Expr(Expr),
    /// Gives its `.value`.
    Ask(Box<Ask>),
    Fail(RecordLit),
    Bad,
}

/// `collect_debt(order.id, amount)` behind `run`, `start` or `undo`.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowCall {
    pub span: Span,
    pub flow: Ident,
    pub args: Vec<Arg>,
}
