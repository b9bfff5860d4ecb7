//! What a contract says of calls that go wrong: proofs believe it, so it has to say something.

use crate::cx::Cx;
use crate::model::Op;
use flowline_diag::code::f02;
use flowline_syntax::ast;

impl Cx<'_> {
    /// What is true when an answer is lost, or a call that is repeated without end is refused, has to be said.
    pub(crate) fn outcomes(&mut self, op: &Op, text: &ast::Op) {
        let lacks = match (op.retriable, op.idempotency.is_some()) {
            (true, true) => None,
            (false, _) => Some("not `retriable`"),
            (true, false) => Some("not `idempotent`"),
        };
        if let (true, Some(lacks)) = (op.is_silent(), lacks) {
            let message = format!("operation `{}` does not say what is true when its answer is lost", op.name);
            let help = "name a state of doubt: `[…, doubt maybe_…]`; or let it be repeated until it answers: `retriable, \
                        idempotent by …`";
            let diagnostic = self.found(&f02::CONTRACT, message, op.span).label(lacks).help(help);
            self.push(diagnostic);
        }
        let Some(retriable) = text.retriable else { return };
        for raise in text.raises.iter().filter(|raise| !matches!(raise.effect, Some(ast::RaiseEffect::State { .. }))) {
            let error = &raise.error;
            let message =
                format!("`{}` is repeated until it is done, but `{error}` does not say what is true then", op.name);
            let help = format!("say it: `raises {error} (… is …)`; or leave out `retriable`");
            let diagnostic =
                self.found(&f02::CONTRACT, message, raise.span).also(retriable, "repeated because of this");
            self.push(diagnostic.help(help));
        }
    }
}
