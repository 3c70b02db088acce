use backstay_model::{CollectionId, FieldId, Model};

use crate::advice;
use crate::check::Checker;
use crate::checked::Checked;
use crate::lexis::Lexis;
use crate::syntax::Syntax;
use crate::{ExprError, Scope, Type, syntax};

/// Reads and checks a rule, a check, a guard or a filter: an expression that is true, false or unknown. The errors, at
/// least one, stand in the order of their places.
pub fn compile(text: &str, scope: &Scope<'_>) -> Result<Checked, Vec<ExprError>> {
    compile_value(text, scope, &Type::Bool)
}

/// Checks a named rule by itself, where no record is known but those that are its parameters. The errors stand in its own
/// text, in the order of their places.
pub fn check_rule(name: &str, model: &Model) -> Vec<ExprError> {
    let scope = Scope::caller_only(model);
    let mut errors = model.rules.get(name).map_or_else(Vec::new, |rule| Checker::new(scope).rule_alone(name, rule));
    for error in &mut errors {
        advice::give(error, &scope);
    }
    errors
}

/// Reads and checks an expression that gives a value of this type, such as that of `@set(to:)`.
pub fn compile_value(text: &str, scope: &Scope<'_>, expected: &Type) -> Result<Checked, Vec<ExprError>> {
    compile_by(text, scope, |checker, syntax| checker.finish(syntax, expected))
}

/// Reads and checks an expression that gives a value of any type.
pub fn compile_any(text: &str, scope: &Scope<'_>) -> Result<Checked, Vec<ExprError>> {
    compile_by(text, scope, Checker::finish_any)
}

fn compile_by<'m>(
    text: &str,
    scope: &Scope<'m>,
    check: impl FnOnce(Checker<'m>, &Syntax) -> Result<Checked, Vec<ExprError>>,
) -> Result<Checked, Vec<ExprError>> {
    let parsed = Lexis::scan(text, scope.client).and_then(|lexis| syntax::parse(&lexis));
    let checked = parsed.map_err(|error| vec![error]).and_then(|syntax| check(Checker::new(*scope), &syntax));
    checked.map_err(|mut errors| {
        for error in &mut errors {
            advice::give(error, scope);
        }
        errors
    })
}

/// Checks a computed field, or an amount that shares a currency, by itself; the expression is a `Node::Computed` of `this`. The errors, at least one, stand in
/// the field's own text.
pub fn computed(model: &Model, collection: CollectionId, field: FieldId) -> Result<Checked, Vec<ExprError>> {
    let scope = Scope::rule(model, collection);
    Checker::new(scope).computed_alone((collection, field)).map_err(|mut errors| {
        for error in &mut errors {
            advice::give(error, &scope);
        }
        errors
    })
}
