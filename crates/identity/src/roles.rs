use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind, nearest};
use backstay_model::Model;
use backstay_scalar::Value;

use crate::error::Damaged;

/// Names of roles.
pub(crate) type Roles = Arc<[Arc<str>]>;

/// Reads a stored list of names; `field` names it if it is damaged.
pub(crate) fn read(value: &Value, field: &'static str) -> Result<Roles, Damaged> {
    let Value::List(items) = value else { return Err(Damaged(field)) };
    let text = |item: &Value| match item {
        Value::Text(name) => Ok(Arc::clone(name)),
        _ => Err(Damaged(field)),
    };
    items.iter().map(text).collect()
}

/// A list of names as it is stored.
pub(crate) fn value(names: &[Arc<str>]) -> Value {
    Value::List(names.iter().map(|name| Value::Text(Arc::clone(name))).collect())
}

/// The role of the model with this name. `at` is the place of the violation if there is none.
pub(crate) fn known(model: &Model, at: &Place, role: &str) -> Result<Arc<str>, Error> {
    let known = model.roles.map_or(&[][..], |id| &model.enumeration(id).values);
    if let Some(value) = known.iter().find(|value| &*value.name == role) {
        return Ok(Arc::clone(&value.name));
    }
    let suggestion = nearest(role, known.iter().map(|value| &*value.name)).map(str::to_owned);
    let name = role.chars().take(40).collect();
    Err(Error::invalid(at.clone(), ViolationKind::Unknown { what: "role", name, suggestion }))
}

/// The same for several roles.
pub(crate) fn all_known(model: &Model, at: &Place, roles: &[String]) -> Result<Vec<Arc<str>>, Error> {
    roles.iter().map(|role| known(model, at, role)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_stored_as_a_list_and_damage_is_an_error() {
        let roles: Roles = [Arc::from("EDITOR"), Arc::from("WRITER")].into();
        let stored = Value::List([Value::text("EDITOR"), Value::text("WRITER")].into());
        assert_eq!(value(&roles), stored);
        assert_eq!(read(&stored, "f"), Ok(roles));
        for damaged in [Value::Null, Value::text("EDITOR"), Value::List([Value::text("EDITOR"), Value::Int(1)].into())]
        {
            assert_eq!(read(&damaged, "f"), Err(Damaged("f")), "{damaged:?}");
        }
    }
}
