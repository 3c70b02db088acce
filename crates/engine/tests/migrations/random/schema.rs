//! A model whose parts have identities, so that it is known what became of what.

use serde_json::Value;

/// What stays the same when a name changes.
pub(super) type Key = u32;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schema {
    pub(super) types: Vec<Type>,
    pub(super) enums: Vec<Enum>,
    pub(super) embedded: Vec<Embedded>,
    /// The last key that was given away.
    pub(super) last: Key,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Type {
    pub(super) key: Key,
    pub(super) name: String,
    /// Whether it has a history.
    pub(super) history: bool,
    /// Whether it has a trash.
    pub(super) trash: bool,
    /// The relation to the record above, if it is a tree.
    pub(super) tree: Option<Key>,
    /// Ranges from one field to another, of which no two of live records overlap.
    pub(super) exclude: Option<(Key, Key)>,
    pub(super) fields: Vec<Field>,
    /// Fields, and whether they are unique together.
    pub(super) indexes: Vec<(Vec<Key>, bool)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) key: Key,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) unique: bool,
    pub(super) default: Option<Value>,
    pub(super) backfill: Option<Backfill>,
    pub(super) length: Option<(u32, u32)>,
    /// A number that it must not be.
    pub(super) check: Option<i64>,
    pub(super) on_delete: Option<&'static str>,
    /// What gives it its values.
    pub(super) made: Option<Made>,
}

/// What gives records a value that nobody sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Made {
    Number,
    /// A slug of the field with this key.
    Slug(Key),
}

/// What stored records get.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Backfill {
    /// A constant.
    Value(Value),
    /// The value of a field of the old model.
    Field(Key),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Scalar(&'static str),
    Decimal {
        digits: u8,
        scale: usize,
    },
    Enum(Key),
    List(Box<Kind>),
    ToOne(Key),
    Many(Key),
    /// The other end of a field of a type.
    Inverse(Key, Key),
    /// How many members a relation of the type has, or the stored sum of a field of theirs.
    Total {
        of: Key,
        what: Option<Key>,
    },
    /// A list of values of an embedded type.
    Document(Key),
    /// An amount of money in the currency that another field holds.
    Amount(Key),
}

/// A type of values in documents: each refers to a record and may have a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Embedded {
    pub(super) key: Key,
    pub(super) name: String,
    /// The reference.
    pub(super) to: Member,
    pub(super) target: Key,
    pub(super) on_delete: Option<&'static str>,
    pub(super) note: Option<Member>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) key: Key,
    pub(super) name: String,
}

impl Embedded {
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.to).chain(&self.note)
    }
}

/// The scalar of a field that says in which currency others are.
pub(super) const CURRENCY: Kind = Kind::Scalar("Currency");

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Enum {
    pub(super) key: Key,
    pub(super) name: String,
    pub(super) values: Vec<(Key, String)>,
    pub(super) states: bool,
}

impl Kind {
    /// The type that a relation leads to.
    pub(super) fn target(&self) -> Option<Key> {
        match self {
            Self::ToOne(target) | Self::Many(target) | Self::Inverse(target, _) => Some(*target),
            Self::Scalar(_)
            | Self::Decimal { .. }
            | Self::Enum(_)
            | Self::List(_)
            | Self::Total { .. }
            | Self::Document(_)
            | Self::Amount(_) => None,
        }
    }

    pub(super) fn is_relation(&self) -> bool {
        self.target().is_some()
    }

    pub(super) fn is_to_many(&self) -> bool {
        matches!(self, Self::Many(_) | Self::Inverse(..))
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Scalar("String" | "Text"))
    }

    pub(super) fn can_be_indexed(&self) -> bool {
        match self {
            Self::Scalar(name) => !matches!(*name, "Text" | "JSON" | "Money" | "Bytes"),
            Self::Decimal { .. } | Self::Enum(_) | Self::ToOne(_) => true,
            Self::List(_)
            | Self::Many(_)
            | Self::Inverse(..)
            | Self::Total { .. }
            | Self::Document(_)
            | Self::Amount(_) => false,
        }
    }

    /// Whether no client can give it a value.
    pub(super) fn is_followed(&self) -> bool {
        matches!(self, Self::Inverse(..) | Self::Total { .. })
    }
}

impl Type {
    /// Whether only values that are made must be unique.
    pub(super) fn is_made_unique(&self) -> bool {
        self.fields.iter().all(|field| !field.unique) && self.indexes.iter().all(|(_, unique)| !unique)
    }

    pub(super) fn field(&self, key: Key) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }
}

impl Field {
    pub(super) fn new(key: Key, name: String, kind: Kind) -> Self {
        Self {
            key,
            name,
            kind,
            required: false,
            unique: false,
            default: None,
            backfill: None,
            length: None,
            check: None,
            on_delete: None,
            made: None,
        }
    }
}

impl Schema {
    pub(super) fn fresh(&mut self) -> Key {
        self.last += 1;
        self.last
    }

    pub(super) fn of(&self, key: Key) -> Option<&Type> {
        self.types.iter().find(|of| of.key == key)
    }

    pub(super) fn enumeration(&self, key: Key) -> Option<&Enum> {
        self.enums.iter().find(|of| of.key == key)
    }

    pub(super) fn embedded(&self, key: Key) -> Option<&Embedded> {
        self.embedded.iter().find(|of| of.key == key)
    }

    pub(super) fn is_state(&self, kind: &Kind) -> bool {
        matches!(kind, Kind::Enum(key) if self.enumeration(*key).is_some_and(|of| of.states))
    }

    /// The field that declares a relation of which this is the other end.
    pub(super) fn declared_by(&self, kind: &Kind) -> Option<&Field> {
        match kind {
            Kind::Inverse(of, field) => self.of(*of)?.field(*field),
            _ => None,
        }
    }

    /// Leaves out what refers to something that is gone.
    pub(super) fn tidied(mut self) -> Self {
        loop {
            let before = self.clone();
            self.embedded.retain(|of| before.of(of.target).is_some());
            for of in &mut self.types {
                of.fields.retain(|field| before.is_whole(of.key, &field.kind));
                let known: Vec<Key> = of.fields.iter().map(|field| field.key).collect();
                of.indexes.retain(|(fields, _)| fields.iter().all(|field| known.contains(field)));
                let key = of.key;
                let is = |of: &[Field], field: Key, kind: &Kind| {
                    of.iter().any(|known| known.key == field && known.kind == *kind && known.made.is_none())
                };
                of.tree = of.tree.filter(|parent| is(&of.fields, *parent, &Kind::ToOne(key)));
                let is_end = |end| is(&of.fields, end, &Kind::Scalar("Int"));
                of.exclude = of.exclude.filter(|(from, to)| from != to && is_end(*from) && is_end(*to));
            }
            if self == before {
                return self;
            }
        }
    }

    fn is_whole(&self, of: Key, kind: &Kind) -> bool {
        match kind {
            Kind::Scalar(_) | Kind::Decimal { .. } => true,
            Kind::Enum(key) => self.enumeration(*key).is_some(),
            Kind::List(element) => self.is_whole(of, element),
            Kind::ToOne(target) | Kind::Many(target) => self.of(*target).is_some(),
            Kind::Document(key) => self.embedded(*key).is_some(),
            Kind::Amount(currency) => {
                let is_currency =
                    |of: &Type| of.field(*currency).is_some_and(|field| field.kind == CURRENCY && field.required);
                self.of(of).is_some_and(is_currency)
            }
            Kind::Total { of: relation, what } => {
                let relation = self.of(of).and_then(|of| of.field(*relation));
                let Some(Kind::Inverse(members, _)) = relation.map(|field| &field.kind) else { return false };
                let is_number =
                    |of: &Type, what: Key| of.field(what).is_some_and(|field| field.kind == Kind::Scalar("Int"));
                what.is_none_or(|what| self.of(*members).is_some_and(|of| is_number(of, what)))
            }
            Kind::Inverse(..) => {
                let declared = self.declared_by(kind).map(|field| &field.kind);
                matches!(declared, Some(Kind::ToOne(to) | Kind::Many(to)) if *to == of)
            }
        }
    }
}
