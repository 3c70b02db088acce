//! Which records were written since a moment, and which have checks at commit that read such records.

use backstay_base::Timestamp;
use backstay_expr::{Expr, Many, Node, Operator, Path, Quantifier, Root, Type};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind};

use crate::Application;
use crate::commit_checks::{OwnCommitChecks, children};

/// Expressions about the records that were written since a moment.
pub(crate) struct WrittenSince<'a> {
    application: &'a Application,
    since: Timestamp,
    /// Variables of quantifiers so far.
    variables: u16,
}

/// A record: where it is reached from, and its collection.
type Record<'a> = (Path, &'a Collection);

impl<'a> WrittenSince<'a> {
    pub(crate) fn new(application: &'a Application, since: Timestamp) -> Self {
        Self { application, since, variables: 0 }
    }

    /// Whether the checks at commit of a record depend on one that was written.
    pub(crate) fn concerns(mut self, of: &'a Collection, own: &OwnCommitChecks) -> Expr {
        let this = (Path { root: Root::This, collection: of.id, steps: Vec::new(), part: None }, of);
        let mut concerns = self.written(&this, &own.sums);
        let children: Vec<_> = children(&self.application.policy).filter(|(owner, _)| *owner == of.id).collect();
        for (_, children) in children {
            let reads: Vec<FieldId> = children.reads.iter().copied().collect();
            concerns = or(concerns, self.some(&this, (children.collection, children.via), &reads));
        }
        concerns
    }

    /// Whether a record was written, or has a stored sum among these fields that counts one that was.
    fn written(&mut self, (at, of): &Record<'a>, fields: &[FieldId]) -> Expr {
        let ty = Type::of(of, of.field(Collection::UPDATED_AT)).unwrap_or(Type::Null);
        let side = |node: Node| Box::new(Expr { node, ty: ty.clone(), span: 0..0 });
        let (updated, since) =
            (side(Node::Path(then(at, Collection::UPDATED_AT))), side(Node::Literal(self.since.into())));
        let mut written = truth(Node::Binary(Operator::GreaterEqual, updated, since));
        let own = self.application.sums.own(of.id);
        for sum in fields.iter().filter_map(|field| own?.sum(*field)) {
            written = or(written, self.some(&(at.clone(), of), (sum.member, sum.via), &sum.reads));
        }
        written
    }

    /// The same of the records that belong to one by this field.
    fn some(&mut self, (at, of): &Record<'a>, (target, via): (CollectionId, FieldId), fields: &[FieldId]) -> Expr {
        let target = self.application.model.collection(target);
        let is_one = |field: &&Field| matches!(field.kind, FieldKind::OneToOne { target: to, via: by, .. } if (to, by) == (target.id, via));
        let is_list = |field: &&Field| matches!(field.kind, FieldKind::OneToMany { target: to, via: by } if (to, by) == (target.id, via));
        if let Some(one) = of.fields.iter().find(is_one) {
            return self.written(&(then(at, one.id), target), fields);
        }
        // Checks and sums name these records by such a field.
        let Some(list) = of.fields.iter().find(is_list) else { return truth(Node::Literal(true.into())) };
        let variable = self.variables;
        self.variables += 1;
        let member = Path { root: Root::Bound(variable), collection: target.id, steps: Vec::new(), part: None };
        let body = Box::new(self.written(&(member, target), fields));
        let over = Many::Records(then(at, list.id));
        truth(Node::Quantifier { kind: Quantifier::Exists, over, variable, body })
    }
}

/// The path to a field of a record.
fn then(record: &Path, field: FieldId) -> Path {
    let mut path = record.clone();
    path.steps.push(field);
    path
}

fn truth(node: Node) -> Expr {
    Expr { node, ty: Type::Bool, span: 0..0 }
}

fn or(left: Expr, right: Expr) -> Expr {
    truth(Node::Binary(Operator::Or, Box::new(left), Box::new(right)))
}
