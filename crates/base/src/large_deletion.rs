use std::fmt;

/// A deletion that is too much for one request, and what the caller may know of what goes with the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LargeDeletion {
    /// Why it is too much.
    pub excess: Excess,
    /// The types of which the caller sees that records would be deleted, each with how many were found.
    pub deleted: Vec<(String, u64)>,
    /// The same of records that would be changed, because they refer to what goes.
    pub changed: Vec<(String, u64)>,
    /// What the caller can do about it.
    pub remedy: Remedy,
}

/// What can be done about a deletion that is too much for one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// It was to be part of a larger commit: a request of its own takes as many commits as it needs.
    OwnRequest,
    /// It was a dry run, which is one commit: the same request without `dryRun` takes as many commits as it needs.
    WithoutDryRun,
    /// What goes with the record can't be deleted in steps of its own here: the caller deletes it first.
    DeleteFirst,
    /// Part of it is deleted, and the time of the request is up: the same request again deletes the rest.
    Repeat,
}

impl Remedy {
    /// What to do, after a list of records that all go with the record, or without one.
    fn text(self, all_go: bool) -> &'static str {
        match self {
            Self::OwnRequest => "delete the record in a request of its own, which takes as many commits as it needs",
            Self::WithoutDryRun => {
                "a dry run can't be split into several commits; without `dryRun`, the deletion is split"
            }
            Self::DeleteFirst if all_go => "delete these first, a few at a time",
            Self::DeleteFirst => {
                "first delete the records that would go with it and empty the references of the others, a few at a time"
            }
            Self::Repeat => "send the request again to go on",
        }
    }
}

/// Why a deletion is too much for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// It concerns more than this many other records.
    Records(u64),
    /// It needs more work than one request may cost.
    Work,
    /// It keeps others from writing for too long.
    Hold,
    /// It takes longer than one request may.
    Time,
}

impl LargeDeletion {
    /// The code of the problem.
    pub fn code(&self) -> &'static str {
        match self.excess {
            Excess::Records(_) => "too-large",
            Excess::Work | Excess::Hold => "too-costly",
            Excess::Time => "timeout",
        }
    }
}

impl fmt::Display for LargeDeletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { excess, deleted, changed, remedy } = self;
        match excess {
            Excess::Records(max) => {
                write!(f, "more than {max} other records would be deleted or changed with the record")
            }
            Excess::Work => f.write_str("deleting what goes with the record is too expensive for one request"),
            Excess::Hold => f.write_str("deleting what goes with the record keeps others from writing for too long"),
            Excess::Time => f.write_str("deleting all that goes with the record takes longer than one request may"),
        }?;
        let counted = |of: &[(String, u64)]| {
            let counted: Vec<String> = of.iter().map(|(name, count)| format!("{count} {name}")).collect();
            counted.join(", ")
        };
        match (deleted.is_empty(), changed.is_empty()) {
            (true, true) => Ok(()),
            (false, true) => write!(f, ": {} would be deleted", counted(deleted)),
            (true, false) => write!(f, ": {} would be changed", counted(changed)),
            (false, false) => {
                write!(f, ": {} would be deleted, {} changed", counted(deleted), counted(changed))
            }
        }?;
        write!(f, "; {}", remedy.text(!deleted.is_empty() && changed.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do_about_what_it_lists() {
        let check = |deleted: &[(String, u64)], remedy, expected: &str| {
            let (deleted, changed) = (deleted.to_vec(), Vec::new());
            let refusal = LargeDeletion { excess: Excess::Hold, deleted, changed, remedy }.to_string();
            let end = refusal.strip_prefix("deleting what goes with the record keeps others from writing for too long");
            assert_eq!(end, Some(expected));
        };
        let listed = [("Comment".to_owned(), 3)];
        check(&listed, Remedy::DeleteFirst, ": 3 Comment would be deleted; delete these first, a few at a time");
        let rest =
            "; first delete the records that would go with it and empty the references of the others, a few at a time";
        check(&[], Remedy::DeleteFirst, rest);
        check(&[], Remedy::Repeat, "; send the request again to go on");
    }
}
