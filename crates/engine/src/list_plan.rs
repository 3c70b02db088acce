use backstay_base::Action;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use backstay_expr::{Checked, Expr, Node, Operator, Path, Rights, Root, Type};
use backstay_model::{Collection, CollectionId, Field, FieldId};
use backstay_scalar::{Scalar, Value};
use backstay_sql::{
    DecodeError, Perspective, Planner, Position, ReadPlan, ReadScope, ReadShape, Row, Selection, SortKey,
};

use crate::asked::View;
use crate::{Cursor, List};

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
