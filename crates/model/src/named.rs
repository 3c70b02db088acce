use backstay_scalar::Scalar;

use crate::{CollectionId, Element, EnumId, OwnerName, RuleText};

/// The named rules of a model. Each owner gives its own names, so nobody changes what an expression of another one means.
#[derive(Debug, Clone, Default)]
pub struct NamedRules {
    /// By owner and name.
    sorted: Vec<NamedRule>,
}

/// The number of a named rule in its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u32);

impl NamedRules {
    /// Of one owner at most one has a name.
    pub(crate) fn new(mut rules: Vec<NamedRule>) -> Self {
        rules.sort_by(|one, other| one.key().cmp(&other.key()));
        Self { sorted: rules }
    }

    /// What a name means in an expression of this owner: the owner's own rule, or else that of the only pack which has one.
    /// Functions keep their meaning unless the owner itself gives them another one.
    pub fn meant(&self, owner: &OwnerName, name: &str) -> Option<RuleId> {
        let own = self.sorted.binary_search_by(|rule| rule.key().cmp(&(owner, name))).ok();
        let at = own.or_else(|| {
            let mut of_packs = self.sorted.iter().enumerate().filter(|(_, rule)| rule.is_lent_to(owner, name));
            of_packs.next().filter(|_| of_packs.next().is_none()).map(|(at, _)| at)
        })?;
        Some(RuleId(u32::try_from(at).expect("a model has fewer rules than bytes")))
    }

    /// The rule of this number.
    pub fn get(&self, id: RuleId) -> &NamedRule {
        &self.sorted[id.0 as usize]
    }

    /// All of them, by owner and name.
    pub fn iter(&self) -> impl Iterator<Item = (RuleId, &NamedRule)> {
        (0..).map(RuleId).zip(&self.sorted)
    }

    /// The names that mean a rule in expressions of this owner.
    pub fn names<'r>(&'r self, owner: &'r OwnerName) -> impl Iterator<Item = &'r str> {
        let names = self.sorted.iter().map(|rule| rule.name.as_str());
        names.filter(move |name| self.meant(owner, name).is_some())
    }
}

/// `@rule(name:, is:)`: an expression of any type that others use by its name.
#[derive(Debug, Clone)]
pub struct NamedRule {
    /// Its name.
    pub name: String,
    /// Its name with its parameters in one normal form, such as `memberOf(p: Project)`; the name alone where it has none.
    pub signature: String,
    /// In the order in which a use gives their values.
    pub parameters: Vec<RuleParameter>,
    /// The expression.
    pub is: RuleText,
}

impl NamedRule {
    fn key(&self) -> (&OwnerName, &str) {
        (&self.is.owner, &self.name)
    }

    /// Whether it is of a pack, and others can use it by this name.
    fn is_lent_to(&self, owner: &OwnerName, name: &str) -> bool {
        let is_of_pack = matches!(self.is.owner, OwnerName::Pack(_));
        is_of_pack && *owner != OwnerName::System && self.name == name && !FUNCTIONS.contains(&name)
    }
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

/// The functions of expressions. In the expressions of its owner, a rule of such a name stands in the function's stead.
pub const FUNCTIONS: &[&str] = &[
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "lowerAscii",
    "upperAscii",
    "lower",
    "upper",
    "fold",
    "trim",
    "replace",
    "text",
    "split",
    "join",
    "matches",
    "round",
    "money",
    "timestamp",
    "date",
    "duration",
    "today",
    "startOfHour",
    "startOfDay",
    "startOfWeek",
    "startOfMonth",
    "startOfQuarter",
    "startOfYear",
    "year",
    "month",
    "day",
    "years",
    "within",
    "int",
    "decimal",
    "float",
    "boolean",
    "exists",
    "all",
    "count",
    "sum",
    "min",
    "max",
    "first",
];
