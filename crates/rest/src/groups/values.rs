//! What groups come to: `count`, `sum(price * quantity)`, `countDistinct(author)`.

use backstay_base::nearest;
use backstay_engine::{AskedFold, FoldFunction};

use super::items::is_path;
use super::problem::Problem;
use crate::words::shorten;

/// A value of groups as it is written.
pub(super) enum Written<'t> {
    /// `count`
    Records,
    /// A function and the text of its term, which begins after this many characters.
    Of(FoldFunction, &'t str, usize),
}

impl<'t> Written<'t> {
    pub(super) fn read(text: &'t str, offset: usize) -> Result<Self, Problem> {
        if text == FoldFunction::Count.name() {
            return Ok(Self::Records);
        }
        let Some((name, rest)) = text.split_once('(') else { return Err(not_folded(text, offset)) };
        let Some(term) = rest.strip_suffix(')') else {
            return Err(not_folded(text, offset));
        };
        let name = name.trim_end();
        let Some(function) = FoldFunction::ALL.into_iter().find(|function| function.name() == name) else {
            return Err(unknown_function((name, term), offset));
        };
        if term.trim().is_empty() || term.trim() == "*" {
            let remedy = match function {
                FoldFunction::Count => "write count for the number of records".to_owned(),
                FoldFunction::CountDistinct
                | FoldFunction::Sum
                | FoldFunction::Average
                | FoldFunction::Min
                | FoldFunction::Max => format!("write {name}(FIELD), or {name}(…) with an expression"),
            };
            return Err(Problem::at(offset, format!("`{name}` of nothing"), remedy));
        }
        let skipped = text.len() - rest.len() + (term.len() - term.trim_start().len());
        Ok(Self::Of(function, term.trim(), offset + text[..skipped].chars().count()))
    }

    /// How it is made.
    pub(super) fn fold(&self) -> AskedFold<'t> {
        match self {
            Self::Records => AskedFold::Records,
            Self::Of(function, term, _) => AskedFold::Of(*function, term),
        }
    }

    /// Its term, and how many characters are before it.
    pub(super) fn term(&self) -> Option<(&'t str, usize)> {
        match self {
            Self::Records => None,
            Self::Of(_, term, offset) => Some((term, *offset)),
        }
    }
}

/// Something that isn't folded.
fn not_folded(text: &str, offset: usize) -> Problem {
    let what = shorten(text);
    if is_path(text) {
        let remedy = format!("fold it, as in max({what}), or name it in `group`");
        return Problem::at(offset, format!("`{what}` can have several values in a group"), remedy);
    }
    let remedy = "write count, or a function of an expression, such as total=sum(price * quantity)";
    Problem::at(offset, format!("`{what}` is not what a group comes to"), remedy)
}

/// Functions of other systems.
const ELSEWHERE: &[(&[&str], FoldFunction)] = &[
    (&["average", "mean"], FoldFunction::Average),
    (
        &["distinct", "countdistinct", "count_distinct", "uniq", "unique", "approx_count_distinct"],
        FoldFunction::CountDistinct,
    ),
    (&["total", "add", "sumdistinct"], FoldFunction::Sum),
    (&["minimum", "least"], FoldFunction::Min),
    (&["maximum", "greatest"], FoldFunction::Max),
    (&["count_if", "countif", "size", "len", "length"], FoldFunction::Count),
];

fn unknown_function((name, term): (&str, &str), offset: usize) -> Problem {
    let lower = name.to_ascii_lowercase();
    // `amount.sum()`
    if let Some((of, function)) = name.rsplit_once('.')
        && term.is_empty()
        && FoldFunction::ALL.into_iter().any(|known| known.name() == function)
    {
        let remedy = format!("write {function}({})", shorten(of));
        return Problem::at(offset, format!("`{}` is not a function", shorten(name)), remedy);
    }
    let elsewhere = ELSEWHERE.iter().find(|(names, _)| names.contains(&&*lower)).map(|(_, function)| function.name());
    let meant = elsewhere.or_else(|| nearest(name, FoldFunction::ALL.map(FoldFunction::name)));
    let names = FoldFunction::ALL.map(FoldFunction::name).join(", ");
    let remedy = match meant {
        Some(meant) => format!("write {meant}({})", shorten(term)),
        None => format!("the functions are {names}"),
    };
    Problem::at(offset, format!("`{}` is not a function of groups", shorten(name)), remedy)
}
