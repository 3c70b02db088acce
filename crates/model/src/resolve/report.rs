use std::sync::Arc;

use apollo_compiler::Name;
use apollo_compiler::parser::SourceSpan;

use crate::places::Places;
use crate::source::Span;
use crate::{ApiPrefix, Diagnostic, Diagnostics};

/// Collects diagnostics at places that the compiler knows.
pub(super) struct Report<'a> {
    pub(super) places: &'a Places,
    /// Below which path records are, if that is known.
    pub(super) api: Option<&'a ApiPrefix>,
    out: Diagnostics,
}

impl<'a> Report<'a> {
    pub(super) fn new(places: &'a Places, api: Option<&'a ApiPrefix>) -> Self {
        Self { places, api, out: Diagnostics::new(Arc::clone(&places.sources)) }
    }

    /// The path at which the records of a path are, such as `/api/posts`.
    pub(super) fn path_of(&self, path: &str) -> String {
        self.api.cloned().unwrap_or_default().path_of(path)
    }

    pub(super) fn has_errors(&self) -> bool {
        self.out.has_errors()
    }

    pub(super) fn finish(self) -> Diagnostics {
        self.out
    }

    /// Adds a diagnostic. A problem of an embedded type is reported once, however many fields hold its values.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let same = |known: &Diagnostic| known.span == diagnostic.span && known.message == diagnostic.message;
        if !self.out.iter().any(same) {
            self.out.push(diagnostic);
        }
    }

    pub(super) fn error(
        &mut self,
        place: Option<SourceSpan>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::error(message).located(self.places.span(place), label);
        self.push(diagnostic.help(help));
    }

    /// A warning about what has this name.
    pub(super) fn warn(&mut self, name: &Name, warning: Diagnostic, label: &str) {
        self.push(warning.located(self.places.span(name.location()), label));
    }

    /// The place of a definition that was read from a model file, or made for one.
    pub(super) fn span_at(&self, place: Option<SourceSpan>) -> Span {
        self.places.span(place).expect("every definition that is resolved stands in a model file")
    }

    /// The place of a name in a model file.
    pub(super) fn span_of(&self, name: &Name) -> Span {
        self.places.span(name.location()).expect("every name that is resolved stands in a model file")
    }
}
