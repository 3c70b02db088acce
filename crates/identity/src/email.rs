use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Error, ViolationKind};
use backstay_engine::decode_input;
use backstay_model::Model;
use backstay_scalar::Value;

use crate::schema::SubjectType;

/// An email address in the form in which it is stored and compared. This is the only place where the crate turns a text
/// into an address: the `Email` scalar decides, as it does for the field of a record.
pub(crate) fn read(model: &Model, subjects: SubjectType, text: &str) -> Result<Arc<str>, ViolationKind> {
    let name = model.field(subjects.collection, subjects.email).name.as_str();
    let decode = || -> Result<Option<Arc<str>>, Error> {
        let body = serde_json::to_vec(&BTreeMap::from([(name, text)])).map_err(Error::internal)?;
        let input = decode_input(model, subjects.collection, &body)?;
        Ok(match input.value(subjects.email) {
            Some(Value::Text(email)) => Some(Arc::clone(email)),
            _ => None,
        })
    };
    let expected = "an email address, such as ada@example.org".to_owned();
    // Whatever the scalar objects to, the answer is that this is no address.
    decode().ok().flatten().ok_or(ViolationKind::Type { expected })
}
