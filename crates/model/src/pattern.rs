use backstay_base::ViolationKind;
use backstay_scalar::Pattern;

/// `@pattern(is:, message:)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPattern {
    /// What the whole text matches, in the form in which it is stored.
    pub is: Pattern,
    /// The message that the client gets if a text doesn't match; `None`: the pattern.
    pub message: Option<String>,
}

impl FieldPattern {
    /// Whether the whole text matches.
    pub(crate) fn check(&self, text: &str) -> Result<(), ViolationKind> {
        match (self.is.matches(text), &self.message) {
            (Some(true), _) => Ok(()),
            (Some(false), Some(message)) => Err(ViolationKind::Check { message: message.clone() }),
            (Some(false), None) => Err(ViolationKind::Range(format!("must match `{}`", self.is.text()))),
            (None, _) => {
                let longest = self.is.longest();
                Err(ViolationKind::Range(format!(
                    "must have at most {longest} bytes, because it has to match a pattern"
                )))
            }
        }
    }
}
