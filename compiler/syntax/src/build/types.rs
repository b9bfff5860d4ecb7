//! Types, fields and parameters.

use super::{Builder, Kids, Node, kids};
use crate::ast::{Annotation, Field, Param, ResourceStates, Type, TypeKind};
use crate::grammar::Rule;

impl Builder<'_> {
    /// The next child's type; `Bad` where the grammar had none.
    pub(super) fn type_of(&mut self, kids: &mut Kids<'_>) -> Type {
        match kids.opt(Rule::r#type) {
            Some(node) => self.ty(node),
            None => Type { span: crate::scan::span(self.file, self.base, self.base), kind: TypeKind::Bad },
        }
    }

    pub(super) fn opt_type(&mut self, kids: &mut Kids<'_>) -> Option<Type> {
        kids.opt(Rule::r#type).map(|node| self.ty(node))
    }

    pub(super) fn ty(&mut self, node: Node<'_>) -> Type {
        let whole = self.span(&node);
        let mut ty = Type { span: whole, kind: TypeKind::Bad };
        for part in kids(node) {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::type_name => ty = Type { span, kind: self.type_name(part) },
                Rule::type_collection => ty = Type { span, kind: self.type_collection(part) },
                Rule::optional => ty = Type { span: ty.span.to(span), kind: TypeKind::Optional(Box::new(ty)) },
                _ => {}
            }
        }
        ty
    }

    fn type_name(&mut self, node: Node<'_>) -> TypeKind {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let Some(rest) = kids.next() else { return TypeKind::Named(name) };
        let span = self.span(&rest);
        match rest.as_rule() {
            Rule::type_args => TypeKind::Generic { name, args: super::kids(rest).map(|arg| self.ty(arg)).collect() },
            Rule::type_currency => TypeKind::MoneyIn { name, currency: self.name(&mut super::kids(rest)) },
            Rule::type_states => {
                let mut states = ResourceStates { span, from: Vec::new(), to: Vec::new(), doubt: Vec::new() };
                for part in super::kids(rest) {
                    let rule = part.as_rule();
                    let names = self.names(&mut super::kids(part));
                    match rule {
                        Rule::states_from => states.from = names,
                        Rule::states_to => states.to = names,
                        _ => states.doubt = names,
                    }
                }
                TypeKind::Resource { name, states }
            }
            _ => TypeKind::Named(name),
        }
    }

    fn type_collection(&mut self, node: Node<'_>) -> TypeKind {
        let mut kids = kids(node);
        let first = self.type_of(&mut kids);
        if let Some(value) = self.opt_type(&mut kids) {
            return TypeKind::Map { key: Box::new(first), value: Box::new(value) };
        }
        let number = kids.opt(Rule::type_max).and_then(|max| super::kids(max).next());
        TypeKind::List { item: Box::new(first), count_max: number.map(|number| self.count(&number)) }
    }

    pub(super) fn field(&mut self, node: Node<'_>) -> Field {
        let span = self.span(&node);
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        self.want_lower(&name);
        let ty = self.type_of(&mut kids);
        let mut field = Field { span, doc: self.doc(span), name, ty, check: None, annotations: Vec::new() };
        for part in kids {
            let span = self.span(&part);
            if part.as_rule() == Rule::annotation {
                let name = self.name(&mut super::kids(part));
                field.annotations.push(Annotation { span, name });
            } else {
                let check = self.expr_of(&mut super::kids(part));
                self.once(&mut field.check, check, "`where`", span);
            }
        }
        field
    }

    /// The parameters of a `params` node.
    pub(super) fn params(&mut self, node: Node<'_>) -> Vec<Param> {
        kids(node).map(|param| self.param(param)).collect()
    }

    pub(super) fn param(&mut self, node: Node<'_>) -> Param {
        let span = self.span(&node);
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        self.want_lower(&name);
        Param { span, name, ty: self.type_of(&mut kids) }
    }

    pub(super) fn opt_params(&mut self, kids: &mut Kids<'_>) -> Vec<Param> {
        kids.opt(Rule::params).map(|node| self.params(node)).unwrap_or_default()
    }
}
