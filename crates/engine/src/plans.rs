use std::fmt;
use std::sync::{Arc, OnceLock};

use backstay_base::{Action, Error};
use backstay_expr::{Rights, Rule};
use backstay_model::CollectionId;
use backstay_sql::{
    Perspective, Planner, ReadPlan, ReadScope, ReadShape, RecordSource, Selection, StoredPlan, Template,
};
use quick_cache::sync::Cache;

use crate::asked::View;
use crate::list_plan::{ListKey, ListPlan};
use crate::{Get, asked, width};

/// Plans of lists and selections that are kept for one class of callers at most.
const PLANS: usize = 1000;

/// The plans that were made for one class of callers, by what they are asked for. Nothing here decides anything: every
/// plan is made by the planner, which asks the rights.
pub(crate) struct Plans {
    collections: Box<[CollectionPlans]>,
    /// By the number of the rule in the rights: its statement for a proposed record, and for a stored one.
    checks: Box<[[OnceLock<Arc<Template>>; 2]]>,
    gets: Cache<(CollectionId, Perspective, Selection), Arc<ReadPlan>>,
    lists: Cache<ListKey, Arc<ListPlan>>,
}

#[derive(Debug, Default)]
struct CollectionPlans {
    /// The get without `select`.
    get: OnceLock<Arc<ReadPlan>>,
    seen: OnceLock<ReadPlan>,
    stored_for_update: OnceLock<StoredPlan>,
    stored_for_delete: OnceLock<StoredPlan>,
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans")
            .field("gets", &self.gets.len())
            .field("lists", &self.lists.len())
            .finish_non_exhaustive()
    }
}

impl Plans {
    /// No plans yet, for callers with these rights in this many collections.
    pub(crate) fn new(rights: &Rights, collections: usize) -> Self {
        Self {
            collections: (0..collections).map(|_| CollectionPlans::default()).collect(),
            checks: (0..rights.rules()).map(|_| Default::default()).collect(),
            gets: Cache::new(PLANS),
            lists: Cache::new(PLANS),
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

    /// A get, checked and planned once for its selection.
    pub(crate) fn get(&self, planner: &Planner, view: View<'_>, get: &Get) -> Result<Arc<ReadPlan>, Error> {
        let Get { collection, id: _, selection, perspective } = get;
        let shape = || one_record(Action::Get, *collection, selection.clone(), *perspective);
        match (selection, perspective) {
            (Selection::Whole, Perspective::Live) => {
                let plan = || Arc::new(planner.read(&shape(), view.rights));
                return Ok(Arc::clone(self.of(*collection).get.get_or_init(plan)));
            }
            (Selection::Parts(_), _) => {}
        }
        let key = (*collection, *perspective, selection.clone());
        if let Some(plan) = self.gets.get(&key) {
            return Ok(plan);
        }
        asked::selection(view, *collection, selection)?;
        let plan = Arc::new(planner.read(&shape(), view.rights));
        width::fits_statement(&plan.template)?;
        if width::is_kept(&plan.template) {
            self.gets.insert(key, Arc::clone(&plan));
        }
        Ok(plan)
    }

    /// A list, which `plan` plans once.
    pub(crate) fn list(
        &self,
        key: ListKey,
        plan: impl FnOnce(&ListKey) -> Result<ListPlan, Error>,
    ) -> Result<Arc<ListPlan>, Error> {
        if let Some(plan) = self.lists.get(&key) {
            return Ok(plan);
        }
        let plan = Arc::new(plan(&key)?);
        // The statement that counts joins no more.
        width::fits_statement(&plan.page.template)?;
        if width::is_kept(&plan.page.template) {
            self.lists.insert(key, Arc::clone(&plan));
        }
        Ok(plan)
    }

    /// The statement that reads a stored record with the truth of its read rule and of the rule for this action.
    pub(crate) fn stored(
        &self,
        planner: &Planner,
        rights: &Rights,
        (collection, action): (CollectionId, Action),
    ) -> &StoredPlan {
        let plans = self.of(collection);
        let (slot, action) = match action {
            Action::Delete => (&plans.stored_for_delete, Action::Delete),
            _ => (&plans.stored_for_update, Action::Update),
        };
        slot.get_or_init(|| {
            let rule = rights.rule(collection, action);
            // A rule that names the proposed record can only be asked when there is one.
            let asked = if rule.names_new() { Rule::allowed().expr().clone() } else { rule.expr().clone() };
            planner.stored(collection, &[rights.rule(collection, Action::Read).expr().clone(), asked])
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

fn one_record(action: Action, collection: CollectionId, selection: Selection, perspective: Perspective) -> ReadShape {
    ReadShape { action, perspective, collection, selection, filter: None, scope: ReadScope::One }
}
