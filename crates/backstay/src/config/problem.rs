use std::fmt;

use backstay_model::{PlainDiagnostic, Position};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::config::Log;
use crate::directory::{CONFIG_FILE, end_of};

/// Everything that is wrong with the settings.
#[derive(Debug)]
pub struct ConfigError {
    pub(super) text: String,
    pub(super) problems: Vec<ConfigProblem>,
    /// How the log is to be written, as far as that can be read.
    pub(crate) log: Log,
}

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: ConfigPlace,
    /// What to do.
    pub help: Option<String>,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigPlace {
    /// Bytes of `backstay.toml`.
    File {
        /// The first byte.
        start: usize,
        /// The byte after the last.
        end: usize,
    },
    /// A variable of the environment.
    Environment(String),
}

impl ConfigError {
    /// All problems, in the order in which they were found.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// All problems with excerpts, for people.
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(120).with_links(false);
        let mut rendered = String::new();
        for problem in &self.problems {
            if handler.render_report(&mut rendered, &Report::new(problem, &self.text)).is_err() {
                rendered.push_str(&problem.message);
            }
        }
        rendered
    }

    /// All problems for programs.
    pub(crate) fn plain(&self) -> Vec<PlainDiagnostic> {
        let plain = |problem: &ConfigProblem| {
            let (start, end) = match problem.place {
                ConfigPlace::File { start, end } => (Some(self.position(start)), Some(self.position(end))),
                ConfigPlace::Environment(_) => (None, None),
            };
            PlainDiagnostic {
                severity: "error",
                message: problem.told(),
                file: start.map(|_| CONFIG_FILE.to_owned()),
                start,
                end,
                label: String::new(),
                help: problem.help.clone(),
            }
        };
        self.problems.iter().map(plain).collect()
    }

    /// Line and column of a byte of the file.
    fn position(&self, byte: usize) -> Position {
        end_of(self.text.get(..byte).unwrap_or(&self.text))
    }
}

impl ConfigProblem {
    /// What is wrong, with the variable if it is in one.
    fn told(&self) -> String {
        match &self.place {
            ConfigPlace::File { .. } => self.message.clone(),
            ConfigPlace::Environment(name) => format!("variable {name}: {}", self.message),
        }
    }
}

impl fmt::Display for ConfigError {
    /// One line for each problem: place, what is wrong, what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match &problem.place {
                ConfigPlace::File { start, .. } => {
                    let Position { line, column } = self.position(*start);
                    write!(f, "{CONFIG_FILE}:{line}:{column}: {}", problem.message)?;
                }
                ConfigPlace::Environment(name) => write!(f, "{name}: {}", problem.message)?,
            }
            if let Some(help) = &problem.help {
                write!(f, "; {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One problem in the form that the renderer takes.
#[derive(Debug)]
struct Report<'a> {
    problem: &'a ConfigProblem,
    source: Option<(NamedSource<String>, LabeledSpan)>,
}

impl<'a> Report<'a> {
    fn new(problem: &'a ConfigProblem, text: &str) -> Self {
        let source = match &problem.place {
            ConfigPlace::File { start, end } => {
                let label = LabeledSpan::underline(*start..(*end).min(text.len()));
                Some((NamedSource::new(CONFIG_FILE, text.to_owned()), label))
            }
            ConfigPlace::Environment(_) => None,
        };
        Self { problem, source }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.problem.told())
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = self.source.as_ref().map(|(_, label)| label.clone());
        Some(Box::new(label.into_iter()))
    }
}
