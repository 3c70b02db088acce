use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// `Backstay-Model`: says that the model files are not what is served.
const BACKSTAY_MODEL: HeaderName = HeaderName::from_static("backstay-model");

/// Why the files of an application can't be served as they are.
#[derive(Debug, Default)]
pub struct ModelProblems {
    /// One object for each, as `backstay check --format json` prints them.
    pub diagnostics: Vec<serde_json::Value>,
    /// All of them for people, with excerpts of the files.
    pub text: String,
}

impl ModelProblems {
    /// That there are problems, without what they are: they contain parts of the files.
    pub(crate) fn withheld() -> Self {
        Self::default()
    }

    /// Adds `Backstay-Model`.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        let value = format!("stale; errors={}", self.diagnostics.len());
        headers.insert(BACKSTAY_MODEL, HeaderValue::from_str(&value).expect("digits are visible ASCII"));
    }
}

impl fmt::Display for ModelProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the application can't be served until its files are corrected")
    }
}
