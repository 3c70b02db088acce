use backstay_base::{CallerKind, Violation, ViolationKind};
use backstay_expr::{Expr, evaluate};
use backstay_model::{Collection, Field, FieldId, FieldKind, SetOn};
use backstay_scalar::Value;

use crate::bind::InMemory;
use crate::scalar::{self, Kind};
use crate::{Authority, Draft, OpContext, document, states};

/// The stored values with those of the draft in their place.
pub(crate) fn patched(stored: &[Value], draft: &Draft) -> Vec<Value> {
    let mut values = stored.to_vec();
    for (field, value) in &draft.values {
        values[usize::from(field.0)] = value.clone();
    }
    for (field, patch) in &draft.patches {
        let slot = &mut values[usize::from(field.0)];
        let target = if let Value::Json(text) = &*slot { Some(&**text) } else { None };
        *slot = Value::Json(document::merged(target, patch).into());
    }
    values
}

impl OpContext<'_, '_> {
    /// The values of a new record: what is given, then defaults and initial states.
    pub(crate) fn proposed(
        &self,
        collection: &Collection,
        draft: &Draft,
        authority: Authority,
        violations: &mut Vec<Violation>,
    ) -> Vec<Value> {
        let mut values: Vec<Value> =
            collection.fields.iter().map(|field| field.default.clone().unwrap_or(Value::Null)).collect();
        values[usize::from(Collection::ID.0)] = Value::Id(self.next_id());
        values[usize::from(Collection::CREATED_AT.0)] = self.tx.moment().into();
        values[usize::from(Collection::UPDATED_AT.0)] = self.tx.moment().into();
        values[usize::from(Collection::VERSION.0)] = Value::Int(1);
        for (field, value) in &draft.values {
            values[usize::from(field.0)] = value.clone();
        }
        let policy = self.engine.application.policy.collection(collection.id);
        states::begin(policy, collection, authority, &mut values, violations);
        values
    }

    /// Gives fields the values of their `@set`, but for those that are kept as they were given.
    pub(crate) fn apply_sets(
        &self,
        collection: &Collection,
        on: SetOn,
        kept: &[(FieldId, Value)],
        values: &mut [Value],
        violations: &mut Vec<Violation>,
    ) {
        let policy = self.engine.application.policy.collection(collection.id);
        for (field, rules) in collection.fields.iter().zip(&policy.fields) {
            if kept.iter().any(|(kept, _)| *kept == field.id) {
                continue;
            }
            for set in rules.sets.iter().filter(|set| set.on == on || set.on == SetOn::Write) {
                let memory = InMemory { caller: self.caller(), now: self.now(), this: values, new: values };
                let value = self.computed(field, &set.to, &memory, violations);
                values[usize::from(field.id.0)] = value;
            }
        }
    }

    /// What an expression of the model gives a field, as the field's type wants it.
    pub(crate) fn computed(
        &self,
        field: &Field,
        to: &Expr,
        memory: &InMemory<'_>,
        violations: &mut Vec<Violation>,
    ) -> Value {
        let value = evaluate(to, memory);
        match self.fitted(field, value) {
            Ok(value) => value,
            Err(kind) => {
                violations.push(Violation::new(format!("/{}", field.name), kind));
                Value::Null
            }
        }
    }

    fn fitted(&self, field: &Field, value: Value) -> Result<Value, ViolationKind> {
        let caller = self.caller();
        let of_accounts = field.kind.target().is_some() && field.kind.target() == self.model().identity;
        // Keys and operators have ids as well, but no record among the accounts.
        if of_accounts && caller.kind != CallerKind::Account && value.as_id().is_some_and(|id| caller.id == Some(id)) {
            return match field.required {
                true => Err(ViolationKind::Range("it is set to the account that asks, and none does".to_owned())),
                false => Ok(Value::Null),
            };
        }
        match (value, &field.kind) {
            (Value::List(items), FieldKind::List(element)) => {
                let kind = Kind::of_element(self.model(), *element);
                let items: Result<Vec<Value>, ViolationKind> =
                    items.iter().map(|item| scalar::fitted(item.clone(), kind)).collect();
                items.map(|items| Value::List(items.into()))
            }
            (value, kind) => match Kind::of_field(self.model(), kind) {
                Some(kind) => scalar::fitted(value, kind),
                None => Ok(value),
            },
        }
    }
}
