use std::sync::Arc;

/// A place in a model file: bytes from `start` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Index of the file in its `SourceMap`.
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// The texts of a model's files.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    /// Names, relative to the application, and texts.
    pub files: Vec<SourceFile>,
}

/// One model file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Name for messages, such as `model/post.graphql`.
    pub name: String,
    /// Its whole text.
    pub text: Arc<str>,
}
