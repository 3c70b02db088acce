use std::fmt;

/// Something that is wrong in a file of `functions/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, such as `functions/checkout.ts`.
    pub file: String,
    /// The line, from 1; none if the whole file is meant.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    /// A problem of the whole file.
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, column: None, message: message.into() }
    }

    /// A problem at this byte of a source.
    pub(crate) fn at(file: &str, source: &str, byte: usize, message: impl Into<String>) -> Self {
        let before = source.get(..byte).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
        let number = |of: usize| u32::try_from(of).ok();
        Self { file: file.to_owned(), line: number(line), column: number(column), message: message.into() }
    }

    /// The problem that an error of the engine tells of, by the first place in its stack that is in `functions/`.
    pub(crate) fn of_stack(message: &str, stack: &str) -> Self {
        let place = stack.find("functions/").and_then(|start| {
            let text = stack.get(start..)?;
            let end = text.find([')', '\n', ' ']).unwrap_or(text.len());
            let mut parts = text.get(..end)?.rsplitn(3, ':');
            let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some(Self {
                file: parts.next()?.to_owned(),
                line: Some(line),
                column: Some(column),
                message: message.to_owned(),
            })
        });
        place.unwrap_or_else(|| Self::of_file("functions", message))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.message)
    }
}
