use std::hash::Hash;
use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, ViolationKind, limits};
use backstay_engine::{
    Cursor, Engine, Expression, Filter, Groups, List, Selection, Singles, SortBy, SortKey, Start,
    no_highlight_of_types, not_searched, read_search,
};
use backstay_expr::{Checked, Scope};
use backstay_model::{Collection, CollectionId, FieldId, Interface, InterfaceId, Model};
use backstay_scalar::{Search, Value};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::cursor;
use crate::groups::{self, GroupTexts};
use crate::list_words::{ListWords, Raw};
use crate::parameter::HIGHLIGHT;
use crate::select::Chosen;
use crate::words::{not_shared, shorten};
use crate::{filter, select, sort};

/// Texts of each kind that are kept, as far as `limits::KEPT_TEXTS_BYTES` allows.
const TEXTS: usize = 1000;
/// Bytes of memory that a byte of a text can come to mean: every second byte can be a node of an expression.
const MEANING_BYTES: u64 = 64;

/// Reads the texts in requests, and keeps what they mean: clients send the same few texts again and again.
pub struct Reader {
    model: Arc<Model>,
    singles: Singles,
    selections: Texts<Chosen>,
    orders: Texts<Arc<[SortKey]>>,
    filters: Texts<Arc<Checked>>,
    groups: Texts<Groups>,
}

type Key = (Named, Box<str>);

/// What a text names fields of: a collection, as one of the types of an interface or by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Named {
    pub(crate) collection: CollectionId,
    pub(crate) interface: Option<InterfaceId>,
}

impl Named {
    /// The fields of a collection.
    pub(crate) fn of(collection: CollectionId) -> Self {
        Self { collection, interface: None }
    }
}

/// What texts of one kind mean.
type Texts<T> = Cache<Key, T, Memory>;

/// Estimates the memory that a text and its meaning use.
#[derive(Debug, Clone)]
struct Memory;

impl<T> Weighter<Key, T> for Memory {
    fn weight(&self, (_, text): &Key, _: &T) -> u64 {
        (text.len() as u64 + 1) * MEANING_BYTES
    }
}

fn no_texts<T: Clone>() -> Texts<T> {
    Cache::with_weighter(TEXTS, limits::KEPT_TEXTS_BYTES, Memory)
}

/// A key that borrows its text.
#[derive(Clone, Copy, Hash)]
struct Text<'t>(Named, &'t str);

impl Equivalent<Key> for Text<'_> {
    fn equivalent(&self, (named, text): &Key) -> bool {
        self.0 == *named && *self.1 == **text
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("model", &self.model.name).finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader for requests to this engine.
    pub fn new(engine: &Engine) -> Self {
        Self::of(Arc::clone(engine.model()), engine.singles().clone())
    }

    /// A reader for requests to an application with this model and these records of its `@single` types.
    pub fn of(model: Arc<Model>, singles: Singles) -> Self {
        Self { model, singles, selections: no_texts(), orders: no_texts(), filters: no_texts(), groups: no_texts() }
    }

    /// The id of the one record of a collection; `None` if that is not `@single`.
    pub fn single(&self, collection: CollectionId) -> Option<RecordId> {
        self.singles.get(collection)
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The meaning of a `select`; everything if there is none.
    pub fn selection(&self, collection: CollectionId, text: Option<&str>) -> Result<Selection, Error> {
        self.chosen(Named::of(collection), text).map(|chosen| chosen.selection)
    }

    pub(crate) fn chosen(&self, named: Named, text: Option<&str>) -> Result<Chosen, Error> {
        let Some(text) = text else { return Ok(Chosen::of(Selection::Whole)) };
        let (model, collection) = (&*self.model, self.model.collection(named.collection));
        kept(&self.selections, (named, text), || match named.interface {
            Some(interface) => select::selection_of_type(text, (model.interface(interface), collection), model),
            None => select::selection(text, collection, model),
        })
    }

    /// The meaning of a `select`, and the values of its parameters: these and no others are given.
    pub(crate) fn selected(
        &self,
        named: Named,
        text: Option<&str>,
        params: &[(String, Raw<'_>)],
    ) -> Result<(Selection, Vec<Value>), Error> {
        let Chosen { selection, written } = self.chosen(named, text)?;
        match written {
            None => filter::refuse_params(params).map(|()| (selection, Vec::new())),
            Some(written) => {
                let (_, values) = filter::params(params, (&[], &written), &self.model)?;
                let values = of_one_type(values, (&selection, named));
                Ok((selection, values))
            }
        }
    }

    /// The meaning of the texts of an aggregate.
    pub(crate) fn groups(
        &self,
        collection: CollectionId,
        texts: &GroupTexts<'_>,
        filter: Option<&Checked>,
    ) -> Result<Groups, Error> {
        let read = || groups::read(texts, (self.model.collection(collection), &self.model), filter);
        kept(&self.groups, (Named::of(collection), &texts.joined()), read)
    }

    /// The meaning of a filter of records of one type.
    pub(crate) fn filter(&self, collection: CollectionId, text: &str) -> Result<Arc<Checked>, Error> {
        let scope = Scope::filter(&self.model, collection);
        kept(&self.filters, (Named::of(collection), text), || filter::expression(text, &scope).map(Arc::new))
    }

    /// Bytes of the expressions of an aggregate that aren't known yet, and of its filter.
    pub(crate) fn unknown_bytes_of_groups(&self, words: &ListWords<'_>, texts: &GroupTexts<'_>) -> usize {
        let text = texts.joined();
        let known = self.groups.get(&Text(Named::of(words.collection), &text)).is_some();
        let records = ListWords { select: None, ..words.clone() };
        self.unknown_bytes(&records) + if known { 0 } else { text.len().min(limits::PARAMETER_BYTES) }
    }

    /// Bytes of the filters that aren't known yet: of the list, and of relations in its selection.
    pub(crate) fn unknown_bytes(&self, words: &ListWords<'_>) -> usize {
        let text = words.filter.as_deref().filter(|text| text.len() <= limits::EXPRESSION_BYTES);
        let text = text.filter(|text| self.filters.get(&Text(Named::of(words.collection), text)).is_none());
        text.map_or(0, str::len) + self.unknown_bytes_of_select(words.collection, words.select.as_deref())
    }

    /// Bytes of the filters in a `select` that isn't known yet, at most.
    pub(crate) fn unknown_bytes_of_select(&self, collection: CollectionId, select: Option<&str>) -> usize {
        let has_filters = |text: &&str| text.len() <= limits::PARAMETER_BYTES && text.contains("filter");
        let unknown = |text: &&str| self.selections.get(&Text(Named::of(collection), text)).is_none();
        let text = select.filter(has_filters).filter(unknown);
        text.map_or(0, |text| text.len().min(limits::SELECT_FILTER_BYTES))
    }

    /// The typed form of a list.
    pub fn list(&self, words: &ListWords<'_>) -> Result<List, Error> {
        self.list_of(words, None)
    }

    pub(crate) fn list_of(&self, words: &ListWords<'_>, interface: Option<InterfaceId>) -> Result<List, Error> {
        let ListWords {
            collection: id,
            equals,
            filter: text,
            search,
            highlight,
            params,
            sort,
            select,
            limit,
            after,
            before,
            skip,
            count,
            as_of,
        } = words;
        let (model, collection) = (&*self.model, self.model.collection(*id));
        let named = Named { collection: *id, interface };
        let shared = interface.map(|interface| model.interface(interface));
        let check_shared = |field: FieldId, place: Place| match shared {
            Some(shared) => not_shared(shared, collection.field(field)).map_err(|kind| Error::malformed(place, kind)),
            None => Ok(()),
        };
        let search = search.as_deref().map(searched).transpose()?;
        let sort = match sort {
            None if search.is_some() => Arc::from([SortKey::rank()]),
            Some(text) => kept(&self.orders, (named, text), || {
                let keys = sort::keys(text, collection, model)?;
                keys.iter().try_for_each(|key| match &key.by {
                    SortBy::Column(column) => check_shared(column.field, Place::Sort),
                    SortBy::Derived(value) if shared.is_some() => Err(not_of_types(&value.of.text)),
                    SortBy::Derived(_) | SortBy::Rank => Ok(()),
                })?;
                Ok(Arc::from(keys))
            })?,
            None => Arc::default(),
        };
        let place = |word: &str, at: Place| cursor::decode((word, at), &sort, collection, model);
        let start = start_of((after.as_deref(), before.as_deref(), skip.unwrap_or(0)), place)?;
        let Chosen { selection, written } = self.chosen(named, select.as_deref())?;
        let written = written.as_deref().unwrap_or_default();
        let (expression, selected) = if let Some(text) = text {
            let scope = filter_scope(model, *id, shared);
            let checked = kept(&self.filters, (named, text), || filter::expression(text, &scope).map(Arc::new))?;
            let (params, selected) = filter::params(params, (&checked.params, written), model)?;
            (Some(Expression { checked, params }), selected)
        } else if written.is_empty() {
            filter::refuse_params(params)?;
            (None, Vec::new())
        } else {
            (None, filter::params(params, (&[], written), model)?.1)
        };
        let compared = filter::compared(equals, collection, model)?;
        let mut fields = compared.equals.iter().map(|(field, _)| field).chain(&compared.own);
        fields.try_for_each(|field| check_shared(*field, Place::Equality(collection.field(*field).name.clone())))?;
        Ok(List {
            collection: *id,
            perspective: self.perspective(*id, as_of.as_deref())?,
            filter: Filter { expression, ..compared },
            search,
            highlight: highlighted(highlight.as_deref(), (collection, shared))?,
            params: of_one_type(selected, (&selection, named)),
            selection,
            sort,
            limit: limit.unwrap_or(limits::PAGE_DEFAULT),
            start,
            count: *count,
        })
    }
}

/// What a filter can name: of one of the types of an interface what they share.
fn filter_scope<'m>(model: &'m Model, of: CollectionId, shared: Option<&'m Interface>) -> Scope<'m> {
    match shared {
        Some(shared) => Scope::filter_of_types(model, of, shared),
        None => Scope::filter(model, of),
    }
}

/// The values of the parameters in a selection of one type of an interface: what is selected of the other types may have more
/// after them.
fn of_one_type(mut values: Vec<Value>, (selection, named): (&Selection, Named)) -> Vec<Value> {
    if named.interface.is_some() {
        values.truncate(selection.params().into());
    }
    values
}

/// The refusal of an order by what a relation of the types of an interface leads to.
fn not_of_types(text: &str) -> Error {
    let problem = format!("records of several types can't be sorted by `{text}`");
    let remedy = "sort by fields that the types share, or list one of the types".to_owned();
    Error::malformed(Place::Sort, ViolationKind::Misused { problem, remedy })
}

/// The fields that a `highlight` names.
fn highlighted(
    text: Option<&str>,
    (collection, shared): (&Collection, Option<&Interface>),
) -> Result<Arc<[FieldId]>, Error> {
    let Some(text) = text else { return Ok(Arc::default()) };
    if shared.is_some() {
        return Err(no_highlight_of_types());
    }
    let mut fields = Vec::new();
    for name in text.split(',').map(str::trim) {
        let field = collection.searched().find(|(field, _)| field.name == name).map(|(field, _)| field.id);
        let field = field.ok_or_else(|| not_searched(collection, &shorten(name)))?;
        if fields.contains(&field) {
            return Err(Error::malformed(Place::part(HIGHLIGHT), ViolationKind::Duplicate));
        }
        fields.push(field);
    }
    Ok(fields.into())
}

/// The meaning of a `search`.
pub(crate) fn searched(text: &str) -> Result<Arc<Search>, Error> {
    read_search(text, &Place::Search)
}

/// Where a page starts: after or before a place, or after some records.
pub(crate) fn start_of(
    (after, before, skip): (Option<&str>, Option<&str>, u32),
    place: impl Fn(&str, Place) -> Result<Cursor, Error>,
) -> Result<Start, Error> {
    match (after, before, skip) {
        (None, None, 0) => Ok(Start::First),
        (Some(word), None, 0) => place(word, Place::After).map(Start::After),
        (None, Some(word), 0) => place(word, Place::Before).map(Start::Before),
        (None, None, records) => Ok(Start::Skip(records)),
        (after, before, _) => Err(two_starts(after.is_some(), before.is_some())),
    }
}

/// The refusal of a page that is to start at two places.
fn two_starts(after: bool, before: bool) -> Error {
    let (at, one, other) = match (after, before) {
        (true, true) => (Place::Before, "before", "after"),
        (true, false) => (Place::Skip, "skip", "after"),
        (false, _) => (Place::Skip, "skip", "before"),
    };
    let problem = format!("a page starts at one place, and `{other}` says where");
    Error::malformed(at, ViolationKind::Misused { problem, remedy: format!("leave `{one}` or `{other}` out") })
}

/// What a text means, read if it is not known yet.
fn kept<T: Clone>(
    texts: &Texts<T>,
    (named, text): (Named, &str),
    read: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    if text.len() > limits::KEPT_TEXT_BYTES {
        return read();
    }
    if let Some(meaning) = texts.get(&Text(named, text)) {
        return Ok(meaning);
    }
    let meaning = read()?;
    texts.insert((named, text.into()), meaning.clone());
    Ok(meaning)
}

#[cfg(test)]
mod tests {
    use backstay_model::SourceFile;

    use super::*;
    use crate::transact::Batch;

    #[test]
    fn a_filter_that_was_read_is_known() {
        let model = "extend schema @app(name: \"Notes\") type Note @allow(read: \"true\") { title: String! }";
        let model = backstay_model::load(vec![SourceFile::app("notes.graphql", model)]).expect("a model").model;
        let reader = Reader::of(Arc::new(model), Singles::default());
        let note = reader.model().collection_named("Note").expect("a type").id;
        let query = |bytes: usize| format!("filter=title%3D%3D'{}'", "x".repeat(bytes));
        for (bytes, long) in [(100, false), (1100, true), (4000, true), (5000, false)] {
            let query = query(bytes);
            assert_eq!(reader.query_takes_long(note, Some(&query)), long, "{bytes}");
            assert_eq!(reader.list_of_query(note, Some(&query)).is_ok(), bytes < 4096, "{bytes}");
            assert!(!reader.query_takes_long(note, Some(&query)), "{bytes}");
        }
    }

    #[test]
    fn filters_in_selections_count_until_they_were_read() {
        let model = r#"extend schema @app(name: "Notes")
            type Note @allow(read: "true") { title: String! parts: [Note!] whole: Note }"#;
        let model = backstay_model::load(vec![SourceFile::app("notes.graphql", model)]).expect("a model").model;
        let reader = Reader::of(Arc::new(model), Singles::default());
        let note = reader.model().collection_named("Note").expect("a type").id;
        let select = |letter: &str| format!("parts(filter:title == '{}')", letter.repeat(600));
        let get = |letter: &str| format!(r#"{{"get":"notes","id":"x","select":"{}"}}"#, select(letter));
        let list = |letter: &str| format!(r#"{{"list":"notes","query":{{"select":"{}"}}}}"#, select(letter));
        let takes_long = |requests: &[String]| {
            let body = format!(r#"{{"requests":[{}]}}"#, requests.join(","));
            Batch::takes_long(&reader, body.as_bytes())
        };
        assert!(!takes_long(&[get("a")]));
        assert!(takes_long(&vec![get("a"); 2 * limits::LONG_BODY_BYTES / 1000]), "it is large");
        assert!(takes_long(&[get("a"), get("b")]));
        assert!(takes_long(&[get("a"), list("c")]));
        assert!(!takes_long(&[get("a"), get("b").replace("filter", "limits")]));
        reader.selection(note, Some(&select("a"))).expect("a selection");
        assert!(!takes_long(&[get("a"), get("b")]));
        assert!(takes_long(&[get("c"), get("b")]));
    }

    #[test]
    fn the_texts_that_are_kept_have_limited_memory() {
        let model = "extend schema @app(name: \"Notes\") type Note @allow(read: \"true\") { title: String! }";
        let model = backstay_model::load(vec![SourceFile::app("notes.graphql", model)]).expect("a model").model;
        let reader = Reader::of(Arc::new(model), Singles::default());
        let note = reader.model().collection_named("Note").expect("a type").id;
        for number in 0..300 {
            let text = format!("title == '{number:04}{}'", "x".repeat(4000));
            let words = ListWords { filter: Some(text.into()), ..ListWords::of(note) };
            reader.list(&words).expect("a list");
        }
        assert!(reader.filters.weight() <= limits::KEPT_TEXTS_BYTES, "{}", reader.filters.weight());
        assert!((1..=64).contains(&reader.filters.len()), "{}", reader.filters.len());
    }
}
