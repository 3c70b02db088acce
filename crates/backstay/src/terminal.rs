use std::io::{self, IsTerminal as _};

use console::Term;

/// A terminal on which a person can answer.
#[derive(Debug)]
pub(crate) struct Terminal(Term);

impl Terminal {
    /// The terminal, if both standard input and standard error are one.
    pub(crate) fn interactive() -> Option<Self> {
        let terminal = Term::stderr();
        (terminal.is_term() && io::stdin().is_terminal()).then_some(Self(terminal))
    }

    /// Asks a question. Returns the answer without white space around it.
    pub(crate) fn ask(&self, question: &str) -> io::Result<String> {
        self.0.write_str(question)?;
        Ok(self.0.read_line()?.trim().to_owned())
    }

    /// Writes a line.
    pub(crate) fn tell(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    /// Asks for something that isn't shown while it is typed.
    pub(crate) fn ask_secretly(&self, question: &str) -> io::Result<String> {
        self.0.write_str(question)?;
        self.0.read_secure_line()
    }
}
