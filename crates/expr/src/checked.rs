use std::sync::Arc;

use backstay_model::{CollectionId, FieldId, RuleId};

use crate::{Expr, Type};

/// An expression whose every name and type is known.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The tree.
    pub expr: Expr,
    /// The parameters that it names, in the order of `Node::Param`.
    pub params: Vec<Parameter>,
    /// Whether its answer changes with time.
    pub uses_now: bool,
    /// Every field that it reads, relations on the way included; in order, each once. The id of a related record is
    /// what the relation holds.
    pub reads: Vec<(CollectionId, FieldId)>,
    /// Every field that the computed fields among them look at, also within one another; in order, each once.
    pub computed_from: Vec<(CollectionId, FieldId)>,
    /// The fields of the caller's own record that it reads; in order, each once.
    pub account: Vec<FieldId>,
    /// The named rules that it uses, also within one another; in order, each once.
    pub rules: Vec<RuleId>,
    /// Whether it needs more than `this` and `new` themselves: it follows a relation, quantifies over one, or names
    /// what refers to a record from elsewhere.
    pub needs_store: bool,
}

/// A parameter of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, without the `$`.
    pub name: Arc<str>,
    /// Its type, as its uses say.
    pub ty: Type,
}
