//! The language of rules and filters: a documented subset of CEL. Text becomes a typed tree, and a tree is evaluated in
//! memory. Does no I/O, and knows nothing of SQL.

mod account;
mod advice;
mod alike;
mod at_commit;
mod bare_date;
mod check;
mod checked;
mod compile;
mod cost;
mod decimal_places;
mod digits;
mod driver;
mod error;
mod evaluate;
mod exact;
mod facts;
mod fold;
mod foreign;
mod lexis;
mod money;
mod of_members;
mod orders;
mod outcomes;
mod path;
mod rebased;
mod remedy;
mod rights;
mod scope;
mod shared_sum;
mod sum;
mod sum_order;
mod sum_problem;
mod syntax;
mod tree;
mod truth;
mod value_type;

pub use account::Account;
pub use alike::Alike;
pub use at_commit::{Children, children_at_commit};
pub use checked::{Checked, Parameter};
pub use compile::{Source, check_rule, check_syntax, compile, compile_any, compile_value, computed};
pub use cost::Cost;
pub use digits::Digits;
pub use driver::Driver;
pub use error::{Expected, ExprError, ExprErrorKind, Name, NamedType};
pub use evaluate::{Environment, Start, evaluate, truth};
pub use facts::{Facts, Truths};
pub use fold::fold;
pub use of_members::{MembersFunction, of_members};
pub use outcomes::Outcomes;
pub use path::{Path, Root};
pub use rights::{ChangeRule, Clause, CollectionRights, FieldRights, Rights, Rule, RulePart, Taking};
pub use scope::{Output, Scope};
pub use sum::{Sum, SumKind, sum};
pub use sum_order::sum_levels;
pub use sum_problem::SumProblem;
pub use tree::{
    Aggregate, Aggregation, CallerPart, ComputedField, Expr, FLOAT_TERM, Function, Holder, Many, Node, Operator,
    OrderKey, Ordered, Quantifier, Within,
};
pub use truth::Truth;
pub use value_type::{Alternatives, Type};
