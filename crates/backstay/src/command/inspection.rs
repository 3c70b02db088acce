use serde::{Deserialize, Serialize};

/// What is done about the inspector of a server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum InspectVerb {
    /// Turn it on.
    On {
        /// For so many seconds.
        seconds: u32,
    },
    /// Turn it off, and forget what it has kept.
    Off {},
    /// Tell whether it is on.
    Show {},
}
