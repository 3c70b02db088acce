use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind};
use backstay_scalar::{Scalar, Token, Value};

/// An email address in the form in which it is stored and compared: the `Email` scalar decides, as it does for the field
/// of a record. A text that isn't an address is a violation at this place.
pub(crate) fn read(at: Place, text: &str) -> Result<Arc<str>, Error> {
    // Whatever the scalar objects to, the answer is that this isn't an address.
    let Ok(Value::Text(email)) = Scalar::Email.read(Token::Bare(text)) else {
        let expected = "an email address, such as ada@example.org".to_owned();
        return Err(Error::invalid(at, ViolationKind::Type { expected }));
    };
    Ok(email)
}
