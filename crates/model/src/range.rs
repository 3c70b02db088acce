use backstay_base::ViolationKind;
use backstay_scalar::Value;

/// `@range(min:, max:)`: between which two values of its type a value lies, both included. One of them is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// The least value.
    pub min: Option<Value>,
    /// The greatest value.
    pub max: Option<Value>,
}

/// Why a value is not in the range of its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must {}", .0)]
pub struct RangeProblem(String);

impl From<RangeProblem> for ViolationKind {
    fn from(problem: RangeProblem) -> Self {
        Self::Range(problem.to_string())
    }
}

impl Range {
    /// Whether a value is in the range. What has no order with its ends, such as null, is.
    pub(crate) fn check(&self, value: &Value) -> Result<(), RangeProblem> {
        if let Some(min) = self.min.as_ref().filter(|min| value.order(min).is_some_and(std::cmp::Ordering::is_lt)) {
            return Err(RangeProblem(least(min)));
        }
        if let Some(max) = self.max.as_ref().filter(|max| value.order(max).is_some_and(std::cmp::Ordering::is_gt)) {
            return Err(RangeProblem(most(max)));
        }
        Ok(())
    }

    /// Whether a value can be in another range and not in this one.
    pub(crate) fn is_stricter_than(&self, other: &Self) -> bool {
        // Ends of two types have no order: what was in one range can be outside of the other.
        let within = |end: &Option<Value>, before: &Option<Value>, inside: fn(std::cmp::Ordering) -> bool| {
            end.as_ref().is_none_or(|end| before.as_ref().and_then(|before| end.order(before)).is_some_and(inside))
        };
        !within(&self.min, &other.min, std::cmp::Ordering::is_le)
            || !within(&self.max, &other.max, std::cmp::Ordering::is_ge)
    }

    /// What it says of a value, as the end of a sentence; both parts if there are two ends.
    pub fn words(&self) -> String {
        let ends = self.min.as_ref().map(least).into_iter().chain(self.max.as_ref().map(most));
        ends.collect::<Vec<_>>().join(" and ")
    }
}

fn least(min: &Value) -> String {
    let written = written(min);
    if is_moment(min) { format!("not be before {written}") } else { format!("be at least {written}") }
}

fn most(max: &Value) -> String {
    let written = written(max);
    if is_moment(max) { format!("not be after {written}") } else { format!("be at most {written}") }
}

/// A value without zeros that say nothing.
fn written(value: &Value) -> String {
    match value {
        Value::Decimal(number) => number.normalize().to_string(),
        other => {
            let written = other.bare().unwrap_or_default();
            written.strip_suffix(".000000Z").map_or(written.clone(), |second| format!("{second}Z"))
        }
    }
}

/// Of values with ranges, only times of day are texts.
fn is_moment(value: &Value) -> bool {
    matches!(value, Value::Timestamp(_) | Value::Date(_) | Value::Text(_))
}
