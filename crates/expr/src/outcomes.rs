//! Which truths an expression can have: a proof over its parts, not a search for records.

mod logic;

use backstay_base::CallerKind;
use backstay_model::Model;

use crate::{Expr, Truth};
use logic::{Choice, Logic, Lowering, Variable};

/// Assignments of variables that are tried for one expression; what is left open then counts as possible.
const ASSIGNMENTS: usize = 2_000;

/// The truths that an expression can have. It may name one too many, never one too few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcomes(u8);

impl Outcomes {
    const NONE: Self = Self(0);
    const ANY: Self = Self(0b111);

    /// Those of a Boolean expression for callers of these kinds, whatever the records hold. Required fields hold a value,
    /// and nothing else is assumed. The expression is a whole one: `Facts` have taken nothing out of it.
    pub fn of(expr: &Expr, model: &Model, callers: &[CallerKind]) -> Self {
        let of_one = |kind: &CallerKind| of_caller(expr, model, Asking { kind: *kind, may_show_link: true });
        callers.iter().map(of_one).fold(Self::NONE, Self::or)
    }

    /// The same for callers who show nothing: neither credentials nor a secret link.
    pub fn of_nobody(expr: &Expr, model: &Model) -> Self {
        of_caller(expr, model, Asking { kind: CallerKind::Anonymous, may_show_link: false })
    }

    /// Whether the expression can have this truth.
    pub fn includes(self, truth: Truth) -> bool {
        self.0 & Self::from(truth).0 != 0
    }

    /// Whether the expression has this truth and no other.
    pub fn is_only(self, truth: Truth) -> bool {
        self == Self::from(truth)
    }

    /// The truths of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn truths(self) -> impl Iterator<Item = Truth> {
        [Truth::True, Truth::False, Truth::Unknown].into_iter().filter(move |truth| self.includes(*truth))
    }

    fn map(self, with: impl Fn(Truth) -> Truth) -> Self {
        self.truths().map(with).collect()
    }

    fn combine(self, other: Self, with: impl Fn(Truth, Truth) -> Truth) -> Self {
        self.truths().flat_map(|left| other.truths().map(move |right| (left, right))).map(|(l, r)| with(l, r)).collect()
    }
}

impl From<Truth> for Outcomes {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::True => Self(0b001),
            Truth::False => Self(0b010),
            Truth::Unknown => Self(0b100),
        }
    }
}

impl FromIterator<Truth> for Outcomes {
    fn from_iter<I: IntoIterator<Item = Truth>>(truths: I) -> Self {
        truths.into_iter().map(Self::from).fold(Self::NONE, Self::or)
    }
}

/// Callers for whom an expression is looked at.
#[derive(Debug, Clone, Copy)]
struct Asking {
    kind: CallerKind,
    /// Whether they may show a secret link.
    may_show_link: bool,
}

fn of_caller(expr: &Expr, model: &Model, asking: Asking) -> Outcomes {
    let mut lowering = Lowering::new(model, asking);
    let logic = lowering.lower(expr);
    let variables = lowering.variables();
    let chosen = vec![None; variables.len()];
    let mut search = Search { logic, variables, chosen, left: ASSIGNMENTS, found: Outcomes::NONE };
    search.explore(0);
    search.found
}

/// Tries what the variables of an expression can be.
struct Search<'e> {
    logic: Logic,
    variables: Vec<Variable<'e>>,
    /// What each variable is taken to be; `None`: anything that it can be.
    chosen: Vec<Option<Choice>>,
    left: usize,
    found: Outcomes,
}

impl Search<'_> {
    fn explore(&mut self, next: usize) {
        let here = self.outcomes(&self.logic);
        let is_known = here.or(self.found) == self.found;
        let is_decided = here.truths().count() == 1;
        if is_known || is_decided || next == self.variables.len() || self.left == 0 {
            self.found = self.found.or(here);
            return;
        }
        for choice in self.variables[next].choices() {
            self.left = self.left.saturating_sub(1);
            self.chosen[next] = Some(choice);
            self.explore(next + 1);
        }
        self.chosen[next] = None;
    }

    fn outcomes(&self, logic: &Logic) -> Outcomes {
        match logic {
            Logic::Known(outcomes) => *outcomes,
            Logic::Not(of) => self.outcomes(of).map(|truth| !truth),
            Logic::And(left, right) => self.outcomes(left).combine(self.outcomes(right), Truth::and),
            Logic::Or(left, right) => self.outcomes(left).combine(self.outcomes(right), Truth::or),
            Logic::Equal(left, right) => self.outcomes(left).combine(self.outcomes(right), equal),
            Logic::IsUnknown(of) => self.outcomes(of).map(|truth| Truth::from(truth == Truth::Unknown)),
            Logic::Conditional(condition, then, otherwise) => {
                let branch = |truth| match truth {
                    Truth::True => self.outcomes(then),
                    Truth::False => self.outcomes(otherwise),
                    Truth::Unknown => Outcomes::from(Truth::Unknown),
                };
                self.outcomes(condition).truths().map(branch).fold(Outcomes::NONE, Outcomes::or)
            }
            Logic::Variable(index, test) => {
                let index = usize::from(*index);
                match self.chosen[index] {
                    Some(choice) => test.of(choice).into(),
                    None => self.variables[index].choices().into_iter().map(|choice| test.of(choice)).collect(),
                }
            }
        }
    }
}

/// `left == right` of two truth values.
fn equal(left: Truth, right: Truth) -> Truth {
    match (left, right) {
        (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
        _ => Truth::from(left == right),
    }
}
