//! The words that say what a write answers: `select` and the values of its parameters.

use std::borrow::Cow;

use backstay_base::{Error, RecordId};
use backstay_engine::{Shown, Which};
use backstay_model::{CollectionId, FieldId};

use crate::history::{GetWords, words_of};
use crate::list_words::Raw;
use crate::parameter::SELECT;
use crate::reader::{Named, Reader};
use crate::url::{self, Pair};

impl Reader {
    /// Reads the query of a write of one record.
    pub fn shown_of_query(&self, collection: CollectionId, query: Option<&str>) -> Result<Option<Shown>, Error> {
        self.shown(collection, &words_of(url::of_url(query)?, &[SELECT])?)
    }

    /// Reads the query of a create: `onConflict` with the comma-separated fields of a unique key, and what it answers.
    pub fn create_of_query(
        &self,
        collection: CollectionId,
        query: Option<&str>,
    ) -> Result<(Option<Vec<FieldId>>, Option<Shown>), Error> {
        let (on_conflict, others) = self.on_conflict(collection, url::of_url(query)?)?;
        let names: &[&str] = &[Self::ON_CONFLICT, SELECT];
        Ok((on_conflict, self.shown(collection, &words_of(others, names)?)?))
    }

    /// Reads the query of a write at `/api/{collection}:by`: the fields of a unique key, and what it answers. `me`: the account
    /// that calls.
    pub fn write_by_query(
        &self,
        collection: CollectionId,
        query: Option<&str>,
        me: Option<RecordId>,
    ) -> Result<(Which, Option<Shown>), Error> {
        let is_shown = |(name, _): &Pair<'_>| name == SELECT || name.starts_with('$');
        let (shown, key): (Vec<_>, Vec<_>) = url::of_url(query)?.into_iter().partition(is_shown);
        let key: Vec<(String, Raw<'_>)> =
            key.into_iter().map(|(name, text)| (Cow::into_owned(name), Raw::Text(text))).collect();
        Ok((self.which(collection, &key, me)?, self.shown(collection, &words_of(shown, &[SELECT])?)?))
    }

    /// What a write answers of the records of a collection; `None` if it doesn't say.
    pub(crate) fn shown(&self, collection: CollectionId, words: &GetWords<'_>) -> Result<Option<Shown>, Error> {
        let GetWords { select, params, as_of: _ } = words;
        let (selection, params) = self.selected(Named::of(collection), select.as_deref(), params)?;
        Ok(select.is_some().then_some(Shown { selection, params }))
    }
}
