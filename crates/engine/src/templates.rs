use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use backstay_base::Action;
use backstay_expr::{Rights, Sum};
use backstay_model::{
    Collection, CollectionId, Exclusion, Field, FieldId, FieldKind, Index, InnerRelation, Link, Model, Timer, Trash,
    Tree, Versions,
};
use backstay_sql::{
    IdOrder, PageStart, Perspective, Planner, Position, ReadPlan, ReadScope, ReadShape, SearchTemplates, Selection,
    StoredPlan, SumsPlan, Template,
};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::reference::Reference;

/// Statements of one kind that are expected, of all collections together.
const STATEMENTS: usize = 4096;
/// Bytes in the texts of one kind that are kept: clients choose the fields of updates.
const STATEMENT_BYTES: u64 = 4 * 1024 * 1024;

/// Statements that compute stored sums from all members.
const SUMS: usize = 256;

/// Statements of one kind.
type Statements<K> = Cache<K, Arc<Template>, TextBytes>;

#[derive(Debug, Clone)]
struct TextBytes;

impl<K> Weighter<K, Arc<Template>> for TextBytes {
    fn weight(&self, _: &K, template: &Arc<Template>) -> u64 {
        template.text().len() as u64 + 1
    }
}

/// Reads some fields of a record, be it live or in the trash.
fn fields(planner: &Planner, collection: &Collection, is_read: impl Fn(&Field) -> bool) -> Arc<StoredPlan> {
    let fields: Vec<FieldId> = collection.fields.iter().filter(|field| is_read(field)).map(|field| field.id).collect();
    Arc::new(planner.held(collection.id, &fields))
}

fn no_statements<K: Eq + Hash>() -> Statements<K> {
    Cache::with_weighter(STATEMENTS, STATEMENT_BYTES, TextBytes)
}

/// Statements that depend on the model alone, made when they are first needed.
pub(crate) struct Templates {
    collections: Vec<CollectionTemplates>,
    updates: Statements<(CollectionId, Vec<FieldId>)>,
    lookups: Statements<(CollectionId, Vec<FieldId>, Perspective)>,
    referencing: Statements<(CollectionId, FieldId, Option<InnerRelation>, Perspective, IdOrder)>,
    went_with: Statements<(CollectionId, FieldId)>,
    led_to: Statements<(CollectionId, FieldId)>,
    past: Statements<(CollectionId, FieldId)>,
    having: Statements<((CollectionId, FieldId), bool)>,
    set_sums: Statements<(CollectionId, Vec<FieldId>)>,
    sums_anew: Cache<(CollectionId, Vec<FieldId>), Arc<SumsPlan>>,
    added_sums: Cache<(CollectionId, Vec<FieldId>), Arc<StoredPlan>>,
    links: Statements<(String, String, LinkStatement)>,
    slugs: Statements<(CollectionId, FieldId, usize, Vec<FieldId>)>,
    ranges: Statements<(CollectionId, usize, bool)>,
    due: Statements<(CollectionId, usize, bool)>,
}

#[derive(Default)]
struct CollectionTemplates {
    insert: OnceLock<Template>,
    delete: OnceLock<Template>,
    whole: OnceLock<Arc<StoredPlan>>,
    whole_stored: OnceLock<Arc<StoredPlan>>,
    expired: [OnceLock<Template>; 2],
    held: OnceLock<Arc<StoredPlan>>,
    checked: OnceLock<Arc<StoredPlan>>,
    brief: OnceLock<Arc<StoredPlan>>,
    references: OnceLock<Arc<StoredPlan>>,
    ids: [OnceLock<ReadPlan>; 2],
    versions: OnceLock<VersionTemplates>,
    search: OnceLock<Option<Arc<SearchTemplates>>>,
    move_branch: OnceLock<Template>,
    longest_path: OnceLock<Template>,
    hold: OnceLock<Option<Arc<Template>>>,
}

/// What is done to the versions of records.
pub(crate) struct VersionTemplates {
    /// Ends the last version of a record.
    pub(crate) end: Template,
    /// Deletes all versions of a record.
    pub(crate) delete: Template,
    /// Finds those that are of the past for too long.
    pub(crate) expired: Template,
    /// Deletes them.
    pub(crate) delete_expired: Template,
}

/// What is done to a link table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LinkStatement {
    Insert,
    Place,
    Remove,
    Clear,
    Targets,
    /// Those that are live, which are of this collection.
    LiveTargets(CollectionId),
    Between,
}

impl Templates {
    pub(crate) fn new(model: &Model) -> Self {
        Self {
            collections: model.collections.iter().map(|_| CollectionTemplates::default()).collect(),
            updates: no_statements(),
            lookups: no_statements(),
            referencing: no_statements(),
            went_with: no_statements(),
            led_to: no_statements(),
            past: no_statements(),
            having: no_statements(),
            set_sums: no_statements(),
            sums_anew: Cache::new(SUMS),
            added_sums: Cache::new(SUMS),
            links: no_statements(),
            slugs: no_statements(),
            ranges: no_statements(),
            due: no_statements(),
        }
    }

    fn of(&self, collection: CollectionId) -> &CollectionTemplates {
        &self.collections[usize::from(collection.0)]
    }

    pub(crate) fn insert(&self, planner: &Planner, collection: CollectionId) -> &Template {
        self.of(collection).insert.get_or_init(|| planner.insert(collection))
    }

    pub(crate) fn delete(&self, planner: &Planner, collection: CollectionId) -> &Template {
        self.of(collection).delete.get_or_init(|| planner.delete(collection))
    }

    /// Reads a live record with all its fields.
    pub(crate) fn whole(&self, planner: &Planner, collection: CollectionId) -> &Arc<StoredPlan> {
        self.of(collection).whole.get_or_init(|| Arc::new(planner.stored(collection, Perspective::Live, &[])))
    }

    /// Reads a record with all its fields, be it live or in the trash.
    pub(crate) fn whole_stored(&self, planner: &Planner, collection: CollectionId) -> &Arc<StoredPlan> {
        let plan = || Arc::new(planner.stored_to_change(collection, Perspective::Stored, &[]));
        self.of(collection).whole_stored.get_or_init(plan)
    }

    /// Reads what must be known of a record whose stored sums change: always the same fields.
    pub(crate) fn held(&self, planner: &Planner, collection: CollectionId, fields: &[FieldId]) -> &Arc<StoredPlan> {
        self.of(collection).held.get_or_init(|| Arc::new(planner.held(collection, fields)))
    }

    /// Reads what must be known of a record that is asked at commit: always the same fields.
    pub(crate) fn checked(&self, planner: &Planner, collection: CollectionId, fields: &[FieldId]) -> &Arc<StoredPlan> {
        self.of(collection).checked.get_or_init(|| Arc::new(planner.held(collection, fields)))
    }

    /// Reads a record, be it live or in the trash, without large values that no index holds.
    pub(crate) fn brief(&self, planner: &Planner, collection: &Collection) -> &Arc<StoredPlan> {
        let is_indexed = |field: &Field| collection.indexes.iter().any(|index| index.fields.contains(&field.id));
        let plan = || fields(planner, collection, |field| !field.is_large() || is_indexed(field));
        self.of(collection.id).brief.get_or_init(plan)
    }

    /// Reads the references of a record, those in documents included, be it live or in the trash.
    pub(crate) fn references(&self, planner: &Planner, collection: &Collection) -> &Arc<StoredPlan> {
        let mentions = |field: &Field| collection.mentions.iter().any(|mention| mention.document == field.id);
        let is_read = |field: &Field| {
            field.id <= Collection::VERSION || matches!(field.kind, FieldKind::ToOne { .. }) || mentions(field)
        };
        self.of(collection.id).references.get_or_init(|| fields(planner, collection, is_read))
    }

    /// Computes stored sums of a collection from all members.
    pub(crate) fn sums_anew(&self, planner: &Planner, collection: CollectionId, sums: &[&Sum]) -> Arc<SumsPlan> {
        let key = (collection, sums.iter().map(|sum| sum.computed.field).collect());
        if let Some(plan) = self.sums_anew.get(&key) {
            return plan;
        }
        let plan = Arc::new(planner.sums_anew(collection, sums));
        self.sums_anew.insert(key, Arc::clone(&plan));
        plan
    }

    /// Sets stored sums.
    pub(crate) fn set_sums(&self, planner: &Planner, collection: CollectionId, fields: Vec<FieldId>) -> Arc<Template> {
        cached(&self.set_sums, (collection, fields), |(collection, fields)| planner.set_sums(*collection, fields))
    }

    /// Adds to stored sums.
    pub(crate) fn add_to_sums(
        &self,
        planner: &Planner,
        collection: CollectionId,
        fields: Vec<FieldId>,
    ) -> Arc<StoredPlan> {
        cached(&self.added_sums, (collection, fields), |(collection, fields)| planner.add_to_sums(*collection, fields))
    }

    /// Finds the records that have been in the trash for too long, from the oldest or after one.
    pub(crate) fn expired(
        &self,
        planner: &Planner,
        (collection, trash): (CollectionId, Trash),
        after: bool,
    ) -> &Template {
        self.of(collection).expired[usize::from(after)].get_or_init(|| planner.expired(collection, trash, after))
    }

    /// Finds the records that are due by the timer in this place among those of its type, from the first or after one.
    pub(crate) fn due(
        &self,
        planner: &Planner,
        (collection, (place, timer)): (CollectionId, (usize, &Timer)),
        after: bool,
    ) -> Arc<Template> {
        cached(&self.due, (collection, place, after), |(collection, _, after)| planner.due(*collection, timer, *after))
    }

    /// Finds the records whose moment in this field has come.
    pub(crate) fn past(&self, planner: &Planner, field: (CollectionId, FieldId)) -> Arc<Template> {
        cached(&self.past, field, |field| planner.past(*field))
    }

    /// Finds the records whose field has a value, from the first one or after one.
    pub(crate) fn having(&self, planner: &Planner, field: (CollectionId, FieldId), after: bool) -> Arc<Template> {
        cached(&self.having, (field, after), |(field, after)| planner.having(*field, *after))
    }

    pub(crate) fn update(&self, planner: &Planner, collection: CollectionId, fields: Vec<FieldId>) -> Arc<Template> {
        cached(&self.updates, (collection, fields), |(collection, fields)| planner.update(*collection, fields))
    }

    pub(crate) fn lookup(
        &self,
        planner: &Planner,
        (collection, fields): (CollectionId, Vec<FieldId>),
        perspective: Perspective,
    ) -> Arc<Template> {
        cached(&self.lookups, (collection, fields, perspective), |(collection, fields, perspective)| {
            planner.lookup(*collection, fields, *perspective)
        })
    }

    /// Finds the records that refer to one.
    pub(crate) fn referencing(
        &self,
        planner: &Planner,
        (collection, reference): (CollectionId, Reference<'_>),
        (perspective, order): (Perspective, IdOrder),
    ) -> Arc<Template> {
        let (field, relation) = reference.key();
        cached(&self.referencing, (collection, field, relation, perspective, order), |_| match reference {
            Reference::Field(field) => planner.referencing(collection, field.id, (perspective, order)),
            Reference::Mention(mention) => planner.mentioning(collection, &mention.link, (perspective, order)),
        })
    }

    /// Finds the records that refer to one by a field and were moved to the trash at a given moment.
    pub(crate) fn went_with(&self, planner: &Planner, at: (CollectionId, FieldId), trash: Trash) -> Arc<Template> {
        cached(&self.went_with, at, |at| planner.went_with(*at, trash))
    }

    /// Locks records, where several transactions write at a time.
    pub(crate) fn hold(&self, planner: &Planner, collection: CollectionId) -> Option<Arc<Template>> {
        self.of(collection).hold.get_or_init(|| planner.hold(collection).map(Arc::new)).clone()
    }

    /// Finds what a to-one field of records leads to.
    pub(crate) fn led_to(&self, planner: &Planner, at: (CollectionId, FieldId)) -> Arc<Template> {
        cached(&self.led_to, at, |(collection, field)| planner.led_to(*collection, *field))
    }

    pub(crate) fn link(&self, planner: &Planner, link: &Link, statement: LinkStatement) -> Arc<Template> {
        cached(&self.links, (link.table.clone(), link.near.clone(), statement), |_| match statement {
            LinkStatement::Insert => planner.link_insert(link),
            LinkStatement::Place => planner.link_place(link),
            LinkStatement::Remove => planner.link_remove(link),
            LinkStatement::Clear => planner.link_clear(link),
            LinkStatement::Targets => planner.link_targets(link),
            LinkStatement::LiveTargets(target) => planner.live_link_targets(target, link),
            LinkStatement::Between => planner.link_between(link),
        })
    }

    /// Finds the slugs of a field that are taken, in the index at this place in the collection.
    pub(crate) fn taken_slugs(
        &self,
        planner: &Planner,
        (collection, slug, place): (CollectionId, FieldId, usize),
        (index, absent): (&Index, &[FieldId]),
    ) -> Arc<Template> {
        let key = (collection, slug, place, absent.to_vec());
        cached(&self.slugs, key, |_| planner.taken_slugs(collection, (index, slug), absent))
    }

    /// What is written to the index of a collection's search, if it has one.
    pub(crate) fn search(&self, planner: &Planner, collection: CollectionId) -> Option<&Arc<SearchTemplates>> {
        self.of(collection).search.get_or_init(|| planner.search_templates(collection).map(Arc::new)).as_ref()
    }

    /// Moves what is below a record of a tree.
    pub(crate) fn move_branch(&self, planner: &Planner, (of, tree): (CollectionId, Tree)) -> &Template {
        self.of(of).move_branch.get_or_init(|| planner.move_branch((of, tree)))
    }

    /// Finds how long the longest path below a record of a tree is.
    pub(crate) fn longest_path(&self, planner: &Planner, (of, tree): (CollectionId, Tree)) -> &Template {
        self.of(of).longest_path.get_or_init(|| planner.longest_path((of, tree)))
    }

    /// What is done to a collection of versions.
    pub(crate) fn versions(&self, planner: &Planner, (of, versions): (CollectionId, &Versions)) -> &VersionTemplates {
        self.of(of).versions.get_or_init(|| VersionTemplates {
            end: planner.end_version((of, versions)),
            delete: planner.delete_versions(of),
            expired: planner.expired_versions(of),
            delete_expired: planner.delete_expired_versions(of),
        })
    }

    /// Finds the record that a range could overlap, by the exclusion at this place in the collection.
    pub(crate) fn last_before(
        &self,
        planner: &Planner,
        (collection, place): (CollectionId, usize),
        (exclusion, ends): (&Exclusion, bool),
    ) -> Arc<Template> {
        cached(&self.ranges, (collection, place, ends), |_| planner.last_before(collection, exclusion, ends))
    }

    /// Reads the ids of a collection in their order, from the start or after one.
    pub(crate) fn ids(&self, planner: &Planner, collection: CollectionId, after: bool) -> &ReadPlan {
        self.of(collection).ids[usize::from(after)].get_or_init(|| {
            let start = match after {
                true => PageStart::After(Position { nulls: Vec::new() }),
                false => PageStart::First,
            };
            let shape = ReadShape {
                action: Action::Read,
                perspective: Perspective::Live,
                collection,
                selection: Selection::id(),
                first_param: 0,
                filter: None,
                search: None,
                scope: ReadScope::Page { sort: Vec::new(), start },
            };
            planner.read(&shape, Rights::unrestricted())
        })
    }
}

fn cached<K: Clone + Eq + Hash, V, W: Weighter<K, Arc<V>> + Clone>(
    cache: &Cache<K, Arc<V>, W>,
    key: K,
    make: impl FnOnce(&K) -> V,
) -> Arc<V> {
    if let Some(made) = cache.get(&key) {
        return made;
    }
    let made = Arc::new(make(&key));
    cache.insert(key, Arc::clone(&made));
    made
}
