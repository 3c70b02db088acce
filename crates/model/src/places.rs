use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::parser::{FileId, SourceSpan};

use crate::pack::Packs;
use crate::source::{Owner, SourceFile, SourceMap, Span};

/// From places of the compiler to places in our files.
pub(crate) struct Places {
    files: HashMap<FileId, u16>,
    pub(crate) sources: Arc<SourceMap>,
    /// The packs that the model includes.
    pub(crate) packs: Packs,
}

impl Places {
    pub(crate) fn new(sources: Arc<SourceMap>) -> Self {
        Self { files: HashMap::new(), sources, packs: Packs::default() }
    }

    /// Notes which of our files the compiler calls by this id.
    pub(crate) fn add(&mut self, id: FileId, file: u16) {
        self.files.insert(id, file);
    }

    /// The span without the blanks that the compiler counts to the end of it; `None` for what ships with Backstay.
    pub(crate) fn span(&self, place: Option<SourceSpan>) -> Option<Span> {
        let place = place?;
        let file = *self.files.get(&place.file_id())?;
        let text = &self.sources.files[usize::from(file)].text;
        let covered = text.get(place.offset()..place.end_offset())?;
        let blank = |c: char| c.is_whitespace() || c == ',';
        let end = place.offset() + covered.trim_end_matches(blank).len();
        Some(Span { file, start: u32::try_from(place.offset()).ok()?, end: u32::try_from(end).ok()? })
    }

    /// Whose part of the model the place is in. What ships with Backstay is its own.
    pub(crate) fn owner(&self, place: Option<SourceSpan>) -> Owner<'_> {
        let file = place.and_then(|place| self.files.get(&place.file_id()));
        let file = file.and_then(|file| self.sources.files.get(usize::from(*file)));
        file.map_or(Owner::System, SourceFile::owner)
    }

    /// Whether the place is in the system model.
    pub(crate) fn is_system(&self, place: Option<SourceSpan>) -> bool {
        self.span(place).and_then(|span| self.sources.file(span)).is_some_and(|file| file.system)
    }

    /// Whether the place is in a file of the model, not in what ships with Backstay.
    pub(crate) fn is_model(&self, place: Option<SourceSpan>) -> bool {
        place.is_some_and(|place| self.files.contains_key(&place.file_id()))
    }
}
