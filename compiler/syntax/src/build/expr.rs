//! Expressions: the grammar's flat list of operands and operators gets its precedence here.

use super::{Builder, Kids, Node, kids};
use crate::ast::{
    Arg, BinaryOp, DurationLit, DurationPart, DurationUnit, Expr, ExprKind, FieldInit, Ident, MatchArm, Pattern,
    PatternKind, RecordLit, TextLit, TextPart, UnaryOp,
};
use crate::grammar::{FlowParser, Rule};
use crate::scan::repair::is_spreadsheet_if;
use flowline_diag::{Diagnostic, Edit, Fix, Span, code::f01};
use pest::Parser;
use std::iter::Peekable;

/// How tightly operators bind, from loose to tight.
mod binds {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const COMPARE: u8 = 4;
    pub(super) const DEFAULT: u8 = 5;
    pub(super) const ADD: u8 = 6;
    pub(super) const MULTIPLY: u8 = 7;
    pub(super) const NEGATE: u8 = 8;
    pub(super) const OF: u8 = 9;
}

enum Infix {
    Binary(BinaryOp),
    Of,
}

impl Builder<'_> {
    /// The next child's expression; `Bad` where the grammar had none.
    pub(super) fn expr_of(&mut self, kids: &mut Kids<'_>) -> Expr {
        self.opt_expr(kids).unwrap_or_else(|| self.bad_expr(crate::scan::span(self.file, self.base, self.base)))
    }

    pub(super) fn opt_expr(&mut self, kids: &mut Kids<'_>) -> Option<Expr> {
        kids.opt_if(|rule| matches!(rule, Rule::expr | Rule::of_calendar)).map(|node| self.expr(node))
    }

    pub(super) fn bad_expr(&self, span: Span) -> Expr {
        Expr { span, kind: ExprKind::Bad }
    }

    pub(super) fn expr(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let node = if node.as_rule() == Rule::of_calendar { kids(node).next() } else { Some(node) };
        let Some(node) = node else { return self.bad_expr(span) };
        let mut parts = node.into_inner().peekable();
        self.climb(&mut parts, 0).unwrap_or_else(|| self.bad_expr(span))
    }

    /// Operands and operators that bind at least as tightly as `least`.
    fn climb<'i>(&mut self, parts: &mut Peekable<impl Iterator<Item = Node<'i>>>, least: u8) -> Option<Expr> {
        let mut left = self.operand(parts)?;
        while let Some((op, strength)) = parts.peek().and_then(infix) {
            if strength < least {
                break;
            }
            let op_node = parts.next()?;
            let op_span = self.span(&op_node);
            self.foreign_operator(op_node.as_str().trim(), op_span);
            let right = self.climb(parts, strength + 1)?;
            let span = left.span.to(right.span);
            let (left_box, right_box) = (Box::new(left), Box::new(right));
            let kind = match op {
                Infix::Binary(op) => ExprKind::Binary { op, op_span, left: left_box, right: right_box },
                Infix::Of => ExprKind::Of { duration: left_box, calendar: right_box },
            };
            left = Expr { span, kind };
        }
        Some(left)
    }

    /// One operand with the signs before it and what hangs behind it.
    fn operand<'i>(&mut self, parts: &mut Peekable<impl Iterator<Item = Node<'i>>>) -> Option<Expr> {
        let first = parts.next()?;
        if first.as_rule() == Rule::prefix {
            let span = self.span(&first);
            let sign = first.as_str().trim();
            self.foreign_operator(sign, span);
            let (op, strength) =
                if sign == "-" { (UnaryOp::Negate, binds::NEGATE) } else { (UnaryOp::Not, binds::NOT) };
            let operand = self.climb(parts, strength)?;
            return Some(Expr {
                span: span.to(operand.span),
                kind: ExprKind::Unary { op, operand: Box::new(operand) },
            });
        }
        let mut expr = self.primary(first);
        while let Some(part) = parts.next_if(|part| is_postfix(part.as_rule())) {
            expr = self.postfix(expr, part);
        }
        Some(expr)
    }

    /// `&&`, `||` and `!` are read like ours and refused by name.
    fn foreign_operator(&mut self, sign: &str, span: Span) {
        let ours = match sign {
            "&&" => "and",
            "||" => "or",
            "!" => "not",
            _ => return,
        };
        let title = format!("replace with `{ours}`");
        let with_blank = if sign == "!" { "not ".to_owned() } else { ours.to_owned() };
        let finding = Diagnostic::new(&f01::FOREIGN, format!("`{sign}` is not a sign of this language"), span);
        self.findings.push(finding.label(format!("write `{ours}`")).fix(title, span, with_blank));
    }

    fn postfix(&mut self, base: Expr, node: Node<'_>) -> Expr {
        let span = base.span.to(self.span(&node));
        let optional = node.as_str().starts_with("?.");
        let rule = node.as_rule();
        let mut kids = kids(node);
        let base = Box::new(base);
        let kind = match rule {
            Rule::exists => ExprKind::Exists(base),
            Rule::with => ExprKind::With {
                base,
                fields: kids.opt(Rule::record_body).map(|body| self.inits(body)).unwrap_or_default(),
            },
            _ => {
                kids.opt(Rule::access);
                let name = self.name(&mut kids);
                match kids.opt(Rule::args) {
                    Some(args) => ExprKind::Method { base, name, args: self.args(args), optional },
                    None => ExprKind::Field { base, name, optional },
                }
            }
        };
        Expr { span, kind }
    }

    fn primary(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let text = node.as_str().trim_end();
        let kind = match node.as_rule() {
            Rule::paren => return Expr { span, ..self.expr_of(&mut kids(node)) },
            Rule::name => ExprKind::Name(self.name(&mut kids(node))),
            Rule::number if text.contains('.') => ExprKind::Decimal(text.into()),
            Rule::number => text.parse().map_or_else(|_| self.too_large(span), ExprKind::Int),
            Rule::percent => ExprKind::Percent(text.trim_end_matches('%').trim_end().into()),
            Rule::money => self.money(text, span),
            Rule::duration => self.duration(node),
            Rule::text => ExprKind::Text(self.text(&node)),
            Rule::true_lit => ExprKind::Bool(true),
            Rule::false_lit => ExprKind::Bool(false),
            Rule::none_lit => ExprKind::None,
            Rule::now_lit => ExprKind::Now,
            Rule::date => self.date(&node).map_or(ExprKind::Bad, ExprKind::Date),
            Rule::record_lit => ExprKind::Record(self.record_lit(node)),
            Rule::collection => self.collection(node),
            Rule::call => {
                let mut kids = kids(node);
                let callee = self.name(&mut kids);
                let args = self.opt_args(&mut kids);
                if is_spreadsheet_if(callee.as_str()) {
                    self.spreadsheet_if(&callee, &args, span);
                }
                ExprKind::Call { callee, args }
            }
            Rule::if_expr => {
                let mut kids = kids(node);
                let [condition, then, otherwise] = [0; 3].map(|_| Box::new(self.expr_of(&mut kids)));
                ExprKind::If { condition, then, otherwise }
            }
            Rule::match_expr => {
                let mut kids = kids(node);
                let value = Box::new(self.expr_of(&mut kids));
                ExprKind::Match { value, arms: kids.filter_map(|arm| self.match_arm(arm)).collect() }
            }
            _ => ExprKind::Bad,
        };
        Expr { span, kind }
    }

    fn too_large(&mut self, span: Span) -> ExprKind {
        self.findings.push(
            Diagnostic::new(&f01::UNEXPECTED, "this number is too large", span)
                .help("whole numbers have at most 18 digits"),
        );
        ExprKind::Bad
    }

    fn money(&mut self, text: &str, span: Span) -> ExprKind {
        let (amount, currency) = text.split_at_checked(text.len().saturating_sub(3)).unwrap_or((text, ""));
        let start = span.end - 3;
        let currency = crate::ast::Ident { text: currency.into(), span: Span { start, ..span } };
        ExprKind::Money { amount: amount.trim_end().into(), currency }
    }

    fn duration(&mut self, node: Node<'_>) -> ExprKind {
        let span = self.span(&node);
        let parts: Option<Vec<DurationPart>> = kids(node)
            .map(|part| {
                let mut kids = kids(part);
                let count = kids.next()?.as_str().parse().ok()?;
                let unit = unit(kids.next()?.as_str())?;
                Some(DurationPart { count, unit })
            })
            .collect();
        match parts {
            Some(parts) => ExprKind::Duration(DurationLit { parts }),
            None => self.too_large(span),
        }
    }

    fn collection(&mut self, node: Node<'_>) -> ExprKind {
        let span = self.span(&node);
        let mut values = Vec::new();
        let mut pairs = Vec::new();
        let mut is_map = false;
        for entry in kids(node) {
            if entry.as_rule() == Rule::empty_map {
                is_map = true;
                continue;
            }
            let mut kids = kids(entry);
            let first = self.expr_of(&mut kids);
            match self.opt_expr(&mut kids) {
                Some(value) => pairs.push((first, value)),
                None => values.push(first),
            }
        }
        if !values.is_empty() && !pairs.is_empty() {
            let finding = Diagnostic::new(&f01::UNEXPECTED, "a list and a map are mixed here", span);
            self.findings.push(finding.help("each entry of a map is `key: value`, each entry of a list is a value"));
            return ExprKind::Bad;
        }
        if is_map || !pairs.is_empty() { ExprKind::Map(pairs) } else { ExprKind::List(values) }
    }

    pub(super) fn opt_args(&mut self, kids: &mut Kids<'_>) -> Vec<Arg> {
        kids.opt(Rule::args).map(|args| self.args(args)).unwrap_or_default()
    }

    fn args(&mut self, node: Node<'_>) -> Vec<Arg> {
        kids(node)
            .map(|arg| {
                if arg.as_rule() != Rule::closure {
                    return Arg::Expr(self.expr(arg));
                }
                let span = self.span(&arg);
                let mut kids = kids(arg);
                let params = kids
                    .opt(Rule::closure_params)
                    .map(|params| self.names(&mut super::kids(params)))
                    .unwrap_or_default();
                Arg::Closure { span, params, body: self.expr_of(&mut kids) }
            })
            .collect()
    }

    /// `record_lit` or `record_maybe`
    pub(super) fn record_lit(&mut self, node: Node<'_>) -> RecordLit {
        let span = self.span(&node);
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        RecordLit { span, name, fields: kids.opt(Rule::record_body).map(|body| self.inits(body)).unwrap_or_default() }
    }

    /// The fields of a `record_body`.
    pub(super) fn inits(&mut self, node: Node<'_>) -> Vec<FieldInit> {
        let mut fields = Vec::new();
        for part in kids(node) {
            if part.as_rule() == Rule::init {
                let span = self.span(&part);
                let mut kids = kids(part);
                let name = self.name(&mut kids);
                fields.push(FieldInit { span, name, value: self.expr_of(&mut kids) });
            } else if part.as_rule() != Rule::cut_short {
                self.bad(&part);
            }
        }
        fields
    }

    fn match_arm(&mut self, node: Node<'_>) -> Option<MatchArm> {
        match node.as_rule() {
            Rule::match_arm => {
                let span = self.span(&node);
                let mut kids = kids(node);
                Some(MatchArm { span, patterns: self.patterns(&mut kids), value: self.expr_of(&mut kids) })
            }
            Rule::cut_short => None,
            _ => {
                self.bad(&node);
                let span = self.span(&node);
                Some(MatchArm { span, patterns: Vec::new(), value: Expr { span, kind: ExprKind::Bad } })
            }
        }
    }

    pub(super) fn patterns(&mut self, kids: &mut Kids<'_>) -> Vec<Pattern> {
        let Some(node) = kids.opt(Rule::patterns) else { return Vec::new() };
        super::kids(node).map(|pattern| self.pattern(pattern)).collect()
    }

    fn pattern(&mut self, node: Node<'_>) -> Pattern {
        let span = self.span(&node);
        let Some(inner) = kids(node).next() else { return Pattern { span, kind: PatternKind::Otherwise } };
        let kind = match inner.as_rule() {
            Rule::pattern_none => PatternKind::None,
            Rule::pattern_otherwise => PatternKind::Otherwise,
            Rule::pattern_literal => {
                let negative = inner.as_str().starts_with('-');
                let literal =
                    kids(inner).next().map(|literal| self.primary(literal)).unwrap_or_else(|| self.bad_expr(span));
                PatternKind::Literal(if negative {
                    Expr { span, kind: ExprKind::Unary { op: UnaryOp::Negate, operand: Box::new(literal) } }
                } else {
                    literal
                })
            }
            _ => {
                let mut kids = kids(inner);
                let first = self.name(&mut kids);
                let second = kids.opt(Rule::word).map(|word| self.ident(&word));
                let bindings =
                    kids.opt(Rule::pattern_bindings).map(|node| self.names(&mut super::kids(node))).unwrap_or_default();
                match second {
                    Some(name) => PatternKind::Case { ty: Some(first), name, bindings },
                    None => PatternKind::Case { ty: None, name: first, bindings },
                }
            }
        };
        Pattern { span, kind }
    }

    /// A text token: escapes are resolved, and what stands in `{ }` is read as an expression.
    pub(super) fn text(&mut self, node: &Node<'_>) -> TextLit {
        let span = self.span(node);
        let raw = node.as_str();
        let body = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
        let start = node.as_span().start() + 1;
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut letters = body.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next().map(|(_, escaped)| escaped) {
                    Some('n') => plain.push('\n'),
                    Some('t') => plain.push('\t'),
                    Some(other) => plain.push(other),
                    None => {}
                },
                '{' => {
                    if !plain.is_empty() {
                        parts.push(TextPart::Plain(std::mem::take(&mut plain).into()));
                    }
                    let rest = body.get(at + 1..).unwrap_or("");
                    let len = rest.find('}').unwrap_or(rest.len());
                    let inner = rest.get(..len).unwrap_or("");
                    parts.push(TextPart::Value(self.embedded(inner, start + at + 1, len < rest.len())));
                    letters.by_ref().find(|(_, letter)| *letter == '}');
                }
                _ => plain.push(letter),
            }
        }
        if !plain.is_empty() {
            parts.push(TextPart::Plain(plain.into()));
        }
        TextLit { span, parts }
    }

    /// The expression in the braces of a text. `start` is its offset in the declaration.
    fn embedded(&mut self, text: &str, start: usize, closed: bool) -> Expr {
        let at = self.base + start;
        let span = crate::scan::span(self.file, at, at + text.len());
        if !closed {
            let finding = Diagnostic::new(
                &f01::UNCLOSED,
                "this `{` in the text is never closed",
                crate::scan::span(self.file, at - 1, at),
            );
            self.findings.push(finding.help("a brace that is meant as such is written `\\{`"));
            return self.bad_expr(span);
        }
        let parsed = FlowParser::parse(Rule::only_expr, text.trim_end()).ok();
        let Some(node) = parsed.and_then(|mut pairs| pairs.next()).and_then(|only| kids(only).next()) else {
            self.bad.push(super::BadText { rule: Rule::only_expr, start: at, end: at + text.len() });
            return self.bad_expr(span);
        };
        let outer = std::mem::replace(&mut self.base, at);
        let expr = self.expr(node);
        self.base = outer;
        expr
    }

    /// `IF(c; a; b)`: a choice as a spreadsheet writes it.
    fn spreadsheet_if(&mut self, callee: &Ident, args: &[Arg], whole: Span) {
        let finding = Diagnostic::new(&f01::FOREIGN, format!("`{callee}` is a spreadsheet's word"), callee.span)
            .help("a choice is written `if condition then a else b`");
        let [Arg::Expr(condition), Arg::Expr(then), Arg::Expr(otherwise)] = args else {
            return self.findings.push(finding);
        };
        let between =
            |from: u32, to: u32, text: &str| Edit { span: Span::new(whole.file, from, to), text: text.to_owned() };
        let edits = vec![
            between(callee.span.start, condition.span.start, "if "),
            between(condition.span.end, then.span.start, " then "),
            between(then.span.end, otherwise.span.start, " else "),
            between(otherwise.span.end, whole.end, ""),
        ];
        let title = "write it with `if`, `then` and `else`".to_owned();
        self.findings.push(finding.fix_with(Fix { title, edits, safe: true }));
    }
}

fn is_postfix(rule: Rule) -> bool {
    matches!(rule, Rule::field_access | Rule::method | Rule::with | Rule::exists)
}

fn infix(node: &Node<'_>) -> Option<(Infix, u8)> {
    if !matches!(node.as_rule(), Rule::infix | Rule::cell_infix) {
        return None;
    }
    let (op, strength) = match node.as_str().trim_end() {
        "or" | "||" => (BinaryOp::Or, binds::OR),
        "and" | "&&" => (BinaryOp::And, binds::AND),
        "==" => (BinaryOp::Equal, binds::COMPARE),
        "!=" => (BinaryOp::NotEqual, binds::COMPARE),
        "<" => (BinaryOp::Less, binds::COMPARE),
        "<=" => (BinaryOp::LessOrEqual, binds::COMPARE),
        ">" => (BinaryOp::Greater, binds::COMPARE),
        ">=" => (BinaryOp::GreaterOrEqual, binds::COMPARE),
        "??" => (BinaryOp::Default, binds::DEFAULT),
        "+" => (BinaryOp::Add, binds::ADD),
        "-" => (BinaryOp::Subtract, binds::ADD),
        "*" => (BinaryOp::Multiply, binds::MULTIPLY),
        "/" => (BinaryOp::Divide, binds::MULTIPLY),
        _ => return Some((Infix::Of, binds::OF)),
    };
    Some((Infix::Binary(op), strength))
}

fn unit(text: &str) -> Option<DurationUnit> {
    Some(match text {
        "ms" => DurationUnit::Milliseconds,
        "s" => DurationUnit::Seconds,
        "min" => DurationUnit::Minutes,
        "h" | "hour" | "hours" => DurationUnit::Hours,
        "day" | "days" => DurationUnit::Days,
        "week" | "weeks" => DurationUnit::Weeks,
        business if business.contains("hour") => DurationUnit::BusinessHours,
        business if business.starts_with("business") => DurationUnit::BusinessDays,
        _ => return None,
    })
}
