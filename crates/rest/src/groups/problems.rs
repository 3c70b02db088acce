//! What is wrong with the texts of groups.

use backstay_base::{Error, Place, ViolationKind, nearest};
use backstay_engine::{
    FoldFunction, GroupsProblem, NameProblem, OrderProblem, OutputProblem, TermProblem, is_output_name,
};
use backstay_expr::{ExprError, ExprErrorKind, Name};

use super::Decoded;
use super::condition::Condition;
use super::items::{Item, is_path};
use super::problem::{Part, Problem};
use crate::words::shorten;

impl Decoded<'_> {
    /// The refusal of groups that records don't have.
    pub(super) fn refusal(&self, problem: &GroupsProblem) -> Error {
        match problem {
            GroupsProblem::Nothing => {
                let problem = "there is nothing to answer".to_owned();
                let remedy = "write values such as select=count, or what to group by".to_owned();
                Error::malformed(Place::Select, ViolationKind::Misused { problem, remedy })
            }
            GroupsProblem::Key(index, problem) => {
                let (item, period) = &self.keys[*index];
                if let OutputProblem::Expression(errors) = problem
                    && let Some(error) =
                        errors.first().filter(|error| matches!(error.kind, ExprErrorKind::ToMany { .. }))
                {
                    let remedy = "a record is in one group: group the records at the other end, or list them with a \
                                  function of the relation, such as select=name,posts:count";
                    let offset = item.offset + chars_before(error, item.text);
                    return Problem::at(offset, error.to_string(), remedy).in_part(Part::Group);
                }
                if let (Some(_), OutputProblem::Expression(errors)) = (period, problem)
                    && let Some(error) = errors.first()
                {
                    return Problem::at(item.offset, error.to_string(), error.remedy()).in_part(Part::Group);
                }
                if let Some(path) = selected(item.text) {
                    let problem = format!("`{}` selects fields, and groups have one value each", shorten(item.text));
                    return Problem::at(item.offset, problem, format!("write {path}")).in_part(Part::Group);
                }
                of_output(item, (item.text, item.offset), problem).in_part(Part::Group)
            }
            GroupsProblem::Value(index, problem) => {
                let (item, written) = &self.values[*index];
                of_output(item, written.term().unwrap_or((item.text, item.offset)), problem).in_part(Part::Select)
            }
            GroupsProblem::Compared(index, problem) => {
                let having = self.having.as_ref().expect("only a condition compares");
                let (item, written) = having.written(*index);
                of_output(item, written.term().unwrap_or((item.text, item.offset)), problem).in_part(Part::Having)
            }
            GroupsProblem::Order(index, problem) => {
                let (item, order) = &self.orders[*index];
                of_order(item.offset, order.output, problem).in_part(Part::Sort)
            }
            GroupsProblem::Having(errors) => {
                let each = self
                    .having
                    .iter()
                    .flat_map(|having| errors.iter().map(|error| of_condition(error, having).violation(Part::Having)));
                Error::Malformed(each.collect())
            }
        }
    }
}

/// The path to a field that is written as in a selection, `country{name}`.
fn selected(text: &str) -> Option<String> {
    let (relation, field) = text.strip_suffix('}')?.split_once('{')?;
    let path = format!("{}.{}", relation.trim(), field.trim());
    is_path(&path).then_some(path)
}

/// What is wrong with an output whose expression is this text, after so many characters.
fn of_output(item: &Item<'_>, (term, offset): (&str, usize), problem: &OutputProblem) -> Problem {
    match problem {
        OutputProblem::Expression(errors) => of_expression(errors, (term, offset)),
        OutputProblem::Term(problem) => of_term(*problem, (term, offset)),
        OutputProblem::Name(problem) => of_name(item, problem),
    }
}

fn of_name(item: &Item<'_>, problem: &NameProblem) -> Problem {
    let what = shorten(item.text);
    match problem {
        NameProblem::Missing => {
            Problem::at(item.offset, format!("`{what}` has no name"), format!("name it, as in x={what}"))
        }
        NameProblem::Reserved => {
            let name = item.name.unwrap_or_default();
            Problem::at(item.offset, format!("`{name}` has a meaning in conditions"), "choose another name")
        }
        NameProblem::Taken(name) => {
            let remedy = format!("name one of them, as in {name}2={what}");
            Problem::at(item.offset, format!("two values are called `{name}`"), remedy)
        }
    }
}

fn of_term(problem: TermProblem, (text, offset): (&str, usize)) -> Problem {
    let what = shorten(text);
    let (problem, remedy) = match problem {
        TermProblem::NotOneValue => {
            ("is not one value", "name a field that holds one value, or a member of it".to_owned())
        }
        TermProblem::GroupedMoney => {
            ("is an amount of money with a currency", format!("write {what}.currency or {what}.amount"))
        }
        TermProblem::GroupedText => ("is a Text, which can be too long to group by", "group by a String".to_owned()),
        TermProblem::CountedValue => (
            "is not a condition",
            format!("write count({what} != null) for the records that have a value, or countDistinct({what})"),
        ),
        TermProblem::DistinctMoney => {
            ("is an amount of money with a currency", format!("write countDistinct({what}.amount)"))
        }
        TermProblem::AverageDuration => {
            ("is a length of time, which has no exact average", "ask for its sum and count".to_owned())
        }
        TermProblem::NotAdditive => ("can't be added up", "name a field with a number or an amount".to_owned()),
        TermProblem::NoExtremes => ("has no least and no greatest value", "name another field".to_owned()),
        TermProblem::NoOrder => ("has no order", "name another field".to_owned()),
    };
    Problem::at(offset, format!("`{what}` {problem}"), remedy)
}

fn of_order(offset: usize, name: &str, problem: &OrderProblem) -> Problem {
    let outputs = match problem {
        OrderProblem::Twice => return Problem::at(offset, format!("`{name}` is named twice"), "name it once"),
        OrderProblem::Unknown(outputs) => outputs,
    };
    let problem = format!("the groups have no `{}`", shorten(name));
    let (first, rest) = name.split_once([' ', '.', ':']).unwrap_or((name, ""));
    let remedy = match (rest.to_ascii_lowercase().trim(), nearest(name, outputs.iter().map(String::as_str))) {
        ("desc" | "descending" | "-1", _) => format!("write -{}", shorten(first)),
        ("asc" | "ascending" | "1", _) => format!("write {}", shorten(first)),
        (_, Some(near)) => format!("did you mean `{near}`?"),
        (_, None) if !is_output_name(name) => "give it a name in `select` or `group`, and sort by that".to_owned(),
        (_, None) => format!("sort by one of {}", outputs.join(", ")),
    };
    Problem::at(offset, problem, remedy)
}

/// What is wrong with an expression that begins after this many characters.
fn of_expression(errors: &[ExprError], (text, offset): (&str, usize)) -> Problem {
    errors.first().map_or_else(
        || Problem::at(offset, format!("`{}` has no value", shorten(text)), "name a field"),
        |error| Problem::at(offset + chars_before(error, text), error.to_string(), error.remedy()),
    )
}

/// What is wrong with a condition on groups, which names what they come to instead of computing it.
fn of_condition(error: &ExprError, having: &Condition<'_>) -> Problem {
    let remedy = match &error.kind {
        ExprErrorKind::Unknown { what: Name::Function, name, .. } | ExprErrorKind::Arguments { function: name, .. }
            if FoldFunction::ALL.into_iter().any(|function| function.name() == name) =>
        {
            format!("name it in `select`, as in x={name}(…), and write x here")
        }
        _ => error.remedy(),
    };
    Problem::at(having.offset(error.span.start), error.to_string(), remedy)
}

fn chars_before(error: &ExprError, text: &str) -> usize {
    text.get(..error.span.start).map_or(0, |before| before.chars().count())
}
