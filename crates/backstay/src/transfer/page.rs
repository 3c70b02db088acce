use std::fmt::Write as _;

use backstay_base::{Error, limits};
use backstay_engine::{Answer as Answered, Context, Engine, Request, Selection};
use backstay_model::{Collection, FieldId};
use backstay_rest::{Column, JSON, ListWords, PageRecords, Reader, members, members_of, portable};
use backstay_scalar::{Token, Value};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// Which records are exported, a page at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportPage {
    /// The type of the records, by its name, or the last part of its path.
    pub collection: String,
    /// What is exported of each, as in the API; without it all that an import reads back.
    pub select: Option<String>,
    /// Which records, as in the API.
    pub filter: Option<String>,
    /// Where the page starts: `next` of the page before.
    pub after: Option<String>,
}

/// A page of records.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exported {
    /// The members of each record, in their order, and whether what stands there is any JSON.
    pub columns: Vec<(String, bool)>,
    /// The records as JSON, each on one line.
    pub records: Vec<String>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// Reads a page of records. No access rule is asked: whoever may run the command may read the database.
pub(crate) async fn page(engine: &Engine, page: &ExportPage) -> Result<Exported, Failure> {
    let of = super::collection_named(engine.model(), &page.collection)?;
    let text = |text: &Option<String>| text.clone().map(Into::into);
    let words = ListWords {
        select: text(&page.select),
        filter: text(&page.filter),
        after: text(&page.after),
        limit: Some(limits::PAGE_MAX),
        ..ListWords::of(of.id)
    };
    let mut list = Reader::new(engine).list(&words)?;
    if page.select.is_none() {
        list.selection = portable(of);
    }
    let selection = list.selection.clone();
    let answered = engine.answer(&Context::system(engine), Request::List(list), JSON).await?;
    let body = match answered {
        Answered::Page(page) => page.body,
        Answered::Found(_) | Answered::Written(_) => return Err(Error::internal(NoPage).into()),
    };
    let PageRecords { items, next } = PageRecords::of(&body)?;
    let mut records = Vec::with_capacity(items.len());
    for item in items {
        records.push(match page.select {
            None => whole(engine, (of, &selection), item.get()).await?,
            Some(_) => item.get().to_owned(),
        });
    }
    let columns = members_of(of, &selection);
    let columns = columns.into_iter().map(|Column { name, is_json }| (name.to_string(), is_json)).collect();
    Ok(Exported { columns, records, next })
}

/// The record with all its links: a nested list has a limit.
async fn whole(engine: &Engine, (of, selection): (&Collection, &Selection), record: &str) -> Result<String, Error> {
    const MORE: &str = "$more";
    if !record.contains(MORE) {
        return Ok(record.to_owned());
    }
    let read = members(record.as_bytes())?;
    let Some(cut) = read.iter().find_map(|(name, raw)| (name == MORE).then_some(raw.get())) else {
        return Ok(record.to_owned());
    };
    let cut: Vec<String> = serde_json::from_str(cut).map_err(Error::internal)?;
    let scalar = of.key.scalar();
    let id = read.iter().find(|(name, _)| name == "id").map(|(_, raw)| scalar.read(Token::Json(raw.get())));
    let Some(Ok(Value::Id(id))) = id else { return Err(Error::internal(NoPage)) };
    let mut text = String::from("{");
    for Column { name, .. } in members_of(of, selection) {
        let Some((_, raw)) = read.iter().find(|(known, _)| *known == *name) else { continue };
        let separator = if text.len() > 1 { "," } else { "" };
        let _ = write!(text, "{separator}{}:", serde_json::Value::from(&*name));
        match of.field_named(&name).filter(|_| cut.iter().any(|one| *one == *name)) {
            Some(field) => links(engine, (of, field.id), id, &mut text).await?,
            None => text.push_str(raw.get()),
        }
    }
    text.push('}');
    Ok(text)
}

async fn links(
    engine: &Engine,
    (of, field): (&Collection, FieldId),
    id: backstay_base::RecordId,
    text: &mut String,
) -> Result<(), Error> {
    text.push('[');
    for (place, member) in engine.peek_links(of, field, id).await?.into_iter().enumerate() {
        let mut written = Vec::new();
        backstay_scalar::write(&mut written, &Value::Id(member));
        let separator = if place > 0 { "," } else { "" };
        let _ = write!(text, "{separator}{{\"id\":{}}}", String::from_utf8_lossy(&written));
    }
    text.push(']');
    Ok(())
}

/// A list that isn't answered by a page of records with ids.
#[derive(Debug, thiserror::Error)]
#[error("a list wasn't answered by a page of records with ids")]
struct NoPage;
