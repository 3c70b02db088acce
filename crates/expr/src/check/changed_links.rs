//! `new.members.added` and `new.members.removed`: the links that a write makes or ends. They are what the members before the
//! write, those of `old`, and the members after it don't have in common.

use std::ops::Range;

use backstay_model::{CollectionId, FieldKind};
use backstay_scalar::Value;

use super::place::{Links, Place};
use super::{Checker, Each};
use crate::error::ExprErrorKind;
use crate::{Aggregate, Expr, Many, Node, Operator, Path, Quantifier, Root, Type};

/// The variable of a member, and the member's collection.
type Member = (u16, CollectionId);

impl Checker<'_> {
    /// The links of a relation that the write makes or ends, where a record is written.
    pub(super) fn changed_links(&mut self, many: Place, links: Links, span: &Range<u32>) -> Option<Place> {
        let Place::Many { over: Many::Records(path), each, field, links: _ } = many else { return Some(many) };
        let word = if links == Links::Removed { "removed" } else { "added" };
        let instead = match (self.proposed(), path.steps.as_slice()) {
            (None, _) => {
                "only a write adds and removes links: `added` and `removed` are for `@check`, `@set`, `after:` and the `when:` of `@to`"
            }
            (Some(proposed), [relation]) if path.root == proposed => {
                let kind = &self.scope.model.field(path.collection, *relation).kind;
                if matches!(kind, FieldKind::ManyToMany { .. }) && kind.declared_by().is_none() {
                    return Some(Place::Many { over: Many::Records(path), each, field, links });
                }
                "a write sends the links of a many-to-many relation, at the field that declares it; the records of other \
                 lists are written by themselves"
            }
            (Some(Root::New), _) => "begin with the record as it would be: `new.members.added`",
            (Some(_), _) => "begin with the record as it would be: `this.members.added`",
        };
        let what = format!("`{field}.{word}`");
        self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead })
    }

    /// The name of the record as it would be, where a record is written.
    fn proposed(&self) -> Option<Root> {
        match (self.scope.new, self.scope.old) {
            (Some(_), _) => Some(Root::New),
            (None, Some(_)) => Some(Root::This),
            (None, None) => None,
        }
    }

    /// `exists` or `all` over these links.
    pub(super) fn quantified_links(
        &mut self,
        (over, each, links): (Many, Each, Links),
        kind: Quantifier,
        (variable, body): (u16, Expr),
        span: &Range<u32>,
    ) -> Expr {
        let quantified = |this: &Self, over, body| {
            this.make(Node::Quantifier { kind, over, variable, body: Box::new(body) }, Type::Bool, span)
        };
        if links == Links::All {
            return quantified(self, over, body);
        }
        let (over, member) = linked(over, (variable, each));
        let changed = self.is_changed((&over, links), member, span);
        let body = match kind {
            Quantifier::Exists => self.both(Operator::And, changed, body, span),
            Quantifier::All => {
                let kept = self.make(Node::Not(Box::new(changed)), Type::Bool, span);
                self.both(Operator::Or, kept, body, span)
            }
        };
        let quantified = quantified(self, Many::Records(changed_among(over, links)), body);
        match (links, kind) {
            (Links::All | Links::Added, _) => quantified,
            (Links::Removed, Quantifier::Exists) => {
                let is_stored = self.old_is_null(true, span);
                self.both(Operator::And, is_stored, quantified, span)
            }
            (Links::Removed, Quantifier::All) => {
                let is_new = self.old_is_null(false, span);
                self.both(Operator::Or, is_new, quantified, span)
            }
        }
    }

    /// An aggregate, which counts, of these links.
    pub(super) fn counted_links(&mut self, of: Aggregate, (each, links): (Each, Links), span: &Range<u32>) -> Expr {
        if links == Links::All {
            return self.make(Node::Aggregate(Box::new(of)), Type::Int, span);
        }
        let (over, member) = linked(of.over.clone(), (of.variable, each));
        let changed = self.is_changed((&over, links), member, span);
        let condition = match &of.condition {
            Some(condition) => self.both(Operator::And, changed, condition.clone(), span),
            None => changed,
        };
        let of = Aggregate { over: Many::Records(changed_among(over, links)), condition: Some(condition), ..of };
        let count = self.make(Node::Aggregate(Box::new(of)), Type::Int, span);
        if links != Links::Removed {
            return count;
        }
        let (is_new, none) = (self.old_is_null(false, span), self.make(Node::Literal(Value::Int(0)), Type::Int, span));
        self.make(Node::Conditional(Box::new(is_new), Box::new(none), Box::new(count)), Type::Int, span)
    }

    /// Whether the write makes or ends the link to a member; never unknown.
    fn is_changed(&mut self, (relation, links): (&Path, Links), member: Member, span: &Range<u32>) -> Expr {
        let others = match links {
            Links::All | Links::Added => Path { root: Root::Old, ..relation.clone() },
            Links::Removed => relation.clone(),
        };
        let (other, collection) = (self.next_variable, member.1);
        self.next_variable += 1;
        let [one, same] = [member.0, other].map(|variable| {
            let path = Path { root: Root::Bound(variable), collection, steps: Vec::new(), part: None };
            self.make(Node::Path(path), self.record_type(collection), span)
        });
        let body = Box::new(self.both(Operator::Equal, one, same, span));
        let kind = Quantifier::Exists;
        let among =
            self.make(Node::Quantifier { kind, over: Many::Records(others), variable: other, body }, Type::Bool, span);
        let apart = self.make(Node::Not(Box::new(among)), Type::Bool, span);
        if links == Links::Removed {
            return apart;
        }
        let is_new = self.old_is_null(false, span);
        self.both(Operator::Or, is_new, apart, span)
    }

    /// Whether the write creates the record, or (`negated`) changes one that is stored.
    fn old_is_null(&mut self, negated: bool, span: &Range<u32>) -> Expr {
        let collection = self.scope.old.expect("where links are changed, there is a record as it was");
        let path = Path { root: Root::Old, collection, steps: Vec::new(), part: None };
        let of = Box::new(self.make(Node::Path(path), self.record_type(collection), span));
        self.nodes += 2;
        self.make(Node::IsNull { of, negated }, Type::Bool, span)
    }

    fn both(&mut self, operator: Operator, left: Expr, right: Expr, span: &Range<u32>) -> Expr {
        self.nodes += 3;
        self.make(Node::Binary(operator, Box::new(left), Box::new(right)), Type::Bool, span)
    }
}

/// The relation whose links are meant, and a member of it.
fn linked(over: Many, (variable, each): (u16, Each)) -> (Path, Member) {
    match (over, each) {
        (Many::Records(relation), Each::Record(member)) => (relation, (variable, member)),
        _ => unreachable!("only a relation has links that are added or removed"),
    }
}

/// Among which members the changed ones are.
fn changed_among(relation: Path, links: Links) -> Path {
    match links {
        Links::All | Links::Added => relation,
        Links::Removed => Path { root: Root::Old, ..relation },
    }
}
