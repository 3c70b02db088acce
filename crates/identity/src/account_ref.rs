use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use backstay_base::RecordId;
use backstay_scalar::read_id;

/// How an operator names an account, another operator, or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountRef {
    /// By email address: an account's, or else an operator's. If it may be a key too: by its name.
    Email(String),
    /// By id.
    Id(RecordId),
}

impl FromStr for AccountRef {
    type Err = Infallible;

    /// A UUID is an id; everything else is taken for an email address.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(read_id(text).map_or_else(|| Self::Email(text.to_owned()), Self::Id))
    }
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(email) => f.write_str(email),
            Self::Id(id) => fmt::Display::fmt(id, f),
        }
    }
}
