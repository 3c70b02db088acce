use std::ops::Range;
use std::sync::OnceLock;

use backstay_expr::{Expr, Node, Truth, Truths, Type, fold};
use backstay_model::CollectionId;
use backstay_scalar::Value;
use backstay_sql::{Planner, RecordSource, Template};

use crate::policy::Compiled;

/// A rule as it stands for one class of callers.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) expr: Expr,
    /// Whether it follows relations: then the database answers it.
    pub(crate) needs_store: bool,
    pub(crate) names_new: bool,
    proposed: OnceLock<Template>,
    stored: OnceLock<Template>,
}

impl Rule {
    /// The rule for callers of whom the facts hold; without a rule, `absent`.
    pub(crate) fn folded(rule: Option<&Compiled>, truths: &Truths, absent: bool) -> Self {
        let Some(rule) = rule else { return Self::constant(absent) };
        let expr = fold(&rule.expr, truths);
        Self { expr, names_new: rule.names_new, needs_store: rule.needs_store, ..Self::constant(false) }
    }

    /// A rule that is always the same.
    pub(crate) fn constant(truth: bool) -> Self {
        Self {
            expr: constant(truth),
            needs_store: false,
            names_new: false,
            proposed: OnceLock::new(),
            stored: OnceLock::new(),
        }
    }

    /// What it comes to whatever the record is; `None` where the record matters.
    pub(crate) fn decided(&self) -> Option<Truth> {
        decided(&self.expr)
    }

    /// Whether it allows nobody of this class anything.
    pub(crate) fn refuses(&self) -> bool {
        self.decided().is_some_and(|truth| !truth.is_true())
    }

    /// Whether it allows everybody of this class everything.
    pub(crate) fn allows(&self) -> bool {
        self.decided().is_some_and(Truth::is_true)
    }

    /// The statement that answers it for a record that is in memory.
    pub(crate) fn check(&self, planner: &Planner, collection: CollectionId, this: RecordSource) -> &Template {
        let slot = match this {
            RecordSource::Proposed => &self.proposed,
            RecordSource::Stored => &self.stored,
        };
        slot.get_or_init(|| planner.check(collection, this, std::slice::from_ref(&self.expr)))
    }
}

/// What a Boolean expression comes to, where it is a literal.
pub(crate) fn decided(expr: &Expr) -> Option<Truth> {
    match &expr.node {
        Node::Literal(value) => Some(Truth::from(value)),
        _ => None,
    }
}

/// The literal `true` or `false`.
pub(crate) fn constant(truth: bool) -> Expr {
    Expr { node: Node::Literal(Value::Bool(truth)), ty: Type::Bool, span: Range { start: 0, end: 0 } }
}
