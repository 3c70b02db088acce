use std::fmt;

/// Where in a request something is wrong. Each door writes it in its own notation; `Display` writes it as REST does: as a
/// JSON pointer into the body (RFC 6901) or the name of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The request, or its body, as a whole.
    Whole,
    /// A value in the body: the steps to it, from the outside in.
    Value(Vec<Step>),
    /// The selection of a query.
    Select,
    /// The order of a query.
    Sort,
    /// The filter of a query.
    Filter,
    /// What the records of a query are grouped by.
    Group,
    /// Which of the groups of a query are meant.
    Having,
    /// What a query searches for.
    Search,
    /// How many records a page holds.
    Limit,
    /// The place after which a page starts.
    After,
    /// The place before which a page ends.
    Before,
    /// How many records a query leaves out.
    Skip,
    /// Whether a query counts.
    Count,
    /// The moment of the past that a read is about.
    AsOf,
    /// A parameter of the filter, by its name without `$`.
    Parameter(String),
    /// A field that a query compares with a value.
    Equality(String),
    /// A part that only the door knows, by its name there: a header, a parameter of a URL, a path.
    Part(String),
}

/// One step from an object or array to a value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To a member of an object.
    Member(String),
    /// To an item of an array, from 0.
    Item(usize),
}

impl Place {
    /// The value of a member of the body.
    pub fn member(name: impl Into<String>) -> Self {
        Self::Value(vec![Step::Member(name.into())])
    }

    /// The value of a field, by its name: `address.city` is a member of `address`.
    pub fn field(name: &str) -> Self {
        name.split('.').fold(Self::Whole, |place, name| place.then(Step::Member(name.to_owned())))
    }

    /// An item of the body.
    pub fn item(index: usize) -> Self {
        Self::Value(vec![Step::Item(index)])
    }

    /// A part that only the door knows.
    pub fn part(name: impl Into<String>) -> Self {
        Self::Part(name.into())
    }

    /// A member or item of the value here; a part of a query has none.
    #[must_use]
    pub fn then(self, step: Step) -> Self {
        match self {
            Self::Whole => Self::Value(vec![step]),
            Self::Value(mut steps) => {
                steps.push(step);
                Self::Value(steps)
            }
            part => part,
        }
    }

    /// The same place, where the body that it is in is the value at this place of a larger one.
    #[must_use]
    pub fn under(self, outer: &Self) -> Self {
        match outer {
            Self::Value(steps) => steps.iter().rev().fold(self, |place, step| place.within(step.clone())),
            _ => self,
        }
    }

    /// The same place, where the body that it is in is a member or item of a larger one.
    #[must_use]
    pub fn within(self, step: Step) -> Self {
        match self {
            Self::Whole => Self::Value(vec![step]),
            Self::Value(mut steps) => {
                steps.insert(0, step);
                Self::Value(steps)
            }
            part => part,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Value(steps) => steps.iter().try_for_each(|step| step.fmt(f)),
            Self::Select => f.write_str("select"),
            Self::Sort => f.write_str("sort"),
            Self::Filter => f.write_str("filter"),
            Self::Group => f.write_str("group"),
            Self::Having => f.write_str("having"),
            Self::Search => f.write_str("search"),
            Self::Limit => f.write_str("limit"),
            Self::After => f.write_str("after"),
            Self::Before => f.write_str("before"),
            Self::Skip => f.write_str("skip"),
            Self::Count => f.write_str("count"),
            Self::AsOf => f.write_str("asOf"),
            Self::Parameter(name) => write!(f, "${name}"),
            Self::Equality(name) | Self::Part(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Item(index) => write!(f, "/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_rest_writes_it() {
        let check = |place: Place, expected: &str| assert_eq!(place.to_string(), expected);
        check(Place::Whole, "");
        check(Place::member("title"), "/title");
        check(Place::member("a/b~c"), "/a~1b~0c");
        check(Place::field("title"), "/title");
        check(Place::field("address.city"), "/address/city");
        check(Place::member("tags").then(Step::Item(2)), "/tags/2");
        check(Place::member("title").within(Step::Item(0)), "/0/title");
        check(Place::Whole.within(Step::Item(3)), "/3");
        check(Place::Whole.then(Step::Item(3)), "/3");
        check(Place::field("price").under(&Place::member("items").then(Step::Item(2))), "/items/2/price");
        check(Place::field("price").under(&Place::Whole), "/price");
        check(Place::Filter.under(&Place::item(2)), "filter");
        check(Place::Select.within(Step::Item(3)), "select");
        check(Place::Parameter("q".to_owned()), "$q");
        check(Place::Equality("state".to_owned()), "state");
        check(Place::part("if-match"), "if-match");
    }
}
