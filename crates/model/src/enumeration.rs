use std::sync::Arc;

use crate::source::{RuleText, Span};

/// Index of an enum in one loaded `Model`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumId(pub u16);

/// An enum of the model.
#[derive(Debug, Clone)]
pub struct Enum {
    /// Its index.
    pub id: EnumId,
    /// Its name.
    pub name: String,
    /// `@renamed(from:)`: names that it had before.
    pub former: Vec<String>,
    /// The description in the model.
    pub description: Option<String>,
    /// Its values, in order.
    pub values: Vec<EnumValue>,
    /// The states' machine, where values have `@initial` or `@to`.
    pub states: bool,
}

impl Enum {
    /// The same with one more value, which takes no part in a machine: old versions can hold one that was removed.
    pub fn keep(&mut self, name: &str) {
        let Some(like) = self.values.first().filter(|_| self.value(name).is_none()) else { return };
        let kept = EnumValue {
            name: name.into(),
            former: Vec::new(),
            description: None,
            deprecated: None,
            initial: false,
            transitions: Vec::new(),
            ..like.clone()
        };
        self.values.push(kept);
    }

    /// The value of this name.
    pub fn value(&self, name: &str) -> Option<&EnumValue> {
        self.values.iter().find(|value| &*value.name == name)
    }

    /// The names of its values in the order in which `<` and `sort` compare them, which is that of their declaration;
    /// `None` if they are declared in the order of their texts.
    pub fn order(&self) -> Option<Arc<[Arc<str>]>> {
        let names = || self.values.iter().map(|value| &value.name);
        (!names().is_sorted()).then(|| names().cloned().collect())
    }

    /// The value marked `@initial`.
    pub fn initial(&self) -> Option<&EnumValue> {
        self.values.iter().find(|value| value.initial)
    }
}

/// One value of an enum.
#[derive(Debug, Clone)]
pub struct EnumValue {
    /// Its name.
    pub name: Arc<str>,
    /// `@renamed(from:)`: names that it had before, or values that were merged into it.
    pub former: Vec<String>,
    /// Where the name is in the model.
    pub span: Span,
    /// The description in the model.
    pub description: Option<String>,
    /// `@deprecated(reason:)`: why clients should no longer use it.
    pub deprecated: Option<String>,
    /// `@initial`: the state of a new record.
    pub initial: bool,
    /// `@to`: where a record in this state can go.
    pub transitions: Vec<Transition>,
}

/// `@to(state:, by:, with:, when:, message:, set:)`. The rules and the values are typed once per collection that has a field of the
/// enum.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The state it leads to.
    pub to: Arc<str>,
    /// Who may take it even if no clause lets them update the record: `this` is the stored record.
    pub by: Option<RuleText>,
    /// The fields that `by` lets change with the state, by name.
    pub with: Vec<(String, Span)>,
    /// Who may, or when: `this` is the stored record, `new` the proposed one.
    pub when: Option<RuleText>,
    /// The reason that the response gives if `when` isn't true.
    pub message: Option<String>,
    /// Fields that the transition sets, by name.
    pub set: Vec<(String, RuleText)>,
}
