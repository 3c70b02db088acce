use std::fmt;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::Span;

/// Columns of a drawn diagnostic.
const WIDTH: usize = 120;

/// Columns before the lines of its help.
const HELP_INDENT: usize = 8;

/// How diagnostics are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without colours.
    Plain,
    /// With the colours of a terminal.
    Colour,
}

impl Diagnostics {
    /// All diagnostics with excerpts of the files, for people.
    pub fn render(&self, style: Style) -> String {
        let theme = match style {
            Style::Plain => GraphicalTheme::unicode_nocolor(),
            Style::Colour => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
        let mut text = String::new();
        for diagnostic in self.iter() {
            let report = Report::new(diagnostic, self);
            if handler.render_report(&mut text, &report).is_err() {
                text.push_str(&diagnostic.message);
            }
        }
        text
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for Diagnostics {}

/// Bytes of the longest line that is shown as an excerpt; for a file with longer lines, only the position is shown.
const LINE_BYTES: usize = 1000;

/// A file whose positions are given in characters, as everywhere else; the renderer counts bytes.
#[derive(Debug)]
struct Excerpted {
    name: String,
    text: Arc<str>,
}

impl SourceCode for Excerpted {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.as_bytes().read_span(span, lines_before, lines_after)?;
        let (start, bytes) = (found.span().offset(), found.column());
        // Where the renderer cuts within a character, its bytes are the best count there is.
        let column = self.text.get(start.saturating_sub(bytes)..start).map_or(bytes, |line| line.chars().count());
        let (data, line, lines) = (found.data(), found.line(), found.line_count());
        let contents = MietteSpanContents::new_named(self.name.clone(), data, *found.span(), line, column, lines);
        Ok(Box::new(contents))
    }
}

/// One diagnostic in the form that the renderer takes.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<Excerpted>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
}

impl<'a> Report<'a> {
    fn new(diagnostic: &'a Diagnostic, all: &Diagnostics) -> Self {
        let sources = all.sources();
        let file = diagnostic.span.and_then(|span| sources.file(span));
        let shown = file.filter(|file| file.text.lines().all(|line| line.len() <= LINE_BYTES));
        let source = shown.map(|file| Excerpted { name: file.name.clone(), text: Arc::clone(&file.text) });
        let mut labels = Vec::new();
        let mut elsewhere = Vec::new();
        let main = diagnostic.span.map(|span| (span, diagnostic.label.as_str()));
        let related = diagnostic.related.iter().map(|(span, text)| (*span, text.as_str()));
        for (span, text) in main.into_iter().chain(related) {
            if shown.is_some() && Some(span.file) == diagnostic.span.map(|span| span.file) {
                labels.push(label(span, text));
            } else if let Some(file) = sources.file(span) {
                let start = sources.positions(span).start;
                elsewhere.push(format!("{text}: {}:{}:{}", file.name, start.line, start.column));
            }
        }
        let ignoring = diagnostic.lint.filter(|lint| lint.can_be_ignored()).map(|lint| {
            let meant = format!("if it is meant: `# lint-ignore {lint} (reason)` on the line above;");
            let page = format!("see docs/lints.md#{lint}");
            // The page is to be copied, so it isn't broken at the hyphens of the code.
            let fits = HELP_INDENT + meant.len() + page.len() < WIDTH;
            format!("{meant}{}{page}", if fits { ' ' } else { '\n' })
        });
        let help = diagnostic.help.iter().cloned().chain(ignoring).chain(elsewhere).collect::<Vec<_>>().join("\n");
        Self { diagnostic, source, labels, help: (!help.is_empty()).then_some(help) }
    }
}

fn label(span: Span, text: &str) -> LabeledSpan {
    let text = (!text.is_empty()).then(|| text.to_owned());
    let (start, end) = (span.start as usize, span.end as usize);
    LabeledSpan::new(text, start, end.saturating_sub(start))
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { severity, lint, message, .. } = self.diagnostic;
        match lint {
            Some(lint) => write!(f, "{}[{lint}]: {message}", severity.name()),
            None => write!(f, "{}: {message}", severity.name()),
        }
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
