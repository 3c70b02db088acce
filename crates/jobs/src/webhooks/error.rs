/// The model was loaded without Backstay's own types, or a stored record holds something that Backstay doesn't write. It names
/// the type or the field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored {0} isn't as Backstay stores it")]
pub(crate) struct Foreign(pub(crate) &'static str);

impl From<Foreign> for backstay_base::Error {
    fn from(foreign: Foreign) -> Self {
        Self::internal(foreign)
    }
}
