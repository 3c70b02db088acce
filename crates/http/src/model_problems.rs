use std::fmt;
use std::sync::Arc;

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
    /// Adds `Backstay-Model`.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        let value = format!("stale; errors={}", self.diagnostics.len());
        headers.insert(BACKSTAY_MODEL, HeaderValue::from_str(&value).expect("digits are visible ASCII"));
    }
}

/// What a client learns about the files while there is nothing to serve.
#[derive(Debug, Clone)]
pub enum NoModel {
    /// What is wrong with them: the client is on the machine on which the application is developed.
    Explained(Arc<ModelProblems>),
    /// Only that something is wrong: the problems quote the files.
    Withheld,
}

impl NoModel {
    /// The problems that the client may see.
    pub(crate) fn diagnostics(&self) -> &[serde_json::Value] {
        match self {
            Self::Explained(problems) => &problems.diagnostics,
            Self::Withheld => &[],
        }
    }

    /// Adds `Backstay-Model`.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        match self {
            Self::Explained(problems) => problems.mark(headers),
            Self::Withheld => {
                headers.insert(BACKSTAY_MODEL, HeaderValue::from_static("stale"));
            }
        }
    }
}

impl fmt::Display for NoModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the application can't be served until its files are corrected")
    }
}
