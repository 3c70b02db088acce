//! What is answered of groups of records: the texts of `group`, `select`, `having` and `sort`.

mod folds;
mod items;

use std::sync::Arc;

use backstay_base::{Error, Place, Violation, ViolationKind, nearest};
use backstay_engine::{Derived, Fold, FoldFunction, GroupKey, GroupSort, GroupValue, Groups, Phrase, ValueKind};
use backstay_expr::{Checked, ExprError, ExprErrorKind, Name, Output, Scope, Type, compile, compile_any};
use backstay_model::{Collection, Model};
use backstay_scalar::Scalar;

use crate::words::shorten;
use folds::Written;
use items::{Item, is_name, is_path, items, joined};

/// Words that ask for groups, here or elsewhere.
pub(crate) const WORDS: &[&str] = &["group", "having", "groupBy", "group_by", "groupby", "aggregate"];

/// Names that mean something else in a condition.
const RESERVED: &[&str] = &["this", "new", "old", "now", "auth", "request", "true", "false", "null", "in"];

/// The texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupTexts<'w> {
    pub(crate) group: Option<&'w str>,
    pub(crate) select: Option<&'w str>,
    pub(crate) having: Option<&'w str>,
    pub(crate) sort: Option<&'w str>,
}

impl GroupTexts<'_> {
    /// All of them as one text. None has a NUL.
    pub(crate) fn joined(&self) -> String {
        let Self { group, select, having, sort } = self;
        [group, select, having, sort].map(|text| text.unwrap_or_default()).join("\0")
    }
}

/// What is wrong with a text, after how many characters of it, and what to write instead.
#[derive(Debug)]
struct Problem {
    offset: usize,
    what: String,
    remedy: String,
}

impl Problem {
    fn at(offset: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { offset, what: what.into(), remedy: remedy.into() }
    }

    fn in_place(self, at: Place) -> Error {
        let Self { offset, what: problem, remedy } = self;
        Error::malformed(at, ViolationKind::Syntax { offset, problem, remedy: Some(remedy) })
    }
}

/// Reads the texts.
pub(crate) fn read(texts: &GroupTexts<'_>, collection: &Collection, model: &Model) -> Result<Groups, Error> {
    let mut reader = Reading { collection, model, params: 0, outputs: Vec::new() };
    let by = reader.keys(texts.group.unwrap_or_default()).map_err(|problem| problem.in_place(Place::Group))?;
    // Without any words, the one group of all records is counted.
    let select = texts.select.unwrap_or(if by.is_empty() { "count" } else { "" });
    let of = reader.values(select).map_err(|problem| problem.in_place(Place::Select))?;
    if reader.outputs.is_empty() {
        let problem = "there is nothing to answer".to_owned();
        let remedy = "write values such as select=count, or what to group by".to_owned();
        return Err(Error::malformed(Place::Select, ViolationKind::Misused { problem, remedy }));
    }
    let sort = match texts.sort {
        Some(text) => reader.sort(text).map_err(|problem| problem.in_place(Place::Sort))?,
        None => Vec::new(),
    };
    let having = texts.having.map(|text| reader.having(text)).transpose()?;
    Ok(Groups { by: by.into(), of: of.into(), having, sort: sort.into() })
}

/// Refuses amounts that can be in several currencies.
pub(crate) fn share_currencies(groups: &Groups, filter: Option<&Checked>) -> Result<(), Error> {
    for value in groups.of.iter() {
        if let Err((problem, remedy)) = folds::share_currency(&value.fold, &groups.by, filter) {
            return Err(Error::malformed(Place::Select, ViolationKind::Misused { problem, remedy }));
        }
    }
    Ok(())
}

/// Texts that are being read.
struct Reading<'m> {
    collection: &'m Collection,
    model: &'m Model,
    /// Parameters of the expressions so far.
    params: u16,
    outputs: Vec<Output>,
}

impl Reading<'_> {
    fn keys(&mut self, text: &str) -> Result<Vec<GroupKey>, Problem> {
        let mut keys = Vec::new();
        if text.trim().is_empty() {
            return Ok(keys);
        }
        for item in items(text)? {
            let (of, kind) = self.phrase(item.text, item.offset)?;
            let kind = groupable((item.text, &of.checked), kind, self.model)
                .map_err(|(problem, remedy)| Problem::at(item.offset, problem, remedy))?;
            let own = is_path(item.text).then(|| joined(&[item.text]));
            let name = self.name(&item, own, folds::of_value(&of.checked.expr.ty))?;
            keys.push(GroupKey { name, value: Derived { of, kind } });
        }
        Ok(keys)
    }

    fn values(&mut self, text: &str) -> Result<Vec<GroupValue>, Problem> {
        let mut values = Vec::new();
        if text.trim().is_empty() {
            return Ok(values);
        }
        for item in items(text)? {
            let written = Written::read(item.text, item.offset)?;
            let (fold, kind) = match written {
                Written::Records => (Fold::Records, ValueKind::Scalar(Scalar::Int)),
                Written::Of(function, term, offset) => {
                    let (of, kind) = self.phrase(term, offset)?;
                    let kind = folds::folded(function, (term, &of.checked), kind)
                        .map_err(|(problem, remedy)| Problem::at(offset, problem, remedy))?;
                    (Fold::Of(function, of), kind)
                }
            };
            let name = self.name(&item, written.name(), folds::type_of(&fold))?;
            values.push(GroupValue { name, fold, kind });
        }
        Ok(values)
    }

    /// An expression about a record, and what its value is held as.
    fn phrase(&mut self, text: &str, offset: usize) -> Result<(Phrase, Option<ValueKind>), Problem> {
        let scope = Scope::filter(self.model, self.collection.id);
        let checked = compile_any(text, &scope).map_err(|errors| of_expression(&errors, (text, offset)))?;
        let kind = folds::kind_of(&checked.expr, self.model);
        Ok((self.noted(text, checked), kind))
    }

    fn noted(&mut self, text: &str, checked: Checked) -> Phrase {
        let first_param = self.params;
        let params = u16::try_from(checked.params.len()).expect("an expression has few parameters");
        self.params = self.params.saturating_add(params);
        Phrase { text: text.into(), checked: Arc::new(checked), first_param }
    }

    /// The name of an output: the one that it is given, or its own.
    fn name(&mut self, item: &Item<'_>, own: Option<String>, ty: Type) -> Result<Arc<str>, Problem> {
        let Some(name) = item.name.map(str::to_owned).or(own) else {
            let what = shorten(item.text);
            return Err(Problem::at(item.offset, format!("`{what}` has no name"), format!("name it, as in x={what}")));
        };
        if item.name.is_some() && RESERVED.contains(&&*name) {
            let problem = format!("`{name}` has a meaning in conditions");
            return Err(Problem::at(item.offset, problem, "choose another name"));
        }
        if self.outputs.iter().any(|output| output.name == name) {
            let remedy = format!("name one of them, as in {name}2={}", shorten(item.text));
            return Err(Problem::at(item.offset, format!("two values are called `{name}`"), remedy));
        }
        self.outputs.push(Output { name: name.clone(), ty });
        Ok(name.into())
    }

    fn sort(&self, text: &str) -> Result<Vec<GroupSort>, Problem> {
        let mut keys: Vec<GroupSort> = Vec::new();
        for item in items(text)? {
            let (descending, name) = item.text.strip_prefix('-').map_or((false, item.text), |name| (true, name));
            let key = GroupSort { output: self.output(name, item.offset)?, descending };
            if keys.iter().any(|known| known.output == key.output) {
                return Err(Problem::at(item.offset, format!("`{name}` is named twice"), "name it once"));
            }
            keys.push(key);
        }
        Ok(keys)
    }

    /// The number of an output that an order names.
    fn output(&self, name: &str, offset: usize) -> Result<usize, Problem> {
        if let Some(output) = self.outputs.iter().position(|output| output.name == name) {
            return Ok(output);
        }
        let problem = format!("the groups have no `{}`", shorten(name));
        let names = || self.outputs.iter().map(|output| output.name.as_str());
        let (first, rest) = name.split_once([' ', '.', ':']).unwrap_or((name, ""));
        let remedy = match (rest.to_ascii_lowercase().trim(), nearest(name, names())) {
            ("desc" | "descending" | "-1", _) => format!("write -{}", shorten(first)),
            ("asc" | "ascending" | "1", _) => format!("write {}", shorten(first)),
            (_, Some(near)) => format!("did you mean `{near}`?"),
            (_, None) if !is_name(name) => "give it a name in `select` or `group`, and sort by that".to_owned(),
            (_, None) => format!("sort by one of {}", names().collect::<Vec<_>>().join(", ")),
        };
        Err(Problem::at(offset, problem, remedy))
    }

    fn having(&mut self, text: &str) -> Result<Phrase, Error> {
        let checked = compile(text, &Scope::groups(self.model, &self.outputs)).map_err(|errors| {
            let violation = |error: &ExprError| {
                let Problem { offset, what: problem, remedy } = of_condition(error, text);
                Violation::new(Place::Having, ViolationKind::Syntax { offset, problem, remedy: Some(remedy) })
            };
            Error::Malformed(errors.iter().map(violation).collect())
        })?;
        Ok(self.noted(text, checked))
    }
}

/// What is wrong with an expression that begins after this many characters.
fn of_expression(errors: &[ExprError], (text, offset): (&str, usize)) -> Problem {
    errors.first().map_or_else(
        || Problem::at(offset, format!("`{}` has no value", shorten(text)), "name a field"),
        |error| Problem::at(offset + chars_before(error, text), error.to_string(), error.remedy()),
    )
}

/// What is wrong with a condition on groups, which names what they come to instead of computing it.
fn of_condition(error: &ExprError, text: &str) -> Problem {
    let remedy = match &error.kind {
        ExprErrorKind::Unknown { what: Name::Function, name, .. } | ExprErrorKind::Arguments { function: name, .. }
            if FoldFunction::ALL.into_iter().any(|function| function.name() == name) =>
        {
            format!("name it in `select`, as in x={name}(…), and write x here")
        }
        _ => error.remedy(),
    };
    Problem::at(chars_before(error, text), error.to_string(), remedy)
}

fn chars_before(error: &ExprError, text: &str) -> usize {
    text.get(..error.span.start).map_or(0, |before| before.chars().count())
}

/// Refuses what records can't be grouped by.
fn groupable(
    (text, checked): (&str, &Checked),
    kind: Option<ValueKind>,
    model: &Model,
) -> Result<ValueKind, (String, String)> {
    let what = shorten(text);
    let field = checked.expr.node.path().and_then(|path| path.field(model));
    let is_long = field.is_some_and(|field| field.kind.scalar() == Some(Scalar::Text));
    match kind {
        Some(ValueKind::Scalar(Scalar::Money)) => {
            let remedy = format!("write {what}.currency or {what}.amount");
            Err((format!("`{what}` is an amount of money with a currency"), remedy))
        }
        Some(_) if is_long => {
            Err((format!("`{what}` is a Text, which can be too long to group by"), "group by a String".to_owned()))
        }
        Some(kind) => Ok(kind),
        None => Err((
            format!("`{what}` is not one value"),
            "name a field that holds one value, or a member of it".to_owned(),
        )),
    }
}
