use std::ops::Range;

/// What a stored sum can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SumProblem {
    /// Not one aggregate.
    #[error("a stored sum is one `size`, `count`, `sum`, `min`, `max` or `exists` of records, and nothing else")]
    NotAnAggregate,
    /// Not over the other end of a to-one relation.
    #[error("a stored sum must aggregate a list of `this` that is the `@inverse` of a to-one field")]
    Relation,
    /// Over the records above or below in a tree.
    #[error("a stored sum can't aggregate `{relation}`: one move in the tree would change the sums of many records")]
    Lineage {
        /// The relation.
        relation: String,
    },
    /// Something else than the member's own columns.
    #[error("a stored sum can only read stored fields of the records that it aggregates, not {what}")]
    Reads {
        /// What it reads.
        what: &'static str,
    },
    /// A total of `Float`.
    #[error("a stored sum can't add up Float values, because floating-point sums aren't exact")]
    FloatTotal,
    /// An amount with its currency.
    #[error("a stored sum of Money must share its currency with the amounts")]
    Money,
    /// Amounts that need not be in the currency of the sum.
    #[error("these amounts can be in another currency than the stored sum")]
    OtherCurrency,
    /// Values of an enum, whose order a model can change.
    #[error("the order of an enum's values can change, so a stored sum can't depend on it")]
    EnumOrder,
    /// A `Decimal` with more digits than the field, or not limited to any number.
    #[error("the summed value can have more digits after the point than the field, which has {scale}")]
    Digits {
        /// Digits after the point of the field.
        scale: u8,
    },
    /// A value of another type than the field's.
    #[error("the field is of another type than the values")]
    OtherType,
}

/// Where and why an expression isn't a stored sum.
pub(crate) type Refused = (Range<u32>, SumProblem);

impl SumProblem {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> String {
        const UNSTORED: &str = "or remove `stored:` to compute the value whenever it is read";
        match self {
            Self::NotAnAggregate => {
                format!(
                    "write a single aggregate, such as `this.items.sum(i, i.quantity)`, and compute the rest in another field, {UNSTORED}"
                )
            }
            Self::Relation => format!("name a field with `@inverse` of a to-one field, {UNSTORED}"),
            Self::Lineage { .. } => format!(
                "aggregate the `@inverse` of the tree's relation if the records directly below are enough, {UNSTORED}"
            ),
            Self::Reads { .. } => format!("keep what it needs in fields of those records, {UNSTORED}"),
            Self::FloatTotal => format!("make the fields Decimal, {UNSTORED}"),
            Self::Money => {
                format!(
                    "write `@money(in: …)` on the field and on the amounts, or aggregate their `.amount`, {UNSTORED}"
                )
            }
            Self::OtherCurrency => {
                format!(
                    "give them the sum's currency, as with `@money(in: \"order.currency\")` if the sum has `@money(in: \"currency\")`, {UNSTORED}"
                )
            }
            Self::EnumOrder => {
                format!("name the values, such as `i.state in ['NEW', 'PAID']`, or use a number, {UNSTORED}")
            }
            Self::Digits { scale } => format!("write `round(…, {scale})` within the sum, {UNSTORED}"),
            Self::OtherType => "give the field the type of the values".to_owned(),
        }
    }
}
