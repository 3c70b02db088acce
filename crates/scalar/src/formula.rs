//! What is computed from exact numbers, as a text in postfix notation: the first argument of SQLite's function `decimal`,
//! whose others are the operands in the order in which the text names them.
//!
//! | text | is |
//! |---|---|
//! | `@2` | an operand: an integer with 2 digits after the point |
//! | `@` | an operand: a key ([`exact::to_key`]) |
//! | `1.19` | this number |
//! | `neg` | the negation of the number before |
//! | `+`, `-`, `*` | the sum, difference, product of the two numbers before |
//! | `/2` | the quotient of the two numbers before, rounded to 2 digits after the point |
//! | `/` | the same, with as many digits as a third number says |
//! | `round2` | the number before, rounded to 2 digits after the point |
//! | `round` | the same, with as many digits as a second number says |
//! | `fit18.4`, at the end | the integer that a field of 18 digits, 4 of them after the point, holds |
//! | `at4`, at the end | the integer with 4 digits after the point |
//!
//! Without one of the last two, the result is a key.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use rust_decimal::Decimal;

use crate::exact;

/// An exact number that is computed from operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The operand at this index. The operands of a formula are numbered in the order in which it names them.
    Operand(usize, Notation),
    /// A number of the formula itself.
    Constant(Decimal),
    /// The number with the other sign.
    Negation(Box<Term>),
    /// What is computed from two numbers.
    Operation(Operation, Box<[Term; 2]>),
    /// The number with at most this many digits after the point, rounded half away from zero.
    Rounded(Box<Term>, u32),
    /// [`exact::divide`] the first number by the second, with as many digits after the point as the third says.
    Quotient(Box<[Term; 3]>),
}

/// How an operand stands for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// The integer that is the number times ten to the power of this.
    Scaled(u8),
    /// The key of the number.
    Key,
}

/// What is computed from two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`exact::add`].
    Add,
    /// [`exact::subtract`].
    Subtract,
    /// [`exact::multiply`].
    Multiply,
    /// [`exact::divide`], with this many digits after the point.
    Divide(u32),
    /// [`exact::round`], with as many digits after the point as the second number says.
    Round,
}

/// How the number of a formula is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As its key.
    Key,
    /// As [`exact::fitted`] makes it, times ten to the power of the scale.
    Fitted {
        /// Digits that the field holds.
        precision: u8,
        /// How many of them are after the point.
        scale: u8,
    },
    /// Times ten to the power of this; unknown where it has more digits after the point.
    Scaled(u8),
}

/// What a formula answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The key of the number.
    Key([u8; exact::KEY_BYTES]),
    /// The number times a power of ten.
    Scaled(i64),
}

/// A computed number and how it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    /// What is computed.
    pub term: Term,
    /// How it is answered.
    pub outcome: Outcome,
}

/// A text that is not a formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a formula")]
pub struct FormulaError(String);

impl Term {
    /// The number; `None` if it or a part of it is unknown.
    ///
    /// # Errors
    /// Fails where `operand` does.
    pub fn number<E>(
        &self,
        operand: &impl Fn(usize, Notation) -> Result<Option<Decimal>, E>,
    ) -> Result<Option<Decimal>, E> {
        Ok(match self {
            Self::Operand(index, notation) => operand(*index, *notation)?,
            Self::Constant(number) => Some(*number),
            Self::Negation(of) => of.number(operand)?.and_then(|of| exact::subtract(Decimal::ZERO, of)),
            Self::Operation(operation, sides) => {
                let [left, right] = &**sides;
                let (left, right) = (left.number(operand)?, right.number(operand)?);
                left.zip(right).and_then(|(left, right)| operation.of(left, right))
            }
            Self::Rounded(of, digits) => of.number(operand)?.and_then(|of| exact::round(of, *digits)),
            Self::Quotient(parts) => {
                let [left, right, digits] = &**parts;
                let (left, right, digits) = (left.number(operand)?, right.number(operand)?, digits.number(operand)?);
                let parts = left.zip(right).zip(digits.and_then(places));
                parts.and_then(|((left, right), digits)| exact::divide(left, right, digits))
            }
        })
    }

    /// How many numbers it is made of, itself included.
    pub fn steps(&self) -> usize {
        match self {
            Self::Operand(..) | Self::Constant(_) => 1,
            Self::Negation(of) | Self::Rounded(of, _) => 1 + of.steps(),
            Self::Operation(_, sides) => 1 + sides.iter().map(Self::steps).sum::<usize>(),
            Self::Quotient(parts) => 1 + parts.iter().map(Self::steps).sum::<usize>(),
        }
    }
}

impl Operation {
    fn of(self, left: Decimal, right: Decimal) -> Option<Decimal> {
        match self {
            Self::Add => exact::add(left, right),
            Self::Subtract => exact::subtract(left, right),
            Self::Multiply => exact::multiply(left, right),
            Self::Divide(digits) => exact::divide(left, right, digits),
            Self::Round => exact::round(left, places(right)?),
        }
    }
}

/// A number of digits to which something is rounded; `None` if it isn't one.
fn places(number: Decimal) -> Option<u32> {
    u32::try_from(number).ok().filter(|digits| number.is_integer() && *digits <= exact::ROUNDED_DIGITS)
}

impl Outcome {
    /// The answer for a number; `None` if it has more digits than the answer may have.
    pub fn of(self, number: Decimal) -> Option<Answer> {
        let scaled = |number: Decimal| i64::try_from(number.mantissa()).ok().map(Answer::Scaled);
        match self {
            Self::Key => Some(Answer::Key(exact::to_key(number))),
            Self::Fitted { precision, scale } => scaled(exact::fitted(number, precision.into(), scale.into())?),
            Self::Scaled(scale) => scaled(exact::at_scale(number, scale.into())?),
        }
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operand(_, Notation::Scaled(scale)) => write!(f, "@{scale}"),
            Self::Operand(_, Notation::Key) => f.write_str("@"),
            Self::Constant(number) => write!(f, "{number}"),
            Self::Negation(of) => write!(f, "{of} neg"),
            Self::Operation(operation, sides) => write!(f, "{} {} {operation}", sides[0], sides[1]),
            Self::Rounded(of, digits) => write!(f, "{of} round{digits}"),
            Self::Quotient(parts) => write!(f, "{} {} {} /", parts[0], parts[1], parts[2]),
        }
    }
}

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Add => f.write_str("+"),
            Self::Subtract => f.write_str("-"),
            Self::Multiply => f.write_str("*"),
            Self::Divide(digits) => write!(f, "/{digits}"),
            Self::Round => f.write_str("round"),
        }
    }
}

impl Display for Formula {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { term, outcome } = self;
        match outcome {
            Outcome::Key => write!(f, "{term}"),
            Outcome::Fitted { precision, scale } => write!(f, "{term} fit{precision}.{scale}"),
            Outcome::Scaled(scale) => write!(f, "{term} at{scale}"),
        }
    }
}

impl FromStr for Formula {
    type Err = FormulaError;

    fn from_str(text: &str) -> Result<Self, FormulaError> {
        read(text).ok_or_else(|| FormulaError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Formula> {
    let (words, outcome) = match text.rsplit_once(' ') {
        Some((words, last)) => outcome(last).map_or((text, Outcome::Key), |outcome| (words, outcome)),
        None => (text, Outcome::Key),
    };
    let (mut terms, mut operands) = (Vec::new(), 0..);
    for word in words.split(' ') {
        let term = if let Some(scale) = word.strip_prefix('@') {
            let notation = if scale.is_empty() { Notation::Key } else { Notation::Scaled(scale.parse().ok()?) };
            Term::Operand(operands.next()?, notation)
        } else if word == "neg" {
            Term::Negation(Box::new(terms.pop()?))
        } else if word == "/" {
            let (digits, right, left) = (terms.pop()?, terms.pop()?, terms.pop()?);
            Term::Quotient(Box::new([left, right, digits]))
        } else if let Some(digits) = word.strip_prefix("round").filter(|digits| !digits.is_empty()) {
            Term::Rounded(Box::new(terms.pop()?), rounded_digits(digits)?)
        } else if let Some(operation) = operation(word) {
            let (right, left) = (terms.pop()?, terms.pop()?);
            Term::Operation(operation, Box::new([left, right]))
        } else {
            Term::Constant(Decimal::from_str_exact(word).ok()?)
        };
        terms.push(term);
    }
    let term = terms.pop()?;
    terms.is_empty().then_some(Formula { term, outcome })
}

fn operation(word: &str) -> Option<Operation> {
    Some(match word {
        "+" => Operation::Add,
        "-" => Operation::Subtract,
        "*" => Operation::Multiply,
        "round" => Operation::Round,
        _ => Operation::Divide(rounded_digits(word.strip_prefix('/')?)?),
    })
}

fn outcome(word: &str) -> Option<Outcome> {
    if let Some(scale) = word.strip_prefix("at") {
        return Some(Outcome::Scaled(scale.parse().ok()?));
    }
    let (precision, scale) = word.strip_prefix("fit")?.split_once('.')?;
    Some(Outcome::Fitted { precision: precision.parse().ok()?, scale: scale.parse().ok()? })
}

fn rounded_digits(digits: &str) -> Option<u32> {
    digits.parse().ok().filter(|digits| *digits <= exact::ROUNDED_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn a_formula_is_written_and_read_in_postfix_notation() {
        let (price, pieces) = (Term::Operand(0, Notation::Scaled(2)), Term::Operand(1, Notation::Scaled(0)));
        let taxed = Term::Operation(Operation::Multiply, Box::new([price, Term::Constant(number("1.19"))]));
        let rounded = Term::Rounded(Box::new(taxed), 2);
        let all = Term::Operation(Operation::Multiply, Box::new([rounded, pieces]));
        check(all.clone(), Outcome::Key, "@2 1.19 * round2 @0 *");
        check(all, Outcome::Fitted { precision: 18, scale: 4 }, "@2 1.19 * round2 @0 * fit18.4");
        let key = || Term::Operand(0, Notation::Key);
        let number = Term::Constant(number("-0.5"));
        let quotient = Term::Operation(Operation::Divide(9), Box::new([key(), number]));
        check(Term::Negation(Box::new(quotient)), Outcome::Scaled(9), "@ -0.5 /9 neg at9");
        for (operation, text) in [(Operation::Add, "@ @18 +"), (Operation::Subtract, "@ @18 -")] {
            let sides = [key(), Term::Operand(1, Notation::Scaled(18))];
            check(Term::Operation(operation, Box::new(sides)), Outcome::Key, text);
        }
        check(key(), Outcome::Key, "@");
        let digits = || Term::Operand(1, Notation::Scaled(0));
        let rounded = Term::Operation(Operation::Round, Box::new([key(), digits()]));
        check(rounded, Outcome::Scaled(4), "@ @0 round at4");
        let three = Term::Constant("3".parse().expect("a decimal"));
        check(Term::Quotient(Box::new([key(), three, digits()])), Outcome::Key, "@ 3 @0 /");
    }

    fn check(term: Term, outcome: Outcome, expected: &str) {
        let formula = Formula { term, outcome };
        assert_eq!(formula.to_string(), expected);
        assert_eq!(expected.parse(), Ok(formula));
    }

    #[test]
    fn what_is_not_a_formula_is_refused() {
        for text in [
            "",
            " ",
            "@ @",
            "@ +",
            "+",
            "neg",
            "@x",
            "@-1",
            "@ round10",
            "@ @ /10",
            "@ round",
            "@ @ /",
            "at2",
            "fit4.2",
            "@ fit4",
            "@ at",
            "@ at2 at2",
            "@ at2 neg",
            "@  neg",
            "one",
            "@ 0.00000000000000000000000000001 *",
        ] {
            assert_eq!(text.parse::<Formula>(), Err(FormulaError(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn the_operands_are_taken_in_their_order() {
        let formula: Formula = "@2 @0 - 3 @1 * neg + at3".parse().expect("a formula");
        assert_eq!(formula.term.steps(), 8);
        let integers = [1250, 3, 25];
        let operand = |index: usize, notation: Notation| match notation {
            Notation::Scaled(scale) => Ok::<_, ()>(Some(Decimal::new(integers[index], scale.into()))),
            Notation::Key => Err(()),
        };
        // 12.50 - 3 - 3 * 2.5
        let got = formula.term.number(&operand).expect("operands");
        assert_eq!(got, Some(number("2")));
        assert_eq!(formula.outcome.of(number("2")), Some(Answer::Scaled(2000)));
        assert_eq!(Outcome::Scaled(0).of(number("2.5")), None);
        assert_eq!(Outcome::Scaled(18).of(number("10")), None);
        assert_eq!(Outcome::Fitted { precision: 3, scale: 2 }.of(number("2.505")), Some(Answer::Scaled(251)));
        assert_eq!(Outcome::Key.of(number("2.5")), Some(Answer::Key(exact::to_key(number("2.5")))));
        let number_of = |text: &str| {
            let formula: Formula = text.parse().expect("a formula");
            formula.term.number(&operand).expect("operands")
        };
        assert_eq!(number_of("@2 1 round"), Some(number("12.5")));
        assert_eq!(number_of("@2 @0 round"), Some(number("12.5")));
        assert_eq!(number_of("@2 0.5 round"), None);
        assert_eq!(number_of("@2 10 round"), None);
        assert_eq!(number_of("@2 -1 round"), None);
        assert_eq!(number_of("@2 @0 2 /"), Some(number("4.17")));
        assert_eq!(number_of("@2 0 2 /"), None);
        let unknown = |_, _| Ok::<_, ()>(None);
        assert_eq!(formula.term.number(&unknown), Ok(None));
    }
}
