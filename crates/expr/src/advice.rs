//! Remedies in the names of the model: those that a kind of error gives alone name what a model need not have.

use backstay_model::Enum;

use crate::error::Name;
use crate::{ExprError, ExprErrorKind, Scope, Type};

/// The role that fixed remedies name.
const ANY_ROLE: &str = "'ADMIN'";
/// Values of an enum that a remedy lists.
const LISTED: usize = 12;

/// Gives the error, and one in a named rule, a remedy in the names of the model.
pub(crate) fn give(error: &mut ExprError, scope: &Scope<'_>) {
    if let ExprErrorKind::InRule { error, .. } = &mut error.kind {
        give(error, scope);
    } else if error.instead.is_none()
        && let Some(remedy) = advice(error, scope)
    {
        error.advise(remedy);
    }
}

fn advice(error: &ExprError, scope: &Scope<'_>) -> Option<String> {
    match &error.kind {
        ExprErrorKind::Unknown { what: Name::Value(of), suggestion: None, .. } => {
            scope.model.enums.iter().find(|one| one.name == *of).map(values)
        }
        ExprErrorKind::Unknown { what: Name::Variable, name, suggestion: None } if !scope.client => {
            let fixed = || with_role(scope, &error.remedy());
            named_role(scope, name).or_else(|| named_type(scope, name)).or_else(fixed)
        }
        ExprErrorKind::Unknown { what: Name::Field(of), name, suggestion } if !scope.client => {
            if let Some(renamed) = renamed(scope, of, name) {
                return Some(renamed);
            }
            let embedded = scope.model.embedded.iter().find(|embedded| embedded.name == *of);
            let embedded = embedded.filter(|_| suggestion.is_none())?;
            let members: Vec<&str> = embedded.members.iter().map(|member| &*member.name).take(LISTED).collect();
            Some(format!("its members are {}", members.join(", ")))
        }
        ExprErrorKind::Unsupported { what, .. } if scope.client => {
            // A word that CEL keeps, or `auth` alone, which is a field's name here.
            let name = what.trim_end_matches(" alone").trim_matches('`');
            let field = scope.model.collection(scope.this?).field_named(name)?;
            Some(format!("to name the field, write `this.{}`", field.name))
        }
        ExprErrorKind::End | ExprErrorKind::Unexpected { .. } if scope.client => {
            let is_rule = error.remedy().contains("this.");
            let condition = condition(scope).filter(|_| is_rule)?;
            Some(format!("write a condition such as `{condition}`"))
        }
        _ => with_role(scope, &error.remedy()),
    }
}

/// For a field of a type, or a member of an embedded type, under the name that it had before.
fn renamed(scope: &Scope<'_>, of: &str, name: &str) -> Option<String> {
    let fields = scope.model.collection_named(of).map(|of| &of.fields);
    let members = || scope.model.embedded.iter().find(|embedded| embedded.name == *of).map(|of| &of.members);
    let mut fields = fields.or_else(members)?.iter();
    let field = fields.find(|field| field.former.iter().any(|former| former == name))?;
    Some(format!("it is called `{}` now", field.name))
}

/// The remedy with a role of the model, if it names one.
fn with_role(scope: &Scope<'_>, remedy: &str) -> Option<String> {
    let role = scope.model.roles.and_then(|roles| scope.model.enumeration(roles).values.first());
    match role {
        _ if !remedy.contains(ANY_ROLE) => None,
        Some(role) => Some(remedy.replace(ANY_ROLE, &format!("'{}'", role.name))),
        None => Some(format!("mark an enum of the model `@roles`; then {remedy}")),
    }
}

/// For a role as a name, such as `EDITOR` or `isEditor`.
fn named_role(scope: &Scope<'_>, name: &str) -> Option<String> {
    let roles = scope.model.enumeration(scope.model.roles?);
    let named = |bare: &str| {
        let bare = bare.replace('_', "");
        roles.values.iter().find(|role| role.name.replace('_', "").eq_ignore_ascii_case(&bare))
    };
    let role = named(name).or_else(|| named(name.strip_prefix("is")?))?;
    Some(format!("write `'{}' in auth.roles`", role.name))
}

/// For the type of the record as a name, such as `Post` or `post`.
fn named_type(scope: &Scope<'_>, name: &str) -> Option<String> {
    let this = scope.model.collection(scope.this?);
    this.name.eq_ignore_ascii_case(name).then(|| "the record is `this`".to_owned())
}

fn values(of: &Enum) -> String {
    let names: Vec<&str> = of.values.iter().take(LISTED).map(|value| &*value.name).collect();
    let more = of.values.len() - names.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{} has {}{more}", of.name, names.join(", "))
}

/// A condition that can be written in a filter of this collection.
fn condition(scope: &Scope<'_>) -> Option<String> {
    let collection = scope.model.collection(scope.this?);
    let text = {
        let is_text = |field: &&backstay_model::Field| Type::of(collection, field) == Some(Type::Text);
        collection.fields.iter().filter(|field| field.is_readable()).find(is_text)
    };
    Some(text.map_or_else(|| "createdAt < now".to_owned(), |field| format!("{} == 'abc'", field.name)))
}
