use std::borrow::Cow;

use backstay_base::{Place, ViolationKind, limits, nearest};
use backstay_engine::Counting;

use crate::json;
use crate::list_words::{ListWords, Raw};

/// The parameter of a read that is about a moment of the past.
pub const AS_OF: &str = "asOf";

/// The parameter that says what is answered of a record.
pub(crate) const SELECT: &str = "select";

/// The parameter that names the fields whose texts are answered with what a search finds in them.
pub(crate) const HIGHLIGHT: &str = "highlight";

/// The parameter of a change by a filter that undoes it.
pub const DRY_RUN: &str = "dryRun";

/// A parameter of a list: one of a URL, or a member of the body of `:query`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    Filter,
    Search,
    Highlight,
    Sort,
    Select,
    Limit,
    After,
    Before,
    Skip,
    Count,
    AsOf,
}

impl Parameter {
    const ALL: [Self; 11] = [
        Self::Filter,
        Self::Search,
        Self::Highlight,
        Self::Sort,
        Self::Select,
        Self::Limit,
        Self::After,
        Self::Before,
        Self::Skip,
        Self::Count,
        Self::AsOf,
    ];

    /// The parameter of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|parameter| parameter.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Search => "search",
            Self::Highlight => HIGHLIGHT,
            Self::Sort => "sort",
            Self::Select => SELECT,
            Self::Limit => "limit",
            Self::After => "after",
            Self::Before => "before",
            Self::Skip => "skip",
            Self::Count => "count",
            Self::AsOf => AS_OF,
        }
    }

    /// Where it is in a URL.
    pub(crate) fn place(self) -> Place {
        match self {
            Self::Filter => Place::Filter,
            Self::Search => Place::Search,
            Self::Highlight => Place::part(HIGHLIGHT),
            Self::Sort => Place::Sort,
            Self::Select => Place::Select,
            Self::Limit => Place::Limit,
            Self::After => Place::After,
            Self::Before => Place::Before,
            Self::Skip => Place::Skip,
            Self::Count => Place::Count,
            Self::AsOf => Place::AsOf,
        }
    }

    /// What other APIs call it.
    fn elsewhere(self) -> &'static [&'static str] {
        match self {
            Self::Filter => &["query"],
            Self::Search => &["q", "_q", "fulltext", "fts", "match", "term", "keywords"],
            Self::Highlight => &["highlights", "attributesToHighlight", "highlight_fields", "snippet", "headline"],
            Self::Sort => &["order", "orderBy", "order_by", "ordering", "_sort", "sortBy", "sort_by"],
            Self::Select => &["fields", "include", "expand", "populate", "embed", "columns"],
            Self::Limit => {
                &["per_page", "perPage", "page_size", "pageSize", "size", "first", "top", "$top", "take", "_limit"]
            }
            Self::After => &["cursor", "startingAfter", "starting_after", "next"],
            Self::Before => &["endingBefore", "ending_before", "last", "prev", "previous"],
            Self::Skip => &["offset", "$skip", "_start", "from", "start"],
            Self::Count => &["total", "totalCount", "with_count", "$count", "_count"],
            Self::AsOf => &["as_of", "asof", "at", "validAt", "systemTime"],
        }
    }

    /// Reads its value into the words of a list.
    pub(crate) fn read<'w>(self, list: &mut ListWords<'w>, value: Raw<'w>) -> Result<(), ViolationKind> {
        match self {
            Self::Filter => list.filter = text(value, "a string")?,
            Self::Search => list.search = text(value, "a string, such as \"new york\"")?,
            Self::Highlight => list.highlight = text(value, "one string, such as \"title,body\"")?,
            Self::Sort => list.sort = text(value, "one string, such as \"-createdAt,title\"")?,
            Self::Select => list.select = text(value, "one string, such as \"title,author{name}\"")?,
            Self::After => list.after = text(value, "a string")?,
            Self::AsOf => list.as_of = text(value, "a moment, such as \"2026-01-31T12:00:00Z\"")?,
            Self::Before => list.before = text(value, "a string")?,
            Self::Limit => list.limit = number(&value, page_limit)?,
            Self::Skip => list.skip = number(&value, skipped)?,
            Self::Count => {
                list.count = match value {
                    Raw::Json(json) => counting(json.get(), "\"exact\"")?,
                    Raw::Text(text) => counting(&text, "exact")?,
                }
            }
        }
        Ok(())
    }
}

/// Which of these parameters a name that is none of them probably means: one that is written almost the same, or what
/// another API calls by this name.
pub fn meant_parameter<'k>(known: &[&'k str], name: &str) -> Option<&'k str> {
    let plain = name.trim_start_matches(['$', '_']);
    let elsewhere = || {
        let ours = Parameter::ALL.into_iter().find(|parameter| parameter.elsewhere().contains(&name))?;
        known.iter().copied().find(|known| *known == ours.name())
    };
    nearest(plain, known.iter().copied()).or_else(elsewhere)
}

/// What to write instead of a word of another API for which there isn't one parameter alone.
pub(crate) fn remedy(name: &str) -> Option<&'static str> {
    const PAGE_NUMBERS: [&str; 5] = ["page", "_page", "pageNumber", "page_number", "pageno"];
    PAGE_NUMBERS
        .contains(&name)
        .then_some("pages have no numbers: write `limit` and `skip`, or follow `next` with `after`")
}

/// The same among all parameters of a list.
pub(crate) fn meant(name: &str) -> Option<&'static str> {
    meant_parameter(&Parameter::ALL.map(Parameter::name), name)
}

/// Whether a list has a parameter of this name, so that a field of this name can only be compared in its filter.
pub fn is_list_parameter(name: &str) -> bool {
    Parameter::named(name).is_some() || name == DRY_RUN
}

pub(crate) fn text<'w>(value: Raw<'w>, expected: &str) -> Result<Option<Cow<'w, str>>, ViolationKind> {
    let json = match value {
        Raw::Text(text) => return Ok(Some(text)),
        Raw::Json(json) => json,
    };
    match json::text(json, expected)? {
        Some(text) if text.contains('\0') => Err(ViolationKind::Range("NUL is not allowed".to_owned())),
        text => Ok(text.map(Cow::Owned)),
    }
}

fn number(
    value: &Raw<'_>,
    read: impl FnOnce(&str) -> Result<u32, ViolationKind>,
) -> Result<Option<u32>, ViolationKind> {
    match value {
        Raw::Json(json) if json.get() == "null" => Ok(None),
        Raw::Json(json) => read(json.get()).map(Some),
        Raw::Text(text) => read(text).map(Some),
    }
}

pub(crate) fn page_limit(text: &str) -> Result<u32, ViolationKind> {
    whole_number(text, (1, limits::PAGE_MAX))
}

fn skipped(text: &str) -> Result<u32, ViolationKind> {
    whole_number(text, (0, limits::SKIP_MAX)).map_err(|kind| match kind {
        ViolationKind::Type { expected } if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            let remedy = "follow `next` with `after` to go further, which costs the same on every page".to_owned();
            ViolationKind::Misused { problem: format!("expected {expected}"), remedy }
        }
        kind => kind,
    })
}

fn whole_number(text: &str, (least, most): (u32, u32)) -> Result<u32, ViolationKind> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| plain && (least..=most).contains(number));
    let expected = || ViolationKind::Type { expected: format!("a whole number from {least} to {most}") };
    number.ok_or_else(expected)
}

fn counting(text: &str, exact: &str) -> Result<Counting, ViolationKind> {
    match text {
        "true" => Ok(Counting::Capped),
        "false" => Ok(Counting::None),
        text if text == exact => Ok(Counting::Exact),
        _ => Err(ViolationKind::Type { expected: format!("true, false or {exact}") }),
    }
}

pub(crate) fn truth(text: &str) -> Result<bool, ViolationKind> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ViolationKind::Type { expected: "true or false".to_owned() }),
    }
}
