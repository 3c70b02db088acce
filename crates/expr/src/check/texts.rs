//! Functions that make texts of texts, and patterns.

use std::ops::Range;

use backstay_base::limits;
use backstay_scalar::{Casing, Extent, Pattern};

use super::Checker;
use crate::error::ExprErrorKind;
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
