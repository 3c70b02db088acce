use std::sync::Arc;

use backstay_base::{Action, Caller, Error, Place, RecordId, Timestamp, Violation, ViolationKind};
use backstay_engine::Input;
use backstay_expr::{Environment, Expr, Path, Scope, Start, compile, truth};
use backstay_model::{Collection, Field, FieldAllow, FieldId, FieldKind, Model, RuleText};
use backstay_scalar::Value;

use crate::StartError;
use crate::schema::{Schema, SubjectType};

/// Which fields of its own record somebody may set when they sign up.
///
/// `Settings::sign_up` decides whether there can be an account at all; the type's create rule does not apply. The rules
/// of its fields do, for the prospective account: a field's create rule, or else its update rule, since what the owner
/// cannot change later cannot be set at the start either. A rule that looks at other records allows nothing here.
/// To-many relations cannot be set, because that would add the account to records that others control. A state field
/// can only have its initial state, as in every new record.
#[derive(Debug)]
pub(crate) struct SignUpPolicy {
    /// By `FieldId`; empty without an `@identity` type.
    fields: Vec<FieldPolicy>,
}

#[derive(Debug)]
struct FieldPolicy {
    place: Place,
    default: Value,
    writable: Writable,
    /// Its initial state, if it is a state field.
    initial: Option<Arc<str>>,
}

#[derive(Debug)]
enum Writable {
    Always,
    Never(ViolationKind),
    /// Where all of these are true.
    Where(Box<[Expr]>),
}

impl SignUpPolicy {
    pub(crate) fn of(model: &Model, schema: &Schema) -> Result<Self, StartError> {
        let Some(accounts) = schema.accounts else { return Ok(Self { fields: Vec::new() }) };
        let collection = model.collection(accounts.collection);
        let policy = |field| FieldPolicy::of(model, accounts, field);
        Ok(Self { fields: collection.fields.iter().map(policy).collect::<Result<_, StartError>>()? })
    }

    /// Refuses fields that somebody may not set when they sign up. `caller` is the prospective account.
    pub(crate) fn check(&self, input: &Input, caller: &Caller, now: Timestamp) -> Result<(), Error> {
        let proposed = Proposed { input, fields: &self.fields, caller, now };
        let mut violations = Vec::new();
        for id in input.fields() {
            let field = &self.fields[usize::from(id.0)];
            if let Some(kind) = field.refusal(input.value(id), &proposed) {
                violations.push(Violation::new(field.place.clone(), kind));
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
    }
}

impl FieldPolicy {
    fn of(model: &Model, accounts: SubjectType, field: &Field) -> Result<Self, StartError> {
        Ok(Self {
            place: field.place(),
            // A field without a default is null until it is set.
            default: model.default_of(field).unwrap_or(Value::Null),
            writable: match field.id {
                id if id == accounts.email => Writable::Always,
                _ => Writable::of(model, model.collection(accounts.collection), field)?,
            },
            initial: initial(model, field),
        })
    }

    /// Why the field cannot have this value, if it cannot.
    fn refusal(&self, given: Option<&Value>, proposed: &Proposed<'_>) -> Option<ViolationKind> {
        match &self.writable {
            Writable::Never(kind) => return Some(kind.clone()),
            Writable::Where(rules) if !rules.iter().all(|rule| truth(rule, proposed).is_true()) => {
                return Some(FORBIDDEN);
            }
            Writable::Always | Writable::Where(_) => (),
        }
        match (&self.initial, given) {
            (Some(initial), Some(Value::Text(given))) if given != initial => {
                Some(ViolationKind::Range(format!("a new record starts as {initial}")))
            }
            _ => None,
        }
    }
}

/// The initial state of a state field.
fn initial(model: &Model, field: &Field) -> Option<Arc<str>> {
    let FieldKind::Enum(id) = field.kind else { return None };
    let states = Some(model.enumeration(id)).filter(|states| states.states)?;
    states.initial().map(|value| Arc::clone(&value.name))
}

const FORBIDDEN: ViolationKind = ViolationKind::FieldForbidden { action: Action::Create };

impl Writable {
    fn of(model: &Model, collection: &Collection, field: &Field) -> Result<Self, StartError> {
        if let Some(reason) = field.refused_to_clients() {
            return Ok(Self::Never(ViolationKind::ReadOnly(reason)));
        }
        if field.kind.is_to_many() {
            return Ok(Self::Never(ViolationKind::ReadOnly("it cannot be set at sign-up; change it afterwards")));
        }
        let (rule, change) = (Scope::update_rule(model, collection.id), Scope::change(model, collection.id));
        let FieldAllow { create, update, read: _, refer: _ } = &field.allow;
        // Where an owner doesn't say who may set it in a create, those may who may change it.
        let updates = update.iter().filter(|update| !create.iter().any(|create| create.owner == update.rule.owner));
        let updates = updates.flat_map(|update| {
            std::iter::once((&update.rule, rule)).chain(update.after.as_ref().map(|after| (after, change)))
        });
        let creates = create.iter().map(|create| (create, Scope::rule(model, collection.id)));
        let asked: Vec<(&RuleText, Scope<'_>)> = creates.chain(updates).collect();
        if asked.is_empty() {
            return Ok(Self::Always);
        }
        let mut rules = Vec::new();
        for (rule, scope) in asked {
            let checked = compile(rule, &scope).map_err(|errors| StartError::Rule {
                collection: collection.name.clone(),
                field: field.name.clone(),
                errors: errors.into(),
            })?;
            if checked.needs_store {
                return Ok(Self::Never(FORBIDDEN));
            }
            rules.push(checked.expr);
        }
        Ok(Self::Where(rules.into()))
    }
}

/// The record of the prospective account.
struct Proposed<'a> {
    input: &'a Input,
    fields: &'a [FieldPolicy],
    caller: &'a Caller,
    now: Timestamp,
}

impl Proposed<'_> {
    fn field(&self, field: FieldId) -> Value {
        match field {
            Collection::ID => self.caller.id.map_or(Value::Null, |id: RecordId| Value::Id(id)),
            Collection::CREATED_AT | Collection::UPDATED_AT => self.now.into(),
            Collection::VERSION => Value::Int(1),
            field => {
                let given = self.input.value(field);
                given.unwrap_or_else(|| &self.fields[usize::from(field.0)].default).clone()
            }
        }
    }
}

impl Environment for Proposed<'_> {
    fn caller(&self) -> &Caller {
        self.caller
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        match (from, path.steps.as_slice()) {
            // The account is about to be made.
            (Start::Record(_) | Start::Account, _) => Value::Null,
            (_, []) => self.field(Collection::ID),
            (_, [field]) => self.field(*field),
            // Not reached: such a rule needs the store, and `Writable::of` made it a `Never`.
            (_, [_, ..]) => Value::Null,
        }
    }
}
