//! What can be another about a type or one of its fields although what is stored stays as it is: in words, and what clients
//! notice of it.

use backstay_base::Action;

use super::api::{ApiChange, breaking, harmless, together};
use super::listing::listed;
use super::writes::{self, WriteDirective, Writes};

/// Something about a type, on which no stored value depends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Its description.
    Description,
    /// `@deprecated`.
    Deprecated {
        /// Whether it is deprecated now.
        now: bool,
    },
    /// Its `@allow`s.
    Rules {
        /// What some callers may do no more.
        narrowed: Vec<Narrowed>,
    },
    /// `read:` of its `@history`.
    HistoryRule {
        /// What some callers may do no more.
        narrowed: Option<Narrowed>,
    },
    /// Its `@at`s.
    Timers {
        /// What happens without a request from now on, or doesn't any more, in words.
        changes: Vec<String>,
    },
    /// The order of its fields.
    FieldOrder,
    /// Something about one of its fields.
    Field {
        /// The field.
        field: String,
        /// What.
        part: FieldPart,
    },
}

/// Something about a field, on which no stored value depends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldPart {
    /// Its description.
    Description,
    /// `@deprecated`.
    Deprecated {
        /// Whether it is deprecated now.
        now: bool,
    },
    /// `@renamed(keep: true)`.
    KeptNames {
        /// Names that it goes by from now on.
        added: Vec<String>,
        /// Names that it goes by no more.
        gone: Vec<String>,
    },
    /// What gives it a value, and whether clients do.
    Writes {
        /// The directives that changed.
        directives: Vec<WriteDirective>,
        /// What clients could send.
        from: Writes,
        /// What they can send now.
        to: Writes,
    },
    /// `@order`.
    Order,
    /// `@pattern(message:)`.
    PatternMessage,
    /// `@class`.
    Class {
        /// Whether nobody can read it any more.
        hides: bool,
    },
    /// `@search`.
    Search {
        /// Whether searches looked at it.
        was: bool,
        /// Whether they do now.
        is: bool,
        /// Whether its language is another one.
        language: bool,
    },
    /// Its `@allow`.
    Rules {
        /// What some callers may do no more.
        narrowed: Vec<Narrowed>,
    },
}

/// An action that was allowed to some callers, as far as the texts of rules tell, and isn't any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrowed {
    /// The action.
    pub action: Action,
    /// Whether nobody may do it any more.
    pub to_nobody: bool,
}

impl Part {
    /// What it is called.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Description => "the description".to_owned(),
            Self::Deprecated { .. } => "`@deprecated`".to_owned(),
            Self::Rules { .. } => "the rules".to_owned(),
            Self::HistoryRule { .. } => "the rule of its history".to_owned(),
            Self::Timers { .. } => "what happens at a moment (`@at`)".to_owned(),
            Self::FieldOrder => "the order of the fields".to_owned(),
            Self::Field { field, part } => part.words(field),
        }
    }

    /// What clients notice of it in this type.
    pub(super) fn api_change(&self, of: &str) -> Option<ApiChange> {
        match self {
            Self::Description | Self::FieldOrder | Self::Deprecated { now: false } => None,
            Self::Deprecated { now: true } => Some(harmless(format!("{of} is deprecated"))),
            Self::Rules { narrowed } => fewer_callers(narrowed, of),
            Self::HistoryRule { narrowed } => fewer_callers(narrowed.as_slice(), &format!("the history of {of}")),
            Self::Timers { changes } => together(changes.iter().map(|words| harmless(format!("{of}: {words}")))),
            Self::Field { field, part } => part.api_change(&format!("{of}.{field}")),
        }
    }
}

impl FieldPart {
    fn words(&self, field: &str) -> String {
        let part = match self {
            Self::Description => "the description",
            Self::Deprecated { .. } => "`@deprecated`",
            Self::KeptNames { .. } => "the kept names",
            Self::Writes { directives, .. } => {
                let directives: Vec<String> = directives.iter().map(|one| format!("{one} of {field}")).collect();
                return listed(&directives);
            }
            Self::Order => "`@order`",
            Self::PatternMessage => "the message of the pattern",
            Self::Class { .. } => "the class",
            Self::Search { .. } => "`@search`",
            Self::Rules { .. } => "the rules",
        };
        format!("{part} of {field}")
    }

    fn api_change(&self, place: &str) -> Option<ApiChange> {
        match self {
            Self::Description
            | Self::PatternMessage
            | Self::Deprecated { now: false }
            | Self::Class { hides: false } => None,
            Self::Deprecated { now: true } => Some(harmless(format!("{place} is deprecated"))),
            Self::KeptNames { gone, .. } if !gone.is_empty() => {
                let are = if gone.len() == 1 { "the old name" } else { "the old names" };
                Some(breaking(format!("{are} {} of {place} can't be used any more", listed(gone))))
            }
            Self::KeptNames { added, .. } => Some(harmless(format!("{place} can be called {} too", listed(added)))),
            Self::Writes { directives, from, to } => writes::noticed(place, directives, (*from, *to)),
            Self::Order => Some(harmless(format!("the records of {place} come in another order"))),
            Self::Class { hides: true } => {
                Some(breaking(format!("{place} is secret: it is gone from responses, and no filter can name it")))
            }
            Self::Search { was: false, .. } => Some(harmless(format!("`search` finds records by {place}"))),
            Self::Search { is: false, .. } => {
                Some(breaking(format!("`search` doesn't find records by {place} any more")))
            }
            Self::Search { language: true, .. } => {
                Some(harmless(format!("`search` finds other forms of the words of {place}")))
            }
            Self::Search { .. } => Some(harmless(format!("{place} counts differently in the order of a search"))),
            Self::Rules { narrowed } => fewer_callers(narrowed, place),
        }
    }
}

/// That fewer callers may do something with it.
fn fewer_callers(narrowed: &[Narrowed], what: &str) -> Option<ApiChange> {
    let verbs = |to_nobody: bool| {
        let some = narrowed.iter().filter(|one| one.to_nobody == to_nobody).map(|one| verb(one.action));
        let verbs: Vec<String> = some.map(str::to_owned).collect();
        (!verbs.is_empty()).then(|| listed(&verbs).replace(" and ", " or "))
    };
    let nobody = verbs(true).map(|verbs| format!("nobody may {verbs} {what} any more"));
    let some = verbs(false).map(|verbs| format!("some callers may no longer {verbs} {what}"));
    let told: Vec<String> = nobody.into_iter().chain(some).collect();
    (!told.is_empty()).then(|| breaking(told.join("; ")))
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Read | Action::Get | Action::Search | Action::History => "read",
        Action::Refer => "link to",
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete | Action::Trash => "delete",
        Action::Restore => "restore",
        Action::Purge => "purge",
    }
}
