//! What is wrong within a value.

use backstay_base::{Place, Step, ViolationKind};

/// What is wrong with a member, and where within its value.
pub(crate) struct Wrong {
    pub(crate) steps: Vec<Step>,
    pub(crate) kind: ViolationKind,
}

impl Wrong {
    pub(crate) fn at_member(name: &str, kind: ViolationKind) -> Self {
        Self { steps: vec![Step::Member(name.to_owned())], kind }
    }

    /// What is wrong at a place in the member's value.
    pub(crate) fn at(at: Place, kind: ViolationKind) -> Self {
        let steps = if let Place::Value(steps) = at { steps } else { Vec::new() };
        Self { steps, kind }
    }

    /// The same in an item or member of a larger value.
    pub(crate) fn within(mut self, step: Step) -> Self {
        self.steps.insert(0, step);
        self
    }
}

impl From<ViolationKind> for Wrong {
    fn from(kind: ViolationKind) -> Self {
        Self { steps: Vec::new(), kind }
    }
}
