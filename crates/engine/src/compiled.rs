//! One typed rule, and a clause of updates that is made of them.

use std::sync::Arc;

use backstay_expr::{Expr, Rule};
use backstay_model::{FieldId, RuleText};

/// A typed rule.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    /// With facts in the place of what depends on the caller alone.
    pub(crate) expr: Expr,
    pub(crate) text: RuleText,
    pub(crate) needs_store: bool,
    /// As it was checked, with nothing taken out: for explanations.
    pub(crate) whole: Expr,
}

impl Compiled {
    /// The rule, to be folded for a class of callers.
    pub(crate) fn rule(&self) -> Rule {
        Rule::new(self.expr.clone(), self.needs_store)
    }

    /// The rule as it is for nobody in particular.
    pub(crate) fn whole_rule(&self) -> Rule {
        Rule::new(self.whole.clone(), self.needs_store)
    }
}

/// What an `@allow` says of updates.
#[derive(Debug)]
pub(crate) struct UpdatePolicy {
    pub(crate) rule: Compiled,
    /// The condition on the change; `None`: `rule` must also be true of the proposed record.
    pub(crate) after: Option<Compiled>,
    /// The fields that may change; `None`: all.
    pub(crate) only: Option<Arc<[FieldId]>>,
}

impl UpdatePolicy {
    /// What is asked of the change.
    pub(crate) fn afterwards(&self) -> &Compiled {
        self.after.as_ref().unwrap_or(&self.rule)
    }
}
