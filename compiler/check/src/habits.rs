//! What people bring along from other languages and write where a value or a type is due.

use flowline_diag::code::f01;
use flowline_diag::{Diagnostic, Edit, Fix, Span};
use flowline_syntax::ast::{Arg, Expr, ExprKind, Ident};

/// Words for values.
const VALUES: &[(&str, &str)] = &[
    ("null", "none"),
    ("nil", "none"),
    ("undefined", "none"),
    ("nothing", "none"),
    ("true", "true"),
    ("yes", "true"),
    ("false", "false"),
    ("no", "false"),
    ("none", "none"),
];

/// Words for types.
const TYPES: &[(&str, &str)] = &[
    ("string", "Text"),
    ("str", "Text"),
    ("varchar", "Text"),
    ("char", "Text"),
    ("int", "Int"),
    ("integer", "Int"),
    ("long", "Int"),
    ("bigint", "Int"),
    ("number", "Decimal"),
    ("numeric", "Decimal"),
    ("float", "Decimal"),
    ("double", "Decimal"),
    ("real", "Decimal"),
    ("bool", "Bool"),
    ("boolean", "Bool"),
    ("datetime", "Instant"),
    ("timestamp", "Instant"),
    ("time", "Instant"),
    ("amount", "Money"),
    ("price", "Money"),
    ("timespan", "Duration"),
    ("interval", "Duration"),
];

/// Types of several values, which have signs of their own.
const MANY: &[(&str, &str)] = &[
    ("list", "a list is written with its element in brackets: `[OrderLine]`"),
    ("array", "a list is written with its element in brackets: `[OrderLine]`"),
    ("map", "a table from keys to values is written `[Sku: Int]`"),
    ("dict", "a table from keys to values is written `[Sku: Int]`"),
    ("object", "what belongs together is a `record` with a name"),
    ("any", "each value has a type of its own: name it"),
    ("optional", "what may be absent has a `?` behind its type: `Text?`"),
    ("uuid", "what is told apart by a number or a text has a type of its own: `id OrderId`"),
];

/// The finding for a name that is a value elsewhere; none for any other.
pub(crate) fn value(name: &Ident) -> Option<Diagnostic> {
    found(VALUES, name)
}

/// The finding for a name that is a type elsewhere; none for any other.
pub(crate) fn ty(name: &Ident) -> Option<Diagnostic> {
    let lower = name.as_str().to_lowercase();
    let many = || MANY.iter().find(|(theirs, _)| *theirs == lower).map(|(_, help)| foreign(name).help(*help));
    found(TYPES, name).or_else(many)
}

/// The finding for a name that is a function elsewhere; none for any other.
pub(crate) fn function(name: &Ident) -> Option<Diagnostic> {
    let lower = name.as_str().to_lowercase();
    let (_, help) = FUNCTIONS.iter().find(|(theirs, _)| *theirs == lower)?;
    Some(foreign(name).help(*help))
}

/// Functions of spreadsheets and databases.
const FUNCTIONS: &[(&str, &str)] = &[
    ("and", "conditions are joined by `and`: `a > 5 and b > 5`"),
    ("und", "conditions are joined by `and`: `a > 5 and b > 5`"),
    ("or", "conditions are joined by `or`: `a > 5 or b > 5`"),
    ("oder", "conditions are joined by `or`: `a > 5 or b > 5`"),
    ("not", "the opposite is `not (…)`"),
    ("sum", "a list is added up by `lines.sum(line => line.quantity)`"),
    ("sumif", "a list is narrowed, then added up: `lines.filter(line => …).sum(line => …)`"),
    ("count", "a list is counted by `lines.count()`"),
    ("countif", "a list is counted by `lines.count(line => …)`"),
    ("len", "a list is counted by `lines.count()`, a text by `name.length()`"),
    ("max", "the largest of a list is `lines.max(line => line.unit_price)`"),
    ("min", "the smallest of a list is `lines.min(line => line.unit_price)`"),
    ("isblank", "whether a value is there is asked by `x exists`"),
    ("isnull", "whether a value is there is asked by `x exists`"),
    ("coalesce", "a value for what is absent stands behind `??`: `gift.note ?? \"\"`"),
    ("concat", "values go into a text in braces: `\"Order {order.id}\"`"),
    ("today", "the time of the step is `now`, its day `now.date_in(\"Europe/Berlin\")`"),
    ("vlookup", "a rule in a table is a `decision`, used like a function"),
    ("print", "every step is written down by itself: leave this out"),
];

fn found(words: &[(&str, &str)], name: &Ident) -> Option<Diagnostic> {
    let lower = name.as_str().to_lowercase();
    let (_, ours) = words.iter().find(|(theirs, _)| *theirs == lower)?;
    Some(foreign(name).label(format!("write `{ours}`")).fix(format!("replace with `{ours}`"), name.span, *ours))
}

fn foreign(name: &Ident) -> Diagnostic {
    Diagnostic::new(&f01::FOREIGN, format!("`{name}` is not a word of this language"), name.span)
}

/// `19,99 EUR` among arguments: two numbers that only a comma parts, with no blank behind it.
pub(crate) fn decimal_comma(args: &[Arg]) -> Option<Fix> {
    let number = |arg: &Arg| match arg {
        Arg::Expr(Expr { kind: ExprKind::Int(_) | ExprKind::Decimal(_) | ExprKind::Money { .. }, span }) => Some(*span),
        Arg::Expr(_) | Arg::Closure { .. } => None,
    };
    let parted = |pair: &[Arg]| match pair {
        [whole, cents] => {
            let (whole, cents) = (number(whole)?, number(cents)?);
            (cents.start == whole.end + 1).then(|| Span::new(whole.file, whole.end, cents.start))
        }
        _ => None,
    };
    let comma = args.windows(2).find_map(parted)?;
    let edits = vec![Edit { span: comma, text: ".".to_owned() }];
    Some(Fix { title: "write a point before the decimals".to_owned(), edits, safe: false })
}
