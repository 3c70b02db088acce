use std::sync::Arc;

use super::Expr;

/// A model of the reference.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The first is the type of accounts, if there is one.
    pub types: Vec<Type>,
    /// The enums.
    pub enums: Vec<Enum>,
    /// Named rules, about the caller alone.
    pub rules: Vec<(&'static str, Expr)>,
    /// The values of the enum of roles.
    pub roles: Vec<Arc<str>>,
    /// The ids of secret links that callers show, and that records hold.
    pub links: Vec<Arc<str>>,
}

/// An enum.
#[derive(Debug, Clone)]
pub struct Enum {
    /// Its name.
    pub name: &'static str,
    /// Its values; the first state is the initial one.
    pub values: Vec<Arc<str>>,
    /// The transitions, if it is a state machine.
    pub transitions: Option<Vec<Transition>>,
}

/// A way from one state to another.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The index of the state that it leaves.
    pub from: usize,
    /// The index of the state that it leads to.
    pub to: usize,
    /// Who may take it whatever the clauses say.
    pub by: Option<Expr>,
    /// The fields that `by` lets change with the state.
    pub with: Vec<usize>,
    /// Its guard.
    pub when: Option<Expr>,
}

/// A type with its rules.
#[derive(Debug, Clone)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// The last part of its path under `/api/`.
    pub path: String,
    /// Its clauses: what no clause has a rule for is refused.
    pub allow: Vec<Allow>,
    /// Its fields: first `id`, `createdAt`, `updatedAt` and `version`.
    pub fields: Vec<Field>,
}

/// Rules by action: one clause of a type, or those of a field.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Who sees it.
    pub read: Option<Expr>,
    /// Who links to it without seeing it; of types only.
    pub refer: Option<Expr>,
    /// Who gives it.
    pub create: Option<Expr>,
    /// Who changes it.
    pub update: Option<Expr>,
    /// The fields that `update` lets change; of types only.
    pub only: Option<Vec<usize>>,
    /// What must be true of a change; else `update` must be true of the proposed record.
    pub after: Option<Expr>,
    /// Who deletes it; of types only.
    pub delete: Option<Expr>,
}

/// A field with its rules.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it always has a value.
    pub required: bool,
    /// Its rules; one that is absent restricts nothing.
    pub allow: Allow,
    /// Must not be false of a record as it would be.
    pub checks: Vec<Expr>,
    /// Whether nobody reads it.
    pub secret: bool,
    /// Whether clients can write it.
    pub access: Access,
    /// Its value where a create gives none.
    pub default: Option<Value>,
}

use super::Value;

/// When clients can write a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Always.
    Writable,
    /// Only in a create.
    Immutable,
    /// Never.
    ReadOnly,
}

/// What happens to a record when the one that it refers to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The deletion is refused.
    Restrict,
    /// It is deleted too.
    Cascade,
    /// It loses the reference.
    SetNull,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The id of the record itself.
    Key,
    /// `ID`, which holds that of a secret link.
    Link,
    /// `Boolean`.
    Bool,
    /// `Int`.
    Int,
    /// `Float`.
    Float,
    /// `Decimal` with this many digits after the point.
    Decimal {
        /// The digits.
        scale: u32,
    },
    /// `String`.
    Text,
    /// `Email`.
    Email,
    /// `DateTime`.
    Moment,
    /// `Date`.
    Date,
    /// A value of the enum with this index.
    Enum(usize),
    /// A list.
    List(Box<Kind>),
    /// A `JSON` document.
    Json,
    /// A relation to one record.
    ToOne {
        /// The type that it leads to.
        target: usize,
        /// Its `@onDelete`.
        on_delete: OnDelete,
    },
    /// The many side of the relation to one that this field of the target is.
    OneToMany {
        /// The type that it leads to.
        target: usize,
        /// The field of that type.
        via: usize,
    },
    /// A many-to-many relation, at the end that declares it.
    ManyToMany {
        /// The type that it leads to.
        target: usize,
    },
    /// The records above or below one in the tree that its type forms by this relation.
    Lineage {
        /// The type itself.
        target: usize,
        /// Its relation to the record above.
        parent: usize,
        /// Whether those above are meant.
        is_up: bool,
    },
    /// The other end of a many-to-many relation.
    Inverse {
        /// The type that declares it.
        target: usize,
        /// The field of that type.
        via: usize,
    },
}

impl Kind {
    /// The type that a relation leads to.
    pub fn target(&self) -> Option<usize> {
        match self {
            Self::ToOne { target, .. }
            | Self::OneToMany { target, .. }
            | Self::ManyToMany { target }
            | Self::Lineage { target, .. }
            | Self::Inverse { target, .. } => Some(*target),
            _ => None,
        }
    }

    /// Whether it is a relation to several records.
    pub fn is_many(&self) -> bool {
        matches!(self, Self::OneToMany { .. } | Self::ManyToMany { .. } | Self::Inverse { .. } | Self::Lineage { .. })
    }

    /// Whether lists can be sorted by it.
    pub fn is_sortable(&self) -> bool {
        !self.is_many() && !matches!(self, Self::List(_) | Self::Json | Self::ToOne { .. } | Self::Key | Self::Link)
    }
}

/// The fields of every record, in their order.
pub const SYSTEM_FIELDS: [(&str, Kind); 4] =
    [("id", Kind::Key), ("createdAt", Kind::Moment), ("updatedAt", Kind::Moment), ("version", Kind::Int)];

impl Field {
    /// A field that anybody reads and writes.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            required: false,
            allow: Allow::default(),
            checks: Vec::new(),
            secret: false,
            access: Access::Writable,
            default: None,
        }
    }

    /// The fields that Backstay maintains.
    pub fn system() -> Vec<Self> {
        let field = |(name, kind)| Self { required: true, access: Access::ReadOnly, ..Self::new(name, kind) };
        SYSTEM_FIELDS.into_iter().map(field).collect()
    }

    /// Whether it is stored in the record itself.
    pub fn is_stored(&self) -> bool {
        !self.kind.is_many()
    }
}

impl Type {
    /// What the rules of one action come to: one of them is enough.
    pub fn any(&self, of: impl Fn(&Allow) -> Option<&Expr>) -> Option<Expr> {
        self.allow.iter().filter_map(of).cloned().reduce(|left, right| Expr::Or(Box::new(left), Box::new(right)))
    }

    /// Who sees its records.
    pub fn read(&self) -> Option<Expr> {
        self.any(|clause| clause.read.as_ref())
    }

    /// Who links to its records.
    pub fn refer(&self) -> Option<Expr> {
        let rules = self.allow.iter().flat_map(|clause| [&clause.refer, &clause.read]).flatten();
        rules.cloned().reduce(|left, right| Expr::Or(Box::new(left), Box::new(right)))
    }
}

impl Schema {
    /// A field of a type.
    pub fn field(&self, of: usize, field: usize) -> &Field {
        &self.types[of].fields[field]
    }

    /// The state in which records begin, if the kind is one with states.
    pub fn initial(&self, kind: &Kind) -> Option<&Arc<str>> {
        let Kind::Enum(index) = kind else { return None };
        let one = &self.enums[*index];
        one.transitions.is_some().then(|| &one.values[0])
    }

    /// What a value of this kind is ordered by: that of an enum by its place in the declaration.
    pub fn in_order(&self, kind: &Kind, value: Value) -> Value {
        match (kind, &value) {
            (Kind::Enum(index), Value::Text(name)) => {
                let place = self.enums[*index].values.iter().position(|known| known == name);
                Value::Int(i64::try_from(place.expect("a value of the enum")).expect("few"))
            }
            _ => value,
        }
    }

    /// The member field that declares a relation of which this is the other end, with its type.
    pub fn declared_by(&self, of: usize, field: usize) -> Option<(usize, usize)> {
        match self.field(of, field).kind {
            Kind::OneToMany { target, via } | Kind::Inverse { target, via } => Some((target, via)),
            _ => None,
        }
    }
}
