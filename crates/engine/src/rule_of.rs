use backstay_base::Action;
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, CollectionId, FieldId, OwnerName};
use backstay_sql::RecordSource;

use crate::allow_policy::{Alternatives, Demanded};
use crate::compiled::{Compiled, UpdatePolicy};
use crate::policy::{CollectionPolicy, Way};

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
    /// What the field's rule in this place asks of a change of it.
    FieldAfter(FieldId, usize),
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
            Self::FieldAfter(field, place) => {
                let change = &rights.field_changes(collection, field)[place];
                change.after.as_ref().map_or((&change.rule, Proposed), |after| (after, Stored))
            }
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
            Self::Type(action) => return policy.allow.ways(action).iter().flat_map(Demanded::rules).collect(),
            Self::Clause(place) => policy.allow.update(place).map(|clause| &clause.rule),
            Self::After(place) => policy.allow.update(place).map(UpdatePolicy::afterwards),
            Self::Field(id, Action::Create) => return field(id).create.iter().collect(),
            Self::Field(id, Action::Update) => return field(id).update.iter().map(|update| &update.rule).collect(),
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
            ) => return field(id).read.iter().collect(),
            Self::FieldAfter(id, place) => field(id).update.get(place).map(UpdatePolicy::afterwards),
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
        let of_field = |id: FieldId| format!("{}.{}", collection.name, collection.field(id).name);
        match self {
            Self::Type(action) => of_type(collection, policy, action),
            Self::Clause(place) => vec![of_update(collection, policy, place)],
            Self::After(place) => vec![format!("{}, afterwards", of_update(collection, policy, place))],
            Self::Field(id, action) => {
                let name = format!("{} {}", of_field(id), action.name());
                let rules = self.compiled(policy);
                rules.iter().map(|rule| of_owner(name.clone(), &rule.text.owner, rules.len() > 1)).collect()
            }
            Self::FieldAfter(id, _) => {
                let name = format!("{} {}", of_field(id), Action::Update.name());
                let is_of_several = policy.fields[usize::from(id.0)].update.len() > 1;
                let rules = self.compiled(policy).into_iter();
                let names = rules.map(|rule| of_owner(name.clone(), &rule.text.owner, is_of_several));
                names.map(|name| format!("{name}, afterwards")).collect()
            }
            Self::Check(None, _) => vec![format!("{} check", collection.name)],
            Self::Check(Some(id), _) => vec![format!("{} check", of_field(id))],
            Self::Taking(id, (from, to)) => vec![format!("{} {from} to {to}, by", of_field(id))],
            Self::Transition(id, (from, to)) => vec![format!("{} {from} to {to}", of_field(id))],
        }
    }
}

/// The names of the clauses for an action.
fn of_type(collection: &Collection, policy: &CollectionPolicy, action: Action) -> Vec<String> {
    let name = format!("{} {}", collection.name, action.rule_name());
    let mut names = Vec::new();
    let ways = policy.allow.ways(action);
    let clauses: usize = ways.iter().map(|way| way.rules().count()).sum();
    for way in &ways {
        let is_of_several = way.alternatives().len() > 1;
        for Alternatives { owner, rules } in way.alternatives() {
            let (before, all) = if is_of_several { (0, rules.len()) } else { (names.len(), clauses) };
            let places = before..before + rules.len();
            names.extend(places.map(|place| of_clause(of_owner(name.clone(), owner, is_of_several), place, all)));
        }
    }
    names
}

/// The name of the update clause in this place.
fn of_update(collection: &Collection, policy: &CollectionPolicy, place: usize) -> String {
    let names = of_type(collection, policy, Action::Update);
    names.into_iter().nth(place).unwrap_or_else(|| format!("{} {}", collection.name, Action::Update.rule_name()))
}

/// The name of a rule, with its owner if several have one.
fn of_owner(name: String, owner: &OwnerName, is_of_several: bool) -> String {
    if is_of_several { format!("{name} by {owner}") } else { name }
}

/// The name of one of several clauses.
fn of_clause(name: String, place: usize, clauses: usize) -> String {
    if clauses == 1 { name } else { format!("{name} ({} of {clauses})", place + 1) }
}
