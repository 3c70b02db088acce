//! What is answered of documents: which members of their values, and what of the records that these refer to.

use std::sync::Arc;

use backstay_model::{CollectionId, EmbeddedId, FieldId, Model};
use backstay_scalar::Scalar;

use crate::{ColumnType, ObjectOutput, Phrase, Selection};

/// Which members of the values in a document are answered, for each type that a value can have, in the order of the types.
/// Of a type that is missing, nothing is answered but its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DocumentSelection(pub Arc<[SelectedType]>);

/// What is answered of the values of one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectedType {
    /// The type.
    pub of: EmbeddedId,
    /// Its members that are answered, in order.
    pub members: Arc<[SelectedMember]>,
}

/// One member to answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectedMember {
    /// Which.
    pub member: FieldId,
    /// Its name in the answer; the member's own if absent.
    pub alias: Option<Arc<str>>,
    /// What is answered of what it holds; without it, all: of a relation the reference itself.
    pub inner: Option<MemberSelection>,
}

/// What is answered of what a member holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MemberSelection {
    /// Of an embedded value, of a list of them, or of a value of a union.
    Values(DocumentSelection),
    /// Of the record that a relation leads to, for each type that it can have; one that the rights hide is null. A type that
    /// is missing is answered by the reference itself.
    Records(Arc<[(CollectionId, Selection)]>),
}

impl DocumentSelection {
    /// The filters in it and the values that aren't fields, at whatever depth.
    pub(crate) fn written(&self) -> Vec<&Phrase> {
        let members = self.0.iter().flat_map(|of| of.members.iter());
        let inner = members.filter_map(|member| member.inner.as_ref());
        let written = inner.flat_map(|inner| match inner {
            MemberSelection::Values(values) => values.written(),
            MemberSelection::Records(records) => records.iter().flat_map(|(_, inner)| inner.written()).collect(),
        });
        written.collect()
    }

    /// Whether it selects anything of the records that a document refers to.
    pub fn reads_records(&self) -> bool {
        let members = self.0.iter().flat_map(|of| of.members.iter());
        members.filter_map(|member| member.inner.as_ref()).any(|inner| match inner {
            MemberSelection::Values(values) => values.reads_records(),
            MemberSelection::Records(_) => true,
        })
    }

    /// The same with fewer records in each nested list of the records; `None` if none can have fewer.
    pub(crate) fn narrowed(&self, model: &Model) -> Option<Self> {
        let mut fewer = false;
        let narrowed = |of: &SelectedType| {
            let members = of.members.iter().map(|member| {
                let inner = member.inner.as_ref().and_then(|inner| inner.narrowed(model));
                fewer |= inner.is_some();
                SelectedMember { inner: inner.or_else(|| member.inner.clone()), ..member.clone() }
            });
            SelectedType { of: of.of, members: members.collect() }
        };
        let types = self.0.iter().map(narrowed).collect();
        fewer.then_some(Self(types))
    }
}

impl MemberSelection {
    fn narrowed(&self, model: &Model) -> Option<Self> {
        match self {
            Self::Values(values) => values.narrowed(model).map(Self::Values),
            Self::Records(types) => {
                let mut fewer = false;
                let narrowed = types.iter().map(|(target, selection)| {
                    let narrowed = selection.narrowed(model, *target);
                    fewer |= narrowed.is_some();
                    (*target, narrowed.unwrap_or_else(|| selection.clone()))
                });
                let narrowed = narrowed.collect();
                fewer.then_some(Self::Records(narrowed))
            }
        }
    }
}

/// How a document in a column becomes an answer of which members were selected.
#[derive(Debug, Clone)]
pub struct DocumentOutput {
    /// The column, which holds the document.
    pub column: usize,
    /// What is answered of its values.
    pub values: ValuesOutput,
    /// The records that it refers to, as far as they are answered.
    pub records: Box<[RecordsOutput]>,
}

/// How a value in a document becomes an object.
#[derive(Debug, Clone)]
pub enum ValuesOutput {
    /// All values are of one type.
    One(Box<[DocumentMember]>),
    /// A value says its type.
    OneOf(Box<[TypeOutput]>),
}

/// How a value of one of several types becomes an object.
#[derive(Debug, Clone)]
pub struct TypeOutput {
    /// The type's name.
    pub name: Arc<str>,
    /// The object's members, in order.
    pub members: Box<[DocumentMember]>,
}

/// One member of such an object.
#[derive(Debug, Clone)]
pub struct DocumentMember {
    /// Its name in the document.
    pub member: Arc<str>,
    /// Its name in the answer.
    pub name: Arc<str>,
    /// What is answered of it.
    pub value: DocumentValue,
}

/// How a member's value in a document is answered.
#[derive(Debug, Clone)]
pub enum DocumentValue {
    /// As it is.
    Itself,
    /// As an object of which members were selected, or as a list of these.
    Values(ValuesOutput),
    /// As the record that it refers to; null if it isn't among these.
    Record(usize),
    /// As the record of one of several types that it refers to: for each type among which records it is looked for. One of
    /// another type is answered as it is.
    RecordOf(Box<[(Arc<str>, usize)]>),
}

/// Records that a document refers to, from a column that holds an array of arrays.
#[derive(Debug, Clone)]
pub struct RecordsOutput {
    /// The column, of type `Nested`.
    pub column: usize,
    /// Types of the columns of a row of it. The first of them is the record's id.
    pub columns: Arc<[ColumnType]>,
    /// The scalar of the id.
    pub key: Scalar,
    /// How such a row becomes an object.
    pub element: ObjectOutput,
}
