//! Bodies that run side by side or again, and the values that they give.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::flow::{FlowCx, Gives, Taker};
use crate::model::{Block, Each, Expr, ExprKind, LocalId, LocalKind, Repeat, Sharing, StmtKind, Ty};
use crate::stmt::Target;
use crate::ty;
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{ScopeKind, Value};
use flowline_syntax::ast;

impl FlowCx<'_> {
    pub(crate) fn each(&mut self, each: &ast::ForEach, target: Target<'_>) -> Each {
        let list = self.cx.resource(&each.list, None);
        let item_ty = match &list.ty {
            Ty::List(item, _) => item.as_ref().clone(),
            Ty::Unknown => Ty::Unknown,
            _ => {
                let any_list = Ty::List(Box::new(Ty::Unknown), None);
                let found = self.cx.show(&list.ty);
                let diagnostic = if matches!(&list.ty, Ty::Optional(inner) if ty::fits(inner, &any_list)) {
                    self.cx.absent(list.span, &list.ty)
                } else {
                    Diagnostic::new(
                        &f02::MISMATCH,
                        format!("`for each` goes through a list, this is {found}"),
                        list.span,
                    )
                };
                self.cx.push(diagnostic);
                Ty::Unknown
            }
        };
        let width = each.at_a_time.as_ref().map(|width| self.cx.expect(width, &Ty::Int));
        let whole = each.share.as_ref().map(|share| self.shared(share));
        self.gives.push(Gives { taker: Taker::Element, ty: None, given: false });
        let mut goes_on = false;
        let (mut item, mut sharing) = (LocalId(0), None);
        let body = self.scoped(ScopeKind::Element, each.body.span, |this| {
            let slot = LocalKind::Slot(this.scope);
            item = this.cx.bind(&each.binding, item_ty, slot);
            if let (Some(share), Some(whole)) = (&each.share, whole) {
                let amount = this.cx.expect(&share.amount, &Ty::Money(None));
                let part = this.cx.bind(&share.part, whole.ty.clone(), slot);
                sharing = Some(Sharing { span: share.span, whole, amount, part });
            }
            let (block, body_goes_on) = this.block(&each.body);
            goes_on = body_goes_on;
            block
        });
        let given = self.gives.pop();
        let ty = self.given(given, target, goes_on, each.body.span, "an element can end without giving a value");
        let ty = if matches!(ty, Ty::Unit | Ty::Unknown) { ty } else { Ty::List(Box::new(ty), None) };
        let result = self.taken(target, ty, each.body.span, "the elements give no value");
        Each { list, item, width, sharing, body, result }
    }

    /// The resource behind `sharing`.
    pub(crate) fn shared(&mut self, share: &ast::Share) -> Expr {
        let name = &share.resource;
        let whole = self.cx.resource(&ast::Expr { span: name.span, kind: ast::ExprKind::Name(name.clone()) }, None);
        let splits = match &whole.ty {
            Ty::Resource(id) => self.cx.globals.model.resource(*id).and_then(|def| def.splits_by),
            Ty::Unknown => return whole,
            _ => None,
        };
        if splits.is_none() {
            let found = self.cx.show(&whole.ty);
            self.cx.push(
                Diagnostic::new(&f02::RESOURCE, format!("{found} can't be shared out"), name.span)
                    .label("a resource that `splits by` an amount is expected here"),
            );
            return crate::cx::unknown(name.span);
        }
        whole
    }

    pub(crate) fn repeat(&mut self, repeat: &ast::Repeat, target: Target<'_>, span: Span) -> Repeat {
        let max = self.cx.expect(&repeat.times, &Ty::Int);
        self.gives.push(Gives { taker: Taker::Round, ty: None, given: false });
        let mut until = Expr { span, ty: Ty::Bool, kind: ExprKind::Value(Value::Bool(false)) };
        let body = self.scoped(ScopeKind::Round, repeat.body.span, |this| {
            // The condition sees what the body binds.
            let mut stmts = Vec::with_capacity(repeat.body.stmts.len());
            for stmt in &repeat.body.stmts {
                this.stmt(stmt, &mut stmts);
            }
            if let Some(condition) = &repeat.until {
                until = this.cx.expect(condition, &Ty::Bool);
            }
            Block { span: repeat.body.span, stmts }
        });
        let given = self.gives.pop();
        let can_end = repeat.until.is_some();
        let ty = self.given(given, target, can_end, span, "the loop can end by `until`, without giving a value");
        let result = self.taken(target, ty, span, "the loop gives no value");
        Repeat { max, body, until, result }
    }

    /// The type of what was given; a finding where a value is asked for and a way ends without one.
    pub(crate) fn given(
        &mut self,
        gives: Option<Gives>,
        target: Target<'_>,
        can_end_without: bool,
        span: Span,
        message: &str,
    ) -> Ty {
        let ty = gives.and_then(|gives| gives.ty).unwrap_or(Ty::Unit);
        if !matches!(target, Target::Nowhere) && ty != Ty::Unit && can_end_without {
            self.cx.push(
                Diagnostic::new(&f02::NO_VALUE, message, span.at_end())
                    .label("ends here without a value")
                    .help("end every way with `give`, `fail` or `stop`"),
            );
        }
        ty
    }

    pub(crate) fn give(&mut self, value: &ast::Expr, span: Span) -> StmtKind {
        let wanted = self.gives.last().and_then(|gives| gives.ty.clone());
        let value = self.cx.resource(value, wanted.as_ref());
        match self.gives.last().map(|gives| gives.taker) {
            None => {
                self.cx.push(
                    Diagnostic::new(
                        &f02::PLACE,
                        "`give` ends an attempt, a round, an element or a branch, and here is none",
                        span,
                    )
                    .help("a flow ends with `stop … with …`"),
                );
            }
            Some(Taker::Aside) => self.cx.push(
                Diagnostic::new(&f02::PLACE, "nobody takes a value here", span)
                    .label("this runs beside the flow and then goes away"),
            ),
            Some(Taker::Attempt | Taker::Round | Taker::Element | Taker::Branch) => {}
        }
        let value = match &wanted {
            Some(Ty::Decimal) => self.cx.coerce(value, &Ty::Decimal),
            _ => value,
        };
        let ty = match &wanted {
            Some(wanted) => self.cx.join(wanted, &value),
            None => value.ty.clone(),
        };
        if let Some(gives) = self.gives.last_mut() {
            (gives.ty, gives.given) = (Some(ty), true);
        }
        StmtKind::Give(value)
    }
}
