//! What a model's stored sums are made of: in which sums the records of a type count, and what is needed of a record that
//! has some.

use std::collections::BTreeSet;

use backstay_base::Duration;
use backstay_expr::{Node, Sum, SumKind, Type, sum_levels};
use backstay_model::{Collection, CollectionId, Diagnostic, FieldId, Model};
use backstay_scalar::Value;
use rust_decimal::Decimal;

use crate::commit_checks;
use crate::membership::Membership;
use crate::policy::{CheckPolicy, Policy};

/// The stored sums of a model.
#[derive(Debug)]
pub(crate) struct Sums {
    /// By collection: the sums in which its records count.
    counted: Vec<Vec<Counted>>,
    /// By collection: its own sums.
    own: Vec<Option<OwnSums>>,
}

/// A sum in which the records of a collection count.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) sum: Sum,
    /// How many sums come before it at most, one reading the other.
    pub(crate) level: usize,
    /// Whether it follows after the commit.
    pub(crate) is_kept_soon: bool,
    pub(crate) membership: Membership,
}

/// The sums of one collection.
#[derive(Debug)]
pub(crate) struct OwnSums {
    /// Each with its value while nothing counts in it.
    pub(crate) sums: Vec<(Sum, Value)>,
    /// The fields that must be known of a record whose sums change.
    pub(crate) needed: Vec<FieldId>,
    /// The checks that name a sum.
    pub(crate) checks: Vec<SumCheck>,
    /// Whether nothing else depends on any of them: neither a check, at commit or before, nor another sum.
    pub(crate) alone: bool,
}

/// A check that names stored sums of its record.
#[derive(Debug)]
pub(crate) struct SumCheck {
    /// The field that has the check; `None`: the type.
    pub(crate) field: Option<FieldId>,
    /// Its place among the checks there.
    pub(crate) place: usize,
    /// The sums that it names.
    pub(crate) names: Vec<FieldId>,
}

impl OwnSums {
    pub(crate) fn sum(&self, field: FieldId) -> Option<&Sum> {
        self.sums.iter().map(|(sum, _)| sum).find(|sum| sum.computed.field == field)
    }
}

impl Sums {
    /// The sums of a model, or what is wrong with them together.
    pub(crate) fn of(model: &Model, policy: &Policy) -> Result<Self, Diagnostic> {
        let all: Vec<&Sum> =
            policy.collections.iter().flat_map(|of| &of.fields).filter_map(|of| of.sum.as_ref()).collect();
        let levels = sum_levels(&all).map_err(|circle| in_circle(model, &circle))?;
        let mut counted: Vec<Vec<Counted>> = model.collections.iter().map(|_| Vec::new()).collect();
        for (sum, level) in all.into_iter().zip(levels) {
            let membership = Membership::of_sum(model, sum);
            let is_kept_soon = model.field(sum.computed.collection, sum.computed.field).is_kept_soon();
            if !is_kept_soon
                && let Some(read) = sum.reads.iter().find(|of| model.field(sum.member, **of).is_kept_soon())
            {
                return Err(of_one_kept_soon(model, sum, *read));
            }
            counted[usize::from(sum.member.0)].push(Counted { sum: sum.clone(), level, is_kept_soon, membership });
        }
        let own = model.collections.iter().map(|of| own(model, of, policy, &counted[usize::from(of.id.0)])).collect();
        Ok(Self { counted, own })
    }

    /// The sums in which records of the collection count.
    pub(crate) fn counted(&self, collection: CollectionId) -> &[Counted] {
        &self.counted[usize::from(collection.0)]
    }

    /// Whether any of them follows after the commit.
    pub(crate) fn are_kept_soon(&self) -> bool {
        self.counted.iter().flatten().any(|of| of.is_kept_soon)
    }

    /// How many sums come before a sum at most, one reading the other.
    pub(crate) fn level(&self, sum: &Sum) -> usize {
        let at = (sum.computed.collection, sum.computed.field);
        let is_meant = |of: &&Counted| (of.sum.computed.collection, of.sum.computed.field) == at;
        self.counted(sum.member).iter().find(is_meant).map_or(0, |of| of.level)
    }

    /// The sums that records of the collection have.
    pub(crate) fn own(&self, collection: CollectionId) -> Option<&OwnSums> {
        self.own[usize::from(collection.0)].as_ref()
    }
}

fn own(model: &Model, collection: &Collection, all: &Policy, counted: &[Counted]) -> Option<OwnSums> {
    let policy = all.collection(collection.id);
    let sums: Vec<(Sum, Value)> =
        policy.fields.iter().filter_map(|of| of.sum.as_ref()).map(|sum| (sum.clone(), of_nothing(sum))).collect();
    if sums.is_empty() {
        return None;
    }
    let fields: BTreeSet<FieldId> = sums.iter().map(|(sum, _)| sum.computed.field).collect();
    let mut needed: BTreeSet<FieldId> =
        [Collection::ID, Collection::VERSION].into_iter().chain(fields.clone()).collect();
    let mut checks = Vec::new();
    for (field, place, CheckPolicy { rule, at_commit, .. }) in policy.all_checks() {
        let read = rule.whole.own_fields();
        let names: Vec<FieldId> = read.intersection(&fields).copied().collect();
        if !names.is_empty() && at_commit.is_none() {
            needed.extend(read);
            checks.push(SumCheck { field, place, names });
        }
    }
    // A record that counts in a sum of sums.
    for Counted { sum, membership, .. } in
        counted.iter().filter(|of| of.sum.reads.iter().any(|read| fields.contains(read)))
    {
        needed.extend(sum.reads.iter().copied().chain(membership.fields()));
    }
    // A record whose sums a check at commit of another one reads.
    for (_, children) in commit_checks::children(all).filter(|(_, of)| of.collection == collection.id) {
        if !children.reads.is_disjoint(&fields) {
            needed.extend(&children.reads);
            needed.extend(Membership::of(model, (collection.id, children.via)).fields());
        }
    }
    let is_stored = |field: &FieldId| collection.field(*field).is_stored();
    // What depends on one besides the checks needs to know to which record this one belongs.
    let alone = checks.is_empty()
        && needed.len() == fields.len() + [Collection::ID, Collection::VERSION].len()
        && !policy.all_checks().any(|(_, _, check)| check.at_commit.is_some());
    Some(OwnSums { sums, needed: needed.into_iter().filter(is_stored).collect(), checks, alone })
}

/// What a sum is while nothing counts in it.
fn of_nothing(sum: &Sum) -> Value {
    match (&sum.kind, &sum.computed.value.node) {
        (SumKind::Count, _) => Value::Int(0),
        (SumKind::Total(term), _) => match term.ty {
            // With the digits that every stored value of the field has.
            Type::Decimal => Value::Decimal(Decimal::new(0, sum.computed.digits.map_or(0, |of| of.scale.into()))),
            Type::Duration => Value::Duration(Duration::from_micros(0)),
            // Totals of other types are refused.
            _ => Value::Int(0),
        },
        (SumKind::Anew(_), Node::Quantifier { .. }) => Value::Bool(false),
        (SumKind::Anew(_), _) => Value::Null,
    }
}

/// A sum that is exact in every commit and reads one that isn't.
fn of_one_kept_soon(model: &Model, sum: &Sum, read: FieldId) -> Diagnostic {
    let member = model.collection(sum.member);
    let name = &member.field(read).name;
    let message = format!("a sum with `stored: COMMIT` can't read `{}.{name}`, which is `stored: SOON`", member.name);
    let help = format!("write `stored: SOON` here too, or `stored: COMMIT` at `{}.{name}`", member.name);
    let span = model.field(sum.computed.collection, sum.computed.field).span;
    Diagnostic::error(message).at(span, "this sum").help(help)
}

fn in_circle(model: &Model, circle: &[(CollectionId, FieldId)]) -> Diagnostic {
    let name = |(collection, field): &(CollectionId, FieldId)| {
        format!("{}.{}", model.collection(*collection).name, model.field(*collection, *field).name)
    };
    let names: Vec<String> = circle.iter().map(name).collect();
    let (first, message) =
        (circle[0], format!("the stored sum `{}` depends on itself: {}", names[0], names.join(" → ")));
    let span = model.field(first.0, first.1).span;
    Diagnostic::error(message)
        .at(span, "this sum")
        .help("base one of these sums on stored fields instead of another sum")
}
