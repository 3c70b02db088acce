//! Records that a request addresses by a unique key: the query of `:by`, and `by` in a transaction.

use backstay_base::{Error, Place, RecordId, ViolationKind};
use backstay_engine::{Get, UniqueKey, Which};
use backstay_model::{Collection, CollectionId, FieldId, Model};
use serde_json::value::RawValue;

use crate::history::GetWords;
use crate::list_words::Raw;
use crate::own_account::own;
use crate::parameter::SELECT;
use crate::reader::Reader;
use crate::url::Pair;
use crate::words::{field_named, shorten};
use crate::{filter, json, url};

impl Reader {
    /// Reads the query of `GET /api/{collection}:by`: the fields of a unique key, `select` and the values of its parameters.
    /// `me`: the account that calls.
    pub fn get_by_query(
        &self,
        collection: CollectionId,
        query: Option<&str>,
        me: Option<RecordId>,
    ) -> Result<Get, Error> {
        let (mut words, mut key) = (GetWords::default(), Vec::new());
        for (name, text) in url::of_url(query)? {
            match name.strip_prefix('$') {
                _ if name == SELECT => words.select = Some(text),
                Some(param) => words.params.push((param.to_owned(), Raw::Text(text))),
                None => key.push((name.into_owned(), Raw::Text(text))),
            }
        }
        filter::few_params(&words.params).map_err(|kind| Error::malformed(Place::Parameter(String::new()), kind))?;
        self.get((collection, self.which(collection, &key, me)?), &words)
    }

    /// Reads the query of a deletion at `/api/{collection}:by`: the fields of a unique key. `me`: the account that calls.
    pub fn key_of_query(
        &self,
        collection: CollectionId,
        query: Option<&str>,
        me: Option<RecordId>,
    ) -> Result<Which, Error> {
        let pairs = url::of_url(query)?.into_iter().map(|(name, text)| (name.into_owned(), Raw::Text(text)));
        self.which(collection, &pairs.collect::<Vec<_>>(), me)
    }

    /// Reads the same as a JSON object.
    pub(crate) fn key_of_body(
        &self,
        collection: CollectionId,
        raw: &RawValue,
        me: Option<RecordId>,
    ) -> Result<Which, Error> {
        let mut pairs = Vec::new();
        for (name, raw) in json::members(raw.get().as_bytes())? {
            if raw.get() == "null" {
                return Err(Error::malformed(Place::Equality(shorten(&name)), ViolationKind::Required));
            }
            pairs.push((name.into_owned(), Raw::Json(raw)));
        }
        self.which(collection, &pairs, me)
    }

    /// The parameter of a create with the fields of a unique key: a record that has the same values is changed instead.
    pub(crate) const ON_CONFLICT: &str = "onConflict";

    /// The unique key that `onConflict` names among these parameters, if it is there, and the others.
    pub(crate) fn on_conflict<'q>(
        &self,
        collection: CollectionId,
        pairs: Vec<Pair<'q>>,
    ) -> Result<(Option<Vec<FieldId>>, Vec<Pair<'q>>), Error> {
        refuse_foreign(self.model().collection(collection), &pairs)?;
        let (own, others): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == Self::ON_CONFLICT);
        let wrong = |kind| Error::malformed(Place::part(Self::ON_CONFLICT), kind);
        let key = own.first().map(|(_, names)| self.key_named(collection, names)).transpose().map_err(wrong)?;
        Ok((key, others))
    }

    /// The unique key that has these comma-separated fields, in any order.
    pub(crate) fn key_named(&self, collection: CollectionId, names: &str) -> Result<Vec<FieldId>, ViolationKind> {
        let of = self.model().collection(collection);
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        let fields = names.iter().map(|name| Ok(field_named(of, name)?.id));
        let fields: Vec<FieldId> = fields.collect::<Result<_, ViolationKind>>()?;
        let is_same = |key: &Vec<FieldId>| key.len() == fields.len() && key.iter().all(|field| fields.contains(field));
        of.keys().into_iter().find(is_same).ok_or_else(|| no_key(self.model(), of, &names))
    }

    pub(crate) fn which(
        &self,
        collection: CollectionId,
        pairs: &[(String, Raw<'_>)],
        me: Option<RecordId>,
    ) -> Result<Which, Error> {
        let of = self.model().collection(collection);
        if let [(name, raw)] = pairs
            && name == "id"
        {
            let wrong = |kind: ViolationKind| Error::malformed(Place::Equality(name.clone()), kind);
            let id = of.key.scalar().read(raw.token()).map_err(|problem| wrong(problem.into()))?;
            return id.as_id().map(Which::Id).ok_or_else(|| wrong(ViolationKind::Required));
        }
        let given = filter::equalities(&self.with_own_id(of, pairs, me), of, self.model())?;
        let value = |field: &FieldId| given.iter().find(|(known, _)| known == field).map(|(_, value)| value.clone());
        let keys = of.keys().into_iter().filter(|key| key.len() == given.len());
        let mut keys = keys.filter_map(|fields| {
            let values = fields.iter().map(value).collect::<Option<Vec<_>>>()?;
            Some(UniqueKey { fields, values })
        });
        let key = keys.next().ok_or_else(|| {
            Error::malformed(
                Place::part("query"),
                no_key(self.model(), of, &pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()),
            )
        })?;
        Ok(Which::Key(key))
    }

    /// The values of a key, with the id of the account that calls in the place of `me`.
    fn with_own_id<'r>(
        &self,
        of: &Collection,
        pairs: &[(String, Raw<'r>)],
        me: Option<RecordId>,
    ) -> Vec<(String, Raw<'r>)> {
        let own = |(name, raw): &(String, Raw<'r>)| match me
            .filter(|_| own(self.model(), of, (name.as_str(), raw)).is_some())
        {
            Some(me) => (name.clone(), Raw::Text(me.to_string().into())),
            None => (name.clone(), raw.clone()),
        };
        pairs.iter().map(own).collect()
    }
}

/// What other systems call `onConflict`.
const ELSEWHERE: &[&str] = &["on_conflict", "onconflict", "upsert", "on_duplicate", "onDuplicate", "on_duplicate_key"];

/// Refuses what other systems call `onConflict`.
fn refuse_foreign(of: &Collection, pairs: &[Pair<'_>]) -> Result<(), Error> {
    for (name, _) in pairs {
        if ELSEWHERE.contains(&&**name)
            && let Some(key) = of.keys().first()
        {
            let fields: Vec<&str> = key.iter().map(|field| of.field(*field).name.as_str()).collect();
            let problem = format!("unknown parameter `{name}`");
            let remedy = format!("write `?{}={}`", Reader::ON_CONFLICT, fields.join(","));
            return Err(Error::malformed(Place::part(&**name), ViolationKind::Misused { problem, remedy }));
        }
    }
    Ok(())
}

/// Why these fields name no record.
fn no_key(model: &Model, of: &Collection, names: &[&str]) -> ViolationKind {
    let quoted = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let given = quoted(names.to_vec());
    let problem = match names {
        [] => format!("this needs a unique key of {}", of.name),
        [_] => format!("{} is not a unique key of {}", shorten(&given), of.name),
        _ => format!("{} are not a unique key of {}", shorten(&given), of.name),
    };
    let key = |key: &Vec<FieldId>| quoted(key.iter().map(|field| of.field(*field).name.as_str()).collect());
    let keys: Vec<String> = of.keys().iter().map(key).collect();
    let remedy = match keys.as_slice() {
        [] => format!("it has none; write its id in the path: `{}/…`", model.api.path_of(&of.path)),
        [key] => format!("its unique key is {key}"),
        keys => format!("its unique keys are: {}", keys.join("; ")),
    };
    ViolationKind::Misused { problem, remedy }
}
