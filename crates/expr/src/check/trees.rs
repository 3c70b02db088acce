//! `record.within(other)`: whether a record of a tree is another one or below it.

use std::ops::Range;

use super::Checker;
use crate::error::ExprErrorKind;
use crate::syntax::{Binary, Ident, Quantified, Syntax, SyntaxNode};
use crate::{Expr, Operator, Quantifier, Type};

/// What each record above is called; no name of an expression is like it.
const ABOVE: &str = " above";

impl Checker<'_> {
    /// It is checked as what it stands for, `record == other || record.ancestors.exists(a, a == other)`, so that whoever
    /// can't read a record above doesn't learn of it.
    pub(super) fn within(
        &mut self,
        (record, function): (&Syntax, &Ident),
        other: &Syntax,
        span: &Range<u32>,
    ) -> Option<Expr> {
        let noted = self.errors.len();
        let ty = self.value_at(record)?.ty;
        let Type::Record(of, _) = ty else { return self.no_tree(record, &ty) };
        let Some(tree) = self.scope.model.collection(of).tree else { return self.no_tree(record, &ty) };
        assert_eq!(self.errors.len(), noted, "what is a record has no error");
        let relation = &self.scope.model.field(of, tree.ancestors).name;
        let at = |node: SyntaxNode| Syntax { node, span: span.clone() };
        let equal = |left: Syntax| {
            let (left, right) = (Box::new(left), Box::new(other.clone()));
            at(SyntaxNode::Binary(Binary { operator: Operator::Equal, left, right }))
        };
        let relation = Ident { name: relation.clone(), span: function.span.clone() };
        let exists = SyntaxNode::Quantified(Quantified {
            kind: Quantifier::Exists,
            over: Box::new(at(SyntaxNode::Select(Box::new(record.clone()), relation))),
            variable: Ident { name: ABOVE.to_owned(), span: span.clone() },
            body: Box::new(equal(at(SyntaxNode::Name(ABOVE.to_owned())))),
        });
        let (left, right) = (Box::new(equal(record.clone())), Box::new(at(exists)));
        self.expr(&at(SyntaxNode::Binary(Binary { operator: Operator::Or, left, right })), Some(&Type::Bool))
    }

    fn no_tree(&mut self, record: &Syntax, ty: &Type) -> Option<Expr> {
        let what = format!("`within` of {}", self.named_type(ty).name);
        let instead = "ask it of a record, or a reference to one, whose type is marked `@tree`";
        self.refuse(record.span.clone(), ExprErrorKind::Unsupported { what, instead })
    }
}
