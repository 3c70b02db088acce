use std::fmt;

/// Something that is wrong in a file of `mail/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, such as `mail/order-paid.en.txt`.
    pub file: String,
    /// The line, from 1; none if the whole file is meant.
    pub line: Option<u32>,
    /// What is wrong, and what to do about it.
    pub message: String,
}

impl Problem {
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, message: message.into() }
    }

    pub(crate) fn at(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { line: u32::try_from(line).ok(), ..Self::of_file(file, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}
