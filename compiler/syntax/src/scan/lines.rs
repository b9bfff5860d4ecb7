//! Which newlines end a statement.
//!
//! A line goes on inside `(` and `[`, behind a binary operator, `=`, an arrow or a comma, and where the next line begins with `.`, `?.`,
//! `??`, `and`, `or` or `else`; with a handler's word behind the `}` of an `attempt` or of a handler; with `late` behind a flow's body;
//! with a clause's word in the header of a flow or an op, behind `do` and behind `await`. Never before `-`, `(` or `[`.

use super::lexer::{self, Token, TokenKind};
use super::{CHAIN_MAX, NESTING_MAX, STATEMENT_STARTERS, Scanner};

/// An open bracket, and what is known of the statement being read inside it.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    pub(super) start: usize,
    /// Indentation of the line on which it opens.
    pub(super) indent: usize,
    /// A line of a decision table, where `||` is a mark.
    pub(super) in_table: bool,
    head: Head,
    /// The block that closed last in this statement.
    last_closed: Option<FrameKind>,
    has_do: bool,
    has_await: bool,
    /// A handler's head is being read; the next brace is its body.
    pub(super) in_handler: bool,
    in_late: bool,
    in_promise: bool,
    chain: usize,
    ifs: usize,
    /// Open `<` of types.
    angles: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    File,
    /// `(` or `[`
    Bracket,
    AttemptBody,
    HandlerBody,
    FlowBody,
    /// The fields of a value, behind its name or `with`: a part of an expression.
    Fields,
    OtherBrace,
}

/// What a statement began with, where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    None,
    Flow,
    Op,
    Other,
}

/// The token before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Previous {
    /// Nothing in this statement yet.
    Start,
    /// An operator, arrow or comma: the statement cannot end here.
    Operator,
    Dot,
    Attempt,
    /// A name that begins with a capital and touches what follows.
    UpperWord {
        end: usize,
    },
    With,
    Open,
    Close,
    Other,
}

const FLOW_CLAUSES: &[&str] = &["key", "status", "track", "owner", "promise", "raises", "when", "starts", "undo"];
const OP_CLAUSES: &[&str] = &[
    "reads",
    "writes",
    "undo",
    "idempotent",
    "raises",
    "takes",
    "timeout",
    "retry",
    "retriable",
    "irreversible",
    "harmless",
    "settles",
    "later",
];
const DO_CLAUSES: &[&str] = &["retry", "timeout", "undo", "as"];
const AWAIT_CLAUSES: &[&str] = &["if", "within", "as"];
pub(super) const HANDLER_WORDS: &[&str] = &["on", "after", "too", "meanwhile"];

impl Frame {
    pub(super) fn new(kind: FrameKind, start: usize, indent: usize) -> Self {
        Self {
            kind,
            start,
            indent,
            in_table: false,
            head: Head::None,
            last_closed: None,
            has_do: false,
            has_await: false,
            in_handler: false,
            in_late: false,
            in_promise: false,
            chain: 0,
            ifs: 0,
            angles: 0,
        }
    }

    pub(super) fn end_statement(&mut self) {
        *self = Self::new(self.kind, self.start, self.indent);
    }

    /// A block inside this statement has closed.
    pub(super) fn closed(&mut self, kind: FrameKind) {
        match kind {
            FrameKind::Bracket => {}
            // The expression may go on behind its fields.
            FrameKind::Fields => self.last_closed = Some(kind),
            FrameKind::File
            | FrameKind::AttemptBody
            | FrameKind::HandlerBody
            | FrameKind::FlowBody
            | FrameKind::OtherBrace => {
                self.last_closed = Some(kind);
                self.chain = 0;
            }
        }
    }

    fn after_attempt(&self) -> bool {
        matches!(self.last_closed, Some(FrameKind::AttemptBody | FrameKind::HandlerBody))
    }

    /// In the header of a flow: its body is still to come.
    fn in_flow_header(&self) -> bool {
        self.head == Head::Flow && self.last_closed != Some(FrameKind::FlowBody)
    }
}

impl Scanner<'_> {
    /// Whether `token`, the first of its line, goes on with the statement of the line before.
    pub(super) fn continues(&mut self, token: Token) -> bool {
        let word = if token.kind == TokenKind::Word { self.slice(token) } else { "" };
        let plain = !self.is_before(token, ":");
        if self.frame().kind == FrameKind::Bracket {
            // A bracket that was never closed must not swallow the statements behind it.
            let next_statement = STATEMENT_STARTERS.contains(&word) && word != "match" && self.is_before_operand(token);
            if token.kind != TokenKind::Close(b'}') && !next_statement {
                return true;
            }
            while self.frames.len() > 1 && self.frame().kind == FrameKind::Bracket {
                self.frames.pop();
            }
            return false;
        }
        let (previous, frame) = (self.previous, self.frames.last());
        let Some(frame) = frame else { return false };
        if previous == Previous::Operator {
            return token.kind != TokenKind::Close(b'}')
                && !(STATEMENT_STARTERS.contains(&word) && self.is_statement(token));
        }
        // Nothing but a clause can stand in a flow's header: a mistyped one must not cut the flow off its body.
        if frame.in_flow_header() && token.start > self.line_start && !matches!(token.kind, TokenKind::Close(_)) {
            return true;
        }
        match token.kind {
            TokenKind::Sign => matches!(self.slice(token), "." | "?." | "??"),
            TokenKind::Open(b'{') => frame.in_flow_header(),
            TokenKind::Word if plain => {
                matches!(word, "and" | "or" | "else")
                    || (previous == Previous::Close && frame.after_attempt() && HANDLER_WORDS.contains(&word))
                    || (word == "late" && frame.last_closed == Some(FrameKind::FlowBody))
                    || (frame.in_flow_header() && FLOW_CLAUSES.contains(&word))
                    || (frame.head == Head::Op && OP_CLAUSES.contains(&word))
                    || (frame.has_do && DO_CLAUSES.contains(&word) && !self.is_before(token, "="))
                    || (frame.has_await && AWAIT_CLAUSES.contains(&word) && !self.is_before(token, "="))
            }
            TokenKind::Word
            | TokenKind::Number
            | TokenKind::Text { .. }
            | TokenKind::Open(_)
            | TokenKind::Close(_)
            | TokenKind::Foreign
            | TokenKind::Newline
            | TokenKind::Comment => false,
        }
    }

    pub(super) fn word(&mut self, token: Token) {
        let word = self.slice(token);
        let (previous, depth) = (self.previous, self.frames.len());
        let plain = previous != Previous::Dot && !self.is_before(token, ":");
        let frame = self.frame();
        if frame.head == Head::None {
            frame.head = match word {
                "flow" if depth == 1 => Head::Flow,
                "op" if plain => Head::Op,
                _ => Head::Other,
            };
        }
        if !plain {
            self.previous = Previous::Other;
            return;
        }
        if previous == Previous::Close && frame.after_attempt() && HANDLER_WORDS.contains(&word) {
            frame.in_handler = true;
        }
        match word {
            "do" => frame.has_do = true,
            "await" => frame.has_await = true,
            "late" if frame.last_closed == Some(FrameKind::FlowBody) => frame.in_late = true,
            "promise" if frame.in_flow_header() => frame.in_promise = true,
            "if" | "else" => frame.ifs += 1,
            "not" | "exists" | "of" | "and" | "or" | "with" => frame.chain += 1,
            _ => {}
        }
        let deep = frame.ifs > 2 * NESTING_MAX;
        let too_long = frame.chain > CHAIN_MAX;
        self.previous = match word {
            "and" | "or" => Previous::Operator,
            "attempt" => Previous::Attempt,
            "with" => Previous::With,
            _ if word.starts_with(|c: char| c.is_ascii_uppercase()) => Previous::UpperWord { end: token.end },
            _ => Previous::Other,
        };
        if deep {
            let message = format!("a statement has more than {} `if` and `else`", 2 * NESTING_MAX);
            self.refuse(token, message, "use a `decision` or a `match`");
        }
        if too_long {
            self.refuse_chain(token);
        }
    }

    pub(super) fn sign(&mut self, token: Token) {
        let sign = self.slice(token);
        let previous = self.previous;
        let frame = self.frame();
        if frame.head == Head::None {
            frame.head = Head::Other;
            frame.in_table = sign == "|";
        }
        frame.chain = if sign == "," { 0 } else { frame.chain + 1 };
        let (too_long, in_table) = (frame.chain > CHAIN_MAX, frame.in_table);
        self.previous = match sign {
            "." | "?." => Previous::Dot,
            // `Advice<T>`: no blank before it, and a type's name has no order.
            "<" if matches!(previous, Previous::UpperWord { end } if end == token.start) => {
                frame.angles += 1;
                Previous::Other
            }
            ">" if frame.angles > 0 => {
                frame.angles -= 1;
                Previous::Other
            }
            "||" if in_table => Previous::Other,
            "," | "+" | "-" | "*" | "/" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "??" | "=" | "=>" | "->" | "&&"
            | "||" => Previous::Operator,
            _ => Previous::Other,
        };
        if too_long && !in_table {
            self.refuse_chain(token);
        }
    }

    fn refuse_chain(&mut self, token: Token) {
        let message = format!("an expression has more than {CHAIN_MAX} operators in a row");
        self.refuse(token, message, "give a part a name of its own with `let` or `fn`");
    }

    /// What the brace that opens now belongs to.
    pub(super) fn brace_kind(&mut self) -> FrameKind {
        let (previous, depth) = (self.previous, self.frames.len());
        let frame = self.frame();
        if previous == Previous::Attempt {
            return FrameKind::AttemptBody;
        }
        if frame.in_handler {
            frame.in_handler = false;
            return FrameKind::HandlerBody;
        }
        let in_promise = std::mem::take(&mut frame.in_promise);
        if depth == 1 && in_promise && self.opens_promise() {
            return FrameKind::OtherBrace;
        }
        let frame = self.frame();
        if depth == 1 && (frame.in_flow_header() || frame.in_late) {
            frame.in_late = false;
            return FrameKind::FlowBody;
        }
        if matches!(previous, Previous::UpperWord { .. } | Previous::With) {
            return FrameKind::Fields;
        }
        FrameKind::OtherBrace
    }

    /// Whether the brace just read begins what a promise does, and not the flow's body.
    fn opens_promise(&self) -> bool {
        let mut at = self.at;
        while let Some(token) = lexer::next(self.text, at) {
            if !matches!(token.kind, TokenKind::Newline | TokenKind::Comment) {
                return matches!(self.slice(token), "at" | "missed");
            }
            at = token.end;
        }
        false
    }

    /// Whether `sign` follows; `==` and `=>` are not `=`.
    fn is_before(&self, token: Token, sign: &str) -> bool {
        let Some(rest) = self.text.get(token.end..) else { return false };
        rest.trim_start_matches([' ', '\t']).strip_prefix(sign).is_some_and(|behind| !behind.starts_with(['=', '>']))
    }

    /// Whether a name, a text or a brace follows on the same line, as it does behind the word that begins a statement.
    pub(super) fn is_before_operand(&self, token: Token) -> bool {
        let Some(rest) = self.text.get(token.end..) else { return false };
        let next = rest.trim_start_matches([' ', '\t']);
        next.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '{' || c == '"') && next.len() < rest.len()
    }

    /// Whether the word can only begin a statement: behind an operator a value was due, and these words give none.
    fn is_statement(&self, token: Token) -> bool {
        let gives_value = matches!(
            self.slice(token),
            "do" | "await" | "attempt" | "for" | "repeat" | "run" | "ask" | "predict" | "govern" | "match"
        );
        !gives_value && self.is_before_operand(token)
    }
}
