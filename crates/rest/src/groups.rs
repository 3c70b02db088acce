//! Groups of records as REST writes them: the texts of `group`, `select`, `having` and `sort`.

mod condition;
mod items;
mod period;
mod problem;
mod problems;
mod values;

use backstay_base::Error;
use backstay_engine::{AskedGroups, AskedKey, AskedOrder, AskedValue, Groups};
use backstay_expr::Checked;
use backstay_model::{Collection, Model};

use condition::Condition;
use items::{Item, items};
use period::Period;
use problem::{Part, Problem};
use values::Written;

/// Words that ask for groups, here or elsewhere.
pub(crate) const WORDS: &[&str] = &["group", "having", "groupBy", "group_by", "groupby", "aggregate"];

/// The texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupTexts<'w> {
    pub(crate) group: Option<&'w str>,
    pub(crate) select: Option<&'w str>,
    pub(crate) having: Option<&'w str>,
    pub(crate) sort: Option<&'w str>,
    /// The filter can leave records with amounts in one currency.
    pub(crate) filter: Option<&'w str>,
}

impl GroupTexts<'_> {
    /// All of them as one text. None has a NUL.
    pub(crate) fn joined(&self) -> String {
        let Self { group, select, having, sort, filter } = self;
        [group, select, having, sort, filter].map(|text| text.unwrap_or_default()).join("\0")
    }
}

/// Reads the texts, of records that this filter leaves.
pub(crate) fn read(
    texts: &GroupTexts<'_>,
    (collection, model): (&Collection, &Model),
    filter: Option<&Checked>,
) -> Result<Groups, Error> {
    let decoded = Decoded::of(texts)?;
    decoded.asked().read(collection, model, filter).map_err(|problem| decoded.refusal(&problem))
}

/// What the texts consist of.
struct Decoded<'w> {
    keys: Vec<(Item<'w>, Option<Period>)>,
    values: Vec<(Item<'w>, Written<'w>)>,
    orders: Vec<(Item<'w>, AskedOrder<'w>)>,
    having: Option<Condition<'w>>,
}

impl<'w> Decoded<'w> {
    fn of(texts: &GroupTexts<'w>) -> Result<Self, Error> {
        let key = |item: Item<'w>| Ok((item, Period::read(item.text, item.offset)?));
        let keys = all(texts.group.unwrap_or_default(), key).map_err(|problem| problem.in_part(Part::Group))?;
        // Without any words, the one group of all records is counted.
        let select = texts.select.unwrap_or(if keys.is_empty() { "count" } else { "" });
        let value = |item: Item<'w>| Ok((item, Written::read(item.text, item.offset)?));
        let values = all(select, value).map_err(|problem| problem.in_part(Part::Select))?;
        let order = |item: Item<'w>| {
            let (descending, output) = item.text.strip_prefix('-').map_or((false, item.text), |name| (true, name));
            Ok((item, AskedOrder { output, descending }))
        };
        let orders = match texts.sort {
            Some(text) => items(text).and_then(|all| all.into_iter().map(order).collect()),
            None => Ok(Vec::new()),
        };
        let orders = orders.map_err(|problem| problem.in_part(Part::Sort))?;
        let having = texts.having.map(|text| Condition::read(text, &keys, &values)).transpose();
        let having = having.map_err(|problem| problem.in_part(Part::Having))?;
        Ok(Self { keys, values, orders, having })
    }

    fn asked(&self) -> AskedGroups<'_> {
        AskedGroups {
            by: self.keys.iter().map(asked_key).collect(),
            of: self
                .values
                .iter()
                .map(|(item, written)| AskedValue { fold: written.fold(), name: item.name })
                .collect(),
            compared: self.having.iter().flat_map(Condition::compared).collect(),
            having: self.having.as_ref().map(Condition::text),
            sort: self.orders.iter().map(|(_, order)| *order).collect(),
        }
    }
}

fn asked_key<'k>((item, period): &'k (Item<'k>, Option<Period>)) -> AskedKey<'k> {
    match period {
        Some(period) => AskedKey { term: &period.term, name: item.name.or(period.name.as_deref()) },
        None => AskedKey { term: item.text, name: item.name },
    }
}

/// What the items of a text are, if it has any.
fn all<'t, T>(text: &'t str, each: impl Fn(Item<'t>) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    match text.trim().is_empty() {
        true => Ok(Vec::new()),
        false => items(text)?.into_iter().map(each).collect(),
    }
}
