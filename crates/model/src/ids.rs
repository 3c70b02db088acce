//! Indexes into one loaded `Model`; none of them is permanent.

/// Index of a collection in one loaded `Model`; not permanent (see `base::TypeNumber`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionId(pub u16);

/// Index of a field in its collection; not permanent (see `base::FieldNumber`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u16);

/// Index of an embedded type in one loaded `Model`; not permanent, and nothing is stored under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmbeddedId(pub u16);

/// Index of a union of embedded types in one loaded `Model`; not permanent, and nothing is stored under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnionId(pub u16);

/// Index of an interface with a path in one loaded `Model`; not permanent, and nothing is stored under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u16);

/// Index of a union of types with records in one loaded `Model`; not permanent, and nothing is stored under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordUnionId(pub u16);
