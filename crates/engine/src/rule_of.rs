use backstay_base::Action;
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_sql::RecordSource;

use crate::policy::{CollectionPolicy, Compiled, UpdatePolicy, Way};

/// Which rule of a collection is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RuleOf<'w> {
    /// The clauses of the type for an action, one of which is enough.
    Type(Action),
    /// What the clause in this place asks of the record before an update.
    Clause(usize),
    /// What the clause in this place asks of an update.
    After(usize),
    /// A field's rule for an action; for an update, of the stored record.
    Field(FieldId, Action),
    /// What a field's rule asks of a change of it.
    FieldAfter(FieldId),
    /// A `@check` of the type, or of a field, by its place among them.
    Check(Option<FieldId>, usize),
    /// Who may take a transition whatever the clauses say.
    Taking(FieldId, &'w Way),
    /// The guard of a transition.
    Transition(FieldId, &'w Way),
}

impl RuleOf<'_> {
    /// What is left of it for callers with these rights, and which record is `this`.
    pub(crate) fn rule(self, rights: &Rights, collection: CollectionId) -> (&Rule, RecordSource) {
        use RecordSource::{Proposed, Stored};
        match self {
            Self::Type(
                action @ (Action::Update
                | Action::Delete
                | Action::Restore
                | Action::Purge
                | Action::Read
                | Action::Get
                | Action::History),
            ) => (rights.rule(collection, action), Stored),
            Self::Type(action) => (rights.rule(collection, action), Proposed),
            Self::Clause(place) => (&rights.clauses(collection)[place].rule, Stored),
            Self::After(place) => {
                let clause = &rights.clauses(collection)[place];
                clause.after.as_ref().map_or((&clause.rule, Proposed), |after| (after, Stored))
            }
            Self::Field(field, Action::Create) => (rights.field(collection, field, Action::Create), Proposed),
            Self::Field(field, action) => (rights.field(collection, field, action), Stored),
            Self::FieldAfter(field) => match rights.field_after(collection, field) {
                Some(after) => (after, Stored),
                None => (rights.field(collection, field, Action::Update), Proposed),
            },
            Self::Check(field, place) => (&rights.checks(collection, field)[place], Proposed),
            Self::Taking(field, (from, to)) => {
                (rights.taking(collection, field, (from, to)).map_or(Rule::refusing(), |taking| &taking.rule), Stored)
            }
            Self::Transition(field, (from, to)) => (rights.transition(collection, field, (from, to)), Stored),
        }
    }

    /// The rules as the model has them; none where it has none.
    pub(crate) fn compiled(self, policy: &CollectionPolicy) -> Vec<&Compiled> {
        let field = |field: FieldId| &policy.fields[usize::from(field.0)];
        let rule = match self {
            Self::Type(action) => return policy.allow.of(action),
            Self::Clause(place) => policy.allow.update.get(place).map(|clause| &clause.rule),
            Self::After(place) => policy.allow.update.get(place).map(UpdatePolicy::afterwards),
            Self::Field(id, Action::Create) => field(id).create.as_ref(),
            Self::Field(id, Action::Update) => field(id).update.as_ref().map(|update| &update.rule),
            Self::Field(
                id,
                Action::Read
                | Action::Get
                | Action::Search
                | Action::Refer
                | Action::Delete
                | Action::Restore
                | Action::Purge
                | Action::Trash
                | Action::History,
            ) => field(id).read.as_ref(),
            Self::FieldAfter(id) => field(id).update.as_ref().map(UpdatePolicy::afterwards),
            Self::Check(None, place) => Some(&policy.checks[place].rule),
            Self::Check(Some(id), place) => Some(&field(id).checks[place].rule),
            Self::Taking(id, way) => {
                policy.transition(id, way).and_then(|transition| transition.by.as_ref()).map(|by| &by.rule)
            }
            Self::Transition(id, way) => policy.transition(id, way).and_then(|transition| transition.when.as_ref()),
        };
        rule.into_iter().collect()
    }

    /// Its names in explanations, one for each of `compiled`.
    pub(crate) fn names(self, collection: &Collection, policy: &CollectionPolicy) -> Vec<String> {
        let of_type = |action: Action| format!("{} {}", collection.name, action.rule_name());
        let of_field = |id: FieldId| format!("{}.{}", collection.name, collection.field(id).name);
        match self {
            Self::Type(action) => {
                let clauses = policy.allow.of(action).len();
                (0..clauses).map(|place| of_clause(of_type(action), place, clauses)).collect()
            }
            Self::Clause(place) => vec![of_clause(of_type(Action::Update), place, policy.allow.update.len())],
            Self::After(place) => {
                let name = of_clause(of_type(Action::Update), place, policy.allow.update.len());
                vec![format!("{name}, afterwards")]
            }
            Self::Field(id, action) => vec![format!("{} {}", of_field(id), action.name())],
            Self::FieldAfter(id) => vec![format!("{} {}, afterwards", of_field(id), Action::Update.name())],
            Self::Check(None, _) => vec![format!("{} check", collection.name)],
            Self::Check(Some(id), _) => vec![format!("{} check", of_field(id))],
            Self::Taking(id, (from, to)) => vec![format!("{} {from} to {to}, by", of_field(id))],
            Self::Transition(id, (from, to)) => vec![format!("{} {from} to {to}", of_field(id))],
        }
    }
}

/// The name of one of several clauses.
fn of_clause(name: String, place: usize, clauses: usize) -> String {
    if clauses == 1 { name } else { format!("{name} ({} of {clauses})", place + 1) }
}
