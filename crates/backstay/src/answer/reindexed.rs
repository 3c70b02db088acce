use std::fmt;

use serde::{Deserialize, Serialize};

use super::Count;
use crate::command::ReindexPlace;

/// What was done, by type.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reindexed {
    /// In the order of the model.
    pub collections: Vec<ReindexedLine>,
    /// Where the next part begins; `None`: all is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ReindexPlace>,
}

/// How many records of a type were put into its index.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReindexedLine {
    /// The type.
    pub collection: String,
    /// The records.
    pub records: u64,
}

impl fmt::Display for Reindexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.collections.is_empty() {
            return writeln!(f, "no type has a field with `@search`");
        }
        self.collections.iter().try_for_each(|line| {
            let ReindexedLine { collection, records } = line;
            writeln!(f, "{collection}: {} in the index", Count(*records, "record"))
        })
    }
}
