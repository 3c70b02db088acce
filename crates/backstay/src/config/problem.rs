use std::fmt;

use backstay_model::{PlainDiagnostic, Position, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::config::Log;
use crate::directory::{CONFIG_FILE, end_of};

/// Settings that Backstay cannot work with.
#[derive(Debug)]
pub struct ConfigError {
    /// Everything that is wrong or doubtful.
    pub problems: ConfigProblems,
    /// The log settings, as far as they could be read.
    pub(crate) log: Log,
}

/// Problems of the settings with the file that they point into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigProblems {
    text: String,
    list: Vec<ConfigProblem>,
}

/// One problem of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// An error is a value that cannot be used, a warning something that is ignored.
    pub severity: Severity,
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
    /// A range of bytes in `backstay.toml`.
    File {
        /// The first byte.
        start: usize,
        /// The byte after the last.
        end: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A file in the application's directory that is not read.
    Beside(String),
    /// The modules in `functions/`, all of them together.
    Modules,
}

impl ConfigProblems {
    /// Orders problems by their place: the file's before the environment's.
    pub(super) fn new(text: &str, mut list: Vec<ConfigProblem>) -> Self {
        list.sort_by_key(|problem| match problem.place {
            ConfigPlace::File { start, .. } => start,
            ConfigPlace::Environment(_) | ConfigPlace::Beside(_) | ConfigPlace::Modules => usize::MAX,
        });
        Self { text: text.to_owned(), list }
    }

    /// The problems in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigProblem> {
        self.list.iter()
    }

    /// Adds a warning about a file in the application's directory that is not read.
    pub(crate) fn warn_unread(&mut self, file: String, why: &str, help: &str) {
        let (place, help) = (ConfigPlace::Beside(file), Some(help.to_owned()));
        self.list.push(ConfigProblem { severity: Severity::Warning, message: why.to_owned(), place, help });
    }

    /// Adds a warning about the modules of functions.
    pub(crate) fn warn_of_modules(&mut self, message: String, help: &str) {
        let (place, help) = (ConfigPlace::Modules, Some(help.to_owned()));
        self.list.push(ConfigProblem { severity: Severity::Warning, message, place, help });
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The problems with excerpts of the file, for people.
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(120).with_links(false);
        let mut rendered = String::new();
        for problem in &self.list {
            if handler.render_report(&mut rendered, &Report::new(problem, &self.text)).is_err() {
                rendered.push_str(&problem.message);
            }
        }
        rendered
    }

    /// The problems for programs.
    pub fn plain(&self) -> Vec<PlainDiagnostic> {
        let plain = |problem: &ConfigProblem| {
            let (start, end) = match problem.place {
                ConfigPlace::File { start, end } => (Some(self.position(start)), Some(self.position(end))),
                ConfigPlace::Environment(_) | ConfigPlace::Beside(_) | ConfigPlace::Modules => (None, None),
            };
            PlainDiagnostic {
                severity: problem.severity.name(),
                code: problem.code(),
                message: problem.told(),
                file: match &problem.place {
                    ConfigPlace::File { .. } => Some(CONFIG_FILE.to_owned()),
                    ConfigPlace::Beside(file) => Some(file.clone()),
                    ConfigPlace::Environment(_) | ConfigPlace::Modules => None,
                },
                start,
                end,
                label: String::new(),
                help: problem.help.clone(),
            }
        };
        self.list.iter().map(plain).collect()
    }

    /// Line and column of a byte of the file.
    fn position(&self, byte: usize) -> Position {
        end_of(&self.text[..byte])
    }
}

impl ConfigProblem {
    /// The code of a warning.
    fn code(&self) -> Option<&'static str> {
        match (self.severity, &self.place) {
            (Severity::Error, _) | (Severity::Warning, ConfigPlace::File { .. }) => None,
            (Severity::Warning, ConfigPlace::Environment(_)) => Some("unknown-variable"),
            (Severity::Warning, ConfigPlace::Beside(_)) => Some("unread-file"),
            (Severity::Warning, ConfigPlace::Modules) => Some("large-modules"),
        }
    }

    /// What is wrong, with the variable if it is in one.
    fn told(&self) -> String {
        match (&self.place, self.severity) {
            (ConfigPlace::File { .. } | ConfigPlace::Modules, _) => self.message.clone(),
            (ConfigPlace::Environment(name) | ConfigPlace::Beside(name), Severity::Error) => {
                format!("{name}: {}", self.message)
            }
            (ConfigPlace::Environment(name) | ConfigPlace::Beside(name), Severity::Warning) => {
                format!("{name} is ignored: {}", self.message)
            }
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
            if let ConfigPlace::File { start, .. } = problem.place {
                let Position { line, column } = self.problems.position(start);
                write!(f, "{CONFIG_FILE}:{line}:{column}: ")?;
            }
            write!(f, "{}", problem.told())?;
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
            ConfigPlace::Environment(_) | ConfigPlace::Beside(_) | ConfigPlace::Modules => None,
        };
        Self { problem, source }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (severity, told) = (self.problem.severity.name(), self.problem.told());
        match self.problem.code() {
            Some(code) => write!(f, "{severity}[{code}]: {told}"),
            None => write!(f, "{severity}: {told}"),
        }
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

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
