use std::sync::Arc;

use backstay_base::{Action, Caller, Error, RecordId, Timestamp, Violation, ViolationKind};
use backstay_engine::Draft;
use backstay_expr::{Environment, Expr, Path, Scope, Start, compile, truth};
use backstay_model::{Collection, Field, FieldId, FieldKind, Model};
use backstay_scalar::Value;

use crate::schema::Schema;

/// Which fields of its record a new account may fill in for itself.
///
/// The type's create rule is not asked: whether accounts are made is what `Settings::sign_up` says. Its fields' rules
/// are, of the account that is about to be: a field's create rule, or else its update rule (what its owner may not
/// change afterwards it may not begin with). A rule that looks at other records does not hold here, and relations to
/// many cannot be given: they would add the account to a record that somebody else guards. A state is the first one, as
/// in every new record.
#[derive(Debug)]
pub(crate) struct SignUpPolicy {
    /// By the fields' indexes; empty without an `@identity` type.
    fields: Vec<FieldPolicy>,
}

#[derive(Debug)]
struct FieldPolicy {
    name: String,
    default: Value,
    writable: Writable,
    /// The state that it begins in, where it holds one.
    initial: Option<Arc<str>>,
}

#[derive(Debug)]
enum Writable {
    Always,
    Never(ViolationKind),
    Where(Box<Expr>),
}

impl SignUpPolicy {
    pub(crate) fn of(model: &Model, schema: &Schema) -> Self {
        let Some(accounts) = schema.accounts else { return Self { fields: Vec::new() } };
        let collection = model.collection(accounts.collection);
        let policy = |field: &Field| FieldPolicy {
            name: field.name.clone(),
            default: model.default_of(field).unwrap_or(Value::Null),
            writable: match field.id {
                id if id == accounts.email => Writable::Always,
                _ => Writable::of(model, collection, field),
            },
            initial: initial(model, field),
        };
        Self { fields: collection.fields.iter().map(policy).collect() }
    }

    /// Refuses fields that this new account may not give a value. `caller` is the account as it will be.
    pub(crate) fn check(&self, draft: &Draft, caller: &Caller, now: Timestamp) -> Result<(), Error> {
        let proposed = Proposed { draft, fields: &self.fields, caller, now };
        let mut violations = Vec::new();
        for id in draft.fields() {
            let field = self.fields.get(usize::from(id.0));
            let refused = field.map_or(Some(FORBIDDEN), |field| field.refusal(draft.value(id), &proposed));
            if let Some(kind) = refused {
                let name = field.map_or("", |field| field.name.as_str());
                violations.push(Violation::new(format!("/{name}"), kind));
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
    }
}

impl FieldPolicy {
    /// Why the field may not be given this value, if it may not.
    fn refusal(&self, given: Option<&Value>, proposed: &Proposed<'_>) -> Option<ViolationKind> {
        match &self.writable {
            Writable::Never(kind) => return Some(kind.clone()),
            Writable::Where(rule) if !truth(rule, proposed).is_true() => return Some(FORBIDDEN),
            Writable::Always | Writable::Where(_) => (),
        }
        match (&self.initial, given) {
            (Some(initial), Some(Value::Text(given))) if given != initial => {
                Some(ViolationKind::Range(format!("a new record begins as {initial}")))
            }
            _ => None,
        }
    }
}

/// The state that a field begins in, where it holds one.
fn initial(model: &Model, field: &Field) -> Option<Arc<str>> {
    let FieldKind::Enum(id) = field.kind else { return None };
    let states = Some(model.enumeration(id)).filter(|states| states.states)?;
    states.initial().map(|value| Arc::clone(&value.name))
}

const FORBIDDEN: ViolationKind = ViolationKind::FieldForbidden { action: Action::Create };

impl Writable {
    fn of(model: &Model, collection: &Collection, field: &Field) -> Self {
        if let Some(reason) = field.refused_to_clients() {
            return Self::Never(ViolationKind::ReadOnly(reason));
        }
        if field.kind.is_to_many() {
            return Self::Never(ViolationKind::ReadOnly("it cannot be given at sign-up; change it afterwards"));
        }
        let (rule, scope) = match (&field.allow.create, &field.allow.update) {
            (Some(rule), _) => (rule, Scope::rule(model, collection.id)),
            (None, Some(rule)) => (rule, Scope::update_rule(model, collection.id)),
            (None, None) => return Self::Always,
        };
        match compile(&rule.text, &scope) {
            Ok(checked) if !checked.needs_store => Self::Where(Box::new(checked.expr)),
            _ => Self::Never(FORBIDDEN),
        }
    }
}

/// The account's record as it is about to be.
struct Proposed<'a> {
    draft: &'a Draft,
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
                let default =
                    || self.fields.get(usize::from(field.0)).map_or(Value::Null, |field| field.default.clone());
                self.draft.value(field).cloned().unwrap_or_else(default)
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
            (Start::Record(_), _) => Value::Null,
            (_, []) => self.field(Collection::ID),
            (_, [field]) => self.field(*field),
            // Refused when the rule was compiled: it needs the store.
            (_, [_, ..]) => Value::Null,
        }
    }
}
