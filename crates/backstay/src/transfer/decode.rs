use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, ViolationKind};
use backstay_engine::{Engine, Input};
use backstay_model::{Collection, CollectionId};
use backstay_rest::{Columns, record};
use backstay_scalar::{Members, Scalar, Token};
use serde_json::value::RawValue;

use super::batch::{Batch, Content, Mode};
use crate::records::References;
use crate::seed::{empty_list, may_be_empty};

/// A row as it is written.
pub(super) enum Row {
    /// A record to create, or to change if it is there.
    Write(Input),
    /// What a record gets that is there already.
    Change(RecordId, Input),
    /// Nothing.
    Nothing,
}

impl Row {
    /// What is written if the record isn't there.
    pub(super) fn input(&self) -> Option<&Input> {
        match self {
            Self::Write(input) => Some(input),
            Self::Change(..) | Self::Nothing => None,
        }
    }
}

/// Reads the rows of batches. Blocks, because relations are looked up.
pub(super) struct Decoder {
    pub(super) engine: Engine,
    pub(super) collection: CollectionId,
    pub(super) references: References,
}

/// Members that a record gets from the database it comes to, if it is changed there.
const OWN: [&str; 3] = ["createdAt", "updatedAt", "version"];

impl Decoder {
    /// What each row says, or why it is refused, up to so many of those. Fails if the database does.
    pub(super) fn rows(&mut self, batch: &Batch, most: usize) -> Result<Vec<Result<Row, Error>>, Error> {
        let model = Arc::clone(self.engine.model());
        let names: Vec<String> = match &batch.mode {
            Mode::Update(_) => batch.columns.iter().map(|name| own_left_out(name)).collect(),
            Mode::Create | Mode::Carry(_) | Mode::Relate(_) => batch.columns.clone(),
        };
        let columns = Columns::read(&model, self.collection, &names)?;
        let (mut rows, mut refused) = (Vec::with_capacity(batch.rows.len()), 0);
        for row in &batch.rows {
            let read = match &row.content {
                Content::Record(text) => self.record(text, &batch.mode),
                Content::Cells(cells) => {
                    columns.row(&model, cells, &mut self.references).map(|input| Row::Write(input.carried()))
                }
                Content::Broken(problem) => {
                    let remedy = "correct the line".to_owned();
                    let kind = ViolationKind::Misused { problem: problem.clone(), remedy };
                    Err(Error::malformed(Place::Whole, kind))
                }
            };
            if let Some(failure) = self.references.failure() {
                return Err(failure);
            }
            refused += usize::from(read.is_err());
            rows.push(read);
            if refused >= most {
                break;
            }
        }
        Ok(rows)
    }

    fn record(&mut self, text: &str, mode: &Mode) -> Result<Row, Error> {
        let model = Arc::clone(self.engine.model());
        let mut members = backstay_rest::members(text.as_bytes())?;
        let is_later = |name: &str, later: &[String], raw: &RawValue| {
            later.iter().any(|known| known == name) && raw.get() != "null" && raw.get() != "[]"
        };
        match mode {
            Mode::Create => {}
            Mode::Update(_) => members.retain(|(name, _)| !OWN.contains(&&**name)),
            Mode::Carry(later) => {
                let of = model.collection(self.collection);
                for (name, raw) in &mut members {
                    let is_list = of.field_named(name).is_some_and(|field| may_be_empty(of, field));
                    if is_list && is_later(name, later, raw) {
                        *raw = empty_list();
                    }
                }
                members.retain(|(name, raw)| !is_later(name, later, raw));
            }
            Mode::Relate(later) => {
                let id = id_of(model.collection(self.collection), &members)?;
                members.retain(|(name, raw)| is_later(name, later, raw));
                if members.is_empty() {
                    return Ok(Row::Nothing);
                }
                let input = record(&model, self.collection, &members, &mut self.references)?;
                return Ok(Row::Change(id, input.carried()));
            }
        }
        record(&model, self.collection, &members, &mut self.references).map(|input| Row::Write(input.carried()))
    }
}

fn own_left_out(name: &str) -> String {
    if OWN.contains(&name) { String::new() } else { name.to_owned() }
}

/// The id that is among the members.
fn id_of(collection: &Collection, members: &Members<'_>) -> Result<RecordId, Error> {
    let missing = || Error::invalid(Place::member("id"), ViolationKind::Required);
    let raw: &(Cow<'_, str>, &RawValue) = members.iter().find(|(name, _)| name == "id").ok_or_else(missing)?;
    let scalar: Scalar = collection.key.scalar();
    let read = scalar.read(Token::Json(raw.1.get()));
    let read = read.map_err(|problem| Error::invalid(Place::member("id"), problem.into()))?;
    read.as_id().ok_or_else(missing)
}
