//! What a read reads: records of one type, or of several together.

use backstay_expr::Rights;
use backstay_model::Model;
use backstay_sql::{GroupsShape, Planner, ReadPlan, ReadScope, ReadShape, Selection};

/// The shapes of a read.
#[derive(Debug, Clone)]
pub(crate) enum Shapes {
    /// Of one type.
    One(Box<ReadShape>),
    /// Of several types, which the caller may read.
    Together(Vec<ReadShape>),
    /// Of groups of records of one type.
    Groups(Box<GroupsShape>),
}

impl Shapes {
    /// Plans it.
    pub(crate) fn plan(&self, planner: &Planner, rights: &Rights) -> ReadPlan {
        match self {
            Self::One(shape) => planner.read(shape, rights),
            Self::Together(shapes) => planner.read_together(shapes, rights),
            Self::Groups(shape) => planner.groups(shape, rights),
        }
    }

    fn shapes(&self) -> &[ReadShape] {
        match self {
            Self::One(shape) => std::slice::from_ref(shape),
            Self::Together(shapes) => shapes,
            Self::Groups(shape) => std::slice::from_ref(&shape.records),
        }
    }

    fn with(&self, shapes: impl Iterator<Item = ReadShape>) -> Self {
        match self {
            Self::One(shape) => Self::One(Box::new(shapes.last().unwrap_or_else(|| (**shape).clone()))),
            Self::Together(_) => Self::Together(shapes.collect()),
            Self::Groups(shape) => {
                let records = shapes.last().unwrap_or_else(|| shape.records.clone());
                Self::Groups(Box::new(GroupsShape { records, ..(**shape).clone() }))
            }
        }
    }

    /// The same with fewer records in nested lists; `None` if none can have fewer.
    pub(crate) fn narrowed(&self, model: &Model) -> Option<Self> {
        let narrowed: Vec<Option<Selection>> =
            self.shapes().iter().map(|shape| shape.selection.narrowed(model, shape.collection)).collect();
        let fewer = narrowed.iter().any(Option::is_some);
        let shapes = self.shapes().iter().zip(narrowed).map(|(shape, narrowed)| {
            let selection = narrowed.unwrap_or_else(|| shape.selection.clone());
            ReadShape { selection, ..shape.clone() }
        });
        fewer.then(|| self.with(shapes))
    }

    /// How many records there are.
    pub(crate) fn counted(&self) -> Self {
        let shapes = self.shapes().iter();
        self.with(shapes.map(|shape| ReadShape {
            scope: ReadScope::Count,
            selection: Selection::parts([]),
            ..shape.clone()
        }))
    }
}
