use std::sync::Arc;

use backstay_scalar::{MONEY_SCALE, Part, Scalar, Storage};

use crate::{Derived, PageStart, Phrase, ReadShape, ValueKind};

/// What is answered of groups of records, in place of the records themselves. Its outputs are what records are grouped by, and
/// then what the groups come to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Groups {
    /// What the records of one group have in common. Without any, all records are one group, also if there are none.
    pub by: Arc<[GroupKey]>,
    /// What a group comes to.
    pub of: Arc<[GroupValue]>,
    /// How many of these, the first, are answered: the others are there for the condition.
    pub answered: usize,
    /// Which groups are meant: a condition on the outputs.
    pub having: Option<Phrase>,
    /// The order that is asked for.
    pub sort: Arc<[GroupSort]>,
}

/// A value by which records are grouped. Null is a value like any other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupKey {
    /// The name under which it is answered.
    pub name: Arc<str>,
    /// The value of a record, which isn't `Money`.
    pub value: Derived,
}

/// A value that a group comes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupValue {
    /// The name under which it is answered.
    pub name: Arc<str>,
    /// How it is made of the records.
    pub fold: Fold,
    /// What it is.
    pub kind: ValueKind,
}

/// How one value is made of the records of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fold {
    /// How many there are.
    Records,
    /// Of an expression about each of them.
    Of(FoldFunction, Phrase),
}

impl Fold {
    /// The expression about each record.
    pub fn term(&self) -> Option<&Phrase> {
        match self {
            Self::Records => None,
            Self::Of(_, term) => Some(term),
        }
    }
}

/// How one value is made of the values of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FoldFunction {
    /// Of how many records it is true.
    Count,
    /// How many different values it has; null is none of them.
    CountDistinct,
    /// The sum of its values.
    Sum,
    /// Their average, rounded half away from zero.
    Average,
    /// The least of them.
    Min,
    /// The greatest of them.
    Max,
}

impl FoldFunction {
    /// Every function.
    pub const ALL: [Self; 6] = [Self::Count, Self::CountDistinct, Self::Sum, Self::Average, Self::Min, Self::Max];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::CountDistinct => "countDistinct",
            Self::Sum => "sum",
            Self::Average => "avg",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// One key of an order of groups. Nulls come last when ascending and first when descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GroupSort {
    /// The output that is compared, by its number; of `Money` the amount.
    pub output: usize,
    /// Whether from high to low.
    pub descending: bool,
}

impl Groups {
    /// The names of the outputs and what they are, in order.
    pub fn outputs(&self) -> impl Iterator<Item = (&Arc<str>, ValueKind)> {
        let by = self.by.iter().map(|key| (&key.name, key.value.kind));
        by.chain(self.of.iter().map(|value| (&value.name, value.kind)))
    }

    /// The expressions in it, in the order of their parameters.
    pub fn written(&self) -> impl Iterator<Item = &Phrase> {
        let by = self.by.iter().map(|key| &key.value.of);
        by.chain(self.of.iter().filter_map(|value| value.fold.term())).chain(&self.having)
    }

    /// The whole order: what is asked for, and then whatever of the keys isn't in it, so that no two groups are level.
    pub fn order(&self) -> Vec<GroupSort> {
        let named = |output: usize| self.sort.iter().any(|key| key.output == output);
        let rest = (0..self.by.len()).filter(|output| !named(*output));
        let rest = rest.map(|output| GroupSort { output, descending: false });
        self.sort.iter().copied().chain(rest).collect()
    }

    /// The kinds of the values that a place in this order has.
    pub fn cursor_kinds(&self) -> Vec<ValueKind> {
        let kinds: Vec<ValueKind> = self.outputs().map(|(_, kind)| kind).collect();
        self.order().iter().map(|key| compared(kinds[key.output])).collect()
    }
}

/// What is compared of a value of this kind: of `Money` the amount.
fn compared(kind: ValueKind) -> ValueKind {
    match kind {
        ValueKind::Scalar(Scalar::Money) => ValueKind::Scalar(AMOUNT),
        ValueKind::Scalar(_) | ValueKind::Enum(_) => kind,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "four fits")]
const AMOUNT: Scalar = Scalar::Decimal { precision: backstay_base::limits::DECIMAL_DIGITS, scale: MONEY_SCALE as u8 };

/// The columns of a value of this kind.
pub(crate) fn columns(kind: ValueKind) -> Vec<(Part, Storage)> {
    match kind {
        ValueKind::Scalar(scalar) => scalar.columns(),
        ValueKind::Enum(_) => vec![(Part::Main, Storage::Text)],
    }
}

/// Everything but the rights that makes two readings of groups the same statement.
#[derive(Debug, Clone)]
pub struct GroupsShape {
    /// The records; their scope is `ReadScope::Count`, and nothing is selected of them.
    pub records: ReadShape,
    /// What is answered of their groups.
    pub groups: Groups,
    /// Where the page starts.
    pub start: PageStart,
}
