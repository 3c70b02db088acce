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
}

impl LargeDeletion {
    /// The code of the problem.
    pub fn code(&self) -> &'static str {
        match self.excess {
            Excess::Records(_) => "too-large",
            Excess::Work | Excess::Hold => "too-costly",
        }
    }
}

impl fmt::Display for LargeDeletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { excess, deleted, changed } = self;
        match excess {
            Excess::Records(max) => {
                write!(f, "more than {max} other records would be deleted or changed with the record")
            }
            Excess::Work => f.write_str("deleting what goes with the record is too expensive for one request"),
            Excess::Hold => f.write_str("deleting what goes with the record keeps others from writing for too long"),
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
        }
    }
}
