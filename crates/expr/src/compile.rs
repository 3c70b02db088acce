use backstay_model::{CollectionId, FieldId, Model, OwnerName, RuleId, RuleText};

use crate::advice;
use crate::check::Checker;
use crate::checked::Checked;
use crate::lexis::Lexis;
use crate::syntax::Syntax;
use crate::{ExprError, Scope, Type, syntax};

/// An expression that is to be read: a rule of the model, in which names mean the rules that they mean to its owner, or a text
/// from elsewhere, in which they mean those of the application.
#[derive(Debug, Clone, Copy)]
pub struct Source<'t> {
    text: &'t str,
    owner: &'t OwnerName,
}

impl<'t> From<&'t RuleText> for Source<'t> {
    fn from(rule: &'t RuleText) -> Self {
        Self { text: &rule.text, owner: &rule.owner }
    }
}

impl<'t> From<&'t str> for Source<'t> {
    fn from(text: &'t str) -> Self {
        Self { text, owner: &OwnerName::Application }
    }
}

impl<'t> From<&'t String> for Source<'t> {
    fn from(text: &'t String) -> Self {
        Self::from(text.as_str())
    }
}

/// Reads and checks a rule, a check, a guard or a filter: an expression that is true, false or unknown. The errors, at
/// least one, stand in the order of their places.
pub fn compile<'t>(source: impl Into<Source<'t>>, scope: &Scope<'t>) -> Result<Checked, Vec<ExprError>> {
    compile_value(source, scope, &Type::Bool)
}

/// Checks a named rule by itself, where no record is known but those that are its parameters. The errors stand in its own
/// text, in the order of their places.
pub fn check_rule(rule: RuleId, model: &Model) -> Vec<ExprError> {
    let scope = Scope::caller_only(model).written_by(&model.rules.get(rule).is.owner);
    let mut errors = Checker::new(scope).rule_alone(rule);
    for error in &mut errors {
        advice::give(error, &scope);
    }
    errors
}

/// Reads and checks an expression that gives a value of this type, such as that of `@set(to:)`.
pub fn compile_value<'t>(
    source: impl Into<Source<'t>>,
    scope: &Scope<'t>,
    expected: &Type,
) -> Result<Checked, Vec<ExprError>> {
    compile_by(source.into(), scope, |checker, syntax| checker.finish(syntax, expected))
}

/// Reads and checks an expression that gives a value of any type.
pub fn compile_any<'t>(source: impl Into<Source<'t>>, scope: &Scope<'t>) -> Result<Checked, Vec<ExprError>> {
    compile_by(source.into(), scope, Checker::finish_any)
}

fn compile_by<'t>(
    Source { text, owner }: Source<'t>,
    scope: &Scope<'t>,
    check: impl FnOnce(Checker<'t>, &Syntax) -> Result<Checked, Vec<ExprError>>,
) -> Result<Checked, Vec<ExprError>> {
    let scope = &scope.written_by(owner);
    let parsed = Lexis::scan(text, scope.client).and_then(|lexis| syntax::parse(&lexis));
    let checked = parsed.map_err(|error| vec![error]).and_then(|syntax| check(Checker::new(*scope), &syntax));
    checked.map_err(|mut errors| {
        for error in &mut errors {
            advice::give(error, scope);
        }
        errors
    })
}

/// Reads an expression about records that are not known yet, such as that of `@backfill`: its form alone is checked.
pub fn check_syntax<'t>(source: impl Into<Source<'t>>) -> Result<(), ExprError> {
    let Source { text, owner: _ } = source.into();
    Lexis::scan(text, false).and_then(|lexis| syntax::parse(&lexis)).map(|_| ())
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
