use backstay_base::Action;
use backstay_expr::{Expr, Node, Operator, Path, Rights, Root, Rule, RulePart, Type};
use backstay_model::{Collection, FieldId};

use crate::branch::Branch;
use crate::builder::{Builder, Seen};
use crate::lower::{Lowering, Scope};
use crate::order;
use crate::partial::{Known, Usable};
use crate::predicate::Pred;
use crate::quantifier::Quantified;
use crate::{Perspective, SortKey};

/// A part of the row rule.
pub(crate) struct RulePred {
    /// Where it is true.
    pub(crate) pred: Pred,
    /// Whether the database may find the rows by it.
    pub(crate) steers: bool,
}

impl RulePred {
    /// A part that gains nothing from being evaluated early.
    pub(crate) fn plain(pred: Pred) -> Self {
        Self { pred, steers: false }
    }
}

/// What leads to the records of a page of which the caller's memberships tell whether the caller sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// The memberships: an index yields what the owner of one has in the order of the page.
    EachOwner,
    /// The memberships: all that their owners have is read and sorted.
    Owners,
    /// The order of the page, or else the memberships: an index has the order of all records, and not of those of one owner.
    /// Whether the caller sees many of the first ones, or none of a million, only a look tells.
    Shorter,
}

impl Lead {
    /// What leads to the records of a page; `None` if it is what the filter fixes, or if no membership matters.
    pub(crate) fn of(
        builder: &Builder<'_>,
        rows: &Seen<'_>,
        (ranges, sort): (&Ranges<'_>, &[SortKey]),
    ) -> Option<Self> {
        let driver = leading(rows.read).filter(|_| rows.anchor.perspective == Perspective::Live)?.driver?;
        let through = driver.through.unwrap_or(Collection::ID);
        if ranges.fixed.contains(&through) || ranges.fixed.contains(&Collection::ID) {
            return None;
        }
        let order = Ordered::of(builder, rows, (ranges, sort));
        match driver.through {
            Some(through) if keeps_order(order.usable, through, sort) => Some(Self::EachOwner),
            Some(_) if order.is_sorted => Some(Self::Owners),
            Some(through) => {
                let is_found = ranges.usable.iter().any(|usable| usable.index.fields.first() == Some(&through));
                is_found.then_some(Self::Shorter)
            }
            None => (!order.is_sorted && !sort.is_empty()).then_some(Self::Shorter),
        }
    }
}

/// The part of a row rule by which the caller's memberships lead to records.
pub(crate) fn leading(rule: &Rule) -> Option<RulePart<'_>> {
    rule.parts().into_iter().find(|part| part.driver.is_some())
}

/// How a SELECT is to find records of a page.
#[derive(Debug)]
pub(crate) enum Way {
    /// As the database finds them best.
    Any,
    /// In the order of the page; whether the caller sees it is asked of each.
    InOrder,
    /// By this instead of the leading part of the rule.
    Led(Pred),
}

/// The indexes that have the order of a page.
struct Ordered<'a> {
    usable: &'a [Usable<'a>],
    /// Whether the records must be sorted.
    is_sorted: bool,
}

impl<'a> Ordered<'a> {
    fn of(builder: &Builder<'_>, rows: &Seen<'_>, (ranges, sort): (&Ranges<'a>, &[SortKey])) -> Self {
        let of = builder.model.collection(rows.anchor.collection);
        // No index has the order of an enum's values, of what relations lead to, or of values that a rule hides in some records:
        // no record that the caller doesn't see may be looked at for whether it does.
        let indexed = |key: &SortKey| {
            let is_open = |field: &FieldId| ranges.rights.field(of.id, *field, Action::Read).allows();
            key.field().filter(is_open).filter(|field| order::names(builder.model, &of.field(*field).kind).is_none())
        };
        let usable = if sort.iter().all(|key| indexed(key).is_some()) { ranges.usable } else { &[] };
        let is_sorted = sort.first().and_then(indexed).is_some_and(|field| !ranges.is_found(field))
            || sort.iter().any(|key| indexed(key).is_none());
        Self { usable, is_sorted }
    }
}

/// The row rule of a page, part by part. SQLite takes every equality for selective and then sorts all that it finds; but a
/// rule such as `state == 'PUBLISHED'` is true of most records. A part that neither names few records nor has an index in
/// the order of the page is therefore kept from choosing the index, so that the page is read in its order up to its limit.
///
/// The caller's memberships drive the page where the records that one of them leads to are at hand in the order of the
/// page: then as many are read of each as the page has, and not all that are hidden. They also drive it where no index has
/// that order: all records would be read and sorted, so it is better to read and sort those that the caller may see.
pub(crate) fn page_rule(
    builder: &mut Builder<'_>,
    rows: &Seen<'_>,
    (ranges, sort): (&Ranges<'_>, &[SortKey]),
    way: Way,
) -> Vec<RulePred> {
    let Ordered { usable, is_sorted } = Ordered::of(builder, rows, (ranges, sort));
    let leads = matches!(way, Way::Any);
    let in_order = |part: &RulePart<'_>| {
        part.driver.is_some_and(|driver| match driver.through {
            Some(field) => is_sorted || keeps_order(usable, field, sort),
            None => is_sorted || sort.is_empty(),
        })
    };
    let mut led = match way {
        Way::Led(pred) => Some(pred),
        Way::Any | Way::InOrder => None,
    };
    let part = |part: RulePart<'_>| {
        if let Some(pred) = led.take_if(|_| part.driver.is_some()) {
            return RulePred { pred, steers: true };
        }
        if leads && in_order(&part) {
            return RulePred { pred: driven(builder, part, rows), steers: true };
        }
        let pred = Lowering::new(builder, Scope::rule(&rows.anchor)).is_true(part.expr);
        match pred {
            Pred::Sql(sql) if misleads(part.expr, usable, sort) => {
                RulePred::plain(Pred::Sql(builder.dialect.kept_from_indexes(sql)))
            }
            pred => RulePred { pred, steers: steers(part.expr) },
        }
    };
    rows.read.parts().into_iter().map(part).collect()
}

/// The row rule of a count, which has no order: the caller's memberships drive it wherever there are some.
pub(crate) fn count_rule(builder: &mut Builder<'_>, rows: &Seen<'_>) -> Vec<RulePred> {
    let part = |part: RulePart<'_>| {
        let steers = part.driver.is_some() || steers(part.expr);
        RulePred { pred: driven(builder, part, rows), steers }
    };
    rows.read.parts().into_iter().map(part).collect()
}

/// Where a part of the rule is true, found from the caller's memberships where it is a driver.
fn driven(builder: &mut Builder<'_>, part: RulePart<'_>, rows: &Seen<'_>) -> Pred {
    let mut lowering = Lowering::new(builder, Scope::rule(&rows.anchor));
    match (part.driver, Quantified::of(part.expr)) {
        (Some(_), Some(quantified)) if rows.anchor.perspective == Perspective::Live => quantified.driven(&mut lowering),
        _ => lowering.is_true(part.expr),
    }
}

/// Whether an index could be chosen for it.
fn could_choose(part: &Expr) -> bool {
    match &part.node {
        Node::Binary(..) | Node::In(..) | Node::IsNull { .. } | Node::Path(_) => true,
        Node::Not(of) => matches!(of.node, Node::Path(_)),
        _ => false,
    }
}

/// Whether the database can find records by it: it is about a field of the record itself.
fn steers(part: &Expr) -> bool {
    could_choose(part) && (field_of(part).is_some() || names_few(part))
}

fn misleads(part: &Expr, usable: &[Usable<'_>], sort: &[SortKey]) -> bool {
    let ordered = || field_of(part).is_some_and(|field| keeps_order(usable, field, sort));
    could_choose(part) && !names_few(part) && !ordered()
}

/// Which parts of a caller's filter an index can find records by.
pub(crate) struct Ranges<'a> {
    collection: &'a Collection,
    usable: &'a [Usable<'a>],
    rights: &'a Rights,
    /// The fields that the rule or the filter compares with one given value, or a few.
    fixed: Vec<FieldId>,
}

impl<'a> Ranges<'a> {
    /// Those of a filter beside the rule of the rows.
    pub(crate) fn new(collection: &'a Collection, usable: &'a [Usable<'a>], known: &Known<'a>) -> Self {
        let parts = known.rule.iter().chain(known.filter).copied();
        let fixes = |part: &Expr| match &part.node {
            Node::Binary(Operator::Equal, ..) | Node::In(..) => compared(part),
            _ => None,
        };
        Self { collection, usable, rights: known.rights, fixed: parts.filter_map(fixes).collect() }
    }

    /// Whether this part is one: it compares a field of the record itself, which everyone of the caller's class sees in
    /// every record that they see, with what is given, and an index can look it up.
    pub(crate) fn include(&self, part: &Expr) -> bool {
        compared(part).is_some_and(|field| {
            self.is_found(field) && self.rights.field(self.collection.id, field, Action::Read).allows()
        })
    }

    /// The branch in which a part asks a reference of the record to lead, or the record itself to be, if an index can look it
    /// up.
    pub(crate) fn branch<'e>(&self, part: &'e Expr) -> Option<Branch<'e>> {
        let branch = Branch::of(part).filter(|branch| is_given(branch.root))?;
        let is_open = |field: FieldId| self.rights.field(self.collection.id, field, Action::Read).allows();
        own_field(branch.member).filter(|field| self.is_found(*field) && is_open(*field)).map(|_| branch)
    }

    /// An index finds a field by its place if all fields before it are fixed.
    fn is_found(&self, field: FieldId) -> bool {
        field == Collection::ID
            || self.usable.iter().any(|Usable { index, .. }| {
                let before = index.fields.iter().take_while(|one| **one != field);
                index.fields.contains(&field) && before.into_iter().all(|one| self.fixed.contains(one))
            })
    }
}

/// The record's own fields that the rule or the filter compares with something given.
pub(crate) fn compared_fields(known: &Known<'_>) -> Vec<FieldId> {
    known.rule.iter().chain(known.filter).filter_map(|part| compared(part)).collect()
}

/// The record's own field that is compared with something given.
fn compared(part: &Expr) -> Option<FieldId> {
    let (field, other) = match &part.node {
        Node::Binary(
            Operator::Equal | Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual,
            left,
            right,
        ) => own_field(left).zip(Some(right)).or_else(|| own_field(right).zip(Some(left)))?,
        Node::In(element, list) => own_field(element).zip(Some(list))?,
        _ => return None,
    };
    is_given(other).then_some(field)
}

/// Whether it is the same for every record.
fn is_given(expr: &Expr) -> bool {
    match &expr.node {
        Node::Literal(_) | Node::Param(..) | Node::Output(..) | Node::Caller(_) | Node::Now => true,
        Node::List(items) => items.iter().all(is_given),
        _ => false,
    }
}

/// The field of the record itself that it is.
fn own_field(expr: &Expr) -> Option<FieldId> {
    match &expr.node {
        Node::Path(Path { root: Root::This, steps, part: None, .. }) => match steps.as_slice() {
            [] => Some(Collection::ID),
            [field] => Some(*field),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an index yields the records with one value of this field in the order of the page. At its end, an index has the
/// id.
fn keeps_order(usable: &[Usable<'_>], field: FieldId, sort: &[SortKey]) -> bool {
    let sort = match sort {
        [before @ .., last] if last.field() == Some(Collection::ID) => {
            let same = before.last().is_none_or(|key| key.descending == last.descending);
            if same { before } else { sort }
        }
        sort => sort,
    };
    let wanted = sort.iter().map(SortKey::field);
    sort.first().and_then(SortKey::field) == Some(field)
        || usable.iter().any(|Usable { index, .. }| match index.fields.split_first() {
            Some((first, rest)) => {
                *first == field && !index.unique && rest.iter().copied().map(Some).eq(wanted.clone())
            }
            None => false,
        })
}

/// Whether it is true of few records: those that refer to one other, such as the caller.
fn names_few(expr: &Expr) -> bool {
    match &expr.node {
        Node::Binary(Operator::And, left, right) => names_few(left) || names_few(right),
        Node::Binary(Operator::Or, left, right) => names_few(left) && names_few(right),
        Node::Binary(Operator::Equal, left, _) => matches!(left.ty, Type::Id(_) | Type::Record(..)),
        _ => false,
    }
}

/// The record's own field that a comparison is about.
fn field_of(expr: &Expr) -> Option<FieldId> {
    match &expr.node {
        Node::Path(path) if !path.steps.is_empty() => own_field(expr),
        Node::Not(of) | Node::IsNull { of, .. } => field_of(of),
        Node::Binary(Operator::Or | Operator::And, ..) => None,
        Node::Binary(_, left, right) => field_of(left).or_else(|| field_of(right)),
        _ => None,
    }
}
