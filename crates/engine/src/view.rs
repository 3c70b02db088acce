use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use backstay_base::Action;
use backstay_expr::Truths;
use backstay_model::{Class, Collection, CollectionId, Field, FieldId, Model};
use backstay_sql::{Planner, ReadPlan, ReadScope, ReadShape, SelectedField, Selection, StoredPlan, Visibility};
use quick_cache::sync::Cache;

use crate::policy::{CollectionPolicy, Policy, Way};
use crate::query::ListPlan;
use crate::rule::{self, Rule};

/// Plans of lists and selections that one class of callers keeps at the most.
const PLANS: usize = 1000;

/// What one class of callers may do: those of whom the same facts hold. Every plan of a read is made for a view, so
/// that what the caller alone decides costs no statement anything.
pub(crate) struct View {
    pub(crate) truths: Truths,
    /// Backstay itself: no `@allow` is asked.
    pub(crate) system: bool,
    pub(crate) collections: Vec<CollectionView>,
    pub(crate) gets: Cache<(CollectionId, String), Arc<ReadPlan>>,
    pub(crate) lists: Cache<crate::query::ListKey, Arc<ListPlan>>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("truths", &self.truths).field("system", &self.system).finish_non_exhaustive()
    }
}

/// What one class of callers may do in one collection.
#[derive(Debug)]
pub(crate) struct CollectionView {
    pub(crate) read: Rule,
    pub(crate) create: Rule,
    pub(crate) update: Rule,
    pub(crate) delete: Rule,
    /// By `FieldId`.
    pub(crate) fields: Vec<FieldView>,
    /// The guards of transitions, by the field that holds the state.
    pub(crate) guards: HashMap<(FieldId, Way), Rule>,
    /// The plan of a get without `select`.
    pub(crate) get: OnceLock<Arc<ReadPlan>>,
    pub(crate) stored_for_update: OnceLock<StoredPlan>,
    pub(crate) stored_for_delete: OnceLock<StoredPlan>,
}

/// What one class of callers may do with one field.
#[derive(Debug)]
pub(crate) struct FieldView {
    pub(crate) read: Rule,
    pub(crate) create: Rule,
    pub(crate) update: Rule,
    pub(crate) checks: Vec<Rule>,
}

impl CollectionView {
    pub(crate) fn field(&self, id: FieldId) -> &FieldView {
        &self.fields[usize::from(id.0)]
    }

    pub(crate) fn rule(&self, action: Action) -> &Rule {
        match action {
            Action::Read => &self.read,
            Action::Create => &self.create,
            Action::Update => &self.update,
            Action::Delete => &self.delete,
        }
    }

    /// Whether the caller may see the field in a record at all. Secrets are seen by nobody.
    pub(crate) fn may_see(&self, field: &Field) -> bool {
        field.class != Some(Class::Secret) && !self.field(field.id).read.refuses()
    }
}

impl View {
    pub(crate) fn new(policy: &Policy, truths: Truths, system: bool) -> Self {
        let collections = policy.collections.iter().map(|rules| collection_view(rules, &truths, system)).collect();
        Self { truths, system, collections, gets: Cache::new(PLANS), lists: Cache::new(PLANS) }
    }

    pub(crate) fn collection(&self, id: CollectionId) -> &CollectionView {
        &self.collections[usize::from(id.0)]
    }

    /// What a record is answered with where nothing is selected: every stored field that the caller may see.
    pub(crate) fn whole(&self, collection: &Collection) -> Selection {
        let view = self.collection(collection.id);
        let fields = collection.stored_fields().filter(|field| view.may_see(field));
        let fields = fields.map(|field| self.selected(collection.id, field.id)).collect();
        Selection { collection: collection.id, fields }
    }

    /// A field with the rule that shows it.
    pub(crate) fn selected(&self, collection: CollectionId, field: FieldId) -> SelectedField {
        let visible = self.collection(collection).field(field).read.expr.clone();
        SelectedField { field, visible, expand: None }
    }

    /// The plan of a get without `select`.
    pub(crate) fn get_plan(&self, planner: &Planner, collection: &Collection) -> &Arc<ReadPlan> {
        let view = self.collection(collection.id);
        view.get.get_or_init(|| Arc::new(planner.read(&self.shape_of_one(self.whole(collection)))))
    }

    /// The shape of a read of one record.
    pub(crate) fn shape_of_one(&self, selection: Selection) -> ReadShape {
        let read = self.collection(selection.collection).read.expr.clone();
        ReadShape { selection, read, filter: None, visibility: Visibility::default(), scope: ReadScope::One }
    }

    /// The statement that reads a stored record with the truth of its read rule and of the rule for this action.
    pub(crate) fn stored_plan(&self, planner: &Planner, collection: CollectionId, action: Action) -> &StoredPlan {
        let view = self.collection(collection);
        let (slot, rule) = match action {
            Action::Delete => (&view.stored_for_delete, &view.delete),
            Action::Read | Action::Create | Action::Update => (&view.stored_for_update, &view.update),
        };
        slot.get_or_init(|| {
            // A rule that names the proposed record can only be asked when there is one.
            let asked = if rule.names_new { rule::constant(true) } else { rule.expr.clone() };
            planner.stored(collection, &[view.read.expr.clone(), asked])
        })
    }

    /// What this caller may see of these fields and of the collections they are in, for a filter or an order over
    /// `root`.
    pub(crate) fn visibility(
        &self,
        root: CollectionId,
        reads: &[(CollectionId, FieldId)],
        model: &Model,
    ) -> Visibility {
        let mut visibility = Visibility::default();
        let mut reached = Vec::new();
        for (collection, field) in reads {
            reached.push(*collection);
            reached.extend(model.field(*collection, *field).kind.target());
            let rule = &self.collection(*collection).field(*field).read;
            if !rule.allows() {
                visibility.fields.insert((*collection, *field), rule.expr.clone());
            }
        }
        for collection in reached {
            let rule = &self.collection(collection).read;
            if collection != root && !rule.allows() {
                visibility.rows.insert(collection, rule.expr.clone());
            }
        }
        // A path can lead back into the collection that is read; there the row rule holds as everywhere.
        let leads_back = |(collection, field): &(CollectionId, FieldId)| {
            model.field(*collection, *field).kind.target() == Some(root)
        };
        if reads.iter().any(leads_back) && !self.collection(root).read.allows() {
            visibility.rows.insert(root, self.collection(root).read.expr.clone());
        }
        visibility
    }
}

fn collection_view(rules: &CollectionPolicy, truths: &Truths, system: bool) -> CollectionView {
    // On a type the absence of a rule refuses; Backstay itself asks none.
    let rule = |action: Action| match system {
        true => Rule::constant(true),
        false => Rule::folded(rules.allow.of(action), truths, false),
    };
    let fields = rules.fields.iter().map(|field| {
        let rule = |action: Action| match system {
            true => Rule::constant(true),
            false => Rule::folded(field.allow.of(action), truths, true),
        };
        FieldView {
            read: rule(Action::Read),
            create: rule(Action::Create),
            update: rule(Action::Update),
            checks: field.checks.iter().map(|check| Rule::folded(Some(&check.rule), truths, true)).collect(),
        }
    });
    let guards = rules.states.iter().flat_map(|states| {
        let guarded = states.transitions.iter().filter(|(_, transition)| transition.when.is_some());
        let rule = |when| Rule::folded(when, truths, false);
        guarded.map(move |(way, transition)| ((states.field, way.clone()), rule(transition.when.as_ref())))
    });
    CollectionView {
        guards: guards.collect(),
        read: rule(Action::Read),
        create: rule(Action::Create),
        update: rule(Action::Update),
        delete: rule(Action::Delete),
        fields: fields.collect(),
        get: OnceLock::new(),
        stored_for_update: OnceLock::new(),
        stored_for_delete: OnceLock::new(),
    }
}
