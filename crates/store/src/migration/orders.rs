use backstay_model::{Check, Collection, EnumId};

use super::finder::{Finder, that};
use crate::StoreError;
use crate::step::Finding;

impl Finder<'_> {
    /// The records that break a check which orders values of an enum: another order can make it false of what is stored.
    pub(super) async fn breaking_in_order(&mut self, name: &str) -> Result<Vec<Finding>, StoreError> {
        let mut found = Vec::new();
        let Some(of) = self.models.new.enums.iter().find(|of| of.name == name).map(|of| of.id) else {
            return Ok(found);
        };
        for collection in &self.models.new.collections {
            for (place, check) in checks(collection) {
                found.extend(self.breaking_one_in_order((collection, of), (&place, check)).await?);
            }
        }
        Ok(found)
    }

    async fn breaking_one_in_order(
        &mut self,
        (collection, of): (&Collection, EnumId),
        (place, check): (&str, &Check),
    ) -> Result<Option<Finding>, StoreError> {
        if self.models.pairing.collection(collection.id).is_none() {
            return Ok(None);
        }
        let Some(probe) = self.succession.breaking_in_order(collection.id, check, of) else { return Ok(None) };
        let words = |records| {
            let message = &check.message;
            format!("{} the check of {place}, \"{message}\"", that(records, ["breaks", "break"]))
        };
        self.ask(&probe, (&words, "", false)).await
    }
}

/// The checks of a collection and of its fields, and what each of them is of.
fn checks(collection: &Collection) -> impl Iterator<Item = (String, &Check)> {
    let own = collection.checks.iter().map(|check| (collection.name.clone(), check));
    let of_fields = collection.fields.iter().flat_map(move |field| {
        field.checks.iter().map(move |check| (format!("{}.{}", collection.name, field.name), check))
    });
    own.chain(of_fields)
}
