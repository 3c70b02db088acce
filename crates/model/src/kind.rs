//! What a field can hold.

use backstay_base::KeyForm;
use backstay_scalar::{Scalar, Storage};

use crate::enumeration::EnumId;
use crate::ids::{CollectionId, EmbeddedId, FieldId, RecordUnionId, UnionId};
use crate::names;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// One scalar.
    Scalar(Scalar),
    /// One value of an enum.
    Enum(EnumId),
    /// A list of scalars, without nulls.
    List(Element),
    /// A value of an embedded type. Its members are fields of the collection, and it is there where one of them has a
    /// value; the field itself has no column.
    Embedded(EmbeddedId),
    /// A list of embedded values, or a value of a union of embedded types: one document in one column.
    Document(Document),
    /// A reference to one record; its column holds the target's id.
    ToOne {
        /// The collection referred to.
        target: CollectionId,
        /// What keys its records have.
        key: KeyForm,
        /// What happens when the target is deleted.
        on_delete: OnDelete,
    },
    /// A reference to one record of one of the types of a union. Its members are to-one fields of the collection, one for
    /// each type, of which at most one has a value; the field itself has no column.
    ToOneOf {
        /// The union of the types referred to.
        union: RecordUnionId,
        /// What happens when the target is deleted.
        on_delete: OnDelete,
    },
    /// The records of `target` whose to-one field `via` refers here; nothing is stored.
    OneToMany {
        /// The collection that refers.
        target: CollectionId,
        /// Its to-one field.
        via: FieldId,
    },
    /// The record of `target` whose unique to-one field `via` refers here, if there is one; nothing is stored.
    OneToOne {
        /// The collection that refers.
        target: CollectionId,
        /// What keys its records have.
        key: KeyForm,
        /// Its to-one field, which is a key of it.
        via: FieldId,
    },
    /// Records of `target`, each once, kept in a link table.
    ManyToMany {
        /// The collection at the other end.
        target: CollectionId,
        /// The link table.
        link: Link,
    },
    /// The records of its own collection that are above or below a record in the tree of `@tree`; read from the records'
    /// paths.
    Lineage {
        /// The collection, which is the one that has the field.
        target: CollectionId,
        /// Which way they are.
        toward: Toward,
    },
}

impl FieldKind {
    /// The scalar whose values it holds, or a list of them.
    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Scalar(scalar) | Self::List(Element::Scalar(scalar)) => Some(*scalar),
            Self::Enum(_)
            | Self::List(Element::Enum(_))
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::ToOne { .. }
            | Self::ToOneOf { .. }
            | Self::OneToMany { .. }
            | Self::Lineage { .. }
            | Self::OneToOne { .. }
            | Self::ManyToMany { .. } => None,
        }
    }

    /// Whether a column can hold it: it is not a relation to many.
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Scalar(_) | Self::Enum(_) | Self::List(_) | Self::Document(_) | Self::ToOne { .. })
    }

    /// Whether an index can be over a field that holds this.
    pub fn is_indexable(&self) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.is_sortable(),
            Self::Enum(_) | Self::ToOne { .. } => true,
            Self::List(_)
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::ToOneOf { .. }
            | Self::OneToMany { .. }
            | Self::Lineage { .. }
            | Self::OneToOne { .. }
            | Self::ManyToMany { .. } => false,
        }
    }

    /// Whether records can be sorted by a field that holds this.
    pub fn has_order(&self) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.is_sortable(),
            Self::Enum(_) => true,
            Self::List(_)
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::ToOne { .. }
            | Self::ToOneOf { .. }
            | Self::OneToMany { .. }
            | Self::Lineage { .. }
            | Self::OneToOne { .. }
            | Self::ManyToMany { .. } => false,
        }
    }

    /// Whether its value is in fields of their own that follow it in the collection, and not in a column of its own.
    pub fn has_members(&self) -> bool {
        matches!(self, Self::Embedded(_) | Self::ToOneOf { .. })
    }

    /// Whether a record holds a value of it: in a column, or in the columns of its members.
    pub fn is_held(&self) -> bool {
        self.is_stored() || self.has_members()
    }

    /// The collection at the other end of a relation.
    pub fn target(&self) -> Option<CollectionId> {
        match self {
            Self::ToOne { target, .. }
            | Self::OneToMany { target, .. }
            | Self::OneToOne { target, .. }
            | Self::ManyToMany { target, .. }
            | Self::Lineage { target, .. } => Some(*target),
            Self::Scalar(_)
            | Self::Enum(_)
            | Self::List(_)
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::ToOneOf { .. } => None,
        }
    }

    /// What happens to the record when the one that it refers to is deleted, if it is a reference.
    pub fn on_delete(&self) -> Option<OnDelete> {
        match self {
            Self::ToOne { on_delete, .. } | Self::ToOneOf { on_delete, .. } => Some(*on_delete),
            Self::Scalar(_)
            | Self::Enum(_)
            | Self::List(_)
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::Lineage { .. }
            | Self::OneToMany { .. }
            | Self::OneToOne { .. }
            | Self::ManyToMany { .. } => None,
        }
    }

    /// The field that declares the relation, and its collection, where this one is its `@inverse`.
    pub fn declared_by(&self) -> Option<(CollectionId, FieldId)> {
        match self {
            Self::OneToMany { target, via } | Self::OneToOne { target, via, .. } => Some((*target, *via)),
            Self::ManyToMany { target, link } => link.inverse.filter(|_| !link.owner).map(|field| (*target, field)),
            Self::Scalar(_)
            | Self::Enum(_)
            | Self::List(_)
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::ToOne { .. }
            | Self::ToOneOf { .. }
            | Self::Lineage { .. } => None,
        }
    }

    /// The collection whose records refer to one of this collection, and their field that does, where this lists them or
    /// holds the one that there can be: its children.
    pub fn children(&self) -> Option<(CollectionId, FieldId)> {
        match self {
            Self::OneToMany { target, via } | Self::OneToOne { target, via, .. } => Some((*target, *via)),
            Self::Scalar(_)
            | Self::Enum(_)
            | Self::List(_)
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::ToOne { .. }
            | Self::ToOneOf { .. }
            | Self::ManyToMany { .. }
            | Self::Lineage { .. } => None,
        }
    }

    /// Whether it is an end of a relation that is written at the other one.
    pub(crate) fn is_written_elsewhere(&self) -> bool {
        match self {
            Self::OneToMany { .. } | Self::OneToOne { .. } => true,
            Self::ManyToMany { link, .. } => !link.owner,
            Self::Scalar(_)
            | Self::Enum(_)
            | Self::List(_)
            | Self::Embedded(_)
            | Self::Document(_)
            | Self::ToOne { .. }
            | Self::ToOneOf { .. }
            | Self::Lineage { .. } => false,
        }
    }

    /// Whether it is a relation to many.
    pub fn is_to_many(&self) -> bool {
        matches!(self, Self::OneToMany { .. } | Self::ManyToMany { .. } | Self::Lineage { .. })
    }
}

/// Which way records are in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// Above: the parent, its parent, and so on up to the root.
    Root,
    /// Below: the children, their children, and so on.
    Leaves,
}

/// What is held as one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// A value of a union.
    One(UnionId),
    /// A list of values, in order and without nulls.
    List(Shape),
}

/// What an item of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A value of an embedded type.
    Embedded(EmbeddedId),
    /// A value of one of a union's types.
    Union(UnionId),
}

impl Document {
    /// What its items are, or itself.
    pub fn shape(self) -> Shape {
        match self {
            Self::One(id) => Shape::Union(id),
            Self::List(shape) => shape,
        }
    }
}

/// The table that holds a many-to-many relation: two columns, the primary key over (`near`, `far`), an index the other
/// way. If the links are ordered, a third column has their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The table's name.
    pub table: String,
    /// The column that holds the id of the record on this field's side.
    pub near: String,
    /// What keys the records on this side have.
    pub near_key: KeyForm,
    /// The column that holds the id of the record at the other end.
    pub far: String,
    /// What keys the records at the other end have.
    pub far_key: KeyForm,
    /// Whether this field declares the relation (`false`: it is the `@inverse` of the field that does).
    pub owner: bool,
    /// The field at the other end, if it is declared.
    pub inverse: Option<FieldId>,
    /// `@order(as: SENT)`: whether the links of a record have an order, as this side sees it. The other end has none.
    pub ordered: bool,
}

impl Link {
    /// The column that holds the place of an ordered link among those of its near record, a whole number; equal places go
    /// by the far ids.
    pub const PLACE: &'static str = "place";

    /// The name of the index over (`far`, `near`), as the side that declares the relation sees them.
    pub fn index_name(&self) -> String {
        let far = if self.owner { &self.far } else { &self.near };
        names::index(&self.table, &[far], false)
    }
}

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Scalars; never `JSON` or `Money`.
    Scalar(Scalar),
    /// Values of an enum.
    Enum(EnumId),
}

/// What happens to a record when the one it refers to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The target cannot be deleted while it is referred to. The default of a required relation.
    Restrict,
    /// The record is deleted too.
    Cascade,
    /// The reference becomes null. The default of an optional relation.
    SetNull,
}

impl Element {
    /// What holds one element.
    pub fn storage(self) -> Storage {
        match self {
            Self::Scalar(scalar) => scalar.storage(),
            Self::Enum(_) => Storage::Text,
        }
    }
}

/// A relation of an embedded type whose values a field of a collection holds in documents. A table of the relation's own
/// has the records whose documents refer to a record; it follows the documents in each commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The field that holds the documents.
    pub document: FieldId,
    /// Which relation, to records of which type.
    pub relation: InnerRelation,
    /// What happens to a record whose document refers to one that is deleted; never `Cascade`.
    pub on_delete: OnDelete,
    /// The table: near is the record that has the document.
    pub link: Link,
}

/// A relation of an embedded type, to records of one type: a relation to one of several types is one for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InnerRelation {
    /// The embedded type.
    pub of: EmbeddedId,
    /// Its member.
    pub member: FieldId,
    /// The type of the records.
    pub target: CollectionId,
}
