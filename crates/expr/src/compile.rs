use std::sync::Arc;

use backstay_model::{CollectionId, FieldId};

use crate::check::Checker;
use crate::lexis::Lexis;
use crate::{Expr, ExprError, Scope, Type, syntax};

/// An expression whose every name and type is known.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The tree.
    pub expr: Expr,
    /// The parameters that it names, in the order of `Node::Param`.
    pub params: Vec<Parameter>,
    /// Whether its answer changes with time.
    pub uses_now: bool,
    /// Whether it names `new`.
    pub names_new: bool,
    /// Every field that it reads, relations on the way and ids included; in order, each once.
    pub reads: Vec<(CollectionId, FieldId)>,
    /// Whether it needs more than `this` and `new` themselves: it follows a relation or quantifies over one.
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

/// Reads and checks a rule, a check, a guard or a filter: an expression that is true, false or unknown. The errors, at
/// least one, stand in the order of their places.
pub fn compile(text: &str, scope: &Scope<'_>) -> Result<Checked, Vec<ExprError>> {
    compile_value(text, scope, &Type::Bool)
}

/// Reads and checks an expression that gives a value of this type, such as that of `@set(to:)`.
pub fn compile_value(text: &str, scope: &Scope<'_>, expected: &Type) -> Result<Checked, Vec<ExprError>> {
    let lexis = Lexis::scan(text, scope.client).map_err(|error| vec![error])?;
    let syntax = syntax::parse(&lexis).map_err(|error| vec![error])?;
    Checker::new(*scope).finish(&syntax, expected)
}
