//! `GET /api/{collection}:export`: all records of a list as a file, read page by page as the client takes it.

use backstay_base::{Action, Error, limits};
use backstay_engine::{Answer as Answered, Request, Selected, Selection};
use backstay_model::{Collection, CollectionId, FieldKind};
use backstay_rest::{Column, FileFormat, JSON, PageRecords, RecordWriter, Style, is_of_past, members_of};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::{Answer, Remaining};
use crate::target::{Records, Target};

/// A page of records, as it was read.
struct Page {
    format: FileFormat,
    columns: Vec<Column>,
    body: Bytes,
}

/// The first page, and what is left after it.
pub(crate) async fn answer(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let collection = collection(admitted)?;
    let Page { format, columns, body } = page(admitted, collection, (None, limits::EXPORT_RECORDS)).await?;
    let writer = RecordWriter::new(format, Style::default(), columns);
    let mut text = Vec::new();
    writer.begin(&mut text);
    let (body, rest) = append(admitted, writer, (&body, text))?;
    let mut answer = Answer::ready(StatusCode::OK, admitted.audience(), body);
    answer.content_type = HeaderValue::from_static(format.media_type());
    let path = &admitted.state().engine.model().collection(collection).path;
    let name = format!("attachment; filename=\"{path}.{}\"", format.extension());
    answer.header(header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(Error::internal)?);
    answer.rest = rest;
    Ok(answer)
}

/// The next page, for a request that was admitted once more, and what is left after it.
pub(crate) async fn next(
    admitted: &Admitted<'_>,
    Remaining { writer, next, limit }: Remaining,
) -> Result<(Bytes, Option<Box<Remaining>>), Refusal> {
    let Page { body, .. } = page(admitted, collection(admitted)?, (Some(&next), limit)).await?;
    append(admitted, writer, (&body, Vec::new()))
}

fn collection(admitted: &Admitted<'_>) -> Result<CollectionId, Error> {
    match admitted.target() {
        Target::Records(Records::Export(collection)) => Ok(collection),
        Target::Fixed | Target::Problem(_) | Target::Action(_) | Target::Own(_) | Target::Records(_) => {
            Err(Error::internal(Mismatch))
        }
    }
}

/// The table has a row for exports at another path, or a list was answered by something else.
#[derive(Debug, thiserror::Error)]
#[error("an export was admitted at a path of another kind, or wasn't answered by a page")]
struct Mismatch;

async fn page(
    admitted: &Admitted<'_>,
    collection: CollectionId,
    (after, limit): (Option<&str>, u32),
) -> Result<Page, Refusal> {
    let (state, context, query) = (admitted.state(), admitted.context(), admitted.head().query());
    let (engine, reader) = (&state.engine, &state.reader);
    let of = engine.model().collection(collection);
    let of_past = of.history.is_some() && is_of_past(query);
    engine.admit_some(&context, &[collection], if of_past { Action::History } else { Action::Search })?;
    let (list, format) = match reader.query_takes_long(collection, query) {
        true => {
            let (reader, query, after) = (reader.clone(), query.map(str::to_owned), after.map(str::to_owned));
            let read = move || reader.export_of_query(collection, query.as_deref(), (after.as_deref(), limit));
            engine.take_turn(&context, read).await??
        }
        false => reader.export_of_query(collection, query, (after, limit))?,
    };
    let is_shown = |column: &Column| match of.field_named(&column.name) {
        Some(field) => engine.may_see(&context, collection, field.id),
        None => true,
    };
    let mut columns = members_of(of, &list.selection);
    if list.selection == Selection::Whole {
        columns.retain(is_shown);
    }
    columns.extend(has_lists(of, &list.selection).then(|| Column { name: "$more".into(), is_json: false }));
    match engine.answer(&context, Request::List(list), JSON).await? {
        Answered::Page(page) => Ok(Page { format, columns, body: page.body }),
        Answered::Found(_) | Answered::Written(_) => Err(Error::internal(Mismatch).into()),
    }
}

/// Whether a record can have lists, which may be cut: then it says so.
fn has_lists(of: &Collection, selection: &Selection) -> bool {
    let Selection::Parts(parts) = selection else { return false };
    parts.iter().any(|part| match part {
        Selected::Field(selected) => {
            let kind = &of.field(selected.field).kind;
            selected.inner.is_some() && !matches!(kind, FieldKind::ToOne { .. } | FieldKind::OneToOne { .. })
        }
        Selected::Stored | Selected::Derived(_) => false,
    })
}

/// Appends the records of a page to a text.
fn append(
    admitted: &Admitted<'_>,
    mut writer: RecordWriter,
    (body, mut text): (&Bytes, Vec<u8>),
) -> Result<(Bytes, Option<Box<Remaining>>), Refusal> {
    let memory = admitted.memory();
    let mut held = memory.hold();
    // As a table, records are shorter than as JSON, and otherwise about as long.
    held.resize(body.len())?;
    text.reserve(body.len());
    let PageRecords { items, next } = PageRecords::of(body)?;
    let limit = records_in(limits::EXPORT_BYTES, (body.len(), items.len()));
    for item in items {
        writer.record(&mut text, item.get().as_bytes())?;
    }
    if next.is_none() {
        writer.end(&mut text);
    }
    drop(held);
    let rest = next.map(|next| Box::new(Remaining { writer, next, limit }));
    Ok((memory.keep(text.into())?, rest))
}

/// How many records are about this long, by others that were read.
fn records_in(most: usize, (bytes, records): (usize, usize)) -> u32 {
    let each = (bytes / records.max(1)).max(1);
    u32::try_from(most / each).unwrap_or(limits::PAGE_MAX).clamp(1, limits::PAGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_about_as_long_whatever_their_records_are() {
        let check = |read: (usize, usize), expected: u32| assert_eq!(records_in(1_000_000, read), expected, "{read:?}");
        check((10_000, 100), 500);
        check((1_000_000, 100), 100);
        check((16_000_000, 2), 1);
        check((5000, 0), 200);
    }
}
