use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::Secret;

/// What events are signed with, by the names that inboxes of the model give. A value can hold several secrets with spaces
/// between them, of which any is taken: the sender's is being replaced. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct InboxSecrets(Arc<BTreeMap<String, Secret>>);

impl FromIterator<(String, Secret)> for InboxSecrets {
    fn from_iter<T: IntoIterator<Item = (String, Secret)>>(all: T) -> Self {
        Self(Arc::new(all.into_iter().collect()))
    }
}

impl InboxSecrets {
    /// The one of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }
}
