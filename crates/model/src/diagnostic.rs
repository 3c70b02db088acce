use std::sync::Arc;

use backstay_base::limits;

use crate::Lint;
use crate::source::{Position, SourceMap, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The model loads; this is probably not what was meant.
    Warning,
    /// The model is refused.
    Error,
}

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong with a model, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What a warning is about.
    pub lint: Option<Lint>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where; `None` where something is missing from the whole model.
    pub span: Option<Span>,
    /// What to say at that place.
    pub label: String,
    /// Other places that matter, such as the first of two declarations.
    pub related: Vec<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error of the model as a whole.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            lint: None,
            message: message.into(),
            span: None,
            label: String::new(),
            related: Vec::new(),
            help: None,
        }
    }

    /// A warning about the model as a whole.
    pub fn warning(lint: Lint, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, lint: Some(lint), ..Self::error(message) }
    }

    /// At this place, with these words there.
    #[must_use]
    pub fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.span = Some(span);
        self.label = label.into();
        self
    }

    /// At this place with these words, if the place is known.
    #[must_use]
    pub(crate) fn located(self, span: Option<Span>, label: impl Into<String>) -> Self {
        match span {
            Some(span) => self.at(span, label),
            None => self,
        }
    }

    /// With another place that matters.
    #[must_use]
    pub fn and(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Diagnostics together with the texts that they point into. `Display` draws all of them without colours.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    sources: Arc<SourceMap>,
}

/// A diagnostic without excerpts: for JSON and for editors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainDiagnostic {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The code of a warning, such as `open-write`.
    pub code: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// The file, where there is a place.
    pub file: Option<String>,
    /// First character, where there is a place.
    pub start: Option<Position>,
    /// The character after the last, where there is a place.
    pub end: Option<Position>,
    /// What there is to say at the place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostics {
    /// None yet.
    pub fn new(sources: Arc<SourceMap>) -> Self {
        Self { list: Vec::new(), sources }
    }

    /// One more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// These, too.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.list.extend(diagnostics);
    }

    /// All of them, errors before warnings.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them refuses the model.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The texts that they point into.
    pub fn sources(&self) -> &Arc<SourceMap> {
        &self.sources
    }

    /// The diagnostics without excerpts.
    pub fn plain(&self) -> Vec<PlainDiagnostic> {
        self.list.iter().map(|diagnostic| self.plain_one(diagnostic)).collect()
    }

    fn plain_one(&self, diagnostic: &Diagnostic) -> PlainDiagnostic {
        let positions = diagnostic.span.map(|span| self.sources.positions(span));
        PlainDiagnostic {
            severity: diagnostic.severity.name(),
            code: diagnostic.lint.map(Lint::code),
            message: diagnostic.message.clone(),
            file: diagnostic.span.and_then(|span| self.sources.file(span)).map(|file| file.name.clone()),
            start: positions.as_ref().map(|range| range.start),
            end: positions.map(|range| range.end),
            label: diagnostic.label.clone(),
            help: diagnostic.help.clone(),
        }
    }

    /// Ordered by severity (errors first), then by place, without repetitions.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        let place = |diagnostic: &Diagnostic| diagnostic.span.map(|span| (span.file, span.start));
        self.list.sort_by_key(|diagnostic| (std::cmp::Reverse(diagnostic.severity), place(diagnostic)));
        self.list.dedup();
        self
    }

    /// Ordered; those past the limit are counted.
    pub(crate) fn sorted(self) -> Self {
        let mut sorted = self.ordered();
        let list = &mut sorted.list;
        let more = list.len().saturating_sub(limits::MODEL_DIAGNOSTICS);
        if more > 0 {
            list.truncate(limits::MODEL_DIAGNOSTICS);
            let last = Diagnostic { severity: list[0].severity, ..Diagnostic::error(format!("there are {more} more")) };
            list.push(last.help("fix these first"));
        }
        sorted
    }
}
