use backstay_base::Action;
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, CollectionId, FieldId};

use crate::policy::{CollectionPolicy, Compiled, Way};

/// Which rule of a collection is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RuleOf<'w> {
    /// The type's rule for an action.
    Type(Action),
    /// A field's rule for an action.
    Field(FieldId, Action),
    /// A field's `@check`, by its place among them.
    Check(FieldId, usize),
    /// The guard of a transition.
    Transition(FieldId, &'w Way),
}

impl RuleOf<'_> {
    /// What is left of it for callers with these rights.
    pub(crate) fn rule(self, rights: &Rights, collection: CollectionId) -> &Rule {
        match self {
            Self::Type(action) => rights.rule(collection, action),
            Self::Field(field, action) => rights.field(collection, field, action),
            Self::Check(field, place) => &rights.checks(collection, field)[place],
            Self::Transition(field, (from, to)) => rights.transition(collection, field, (from, to)),
        }
    }

    /// The rule as the model has it; none where it has none.
    pub(crate) fn compiled(self, policy: &CollectionPolicy) -> Option<&Compiled> {
        let field = |field: FieldId| &policy.fields[usize::from(field.0)];
        match self {
            Self::Type(action) => policy.allow.of(action),
            Self::Field(id, action) => field(id).allow.of(action),
            Self::Check(id, place) => Some(&field(id).checks[place].rule),
            Self::Transition(id, way) => {
                let states = policy.states.iter().find(|states| states.field == id)?;
                states.transitions.get(way)?.when.as_ref()
            }
        }
    }

    /// Its name in explanations.
    pub(crate) fn name(self, collection: &Collection) -> String {
        let field = |id: FieldId| format!("{}.{}", collection.name, collection.field(id).name);
        match self {
            Self::Type(action) => format!("{} {}", collection.name, action.name()),
            Self::Field(id, action) => format!("{} {}", field(id), action.name()),
            Self::Check(id, _) => format!("{} check", field(id)),
            Self::Transition(id, (from, to)) => format!("{} {from} to {to}", field(id)),
        }
    }
}
