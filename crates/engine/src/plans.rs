use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use backstay_base::{Action, Error, limits};
use backstay_expr::{Checked, Expr, Node, Operator, Path, Rights, Root, Rule, Scope, Type, compile};
use backstay_model::{Collection, CollectionId, Field, FieldId, InterfaceId};
use backstay_scalar::{Language, Scalar, Value};
use backstay_sql::{
    DecodeError, Groups, GroupsShape, HistoryPlan, PageStart, Perspective, Planner, ReadPlan, ReadScope, ReadShape,
    RecordSource, Row, Searching, Selection, SortBy, SortKey, StoredPlan, Template, ValueKind,
};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::asked::View;
use crate::shapes::Shapes;
use crate::sought::looks_up_classified;
use crate::{Aggregate, Cursor, Get, List, OfTypes, asked, width};

/// Plans of each kind that are expected, for all classes of callers together.
const PLANS: usize = 10_000;
/// Bytes of memory that a plan has for each byte of its statement, about: the text itself, the slots, the output.
const STATEMENT_BYTES: u64 = 6;
/// Bytes of memory that a plan has for each byte of its filter, about: every few bytes are a node of the expression, which
/// the plan and its key have each.
const FILTER_BYTES: u64 = 64;

/// The plans of lists and selections that are kept, of all classes of callers together, so that their memory is bounded
/// however many classes there are.
pub(crate) struct KeptPlans {
    gets: Cache<(ClassNumber, GetKey), Arc<ReadPlan>, Memory>,
    lists: Cache<(ClassNumber, ListKey), Arc<ListPlan>, Memory>,
    classes: AtomicU64,
}

/// What makes two gets of one class of callers the same statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum GetKey {
    One(GetOf),
    /// By a unique key.
    Key(Action, GetOf, Vec<FieldId>),
    /// What the caller sees, whatever made it ask.
    Seen(CollectionId, Selection),
    /// Which of some records the caller sees, with a reference to a given one if this is named.
    Among(CollectionId, Option<FieldId>),
    /// Of any of several types of an interface.
    Together(InterfaceId, Vec<GetOf>),
}

type GetOf = (CollectionId, Perspective, Selection);

/// Distinguishes a class from all that there were before.
type ClassNumber = u64;

/// Estimates the memory that a plan uses.
#[derive(Debug, Clone)]
struct Memory;

impl Memory {
    fn of(template: &Template) -> u64 {
        (template.text().len() as u64 + 1) * STATEMENT_BYTES
    }
}

impl<K> Weighter<K, Arc<ReadPlan>> for Memory {
    fn weight(&self, _: &K, plan: &Arc<ReadPlan>) -> u64 {
        Self::of(&plan.template)
    }
}

impl Weighter<(ClassNumber, ListKey), Arc<ListPlan>> for Memory {
    fn weight(&self, (_, key): &(ClassNumber, ListKey), plan: &Arc<ListPlan>) -> u64 {
        let each = std::iter::once(key).chain(&key.others);
        let selected = |key: &ListKey| key.selection.written().iter().map(|written| written.text.len()).sum::<usize>();
        let filter = |key: &ListKey| {
            let own = key.expression.as_ref().map_or(0, |same| same.0.expr.span.len());
            let of_groups = key.groups.iter().flat_map(Groups::written).map(|written| written.text.len());
            (own + selected(key) + of_groups.sum::<usize>()) as u64
        };
        Self::of(&plan.page.template) + each.map(filter).sum::<u64>() * FILTER_BYTES
    }
}

impl KeptPlans {
    pub(crate) fn new() -> Arc<Self> {
        let each = limits::KEPT_PLANS_BYTES / 2;
        Arc::new(Self {
            gets: Cache::with_weighter(PLANS, each, Memory),
            lists: Cache::with_weighter(PLANS, each, Memory),
            classes: AtomicU64::new(0),
        })
    }
}

impl fmt::Debug for KeptPlans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("KeptPlans");
        shown.field("gets", &self.gets.len()).field("lists", &self.lists.len()).finish_non_exhaustive()
    }
}

/// The plans that were made for one class of callers, by what they are asked for. Nothing here decides anything: every
/// plan is made by the planner, which asks the rights.
pub(crate) struct Plans {
    collections: Box<[CollectionPlans]>,
    /// By the number of the rule in the rights: its statement for a proposed record, and for a stored one.
    checks: Box<[[OnceLock<Arc<Template>>; 2]]>,
    kept: Arc<KeptPlans>,
    class: ClassNumber,
}

#[derive(Debug, Default)]
struct CollectionPlans {
    /// The get without `select`.
    get: OnceLock<Arc<ReadPlan>>,
    seen: OnceLock<ReadPlan>,
    referable: OnceLock<ReadPlan>,
    stored_for_update: OnceLock<StoredPlan>,
    stored_for_delete: OnceLock<StoredPlan>,
    stored_in_trash: OnceLock<StoredPlan>,
    stored_for_restore: OnceLock<StoredPlan>,
    clauses_in_trash: OnceLock<StoredPlan>,
    stored_for_purge: OnceLock<StoredPlan>,
    /// From the latest version, and after one.
    history: [OnceLock<Arc<HistoryPlan>>; 2],
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans").field("class", &self.class).finish_non_exhaustive()
    }
}

impl Plans {
    /// No plans yet, for callers with these rights in this many collections.
    pub(crate) fn new(rights: &Rights, collections: usize, kept: &Arc<KeptPlans>) -> Self {
        Self {
            collections: (0..collections).map(|_| CollectionPlans::default()).collect(),
            checks: (0..rights.rules()).map(|_| Default::default()).collect(),
            kept: Arc::clone(kept),
            class: kept.classes.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn of(&self, collection: CollectionId) -> &CollectionPlans {
        &self.collections[usize::from(collection.0)]
    }

    /// What the caller sees of one record, whatever made it ask: every field that its rights show.
    pub(crate) fn seen(&self, planner: &Planner, rights: &Rights, collection: CollectionId) -> &ReadPlan {
        let shape = || one_record(Action::Read, collection, Selection::Whole, Perspective::Live);
        self.of(collection).seen.get_or_init(|| planner.read(&shape(), rights))
    }

    /// A selection of what the caller sees of one record, likewise; checked and planned once.
    pub(crate) fn seen_of(
        &self,
        planner: &Planner,
        view: View<'_>,
        (collection, selection): (CollectionId, &Selection),
    ) -> Result<Arc<ReadPlan>, Error> {
        self.kept_get(GetKey::Seen(collection, selection.clone()), || {
            asked::selection(view, collection, selection)?;
            let shape = one_record(Action::Read, collection, selection.clone(), Perspective::Live);
            Ok(planner.read(&shape, view.rights))
        })
    }

    /// Whether the caller may link to a record: a row without anything in it.
    pub(crate) fn referable(&self, planner: &Planner, rights: &Rights, collection: CollectionId) -> &ReadPlan {
        let shape = || one_record(Action::Refer, collection, Selection::parts([]), Perspective::Live);
        self.of(collection).referable.get_or_init(|| planner.read(&shape(), rights))
    }

    /// A get, checked and planned once for its selection.
    pub(crate) fn get(&self, planner: &Planner, view: View<'_>, get: &Get) -> Result<Arc<ReadPlan>, Error> {
        let Get { collection, which: _, selection, params: _, perspective } = get;
        let perspective = perspective.rows();
        let shape = || one_record(Action::Get, *collection, selection.clone(), perspective);
        match (selection, perspective) {
            (Selection::Whole, Perspective::Live) => {
                let plan = || Arc::new(planner.read(&shape(), view.rights));
                return Ok(Arc::clone(self.of(*collection).get.get_or_init(plan)));
            }
            (
                Selection::Whole,
                Perspective::Trash
                | Perspective::Stored
                | Perspective::AsOf
                | Perspective::Versions
                | Perspective::Last,
            )
            | (Selection::Parts(_), _) => {}
        }
        self.kept_get(GetKey::One((*collection, perspective, selection.clone())), || {
            asked::selection(view, *collection, selection)?;
            Ok(planner.read(&shape(), view.rights))
        })
    }

    /// A get by the fields of a unique key, which the caller may see.
    pub(crate) fn get_by_key(
        &self,
        planner: &Planner,
        view: View<'_>,
        (get, key): (&Get, &[FieldId]),
    ) -> Result<Arc<ReadPlan>, Error> {
        let of = (get.collection, get.perspective.rows(), get.selection.clone());
        self.with_key(planner, view, (Action::Get, of, key))
    }

    /// Finds the id of a record by the fields of a unique key, which the caller may see.
    pub(crate) fn id_by_key(
        &self,
        planner: &Planner,
        view: View<'_>,
        (collection, key): (CollectionId, &[FieldId]),
    ) -> Result<Arc<ReadPlan>, Error> {
        self.with_key(planner, view, (Action::Read, (collection, Perspective::Live, Selection::parts([])), key))
    }

    /// Finds the id of a record by the fields of a unique key, if the caller may link to it and name it by them.
    pub(crate) fn id_to_link(
        &self,
        planner: &Planner,
        view: View<'_>,
        (collection, key): (CollectionId, &[FieldId]),
    ) -> Result<Arc<ReadPlan>, Error> {
        let View { model, rights } = view;
        let of = (collection, Perspective::Live, Selection::parts([]));
        self.kept_get(GetKey::Key(Action::Refer, of.clone(), key.to_vec()), || {
            let collection = model.collection(collection);
            let rules = key.iter().map(|field| rights.field(collection.id, *field, Action::Refer));
            let rules = std::iter::once(rights.rule(collection.id, Action::Refer)).chain(rules);
            let filter =
                rules.fold(key_is(planner, collection, key), |filter, rule| and(Some(filter), rule.expr().clone()));
            let first_param = u16::try_from(key.len()).expect("a key has few fields");
            let shape = one_record(Action::Refer, collection.id, Selection::parts([]), Perspective::Live);
            // The rules are in the filter: they say of which records the key is compared, and nothing else is hidden in it.
            let shape = ReadShape { first_param, filter: Some(filter), scope: ReadScope::Key, ..shape };
            Ok(planner.read(&shape, Rights::unrestricted()))
        })
    }

    /// Finds out which records of a list of ids the caller sees. If a field is named, they have to refer by it, as the caller
    /// sees, to a given record.
    pub(crate) fn among(
        &self,
        planner: &Planner,
        view: View<'_>,
        (collection, via): (CollectionId, Option<FieldId>),
    ) -> Result<Arc<ReadPlan>, Error> {
        self.kept_get(GetKey::Among(collection, via), || {
            let shape = one_record(Action::Read, collection, Selection::parts([]), Perspective::Live);
            let among = compile(AMONG, &Scope::filter(view.model, collection)).expect("every collection has ids");
            let collection = view.model.collection(collection);
            let filter = via.map(|via| equality(planner, (collection, collection.field(via)), 1));
            let filter = match filter {
                Some(filter) => and(Some(among.expr), filter),
                None => among.expr,
            };
            let shape = ReadShape { first_param: 2, filter: Some(filter), scope: ReadScope::Key, ..shape };
            Ok(planner.read(&shape, view.rights))
        })
    }

    fn with_key(
        &self,
        planner: &Planner,
        view: View<'_>,
        (action, of, key): (Action, GetOf, &[FieldId]),
    ) -> Result<Arc<ReadPlan>, Error> {
        self.kept_get(GetKey::Key(action, of.clone(), key.to_vec()), || {
            let (collection, perspective, selection) = of;
            asked::selection(view, collection, &selection)?;
            let shape = one_record(action, collection, selection, perspective);
            let collection = view.model.collection(collection);
            let filter = Some(key_is(planner, collection, key));
            let first_param = u16::try_from(key.len()).expect("a key has few fields");
            Ok(planner.read(&ReadShape { first_param, filter, scope: ReadScope::Key, ..shape }, view.rights))
        })
    }

    /// A get of a record of any of these types, which the caller may read.
    pub(crate) fn get_of_types(
        &self,
        planner: &Planner,
        view: View<'_>,
        gets: &OfTypes<Get>,
    ) -> Result<Arc<ReadPlan>, Error> {
        let of = |get: &Get| (get.collection, get.perspective.rows(), get.selection.clone());
        let each: Vec<GetOf> = gets.each.iter().map(of).collect();
        self.kept_get(GetKey::Together(gets.interface, each.clone()), || {
            for (collection, _, selection) in &each {
                asked::selection(view, *collection, selection)?;
            }
            let mut first_param = 0;
            let shape = |(collection, perspective, selection)| {
                let shape = one_record(Action::Get, collection, selection, perspective);
                let shape = ReadShape { first_param, ..shape };
                first_param += shape.selection.params();
                shape
            };
            let shapes: Vec<ReadShape> = each.into_iter().map(shape).collect();
            Ok(planner.read_together(&shapes, view.rights))
        })
    }

    fn kept_get(&self, key: GetKey, plan: impl FnOnce() -> Result<ReadPlan, Error>) -> Result<Arc<ReadPlan>, Error> {
        let key = (self.class, key);
        if let Some(plan) = self.kept.gets.get(&key) {
            return Ok(plan);
        }
        let plan = Arc::new(plan()?);
        width::fits_statement(&plan.template)?;
        if width::is_kept(&plan.template) {
            self.kept.gets.insert(key, Arc::clone(&plan));
        }
        Ok(plan)
    }

    /// The history of a record, from the latest version or after one.
    pub(crate) fn history(
        &self,
        planner: &Planner,
        rights: &Rights,
        (collection, after): (CollectionId, bool),
    ) -> Arc<HistoryPlan> {
        let plan = || Arc::new(planner.history(collection, rights, after));
        Arc::clone(self.of(collection).history[usize::from(after)].get_or_init(plan))
    }

    /// Whether there is a plan for this list.
    pub(crate) fn have(&self, key: ListKey) -> bool {
        self.kept.lists.get(&(self.class, key)).is_some()
    }

    /// A list, which `plan` plans once.
    pub(crate) fn list(
        &self,
        key: ListKey,
        plan: impl FnOnce(&ListKey) -> Result<ListPlan, Error>,
    ) -> Result<Arc<ListPlan>, Error> {
        let key = (self.class, key);
        if let Some(plan) = self.kept.lists.get(&key) {
            return Ok(plan);
        }
        let plan = Arc::new(plan(&key.1)?);
        // The statement that counts joins no more.
        width::fits_statement(&plan.page.template)?;
        if width::is_kept(&plan.page.template) {
            self.kept.lists.insert(key, Arc::clone(&plan));
        }
        Ok(plan)
    }

    /// The statement that reads a stored record with the truth of its read rule and of the rule for this action: for an
    /// update of each clause. In the trash the first rule is that of the trash.
    pub(crate) fn stored(
        &self,
        planner: &Planner,
        rights: &Rights,
        (collection, action): (CollectionId, Action),
    ) -> &StoredPlan {
        let plans = self.of(collection);
        let slot = match action {
            Action::Update => &plans.stored_for_update,
            Action::Delete => &plans.stored_for_delete,
            Action::Trash => &plans.stored_in_trash,
            Action::Restore => &plans.stored_for_restore,
            Action::Purge => &plans.stored_for_purge,
            Action::Read | Action::Get | Action::Search | Action::Refer | Action::Create | Action::History => {
                unreachable!("only updates, deletions and what is done in the trash start from a stored record")
            }
        };
        slot.get_or_init(|| {
            let (perspective, seen, asked): (_, _, Vec<&Rule>) = match action {
                Action::Update => {
                    let clauses = rights.clauses(collection).iter().map(|clause| &clause.rule);
                    (Perspective::Live, Action::Read, clauses.collect())
                }
                Action::Trash => (Perspective::Trash, Action::Trash, Vec::new()),
                Action::Restore | Action::Purge => {
                    (Perspective::Trash, Action::Trash, vec![rights.rule(collection, action)])
                }
                Action::Delete
                | Action::Read
                | Action::Get
                | Action::Search
                | Action::Refer
                | Action::Create
                | Action::History => (Perspective::Live, Action::Read, vec![rights.rule(collection, action)]),
            };
            let rules = std::iter::once(rights.rule(collection, seen)).chain(asked);
            planner.stored_to_change(
                collection,
                perspective,
                &rules.map(|rule| rule.expr().clone()).collect::<Vec<_>>(),
            )
        })
    }

    /// The statement that reads a record in the trash with the truth of each clause for updates.
    pub(crate) fn clauses_in_trash(&self, planner: &Planner, rights: &Rights, collection: CollectionId) -> &StoredPlan {
        self.of(collection).clauses_in_trash.get_or_init(|| {
            let clauses: Vec<_> = rights.clauses(collection).iter().map(|clause| clause.rule.expr().clone()).collect();
            planner.stored_to_change(collection, Perspective::Trash, &clauses)
        })
    }

    /// The statement that answers a rule for a record that is in memory.
    pub(crate) fn check(
        &self,
        planner: &Planner,
        (collection, rule): (CollectionId, &Rule),
        this: RecordSource,
    ) -> Arc<Template> {
        let make = || Arc::new(planner.check(collection, this, std::slice::from_ref(rule.expr())));
        let kept = rule.number().and_then(|number| self.checks.get(number));
        match (kept, this) {
            (Some([proposed, _]), RecordSource::Proposed) => Arc::clone(proposed.get_or_init(make)),
            (Some([_, stored]), RecordSource::Stored) => Arc::clone(stored.get_or_init(make)),
            (None, _) => make(),
        }
    }
}

/// True of the records of a list of ids.
const AMONG: &str = "id in $ids";

/// That the fields of a key equal the parameters, in order.
fn key_is(planner: &Planner, collection: &Collection, key: &[FieldId]) -> Expr {
    let compared = (0_u16..).zip(key).map(|(index, field)| (index, collection.field(*field)));
    let all = compared.fold(None, |all, (index, field)| Some(and(all, equality(planner, (collection, field), index))));
    all.expect("a key has fields")
}

fn one_record(action: Action, collection: CollectionId, selection: Selection, perspective: Perspective) -> ReadShape {
    ReadShape {
        action,
        perspective,
        collection,
        selection,
        first_param: 0,
        filter: None,
        search: None,
        scope: ReadScope::One,
    }
}

/// What makes two lists of one class of callers the same statement: all but their values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ListKey {
    collection: CollectionId,
    perspective: Perspective,
    equals: Vec<FieldId>,
    expression: Option<Same>,
    selection: Selection,
    sort: Arc<[SortKey]>,
    /// If it searches.
    search: Option<Searching>,
    start: PageStart,
    /// What is answered of groups of the records, if that is asked for: then nothing is selected of the records.
    groups: Option<Groups>,
    /// If records of several types are read together: of which interface, and the same of the other types.
    interface: Option<InterfaceId>,
    others: Vec<ListKey>,
}

impl ListKey {
    pub(crate) fn of(list: &List) -> Self {
        let List { collection, perspective, filter, search, highlight, selection, sort, start, .. } = list;
        let searching = |_: &Arc<_>| Searching { highlight: Arc::clone(highlight) };
        Self {
            collection: *collection,
            perspective: perspective.rows(),
            equals: filter.equals.iter().map(|(field, _)| *field).collect(),
            expression: filter.expression.as_ref().map(|expression| Same(Arc::clone(&expression.checked))),
            selection: selection.clone(),
            sort: Arc::clone(sort),
            search: search.as_ref().map(searching),
            start: start.shape(),
            groups: None,
            interface: None,
            others: Vec::new(),
        }
    }

    /// The key of the groups of a list.
    pub(crate) fn of_groups(aggregate: &Aggregate) -> Self {
        let Aggregate { collection, perspective, filter, search, groups, params: _, limit: _, start } = aggregate;
        let (perspective, filter, search) = (*perspective, filter.clone(), search.clone());
        let records = List { perspective, filter, search, ..List::of(*collection) };
        let selection = Selection::parts([]);
        Self { groups: Some(groups.clone()), start: start.shape(), selection, ..Self::of(&records) }
    }

    /// The key of a list of the records of several types, at least one.
    pub(crate) fn of_types(interface: InterfaceId, first: &List, others: &[List]) -> Self {
        Self { interface: Some(interface), others: others.iter().map(Self::of).collect(), ..Self::of(first) }
    }
}

/// An expression by its identity.
#[derive(Debug, Clone)]
struct Same(Arc<Checked>);

impl PartialEq for Same {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Same {}

impl Hash for Same {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// A list, planned.
#[derive(Debug)]
pub(crate) struct ListPlan {
    pub(crate) page: ReadPlan,
    /// Whether the filter, an equality or the order names a classified field: then its values are not told.
    pub(crate) names_classified: bool,
    /// The scalars of the sort keys and of the id, of groups of all keys of their order; none for an enum.
    cursor: Vec<Option<Scalar>>,
    shapes: Shapes,
    /// The languages of the texts of `ReadPlan::highlights`.
    pub(crate) languages: Vec<Option<Language>>,
    count: OnceLock<ReadPlan>,
}

impl ListPlan {
    /// Plans a list whose rights were checked.
    pub(crate) fn new(key: &ListKey, view: View<'_>, planner: &Planner) -> Self {
        let (first, mut names_classified) = Self::of_type(key, view, planner);
        let mut first_param = first.first_param + first.selection.params();
        let shapes = if key.interface.is_some() {
            let mut all = vec![first];
            for other in &key.others {
                let (shape, classified) = Self::of_type(other, view, planner);
                // They all have the same filter, whose parameters are bound once.
                let shape = ReadShape { first_param, ..shape };
                first_param += shape.selection.params();
                all.push(shape);
                names_classified |= classified;
            }
            Shapes::Together(all)
        } else if let Some(groups) = &key.groups {
            return Self::of_groups((first, names_classified), (groups, &key.start), view, planner);
        } else {
            Shapes::One(Box::new(first))
        };
        let collection = view.model.collection(key.collection);
        let scalar = |key: &SortKey| match &key.by {
            SortBy::Column(column) => collection.field(column.field).kind.scalar(),
            SortBy::Derived(value) => value.kind.scalar(),
            SortBy::Rank => Some(Scalar::Int),
        };
        let scalars = key.sort.iter().map(scalar);
        let cursor = scalars.chain([Some(collection.key.scalar())]).collect();
        let page = shapes.plan(planner, view.rights);
        let names_classified = names_classified || looks_up_classified(&page.template, view.model);
        let highlight = key.search.iter().flat_map(|search| search.highlight.iter());
        let language = |field: &FieldId| collection.field(*field).search.and_then(|search| search.language);
        let languages = highlight.map(language).collect();
        Self { page, names_classified, cursor, shapes, languages, count: OnceLock::new() }
    }

    /// Plans the groups of the records of a list.
    fn of_groups(
        (records, names_classified): (ReadShape, bool),
        (groups, start): (&Groups, &PageStart),
        view: View<'_>,
        planner: &Planner,
    ) -> Self {
        let records = ReadShape { scope: ReadScope::Count, ..records };
        let shapes = Shapes::Groups(Box::new(GroupsShape { records, groups: groups.clone(), start: start.clone() }));
        let cursor = groups.cursor_kinds().into_iter().map(ValueKind::scalar).collect();
        let page = shapes.plan(planner, view.rights);
        Self { page, names_classified, cursor, shapes, languages: Vec::new(), count: OnceLock::new() }
    }

    /// The shape of a list of the records of one type, and whether it names a classified field.
    fn of_type(key: &ListKey, view: View<'_>, planner: &Planner) -> (ReadShape, bool) {
        let ListKey { collection, perspective, equals, expression, selection, sort, search, start, .. } = key;
        let collection = view.model.collection(*collection);
        let checked = expression.as_ref().map(|same| &*same.0);
        let mut filter = checked.map(|checked| checked.expr.clone());
        let params = checked.map_or(0, |checked| checked.params.len());
        for (index, field) in (0_u16..).skip(params).zip(equals) {
            filter = Some(and(filter, equality(planner, (collection, collection.field(*field)), index)));
        }
        let of_expression =
            checked.iter().flat_map(|checked| checked.reads.iter().chain(&checked.computed_from).copied());
        let searched = collection.searched().filter(|_| search.is_some()).map(|(field, _)| field.id);
        let own = equals.iter().copied().chain(sort.iter().filter_map(SortKey::field)).chain(searched);
        let own = own.flat_map(|field| looked_at(planner, (collection.id, field)));
        let selected = selection.written();
        let derived = sort.iter().filter_map(|key| match &key.by {
            SortBy::Column(_) | SortBy::Rank => None,
            SortBy::Derived(value) => Some(&value.of),
        });
        let written = selected.into_iter().chain(derived).chain(key.groups.iter().flat_map(Groups::written));
        let of_written =
            written.flat_map(|written| written.checked.reads.iter().chain(&written.checked.computed_from).copied());
        let mut named = of_expression.chain(own).chain(of_written);
        let names_classified = named.any(|(collection, field)| view.model.field(collection, field).class.is_some());
        let shape = ReadShape {
            action: Action::Search,
            perspective: *perspective,
            collection: collection.id,
            selection: selection.clone(),
            first_param: u16::try_from(params + equals.len()).expect("a filter has few parameters"),
            filter,
            search: search.clone(),
            scope: ReadScope::Page { sort: sort.to_vec(), start: start.clone() },
        };
        (shape, names_classified)
    }

    /// The same list with fewer records in its nested lists; `None` if it has none that could be shorter.
    pub(crate) fn narrowed(&self, view: View<'_>, planner: &Planner) -> Option<Self> {
        let shapes = self.shapes.narrowed(view.model)?;
        let page = shapes.plan(planner, view.rights);
        let (names_classified, cursor, languages) =
            (self.names_classified, self.cursor.clone(), self.languages.clone());
        Some(Self { page, names_classified, cursor, shapes, languages, count: OnceLock::new() })
    }

    /// The place of this row.
    pub(crate) fn cursor_at(&self, row: &dyn Row) -> Result<Cursor, DecodeError> {
        let value = |(column, scalar): (&usize, &Option<Scalar>)| {
            let stored = row.value(*column)?;
            match scalar {
                Some(scalar) => {
                    let expected = "a value of the scalar that the list is sorted by";
                    scalar.load(&[stored]).ok_or(DecodeError { column: *column, expected })
                }
                None => Ok(Value::from(stored)),
            }
        };
        let values: Result<_, DecodeError> = self.page.cursor.iter().zip(&self.cursor).map(value).collect();
        Ok(Cursor { values: values? })
    }

    /// The statement that counts what the list would show, whatever the page.
    pub(crate) fn count(&self, planner: &Planner, rights: &Rights) -> &ReadPlan {
        self.count.get_or_init(|| self.shapes.counted().plan(planner, rights))
    }
}

/// The field, and what it looks at if it is computed.
fn looked_at(planner: &Planner, (collection, field): (CollectionId, FieldId)) -> Vec<(CollectionId, FieldId)> {
    let computed = planner.computed(collection, field);
    let from = computed.into_iter().flat_map(|checked| checked.computed_from.iter().copied());
    from.chain([(collection, field)]).collect()
}

fn equality(planner: &Planner, (collection, field): (&Collection, &Field), param: u16) -> Expr {
    let ty = Type::of(collection, field).unwrap_or(Type::Null);
    let side = |node: Node| Box::new(Expr { node, ty: ty.clone(), span: 0..0 });
    let own = match planner.computed(collection.id, field.id).filter(|_| field.is_computed()) {
        Some(checked) => Box::new(checked.expr.clone()),
        None => {
            side(Node::Path(Path { root: Root::This, collection: collection.id, steps: vec![field.id], part: None }))
        }
    };
    let node = Node::Binary(Operator::Equal, own, side(Node::Param(param, None)));
    Expr { node, ty: Type::Bool, span: 0..0 }
}

fn and(left: Option<Expr>, right: Expr) -> Expr {
    let Some(left) = left else { return right };
    Expr { node: Node::Binary(Operator::And, Box::new(left), Box::new(right)), ty: Type::Bool, span: 0..0 }
}

#[cfg(test)]
mod tests {
    use backstay_base::{Caller, RecordId};
    use backstay_model::SourceFile;
    use backstay_sql::Dialect;

    use super::*;
    use crate::{Application, Expression, Filter, List};

    #[test]
    fn the_plans_of_all_classes_together_have_limited_memory() {
        let model = r#"
            extend schema @app(name: "Notes")
            enum Role @roles { EDITOR }
            type Person @identity @allow(read: "true") { email: Email! @unique }
            type Note @allow(read: "'EDITOR' in auth.roles || this.title != ''") { title: String! }
        "#;
        let model = backstay_model::load(vec![SourceFile::app("notes.graphql", model)]).expect("a model").model;
        let application = Application::compile(model).expect("an application");
        let planner = Planner::new(Arc::clone(application.model()), Dialect::Sqlite);
        let model = application.model();
        let note = model.collection_named("Note").expect("a type").id;
        let editor = Caller::account(RecordId::from_bytes([1; 16]), ["EDITOR"]);
        let classes = [application.class(&Caller::anonymous()), application.class(&editor)];
        assert_ne!(classes[0].plans.class, classes[1].plans.class);
        let mut planned = 0;
        for number in 0..300 {
            let term = |term: u32| format!("title=='{number}.{term}'");
            let text = (0..150).map(term).collect::<Vec<_>>().join("||");
            let checked = Arc::new(compile(&text, &Scope::filter(model, note)).expect("a filter"));
            let filter = Filter { expression: Some(Expression { checked, params: Vec::new() }), ..Filter::default() };
            let list = List { filter, ..List::of(note) };
            for class in &classes {
                let view = View { model, rights: &class.rights };
                let plan = class.plans.list(ListKey::of(&list), |key| {
                    planned += 1;
                    Ok(ListPlan::new(key, view, &planner))
                });
                let again = class.plans.list(ListKey::of(&list), |_| panic!("it is kept"));
                assert!(Arc::ptr_eq(&plan.expect("a plan"), &again.expect("the same plan")));
            }
        }
        assert_eq!(planned, 600, "a class has plans of its own");
        let lists = &application.kept_plans.lists;
        assert!(lists.weight() <= limits::KEPT_PLANS_BYTES / 2, "{}", lists.weight());
        assert!((1..600).contains(&lists.len()), "{}", lists.len());
    }
}
