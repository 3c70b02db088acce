//! What to write instead, in the names and the literals of the expression that is refused.

use super::literal::Pliancy;
use super::{Checker, quotes};
use crate::error::{ExprErrorKind, Name};
use crate::syntax::{Binary, Quantified, Syntax, SyntaxNode};
use crate::{Operator, Quantifier, Type};

/// Names that other systems give the caller.
const CALLERS: [&str; 7] = ["auth", "user", "me", "currentUser", "current_user", "principal", "session"];

/// Finds remedies for what a checker has refused.
pub(super) struct Advisor<'a, 'm> {
    pub(super) checker: &'a mut Checker<'m>,
}

impl Advisor<'_, '_> {
    /// Gives the first error noted since `noted`, all of which are within this expression, a remedy of its own.
    pub(super) fn advise(mut self, syntax: &Syntax, noted: usize) {
        let Some(kind) = self.checker.errors.get(noted).map(|error| error.kind.clone()) else { return };
        let advice = match &syntax.node {
            SyntaxNode::Binary(of) => self.beside(of, &kind),
            SyntaxNode::In(element, list) => self.member(list, element).or_else(|| part_of_text(element, list, &kind)),
            SyntaxNode::Call { target, function, arguments } => {
                self.of_call(target.as_deref(), &function.name, arguments, &kind)
            }
            SyntaxNode::Quantified(of) if matches!(kind, ExprErrorKind::NotToMany { .. }) => element_of(of),
            SyntaxNode::Select(of, field) => match identity_part(syntax) {
                Some(part) => Some(self.of_identity(part, None)),
                None => self.of_owner(of, &field.name, &kind),
            },
            _ => None,
        };
        let advice = advice.or_else(|| self.of_parameter(syntax, &kind));
        let Some(error) = self.checker.errors.get_mut(noted) else { return };
        if let Some(advice) = advice {
            error.advise(advice);
        }
        quotes::correct(error, syntax);
    }

    /// For a comparison.
    fn beside(&mut self, of: &Binary, kind: &ExprErrorKind) -> Option<String> {
        let Binary { operator, left, right } = of;
        if let Some(advice) = alternatives(of, kind).or_else(|| joined_texts(of, kind)) {
            return Some(advice);
        }
        let not = if *operator == Operator::NotEqual { "!" } else { "" };
        let sign = super::comparison(*operator)?;
        if let Some(advice) = between(of, kind) {
            return Some(advice);
        }
        for (one, other) in [(left, right), (right, left)] {
            if let Some(advice) = self.of_roles(one, other, not) {
                return Some(advice);
            }
            if let Some(part) = identity_part(one) {
                return Some(self.of_identity(part, Some(other)));
            }
            if let Some(advice) = self.of_many(one, other, sign).or_else(|| self.of_truth(one, other, sign, kind)) {
                return Some(advice);
            }
            if is_whole_caller(one) && matches!(kind, ExprErrorKind::Unsupported { .. }) {
                return Some(format!("write `{} {sign} {}`", operand(left)?, operand(right)?));
            }
            if let (ExprErrorKind::Compare { left, right }, Some(list)) = (kind, one.path())
                && let SyntaxNode::Text(_) | SyntaxNode::Int(_) = &other.node
                && let (Type::List(_), _) | (_, Type::List(_)) = (&left.ty, &right.ty)
            {
                let element = format!("{} in {list}", other.written()?);
                return Some(if not.is_empty() {
                    format!("write `{element}`")
                } else {
                    format!("write `!({element})`")
                });
            }
        }
        None
    }

    /// For the records of a relation, or a field of them, beside a value.
    fn of_many(&mut self, one: &Syntax, other: &Syntax, sign: &str) -> Option<String> {
        if let Some(many) = self.checker.many_at(one) {
            let variable = self.checker.free_variable(&many);
            let wants_none = match other.node {
                SyntaxNode::Null | SyntaxNode::Bool(false) => Some(sign == "=="),
                SyntaxNode::Bool(true) => Some(sign != "=="),
                _ => None,
            };
            if let Some(wants_none) = wants_none {
                let not = if wants_none { "!" } else { "" };
                return Some(format!("write `{not}{many}.exists({variable}, true)`"));
            }
            let member = self.checker.comparable_of_many(one, &variable);
            return Some(format!("write `{many}.exists({variable}, {member} {sign} {})`", operand(other)?));
        }
        let SyntaxNode::Select(of, field) = &one.node else { return None };
        let many = self.checker.many_at(of).filter(|_| !crate::foreign::counts(&field.name))?;
        let variable = self.checker.free_variable(&many);
        Some(format!("write `{many}.exists({variable}, {variable}.{} {sign} {})`", field.name, operand(other)?))
    }

    /// For `true` or `false` beside a value that is neither.
    fn of_truth(&self, one: &Syntax, other: &Syntax, sign: &str, kind: &ExprErrorKind) -> Option<String> {
        let (SyntaxNode::Bool(is), ExprErrorKind::Compare { left, right }) = (&other.node, kind) else { return None };
        let of = if left.ty == Type::Bool { right } else { left };
        if matches!(of.ty, Type::List(_)) {
            return None;
        }
        let path = one.path();
        let article = if of.name.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
        let name = path.as_deref().and_then(|path| path.rsplit('.').next());
        let known = name.map_or_else(String::new, |name| format!("`{name}` is {article} {}; ", of.name));
        let instead = match (self.truth_of(&of.ty, *is), path) {
            (Some((what, value)), Some(path)) => {
                format!("compare it with {what}, such as `{path} {sign} {value}`")
            }
            (Some((what, value)), None) => format!("compare it with {what}, such as `{value}`"),
            (None, Some(path)) => {
                let sign = if *is == (sign == "==") { "!=" } else { "==" };
                format!("to test whether there is one, write `{path} {sign} null`")
            }
            (None, None) => "compare it with a value of its own type".to_owned(),
        };
        Some(known + &instead)
    }

    /// What a value of this type could be compared with where `true` or `false` is meant; `None` if null is meant.
    fn truth_of(&self, ty: &Type, is: bool) -> Option<(&'static str, String)> {
        match ty {
            Type::Text => Some(("a text", if is { "'yes'" } else { "'no'" }.to_owned())),
            Type::Int | Type::Float | Type::Decimal => Some(("a number", i64::from(is).to_string())),
            Type::Enum(id) => {
                let first = self.checker.scope.model.enumeration(*id).values.first()?;
                Some(("one of its values", format!("'{}'", first.name)))
            }
            Type::Bool
            | Type::Formatted(_)
            | Type::Id(_)
            | Type::Record(..)
            | Type::Timestamp
            | Type::Date
            | Type::Duration
            | Type::Money
            | Type::Json
            | Type::Embedded { .. }
            | Type::OneOf { .. }
            | Type::Item(_)
            | Type::Reference(_)
            | Type::TypeName(_)
            | Type::List(_)
            | Type::Null => None,
        }
    }

    /// For a parameter of a filter without its `$`: a name similar to nothing, beside something that isn't a literal.
    fn of_parameter(&self, syntax: &Syntax, kind: &ExprErrorKind) -> Option<String> {
        let ExprErrorKind::Unknown { what: Name::Field(_) | Name::BareValue, name, .. } = kind else { return None };
        let is_free = self.checker.scope.client && !kind.has_remedy() && name.starts_with(|c: char| c.is_lowercase());
        let is_named = |side: &Syntax| matches!(&side.node, SyntaxNode::Name(named) if named == name);
        let beside = |one: &Syntax, other: &Syntax| is_named(one) && Pliancy::of(other) == Pliancy::Fixed;
        let is_operand = match &syntax.node {
            SyntaxNode::Binary(Binary { operator, left, right }) => {
                super::comparison(*operator).is_some() && (beside(left, right) || beside(right, left))
            }
            SyntaxNode::In(element, list) => beside(element, list) || beside(list, element),
            SyntaxNode::Call { arguments, .. } => arguments.iter().any(is_named),
            _ => false,
        };
        (is_free && is_operand).then(|| format!("{}; a parameter is written `${name}`", kind.remedy()))
    }

    /// For a value that is looked for among the records of a relation.
    fn member(&mut self, list: &Syntax, element: &Syntax) -> Option<String> {
        let many = self.checker.many_at(list)?;
        let variable = self.checker.free_variable(&many);
        let member = self.checker.comparable_of_many(list, &variable);
        Some(format!("write `{many}.exists({variable}, {member} == {})`", operand(element)?))
    }

    fn of_call(
        &mut self,
        target: Option<&Syntax>,
        function: &str,
        arguments: &[Syntax],
        kind: &ExprErrorKind,
    ) -> Option<String> {
        if let (Some(target), ExprErrorKind::Unknown { what: Name::Function, .. }) = (target, kind)
            && self.checker.rule_named(function).is_some()
        {
            let passed: Vec<String> =
                [target].into_iter().chain(arguments).map(Syntax::written).collect::<Option<Vec<String>>>()?;
            return Some(format!("`{function}` is a named rule; write `{function}({})`", passed.join(", ")));
        }
        let [argument] = arguments else { return None };
        if matches!(function, "hasRole" | "has_role" | "isRole" | "inRole" | "role") {
            return self.role_in(argument, "");
        }
        let target = target.filter(|_| matches!(function, "contains" | "includes" | "has" | "include"))?;
        if let Some(advice) = self.of_roles(target, argument, "").or_else(|| self.member(target, argument)) {
            return Some(advice);
        }
        let ExprErrorKind::Type { found, .. } = kind else { return None };
        let list = target.path().filter(|_| matches!(found.ty, Type::List(_)))?;
        Some(format!("write `{} in {list}`", argument.written()?))
    }

    /// For the caller's role, as other systems name it, beside a text.
    fn of_roles(&self, one: &Syntax, other: &Syntax, not: &str) -> Option<String> {
        let is_role = |name: &str| matches!(name, "role" | "roles");
        let unknown =
            |name: &str| self.checker.visible_variable(name).is_none() && self.checker.this_field(name).is_none();
        let names_roles = match &one.node {
            SyntaxNode::Name(name) => is_role(name) && unknown(name),
            SyntaxNode::Select(of, part) => {
                let SyntaxNode::Name(name) = &of.node else { return None };
                is_role(&part.name) && CALLERS.contains(&name.as_str()) && unknown(name)
            }
            _ => false,
        };
        if names_roles { self.role_in(other, not) } else { None }
    }

    /// `'ROLE' in auth.roles` with the role of this literal, or one that exists.
    fn role_in(&self, literal: &Syntax, not: &str) -> Option<String> {
        let SyntaxNode::Text(text) = &literal.node else { return None };
        let roles = self.checker.scope.model.enumeration(self.checker.scope.model.roles?);
        let meant = roles.values.iter().find(|value| value.name.eq_ignore_ascii_case(text));
        let role = &meant.or(roles.values.first())?.name;
        let test = format!("'{role}' in auth.roles");
        Some(if not.is_empty() { format!("write `{test}`") } else { format!("write `!({test})`") })
    }

    /// For `auth.email` and `auth.name`, alone or beside a field.
    fn of_identity(&self, part: &str, other: Option<&Syntax>) -> String {
        let owner = other.and_then(|other| match &other.node {
            SyntaxNode::Select(of, _) if !matches!(of.node, SyntaxNode::Name(_)) => of.path(),
            _ => None,
        });
        let own = self.own_field(part);
        match owner.or_else(|| self.relation_to_identity()) {
            Some(owner) if own => {
                format!("write `auth.account.{part}`; to compare accounts, write `{owner} == auth.id`")
            }
            None if own => format!("write `auth.account.{part}`"),
            Some(owner) => format!("the caller has no `{part}` in rules; write `{owner} == auth.id`"),
            None => format!("the caller has no `{part}` in rules; it has `id`, `kind`, `roles` and `claims`"),
        }
    }

    /// Whether rules can ask it of the caller's own record.
    fn own_field(&self, name: &str) -> bool {
        let scope = &self.checker.scope;
        let identity = scope.model.identity.filter(|_| !scope.client);
        identity.is_some_and(|identity| scope.model.collection(identity).field_named(name).is_some())
    }

    /// For the key of the record's owner, which other systems keep in a field of its own.
    fn of_owner(&self, of: &Syntax, name: &str, kind: &ExprErrorKind) -> Option<String> {
        let ExprErrorKind::Unknown { what: Name::Field(_), suggestion: None, .. } = kind else { return None };
        let key = name.replace('_', "").to_ascii_lowercase();
        let is_owner = matches!(
            key.as_str(),
            "userid" | "ownerid" | "owner" | "user" | "uid" | "createdby" | "creatorid" | "creator"
        );
        let is_this = matches!(&of.node, SyntaxNode::Name(name) if name == "this");
        let owner = self.relation_to_identity().filter(|_| is_owner && is_this && !self.checker.scope.client)?;
        Some(format!("did you mean `{owner}`?"))
    }

    /// What in this record is an account.
    fn relation_to_identity(&self) -> Option<String> {
        let (identity, this) = (self.checker.scope.model.identity?, self.checker.scope.this?);
        let prefix = if self.checker.scope.client { "" } else { "this." };
        if identity == this {
            return Some(format!("{prefix}id"));
        }
        let collection = self.checker.scope.model.collection(this);
        let to_one = |field: &&backstay_model::Field| !field.kind.is_to_many() && field.kind.target() == Some(identity);
        collection.fields.iter().find(to_one).map(|field| format!("{prefix}{}", field.name))
    }
}

/// For `x == 'a' || 'b'`.
fn alternatives(of: &Binary, kind: &ExprErrorKind) -> Option<String> {
    let ExprErrorKind::Type { .. } = kind else { return None };
    let (Operator::Or, SyntaxNode::Binary(first)) = (of.operator, &of.left.node) else { return None };
    let (SyntaxNode::Text(_), Operator::Equal, SyntaxNode::Text(_)) =
        (&of.right.node, first.operator, &first.right.node)
    else {
        return None;
    };
    let (tested, one, other) = (first.left.path()?, first.right.written()?, of.right.written()?);
    Some(format!("write `{tested} in [{one}, {other}]`"))
}

/// For `first || last` of texts, which joins them in SQL and takes the first that there is elsewhere.
fn joined_texts(of: &Binary, kind: &ExprErrorKind) -> Option<String> {
    let ExprErrorKind::Type { found, .. } = kind else { return None };
    let is_value = |side: &Syntax| side.written().is_some() && !matches!(side.node, SyntaxNode::Bool(_));
    let are_texts = found.ty.is_text() && of.operator == Operator::Or && is_value(&of.left) && is_value(&of.right);
    let (one, other) = (of.left.written()?, of.right.written()?);
    let instead =
        format!("to join texts, write `{one} + {other}`; for what is missing, `{one} != null ? {one} : {other}`");
    are_texts.then_some(instead)
}

/// For `1 < x < 2`, and for `x == ['a']`.
fn between(of: &Binary, kind: &ExprErrorKind) -> Option<String> {
    let ExprErrorKind::Compare { .. } = kind else { return None };
    if let (SyntaxNode::List(elements), Operator::Equal, Some(tested)) = (&of.right.node, of.operator, of.left.path()) {
        let elements: Vec<String> = elements.iter().map(Syntax::written).collect::<Option<_>>()?;
        return Some(format!("write `{tested} in [{}]`", elements.join(", ")));
    }
    let SyntaxNode::Binary(first) = &of.left.node else { return None };
    let (one, other) = (super::comparison(first.operator)?, super::comparison(of.operator)?);
    let (least, tested, most) = (first.left.written()?, first.right.written()?, of.right.written()?);
    Some(format!("write `{least} {one} {tested} && {tested} {other} {most}`"))
}

/// For `'a' in text`.
fn part_of_text(element: &Syntax, list: &Syntax, kind: &ExprErrorKind) -> Option<String> {
    let ExprErrorKind::Type { found, .. } = kind else { return None };
    let text = list.path().filter(|_| found.ty == Type::Text)?;
    Some(format!("write `{text}.contains({})`", element.written()?))
}

/// Whether this is `auth` without a part.
fn is_whole_caller(syntax: &Syntax) -> bool {
    matches!(&syntax.node, SyntaxNode::Name(name) if name == "auth")
}

/// The operand as a remedy writes it: the caller as its id.
fn operand(of: &Syntax) -> Option<String> {
    if is_whole_caller(of) { Some("auth.id".to_owned()) } else { of.written() }
}

/// Which of `auth.email` and `auth.name` this is.
fn identity_part(syntax: &Syntax) -> Option<&str> {
    let SyntaxNode::Select(of, part) = &syntax.node else { return None };
    let SyntaxNode::Name(name) = &of.node else { return None };
    (name == "auth" && matches!(part.name.as_str(), "email" | "name")).then_some(part.name.as_str())
}

/// For `list.exists(x, x == 'a')`.
fn element_of(of: &Quantified) -> Option<String> {
    let Quantified { kind: Quantifier::Exists, over, variable, body } = of else { return None };
    let SyntaxNode::Binary(Binary { operator: Operator::Equal, left, right }) = &body.node else { return None };
    let is_variable = |side: &Syntax| matches!(&side.node, SyntaxNode::Name(name) if *name == variable.name);
    let element = if is_variable(left) { right } else { left };
    let one_is = is_variable(left) != is_variable(right);
    let test = format!("{} in {}", element.written()?, over.path()?);
    one_is.then(|| format!("write `{test}`"))
}
