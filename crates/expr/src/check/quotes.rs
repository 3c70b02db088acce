//! Literals with quotes that they must not have, and without those that they need.

use std::ops::Range;

use crate::error::{Expected, ExprError, ExprErrorKind};
use crate::syntax::{Binary, Syntax, SyntaxNode};
use crate::{Operator, Type, bare_date};

/// Bytes of a date such as `2026-02-05`.
const DATE: usize = 10;

/// Points the error of this expression at the literal whose quotes are wrong.
pub(super) fn correct(error: &mut ExprError, syntax: &Syntax) {
    if let Some((number, span)) = quoted_number(&error.kind, syntax) {
        error.span = span;
        error.advise(format!("write `{number}` without quotes"));
    } else if let (ExprErrorKind::Type { expected: Expected::Type(expected), .. }, SyntaxNode::Text(text)) =
        (&error.kind, &syntax.node)
        && expected.ty == Type::Bool
        && matches!(text.as_str(), "true" | "false")
    {
        error.advise(format!("write `{text}` without quotes"));
    } else if let Some((kind, span)) = unquoted_date(&error.kind, syntax) {
        *error = ExprError::at(span, kind);
    }
}

/// The number in quotes that stands beside a number, or where one is expected.
fn quoted_number<'s>(kind: &ExprErrorKind, syntax: &'s Syntax) -> Option<(&'s str, Range<usize>)> {
    let literal = match (kind, &syntax.node) {
        (ExprErrorKind::Type { expected: Expected::Type(expected), .. }, _) if is_number(&expected.ty) => syntax,
        (ExprErrorKind::Compare { left, right }, SyntaxNode::Binary(of)) => match (&of.left.node, &of.right.node) {
            (_, SyntaxNode::Text(_)) if is_number(&left.ty) => &of.right,
            (SyntaxNode::Text(_), _) if is_number(&right.ty) => &of.left,
            _ => return None,
        },
        _ => return None,
    };
    let SyntaxNode::Text(text) = &literal.node else { return None };
    text.parse::<i64>().is_ok().then(|| (text.as_str(), place(literal)))
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Float)
}

/// The date without quotes, which is a difference of numbers, beside a value that it could be compared with.
fn unquoted_date(kind: &ExprErrorKind, syntax: &Syntax) -> Option<(ExprErrorKind, Range<usize>)> {
    let (written, literal, beside) = match (kind, &syntax.node) {
        (ExprErrorKind::Type { expected: Expected::Type(expected), .. }, _) => (date(syntax)?, syntax, &expected.ty),
        (ExprErrorKind::Compare { left, right }, SyntaxNode::Binary(of)) => match (date(&of.left), date(&of.right)) {
            (_, Some(written)) => (written, &*of.right, &left.ty),
            (Some(written), None) => (written, &*of.left, &right.ty),
            (None, None) => return None,
        },
        _ => return None,
    };
    let value = match beside {
        Type::Timestamp => bare_date::date_and_time(&written),
        Type::Date | Type::Text => written.clone(),
        _ => return None,
    };
    Some((ExprErrorKind::BareDate { written, value }, place(literal)))
}

/// The date that this difference of three numbers is meant to be.
fn date(syntax: &Syntax) -> Option<String> {
    let SyntaxNode::Binary(Binary { operator: Operator::Subtract, left, right: day }) = &syntax.node else {
        return None;
    };
    let SyntaxNode::Binary(Binary { operator: Operator::Subtract, left: year, right: month }) = &left.node else {
        return None;
    };
    let (SyntaxNode::Int(year), SyntaxNode::Int(month), SyntaxNode::Int(day)) = (&year.node, &month.node, &day.node)
    else {
        return None;
    };
    let is_date = syntax.span.len() == DATE && (1..=12).contains(month) && (1..=31).contains(day);
    (is_date && (1000..=9999).contains(year)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn place(syntax: &Syntax) -> Range<usize> {
    syntax.span.start as usize..syntax.span.end as usize
}
