//! What a check at commit depends on: the record's own values and those of the records of its `@inverse` lists. It can't
//! follow anything else, because others could change that until the commit.

use std::collections::BTreeSet;

use backstay_model::{CollectionId, FieldId, FieldKind, Model};

use crate::{Expr, ExprError, ExprErrorKind, Many, Node, Path, Root};

/// The records of an `@inverse` field that a check at commit reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children {
    /// Their collection.
    pub collection: CollectionId,
    /// Their field that leads to the record with the check.
    pub via: FieldId,
    /// Their own fields that the check reads.
    pub reads: BTreeSet<FieldId>,
}

/// The children that a check at commit reads, or the first thing that it must not read.
pub fn children_at_commit(model: &Model, expr: &Expr) -> Result<Vec<Children>, ExprError> {
    let mut walk = Walk { model, children: Vec::new(), bound: Vec::new() };
    walk.visit(expr)?;
    Ok(walk.children)
}

struct Walk<'m> {
    model: &'m Model,
    children: Vec<Children>,
    /// The variables around, each with its place among the children.
    bound: Vec<(u16, usize)>,
}

/// Records that others may change.
const OTHERS: &str = "records that are neither the record itself nor in one of its `@inverse` lists";

impl Walk<'_> {
    fn visit(&mut self, expr: &Expr) -> Result<(), ExprError> {
        match &expr.node {
            Node::Path(path) => self.path(path).map_err(|what| refused(expr, what)),
            Node::Quantifier { over, variable, .. } => self.many(expr, (over, *variable)),
            Node::Aggregate(of) => self.many(expr, (&of.over, of.variable)),
            Node::Literal(_)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Caller(_)
            | Node::Now
            | Node::Not(_)
            | Node::Negate(_)
            | Node::Binary(..)
            | Node::IsNull { .. }
            | Node::Conditional(..)
            | Node::In(..)
            | Node::List(_)
            | Node::Call(..)
            | Node::Matches(..)
            | Node::Computed(_)
            | Node::Within(_)
            | Node::Ordinal(..)
            | Node::Fact(_) => self.each(expr),
        }
    }

    fn each(&mut self, expr: &Expr) -> Result<(), ExprError> {
        expr.node.children().into_iter().try_for_each(|child| self.visit(child))
    }

    fn many(&mut self, expr: &Expr, (over, variable): (&Many, u16)) -> Result<(), ExprError> {
        match over {
            Many::Records(relation) => self.members(expr, (relation, variable)),
            // The items are a value of the record that has the list.
            Many::Items(_) => self.each(expr),
            Many::Referred(_) => Err(refused(expr, OTHERS)),
        }
    }

    /// What asks the records of a relation.
    fn members(&mut self, expr: &Expr, (over, variable): (&Path, u16)) -> Result<(), ExprError> {
        let (Root::This, [list]) = (over.root, over.steps.as_slice()) else { return Err(refused(expr, OTHERS)) };
        let (target, via) = match self.model.field(over.collection, *list).kind {
            FieldKind::OneToMany { target, via } => (target, via),
            FieldKind::Lineage { .. } => return Err(refused(expr, "`ancestors` and `descendants`")),
            _ => return Err(refused(expr, "the members of many-to-many relations")),
        };
        let place = self.place(target, via);
        self.bound.push((variable, place));
        self.each(expr)?;
        self.bound.pop();
        Ok(())
    }

    fn path(&mut self, path: &Path) -> Result<(), &'static str> {
        let kind = |field: FieldId| &self.model.field(path.collection, field).kind;
        match (path.root, path.steps.as_slice()) {
            (_, []) | (Root::Account, [_]) => Ok(()),
            (Root::This, [field, rest @ ..]) => match (kind(*field), rest) {
                (FieldKind::OneToOne { target, via, .. }, rest @ ([] | [_])) => {
                    let (target, via) = (*target, *via);
                    let place = self.place(target, via);
                    rest.iter().try_for_each(|read| self.read(place, (target, *read)))
                }
                (_, []) => Ok(()),
                (_, [_, ..]) => Err(OTHERS),
            },
            (Root::Bound(variable), [field]) => {
                let place = self.bound.iter().rev().find(|(bound, _)| *bound == variable).map(|(_, place)| *place);
                place.map_or(Err(OTHERS), |place| self.read(place, (path.collection, *field)))
            }
            (Root::Bound(_) | Root::New | Root::Old | Root::Account, _) => Err(OTHERS),
        }
    }

    /// A field of children, which must be their own.
    fn read(&mut self, place: usize, (collection, field): (CollectionId, FieldId)) -> Result<(), &'static str> {
        if self.model.field(collection, field).kind.declared_by().is_some() {
            return Err(OTHERS);
        }
        self.children[place].reads.insert(field);
        Ok(())
    }

    /// The place of these children among all.
    fn place(&mut self, collection: CollectionId, via: FieldId) -> usize {
        let known = self.children.iter().position(|known| (known.collection, known.via) == (collection, via));
        known.unwrap_or_else(|| {
            self.children.push(Children { collection, via, reads: BTreeSet::new() });
            self.children.len() - 1
        })
    }
}

fn refused(expr: &Expr, what: &'static str) -> ExprError {
    ExprError::new(expr.span.clone(), ExprErrorKind::AtCommit { what })
}
