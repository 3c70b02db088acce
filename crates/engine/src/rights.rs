use backstay_base::Action;
use backstay_expr::{CollectionRights, FieldRights, Rights, Rule, Truths};
use backstay_model::{Class, Collection, Field, Model};

use crate::policy::{AllowPolicy, CollectionPolicy, Compiled, FieldPolicy, Policy};

/// Who is granted rights.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Grantee<'t> {
    /// Callers of whom these facts hold.
    Callers(&'t Truths),
    /// Backstay itself: no `@allow` is asked. Checks and guards are those of a caller of whom these facts hold.
    System(&'t Truths),
    /// Nobody in particular: every rule is whole, as if no fact were known of the caller.
    Anyone,
}

impl Grantee<'_> {
    fn rule(self, rule: &Compiled) -> Rule {
        match self {
            Self::Callers(truths) | Self::System(truths) => rule.rule().folded(truths),
            Self::Anyone => rule.whole_rule(),
        }
    }

    /// What an `@allow` comes to.
    fn allowed(self, rule: Option<&Compiled>, absent: fn() -> Rule) -> Rule {
        match self {
            Self::System(_) => Rule::allowed(),
            Self::Callers(_) | Self::Anyone => rule.map_or_else(absent, |rule| self.rule(rule)),
        }
    }
}

/// The rights of a class of callers.
pub(crate) fn rights_of(grantee: Grantee<'_>, model: &Model, policy: &Policy) -> Rights {
    let collection = |collection: &Collection| of_collection(grantee, collection, policy.collection(collection.id));
    Rights::new(model.collections.iter().map(collection))
}

fn of_collection(grantee: Grantee<'_>, collection: &Collection, policy: &CollectionPolicy) -> CollectionRights {
    let mut rights = CollectionRights::default();
    for action in [Action::Read, Action::Create, Action::Update, Action::Delete] {
        // On a type the absence of a rule refuses.
        rights.allow(action, grantee.allowed(policy.allow.of(action), Rule::refused));
    }
    for (field, policy) in collection.fields.iter().zip(&policy.fields) {
        rights.field(of_field(grantee, field, policy));
    }
    for states in &policy.states {
        for ((from, to), transition) in &states.transitions {
            let guard = transition.when.as_ref().map_or_else(Rule::allowed, |when| grantee.rule(when));
            rights.transition(states.field, (from, to), guard);
        }
    }
    rights
}

fn of_field(grantee: Grantee<'_>, field: &Field, policy: &FieldPolicy) -> FieldRights {
    let FieldPolicy { allow, checks, sets: _ } = policy;
    let mut rights = FieldRights::default();
    let AllowPolicy { read, create, update, delete: _ } = allow;
    // On a field the absence of a rule restricts nothing. Nobody reads a secret.
    rights.allow(
        Action::Read,
        match field.class {
            Some(Class::Secret) => Rule::refused(),
            _ => grantee.allowed(read.as_ref(), Rule::allowed),
        },
    );
    rights.allow(Action::Create, grantee.allowed(create.as_ref(), Rule::allowed));
    rights.allow(Action::Update, grantee.allowed(update.as_ref(), Rule::allowed));
    for check in checks {
        rights.check(grantee.rule(&check.rule));
    }
    rights
}
