use backstay_base::RecordId;
use backstay_model::CollectionId;

/// The ids of the records of all `@single` types.
#[derive(Debug, Clone, Default)]
pub struct Singles(pub(crate) Vec<(CollectionId, RecordId)>);

impl Singles {
    /// The id of the one record of a collection; `None` if that is not `@single`.
    pub fn get(&self, collection: CollectionId) -> Option<RecordId> {
        self.0.iter().find(|(known, _)| *known == collection).map(|(_, id)| *id)
    }
}
