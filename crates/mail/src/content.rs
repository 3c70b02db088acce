/// What a template writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// One line without control characters.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// The same as HTML, if the template has that.
    pub html: Option<String>,
    /// The language of the template that was used.
    pub language: String,
}
