//! Where a text of groups is wrong, and what to write instead.

use backstay_base::{Error, Place, Violation, ViolationKind};

/// One of the texts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Group,
    Select,
    Sort,
    Having,
}

impl Part {
    fn place(self) -> Place {
        match self {
            Self::Group => Place::Group,
            Self::Select => Place::Select,
            Self::Sort => Place::Sort,
            Self::Having => Place::Having,
        }
    }
}

/// What is wrong with a text, after how many characters of it, and what to write instead.
#[derive(Debug)]
pub(super) struct Problem {
    offset: usize,
    what: String,
    remedy: String,
}

impl Problem {
    pub(super) fn at(offset: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { offset, what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn violation(self, part: Part) -> Violation {
        let Self { offset, what: problem, remedy } = self;
        Violation::new(part.place(), ViolationKind::Syntax { offset, problem, remedy: Some(remedy) })
    }

    pub(super) fn in_part(self, part: Part) -> Error {
        Error::Malformed(vec![self.violation(part)])
    }
}
