use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use backstay_base::{Action, Error};
use backstay_expr::{Checked, Expr, Node, Operator, Path, Rights, Root, Rule, Type};
use backstay_model::{Collection, CollectionId, Field, FieldId};
use backstay_scalar::{Scalar, Value};
use backstay_sql::{
    DecodeError, Perspective, Planner, Position, ReadPlan, ReadScope, ReadShape, RecordSource, Row, Selection, SortKey,
    StoredPlan, Template,
};
use quick_cache::sync::Cache;

use crate::asked::View;
use crate::{Cursor, Get, List, asked, width};

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

/// What makes two lists of one class of callers the same statement: all but their values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ListKey {
    collection: CollectionId,
    perspective: Perspective,
    equals: Vec<FieldId>,
    expression: Option<Same>,
    selection: Selection,
    sort: Arc<[SortKey]>,
    after: Option<Vec<bool>>,
}

impl ListKey {
    pub(crate) fn of(list: &List) -> Self {
        let List { collection, perspective, filter, selection, sort, limit: _, after, count: _ } = list;
        Self {
            collection: *collection,
            perspective: *perspective,
            equals: filter.equals.iter().map(|(field, _)| *field).collect(),
            expression: filter.expression.as_ref().map(|expression| Same(Arc::clone(&expression.checked))),
            selection: selection.clone(),
            sort: Arc::clone(sort),
            after: after.as_ref().map(Cursor::nulls),
        }
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
    /// The scalars of the sort keys and of the id; none for an enum.
    cursor: Vec<Option<Scalar>>,
    shape: ReadShape,
    count: OnceLock<ReadPlan>,
}

impl ListPlan {
    /// Plans a list whose rights were checked.
    pub(crate) fn new(key: &ListKey, view: View<'_>, planner: &Planner) -> Self {
        let ListKey { collection, perspective, equals, expression, selection, sort, after } = key;
        let collection = view.model.collection(*collection);
        let checked = expression.as_ref().map(|same| &*same.0);
        let mut filter = checked.map(|checked| checked.expr.clone());
        let params = checked.map_or(0, |checked| checked.params.len());
        for (index, field) in (0_u16..).skip(params).zip(equals) {
            filter = Some(and(filter, equality(collection, collection.field(*field), index)));
        }
        let of_expression = checked.iter().flat_map(|checked| checked.reads.iter().copied());
        let own = equals.iter().copied().chain(sort.iter().map(|key| key.column.field));
        let mut named = of_expression.chain(own.map(|field| (collection.id, field)));
        let names_classified = named.any(|(collection, field)| view.model.field(collection, field).class.is_some());
        let shape = ReadShape {
            action: Action::Search,
            perspective: *perspective,
            collection: collection.id,
            selection: selection.clone(),
            filter,
            scope: ReadScope::Page { sort: sort.to_vec(), after: after.clone().map(|nulls| Position { nulls }) },
        };
        let scalars = sort.iter().map(|key| collection.field(key.column.field).kind.scalar());
        let cursor = scalars.chain([Some(Scalar::Id)]).collect();
        let page = planner.read(&shape, view.rights);
        Self { page, names_classified, cursor, shape, count: OnceLock::new() }
    }

    /// The same list with fewer records in its nested lists; `None` if it has none that could be shorter.
    pub(crate) fn narrowed(&self, view: View<'_>, planner: &Planner) -> Option<Self> {
        let selection = self.shape.selection.narrowed(view.model, self.shape.collection)?;
        let shape = ReadShape { selection, ..self.shape.clone() };
        let page = planner.read(&shape, view.rights);
        let (names_classified, cursor) = (self.names_classified, self.cursor.clone());
        Some(Self { page, names_classified, cursor, shape, count: OnceLock::new() })
    }

    /// Where the list goes on after this row.
    pub(crate) fn cursor_after(&self, row: &dyn Row) -> Result<Cursor, DecodeError> {
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
        self.count.get_or_init(|| {
            let shape = ReadShape { scope: ReadScope::Count, selection: Selection::parts([]), ..self.shape.clone() };
            planner.read(&shape, rights)
        })
    }
}

fn equality(collection: &Collection, field: &Field, param: u16) -> Expr {
    let ty = Type::of(collection, field).unwrap_or(Type::Null);
    let path = Path { root: Root::This, collection: collection.id, steps: vec![field.id], part: None };
    let side = |node: Node| Box::new(Expr { node, ty: ty.clone(), span: 0..0 });
    let node = Node::Binary(Operator::Equal, side(Node::Path(path)), side(Node::Param(param)));
    Expr { node, ty: Type::Bool, span: 0..0 }
}

fn and(left: Option<Expr>, right: Expr) -> Expr {
    let Some(left) = left else { return right };
    Expr { node: Node::Binary(Operator::And, Box::new(left), Box::new(right)), ty: Type::Bool, span: 0..0 }
}
