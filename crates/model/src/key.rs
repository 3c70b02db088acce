use backstay_base::{KeyForm, RecordId};
use backstay_scalar::{Scalar, Storage};

/// How the ids of a collection's records are made: `@key(type:, given:)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// What they are.
    pub kind: KeyKind,
    /// Whether a create may give the id. The server makes one where it doesn't.
    pub given: bool,
}

impl Key {
    /// That of a type without `@key`.
    pub const UNMARKED: Self = Self { kind: KeyKind::Uuid7, given: false };
}

/// What the ids of a collection's new records are. Stored ones can be others: of an older model, or from a seed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// UUIDs of version 7 (RFC 9562, section 5.7), which sort by the moments at which they were made.
    Uuid7,
    /// UUIDs of version 4 (RFC 9562, section 5.4), which are random.
    Uuid4,
    /// Numbers from 1. What the server makes is higher than all that records have had.
    Int,
    /// Texts, which the server makes none of.
    Text,
}

impl Key {
    /// What keys they are.
    pub fn form(self) -> KeyForm {
        self.kind.form()
    }

    /// The scalar whose values they are.
    pub fn scalar(self) -> Scalar {
        Scalar::Id { form: self.form() }
    }

    /// What holds one of them.
    pub fn storage(self) -> Storage {
        Storage::Id(self.form())
    }
}

impl KeyKind {
    /// What keys they are.
    pub fn form(self) -> KeyForm {
        match self {
            Self::Uuid7 | Self::Uuid4 => KeyForm::Uuid,
            Self::Int => KeyForm::Int,
            Self::Text => KeyForm::Text,
        }
    }

    /// The version of the UUIDs; none of other keys.
    pub fn version(self) -> Option<u8> {
        match self {
            Self::Uuid7 => Some(7),
            Self::Uuid4 => Some(4),
            Self::Int | Self::Text => None,
        }
    }

    /// Whether a client may give a new record this id.
    pub fn fits(self, id: RecordId) -> bool {
        id.form() == self.form() && id.version() == self.version()
    }

    /// The keys in words, for several of them.
    pub fn words(self) -> &'static str {
        match self {
            Self::Uuid7 => "UUIDs of version 7",
            Self::Uuid4 => "UUIDs of version 4",
            Self::Int => "numbers",
            Self::Text => "texts",
        }
    }
}
