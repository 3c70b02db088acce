use std::collections::BTreeMap;

use backstay_scalar::Scalar;

use crate::{CollectionId, Element, EnumId, Model, RuleText};

/// `@rule(name:, is:)`: an expression of any type that others use by its name.
#[derive(Debug, Clone)]
pub struct NamedRule {
    /// Its name with its parameters in one normal form, such as `memberOf(p: Project)`; the name alone where it has none.
    pub signature: String,
    /// In the order in which a use gives their values.
    pub parameters: Vec<RuleParameter>,
    /// The expression.
    pub is: RuleText,
}

/// A parameter of a named rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleParameter {
    /// Its name, which the expression knows it by.
    pub name: String,
    /// What it takes.
    pub kind: ParameterKind,
}

/// What a parameter of a named rule takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A value of this scalar; a `Decimal` keeps its own scale.
    Scalar(Scalar),
    /// A value of this enum.
    Enum(EnumId),
    /// A list of such values.
    List(Element),
    /// A record of this collection, or its id.
    Record(CollectionId),
}

impl Model {
    /// The named rules whose names stand in a rule or in one of those rules, each with its text: two models in which they
    /// are the same mean the same by the rule. A name that stands for something else counts too.
    pub(crate) fn rules_in(&self, rule: &RuleText) -> BTreeMap<&str, &str> {
        let mut found = BTreeMap::new();
        let mut open = vec![&*rule.text];
        while let Some(text) = open.pop() {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for NamedRule { signature, parameters: _, is } in words.filter_map(|word| self.rules.get(word)) {
                if found.insert(signature.as_str(), &*is.text).is_none() {
                    open.push(&is.text);
                }
            }
        }
        found
    }
}
