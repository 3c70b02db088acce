//! Values that a migration makes for stored records, one by one: slugs and numbers.

use backstay_model::{CollectionId, FieldId};

use crate::temporary::{drop_kept, made_table};
use crate::{ColumnType, Statement, Succession, Template};

impl Succession<'_> {
    /// Whether values of this field are made, of which `made_table` has those that records lack.
    pub fn is_made(&self, new: CollectionId, field: FieldId) -> bool {
        self.slugs(new, field).is_some() || self.numbers(new, field).is_some()
    }

    /// The temporary table for the values that are made.
    pub fn create_made(&self, new: CollectionId, field: FieldId) -> Statement {
        self.create_kept(&made_table(new, field), (self.new.collection(new).key.form(), self.made_type(new, field)))
    }

    /// Stores the value, `Slot::Argument(0)`, that was made for the record `Slot::Id`.
    pub fn keep_made(&self, new: CollectionId, field: FieldId) -> Template {
        self.keep(&made_table(new, field), (self.new.collection(new).key.form(), self.made_type(new, field)))
    }

    /// Removes that table.
    pub fn drop_made(&self, new: CollectionId, field: FieldId) -> Statement {
        drop_kept(&made_table(new, field))
    }

    fn made_type(&self, new: CollectionId, field: FieldId) -> ColumnType {
        (&self.new.field(new, field).columns[0]).into()
    }
}
