//! The words of changes by a filter: which records they are about.

use backstay_base::{Error, Place, ViolationKind};
use backstay_engine::{Counting, Filter, List, Reach};
use backstay_model::CollectionId;

use crate::list::{check_size, from_body, from_pairs, in_body};
use crate::list_words::ListWords;
use crate::parameter::{DRY_RUN, HIGHLIGHT, truth};
use crate::reader::Reader;
use crate::url;

/// The records that a request changes or deletes.
#[derive(Debug, Clone)]
pub struct Matching {
    /// Which.
    pub filter: Filter,
    /// How many of them.
    pub reach: Reach,
    /// Whether nothing is kept.
    pub dry_run: bool,
}

impl Reader {
    /// Reads the query of `PATCH` and `DELETE /api/{collection}`: `filter` and the values of its parameters, `field=value`,
    /// `sort`, `limit` and `dryRun`.
    pub fn matching_of_query(&self, collection: CollectionId, query: Option<&str>) -> Result<Matching, Error> {
        let (own, others): (Vec<_>, Vec<_>) = url::of_url(query)?.into_iter().partition(|(name, _)| name == DRY_RUN);
        let dry_run = match own.first() {
            Some((_, text)) => truth(text).map_err(|kind| Error::malformed(Place::part(DRY_RUN), kind))?,
            None => false,
        };
        let words = from_pairs(self.model().collection(collection), others)?;
        Ok(Matching { dry_run, ..self.matching(&words, "write `filter=true`")? })
    }

    /// Reads the same of a body like that of `:query`, which has no `dryRun`.
    pub fn matching_of_body(&self, collection: CollectionId, body: &[u8]) -> Result<Matching, Error> {
        check_size(body)?;
        self.matching(&from_body(collection, body)?, "write `\"filter\": \"true\"`").map_err(in_body)
    }

    fn matching(&self, words: &ListWords<'_>, all: &str) -> Result<Matching, Error> {
        let others = [
            (Place::Search, words.search.is_some()),
            (Place::part(HIGHLIGHT), words.highlight.is_some()),
            (Place::Select, words.select.is_some()),
            (Place::After, words.after.is_some()),
            (Place::Before, words.before.is_some()),
            (Place::Skip, words.skip.is_some()),
            (Place::Count, words.count != Counting::None),
            (Place::AsOf, words.as_of.is_some()),
        ];
        if let Some((place, _)) = others.into_iter().find(|(_, is_there)| *is_there) {
            let problem = format!("a change by a filter has no `{place}`");
            let remedy = "leave it out; the answer is the number of records".to_owned();
            return Err(Error::malformed(place, ViolationKind::Misused { problem, remedy }));
        }
        if words.filter.is_none() && words.equals.is_empty() {
            return Err(Error::malformed(Place::Filter, unfiltered(all)));
        }
        let List { filter, sort, .. } = self.list(words)?;
        let reach = match (words.sort.is_some(), words.limit) {
            (false, limit) => Reach::All { most: limit.unwrap_or(backstay_base::limits::MATCHED_RECORDS) },
            (true, Some(count)) => Reach::First { count, sort },
            (true, None) => return Err(Error::malformed(Place::Sort, without_a_limit())),
        };
        Ok(Matching { filter, reach, dry_run: false })
    }
}

/// Refuses an order of records of which all are meant.
fn without_a_limit() -> ViolationKind {
    let problem = "every record that matches would be changed, in whatever order".to_owned();
    ViolationKind::Misused {
        problem,
        remedy: "say with `limit` how many of the first you mean, or leave it out".to_owned(),
    }
}

/// Refuses a change without a filter; says how to ask for all records.
pub(crate) fn unfiltered(all: &str) -> ViolationKind {
    let problem = "without a filter this would be about every record".to_owned();
    ViolationKind::Misused { problem, remedy: format!("say which records you mean, or {all} for all of them") }
}
