/// What clients of the API notice of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiChange {
    /// What is different for them.
    pub words: String,
    /// Whether requests that worked can fail, or answers lack what they had.
    pub breaking: bool,
}

pub(super) fn breaking(words: String) -> ApiChange {
    ApiChange { words, breaking: true }
}

pub(super) fn harmless(words: String) -> ApiChange {
    ApiChange { words, breaking: false }
}

/// Several changes as one; none if there are none.
pub(super) fn together(changes: impl IntoIterator<Item = ApiChange>) -> Option<ApiChange> {
    changes.into_iter().reduce(|one, other| ApiChange {
        words: format!("{}; {}", one.words, other.words),
        breaking: one.breaking || other.breaking,
    })
}
