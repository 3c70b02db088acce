use backstay_model::{CollectionId, Field, FieldId, Model};
use backstay_scalar::Part;

/// A path from a record to a field. `this.id` has no steps and `this.author.id` the one of `this.author`: a record is
/// its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// The record it starts from.
    pub root: Root,
    /// The collection of that record.
    pub collection: CollectionId,
    /// Fields, each of the collection that the one before leads to; all but the last are to-one relations.
    pub steps: Vec<FieldId>,
    /// The part, where the last field is `Money` and one of its parts is meant: `.amount` is `Part::Main`.
    pub part: Option<Part>,
}

/// The record a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// `this`; also what a filter's plain field names start from.
    This,
    /// `new`.
    New,
    /// `old`: null where the write creates the record.
    Old,
    /// `auth.account`: null for callers without an account of their own.
    Account,
    /// The variable of an enclosing quantifier.
    Bound(u16),
}

impl Root {
    /// Whether the record may be missing, with all its values.
    pub(crate) fn may_be_absent(self) -> bool {
        match self {
            Self::Old | Self::Account => true,
            Self::This | Self::New | Self::Bound(_) => false,
        }
    }
}

impl Path {
    /// Whether it is a value of the caller's own record, which is known without the database.
    pub fn is_of_account(&self) -> bool {
        self.root == Root::Account && self.steps.len() <= 1
    }

    /// Whether it leads to what only the database knows, and not to a value of `this`, `new`, `old` or the caller's own
    /// record. A record doesn't hold what refers to it from elsewhere.
    pub(crate) fn asks_store(&self, model: &Model) -> bool {
        match (self.root, self.steps.as_slice()) {
            (Root::Bound(_), _) => true,
            (Root::This | Root::New | Root::Old, [field]) => {
                model.field(self.collection, *field).kind.declared_by().is_some()
            }
            (Root::This | Root::New | Root::Old | Root::Account, steps) => steps.len() > 1,
        }
    }

    /// The field that it ends at; `None` if it ends at a record.
    pub fn field<'m>(&self, model: &'m Model) -> Option<&'m Field> {
        let (last, steps) = self.steps.split_last()?;
        let holder = steps.iter().try_fold(self.collection, |at, step| model.field(at, *step).kind.target())?;
        Some(model.field(holder, *last))
    }

    /// The column of the last field that is meant: of a whole `Money`, the amount's.
    pub fn column(&self) -> Part {
        self.part.unwrap_or(Part::Main)
    }
}
