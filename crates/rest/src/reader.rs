use std::hash::Hash;
use std::sync::Arc;

use backstay_base::{Error, limits};
use backstay_engine::{Expression, Filter, List, Perspective, Selection, SortKey};
use backstay_expr::Checked;
use backstay_model::{CollectionId, Model};
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::cursor;
use crate::list_words::ListWords;
use crate::{filter, select, sort};

/// Texts of each kind that are kept at most.
const TEXTS: usize = 1000;

/// Reads the texts in requests, and keeps what they mean: clients send the same few texts again and again.
pub struct Reader {
    model: Arc<Model>,
    selections: Cache<Key, Selection>,
    orders: Cache<Key, Arc<[SortKey]>>,
    filters: Cache<Key, Arc<Checked>>,
}

type Key = (CollectionId, Box<str>);

/// A key that borrows its text.
#[derive(Clone, Copy, Hash)]
struct Text<'t>(CollectionId, &'t str);

impl Equivalent<Key> for Text<'_> {
    fn equivalent(&self, (collection, text): &Key) -> bool {
        self.0 == *collection && *self.1 == **text
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("model", &self.model.name).finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader for requests to an application with this model.
    pub fn new(model: Arc<Model>) -> Self {
        Self { model, selections: Cache::new(TEXTS), orders: Cache::new(TEXTS), filters: Cache::new(TEXTS) }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The meaning of a `select`; everything if there is none.
    pub fn selection(&self, collection: CollectionId, text: Option<&str>) -> Result<Selection, Error> {
        let Some(text) = text else { return Ok(Selection::Whole) };
        kept(&self.selections, (collection, text), || {
            select::selection(text, self.model.collection(collection), &self.model)
        })
    }

    /// The typed form of a list.
    pub fn list(&self, words: &ListWords<'_>) -> Result<List, Error> {
        let ListWords { collection: id, equals, filter: text, params, sort, select, limit, after, count } = words;
        let (model, collection) = (&*self.model, self.model.collection(*id));
        let sort = match sort {
            Some(text) => kept(&self.orders, (*id, text), || sort::keys(text, collection).map(Arc::from))?,
            None => Arc::default(),
        };
        let after = after.as_ref().map(|word| cursor::decode(word, &sort, collection, model)).transpose()?;
        let expression = if let Some(text) = text {
            let checked = kept(&self.filters, (*id, text), || filter::expression(text, model, *id).map(Arc::new))?;
            let params = filter::params(params, &checked.params, model)?;
            Some(Expression { checked, params })
        } else {
            filter::refuse_params(params)?;
            None
        };
        let equals = filter::equalities(equals, collection, model)?;
        Ok(List {
            collection: *id,
            perspective: Perspective::Live,
            filter: Filter { equals, expression },
            selection: self.selection(*id, select.as_deref())?,
            sort,
            limit: limit.unwrap_or(limits::PAGE_DEFAULT),
            after,
            count: *count,
        })
    }
}

/// What a text means, read if it is not known yet.
fn kept<T: Clone>(
    texts: &Cache<Key, T>,
    (collection, text): (CollectionId, &str),
    read: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    if let Some(meaning) = texts.get(&Text(collection, text)) {
        return Ok(meaning);
    }
    let meaning = read()?;
    if text.len() <= limits::KEPT_TEXT_BYTES {
        texts.insert((collection, text.into()), meaning.clone());
    }
    Ok(meaning)
}
