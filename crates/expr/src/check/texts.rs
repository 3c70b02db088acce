//! Functions that make texts of texts, and patterns.

use std::ops::Range;

use backstay_base::limits;
use backstay_scalar::{Casing, Extent, Pattern};

use super::Checker;
use super::operators::is_written_out;
use super::typing::{element_of, is_written};
use crate::error::{Expected, ExprErrorKind};
use crate::syntax::{Ident, Syntax};
use crate::{Expr, Function, Node, Type};

/// The remedy for a pattern that the databases would interpret differently.
const PORTABLE: &str = "write the characters out, such as `[A-Za-zäöü]`, in place of `\\p{…}`, `\\b` and `(?i)`; a `@pattern` of a \
                        field can have them";

impl Checker<'_> {
    /// `lower(text)` and its like, with as many arguments as they have.
    pub(super) fn of_texts(&mut self, name: &Ident, arguments: &[Syntax], span: &Range<u32>) -> Option<Expr> {
        let function = match name.name.as_str() {
            "lower" => Function::Cased(Casing::Lower),
            "upper" => Function::Cased(Casing::Upper),
            "fold" => Function::Cased(Casing::Fold),
            "trim" => Function::Trim,
            _ => Function::Replace,
        };
        // Errors in all arguments are reported at once.
        let operands: Vec<Option<Expr>> = arguments.iter().map(|argument| self.expect(argument, &Type::Text)).collect();
        let operands = operands.into_iter().collect::<Option<Vec<Expr>>>()?;
        Some(self.make(Node::Call(function, operands), Type::Text, span))
    }

    /// `text(x)`. A text is its own.
    pub(super) fn written(&mut self, of: &Syntax, span: &Range<u32>) -> Option<Expr> {
        let of = self.expr(of, None)?;
        let of = self.read_as(of, &Type::Text);
        if !is_written(&of.ty) {
            let found = self.named_type(&of.ty);
            return self.refuse(of.span, ExprErrorKind::Type { expected: Expected::Written, found });
        }
        if of.ty.is_text() {
            return Some(Expr { ty: Type::Text, ..of });
        }
        Some(self.make(Node::Call(Function::ToText, vec![of]), Type::Text, span))
    }

    /// `split(text, separator)`.
    pub(super) fn split(&mut self, arguments: [&Syntax; 2], span: &Range<u32>) -> Option<Expr> {
        let [text, separator] = arguments.map(|argument| self.expect(argument, &Type::Text));
        let node = Node::Call(Function::Split, vec![text?, separator?]);
        Some(self.make(node, Type::List(Box::new(Type::Text)), span))
    }

    /// `join(list, separator)`.
    pub(super) fn join(&mut self, [list, separator]: [&Syntax; 2], span: &Range<u32>) -> Option<Expr> {
        let list = self.expr(list, Some(&Type::List(Box::new(Type::Text))))?;
        let list = self.list_of(list, &Type::Text);
        let separator = self.expect(separator, &Type::Text);
        let holds_texts = |ty: &Type| ty.is_text() || matches!(ty, Type::Enum(_));
        if !element_of(&list.ty).is_some_and(holds_texts) {
            let found = self.named_type(&list.ty);
            return self.refuse(list.span, ExprErrorKind::Type { expected: Expected::ListOfTexts, found });
        }
        if is_written_out(&list) {
            let (what, instead) = ("a list that is written out".to_owned(), "join its elements: `a + ', ' + b`");
            return self.refuse(list.span, ExprErrorKind::Unsupported { what, instead });
        }
        Some(self.make(Node::Call(Function::Join, vec![list, separator?]), Type::Text, span))
    }

    /// Refuses a text that is meant to hold values, as the template strings of other languages do.
    pub(super) fn plain(&mut self, text: &str, span: &Range<u32>) -> Option<()> {
        let mut holes = text.split("${").skip(1);
        let names_record = |hole: &str| {
            let hole = hole.trim_start();
            ["this.", "new.", "old.", "auth."].iter().any(|root| hole.starts_with(root)) && hole.contains('}')
        };
        if self.scope.client || !holes.any(names_record) {
            return Some(());
        }
        let (what, instead) = ("`${…}` in a text".to_owned(), "join texts with `+`: `this.first + ' ' + this.last`");
        self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead })
    }

    /// `text.matches('pattern')`.
    pub(super) fn matches(&mut self, of: &Syntax, (text, at): (&str, &Range<u32>), span: &Range<u32>) -> Option<Expr> {
        self.patterns += 1;
        if self.patterns > limits::EXPRESSION_PATTERNS {
            let problem = format!("the expression has more than {} patterns", limits::EXPRESSION_PATTERNS);
            return self.refuse(at.clone(), ExprErrorKind::Pattern { problem, instead: "join patterns with `|`" });
        }
        let of = self.expect(of, &Type::Text);
        let pattern = match Pattern::compile(text, Extent::Part) {
            Ok(pattern) if pattern.portable().is_some() => pattern,
            Ok(_) => {
                let problem = "not every database reads this pattern in the same way".to_owned();
                return self.refuse(at.clone(), ExprErrorKind::Pattern { problem, instead: PORTABLE });
            }
            Err(problem) => {
                let kind = ExprErrorKind::Pattern { problem: problem.message, instead: problem.remedy };
                return self.refuse(at.clone(), kind);
            }
        };
        Some(self.make(Node::Matches(Box::new(of?), pattern), Type::Bool, span))
    }
}
