//! What groups of records are: which expressions records can be grouped by, what can be asked of the groups, and the types of
//! the results. A door decodes its notation into texts of expressions and names; what these mean is decided here.

mod kinds;
mod names;
mod per_currency;
mod problem;

use std::sync::Arc;

pub use kinds::kind_of as value_kind;

use backstay_expr::{Checked, ExprError, Output, Scope, Type, compile, compile_any};
use backstay_model::{Collection, Model};
use backstay_scalar::Scalar;
use backstay_sql::{Derived, Fold, FoldFunction, GroupKey, GroupSort, GroupValue, Groups, Phrase, ValueKind};

pub use names::{is_output_name, of_path as name_of_path};
pub use problem::{GroupsProblem, NameProblem, OrderProblem, OutputProblem, TermProblem};

/// Groups as a door decodes them.
#[derive(Debug, Clone, Default)]
pub struct AskedGroups<'t> {
    /// What the records of one group have in common.
    pub by: Vec<AskedKey<'t>>,
    /// What a group comes to.
    pub of: Vec<AskedValue<'t>>,
    /// The same, where only the condition asks for it.
    pub compared: Vec<AskedValue<'t>>,
    /// A condition on the outputs.
    pub having: Option<&'t str>,
    /// The order.
    pub sort: Vec<AskedOrder<'t>>,
}

/// An expression that records are grouped by.
#[derive(Debug, Clone, Copy)]
pub struct AskedKey<'t> {
    /// Its text.
    pub term: &'t str,
    /// The name that the client gives it; without one, a path has its own.
    pub name: Option<&'t str>,
}

/// A value of each group.
#[derive(Debug, Clone, Copy)]
pub struct AskedValue<'t> {
    /// How it is made.
    pub fold: AskedFold<'t>,
    /// The name that the client gives it; without one, the number of records and a function of a path have their own.
    pub name: Option<&'t str>,
}

/// How a value is made of the records of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedFold<'t> {
    /// How many there are.
    Records,
    /// Of the values of an expression with this text.
    Of(FoldFunction, &'t str),
}

impl AskedFold<'_> {
    /// The name that it has where it is given none: the number of records and functions of a path have one.
    pub fn own_name(&self) -> Option<String> {
        match self {
            Self::Records => Some(FoldFunction::Count.name().to_owned()),
            Self::Of(FoldFunction::Count, _) => None,
            Self::Of(function, term) => names::of_path(&[function.name(), term]),
        }
    }
}

/// An output to sort by.
#[derive(Debug, Clone, Copy)]
pub struct AskedOrder<'t> {
    /// Its name.
    pub output: &'t str,
    /// Whether from high to low.
    pub descending: bool,
}

impl AskedOrder<'_> {
    fn read(&self, outputs: &[Output], before: &[GroupSort]) -> Result<GroupSort, OrderProblem> {
        let Some(output) = outputs.iter().position(|output| output.name == self.output) else {
            return Err(OrderProblem::Unknown(outputs.iter().map(|output| output.name.clone()).collect()));
        };
        if before.iter().any(|known| known.output == output) {
            return Err(OrderProblem::Twice);
        }
        Ok(GroupSort { output, descending: self.descending })
    }
}

impl AskedGroups<'_> {
    /// What they mean for records of this collection that a filter leaves. Amounts of money in several currencies are put
    /// together for each currency: it is one more key.
    pub fn read(
        &self,
        collection: &Collection,
        model: &Model,
        filter: Option<&Checked>,
    ) -> Result<Groups, GroupsProblem> {
        let mut reading = Reading { collection, model, params: 0, outputs: Vec::new() };
        let mut by = Vec::with_capacity(self.by.len());
        for (index, key) in self.by.iter().enumerate() {
            by.push(reading.key(key).map_err(|problem| GroupsProblem::Key(index, problem))?);
        }
        let mut of = Vec::with_capacity(self.of.len());
        for (index, value) in self.of.iter().enumerate() {
            of.push(reading.value(value).map_err(|problem| GroupsProblem::Value(index, problem))?);
        }
        if reading.outputs.is_empty() {
            return Err(GroupsProblem::Nothing);
        }
        for (index, value) in self.compared.iter().enumerate() {
            of.push(reading.value(value).map_err(|problem| GroupsProblem::Compared(index, problem))?);
        }
        reading.split_by_currency(&mut by, (&of, filter));
        let (mut sort, answered) = (Vec::with_capacity(self.sort.len()), self.of.len());
        for (index, order) in self.sort.iter().enumerate() {
            let known = &reading.outputs[..by.len() + answered];
            sort.push(order.read(known, &sort).map_err(|problem| GroupsProblem::Order(index, problem))?);
        }
        let having = self.having.map(|text| reading.having(text)).transpose().map_err(GroupsProblem::Having)?;
        Ok(Groups { by: by.into(), of: of.into(), answered, having, sort: sort.into() })
    }
}

/// Groups that are being read.
struct Reading<'m> {
    collection: &'m Collection,
    model: &'m Model,
    /// Parameters of the expressions so far.
    params: u16,
    outputs: Vec<Output>,
}

impl Reading<'_> {
    fn key(&mut self, key: &AskedKey<'_>) -> Result<GroupKey, OutputProblem> {
        let (of, kind) = self.phrase(key.term)?;
        let kind = kinds::groupable(&of.checked, kind, self.model).map_err(OutputProblem::Term)?;
        let ty = kinds::of_value(&of.checked.expr.ty);
        let name = self.name(key.name, names::of_path(&[key.term]), ty).map_err(OutputProblem::Name)?;
        Ok(GroupKey { name, value: Derived { of, kind } })
    }

    fn value(&mut self, value: &AskedValue<'_>) -> Result<GroupValue, OutputProblem> {
        let (fold, kind) = match value.fold {
            AskedFold::Records => (Fold::Records, ValueKind::Scalar(Scalar::Int)),
            AskedFold::Of(function, term) => {
                let (of, kind) = self.phrase(term)?;
                let kind = kinds::folded(function, &of.checked, kind).map_err(OutputProblem::Term)?;
                (Fold::Of(function, of), kind)
            }
        };
        let name = self.name(value.name, value.fold.own_name(), kinds::type_of(&fold)).map_err(OutputProblem::Name)?;
        Ok(GroupValue { name, fold, kind })
    }

    /// An expression about a record, and what its value is held as.
    fn phrase(&mut self, text: &str) -> Result<(Phrase, Option<ValueKind>), OutputProblem> {
        let scope = Scope::filter(self.model, self.collection.id);
        let checked = compile_any(text, &scope).map_err(OutputProblem::Expression)?;
        let kind = kinds::kind_of(&checked.expr, self.model);
        Ok((self.noted(text, checked), kind))
    }

    fn noted(&mut self, text: &str, checked: Checked) -> Phrase {
        let first_param = self.params;
        let params = u16::try_from(checked.params.len()).expect("an expression has few parameters");
        self.params = self.params.saturating_add(params);
        Phrase { text: text.into(), checked: Arc::new(checked), first_param }
    }

    /// The name of an output: the one that it is given, or its own.
    fn name(&mut self, given: Option<&str>, own: Option<String>, ty: Type) -> Result<Arc<str>, NameProblem> {
        if given.is_some_and(names::is_reserved) {
            return Err(NameProblem::Reserved);
        }
        let name = given.map(str::to_owned).or(own).ok_or(NameProblem::Missing)?;
        if self.outputs.iter().any(|output| output.name == name) {
            return Err(NameProblem::Taken(name));
        }
        self.outputs.push(Output { name: name.clone(), ty });
        Ok(name.into())
    }

    fn having(&mut self, text: &str) -> Result<Phrase, Vec<ExprError>> {
        let checked = compile(text, &Scope::groups(self.model, &self.outputs))?;
        Ok(self.noted(text, checked))
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::SourceFile;

    use super::*;

    const MODEL: &str = r#"extend schema @app(name: "Shop")
        enum State { DRAFT PAID }
        type Customer @allow(read: "true") { name: String!  limit: Money }
        type Order @allow(read: "true") {
            customer: Customer  state: State  number: Int  total: Decimal @precision(digits: 10, scale: 2)
            price: Money  took: Duration  note: Text  gift: Boolean  tags: [String!]
        }"#;

    fn read(asked: &AskedGroups<'_>) -> Result<Groups, GroupsProblem> {
        let model = backstay_model::load(vec![SourceFile::app("shop.graphql", MODEL)]).expect("a model").model;
        asked.read(model.collection_named("Order").expect("a type"), &model, None)
    }

    fn of<'t>(function: FoldFunction, term: &'t str, name: Option<&'t str>) -> AskedGroups<'t> {
        AskedGroups { of: vec![AskedValue { fold: AskedFold::Of(function, term), name }], ..AskedGroups::default() }
    }

    fn by<'t>(term: &'t str, name: Option<&'t str>) -> AskedGroups<'t> {
        AskedGroups { by: vec![AskedKey { term, name }], ..AskedGroups::default() }
    }

    #[test]
    fn outputs_have_names_and_kinds() {
        let decimal = |scale| Scalar::Decimal { precision: backstay_base::limits::DECIMAL_DIGITS, scale };
        let check = |asked: AskedGroups<'_>, expected: (&str, Scalar)| {
            let groups = read(&asked).expect("groups");
            let outputs: Vec<_> = groups.outputs().map(|(name, kind)| (&**name, kind.scalar())).collect();
            assert_eq!(outputs, [(expected.0, Some(expected.1))]);
        };
        check(by("customer.name", None), ("customerName", Scalar::String));
        check(by("number + 1", Some("next")), ("next", Scalar::Int));
        check(by("price.currency", None), ("priceCurrency", Scalar::Currency));
        check(of(FoldFunction::Sum, "total", None), ("sumTotal", decimal(2)));
        check(of(FoldFunction::Sum, "total * total", Some("x")), ("x", decimal(4)));
        check(of(FoldFunction::Max, "number == 1 ? total : null", Some("x")), ("x", decimal(2)));
        check(of(FoldFunction::Average, "number", None), ("avgNumber", decimal(6)));
        check(of(FoldFunction::Count, "gift", Some("gifts")), ("gifts", Scalar::Int));
        check(of(FoldFunction::CountDistinct, "state", None), ("countDistinctState", Scalar::Int));
    }

    #[test]
    fn amounts_are_put_together_for_each_currency() {
        let check = |asked: AskedGroups<'_>, expected: &[&str]| {
            let groups = read(&asked).expect("groups");
            let outputs: Vec<_> = groups.outputs().map(|(name, _)| &**name).collect();
            assert_eq!(outputs, expected);
        };
        check(of(FoldFunction::Sum, "price", None), &["priceCurrency", "sumPrice"]);
        check(of(FoldFunction::Max, "customer.limit", None), &["customerLimitCurrency", "maxCustomerLimit"]);
        check(of(FoldFunction::Sum, "price * number", Some("x")), &["priceCurrency", "x"]);
        check(of(FoldFunction::Sum, "price.amount", Some("x")), &["x"]);
        check(of(FoldFunction::Sum, "price", Some("priceCurrency")), &["priceCurrency"]);
        let sum = || of(FoldFunction::Sum, "price", None).of;
        check(AskedGroups { of: sum(), ..by("state", None) }, &["state", "priceCurrency", "sumPrice"]);
        check(AskedGroups { of: sum(), ..by("price.currency", Some("c")) }, &["c", "sumPrice"]);
        let two = AskedGroups {
            of: sum().into_iter().chain(of(FoldFunction::Max, "price", None).of).collect(),
            ..by("state", None)
        };
        check(two, &["state", "priceCurrency", "sumPrice", "maxPrice"]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let check = |asked: AskedGroups<'_>, expected: &str| {
            let problem = read(&asked).expect_err("a problem");
            assert!(format!("{problem:?}").starts_with(expected), "{problem:?}");
        };
        check(AskedGroups::default(), "Nothing");
        check(by("price", None), "Key(0, Term(GroupedMoney))");
        check(by("note", None), "Key(0, Term(GroupedText))");
        check(by("tags", None), "Key(0, Term(NotOneValue))");
        check(by("nothing", None), "Key(0, Expression(");
        check(by("number + 1", None), "Key(0, Name(Missing))");
        check(by("number", Some("now")), "Key(0, Name(Reserved))");
        check(of(FoldFunction::Count, "number", Some("n")), "Value(0, Term(CountedValue))");
        check(of(FoldFunction::CountDistinct, "price", None), "Value(0, Term(DistinctMoney))");
        check(of(FoldFunction::Average, "took", None), "Value(0, Term(AverageDuration))");
        check(of(FoldFunction::Sum, "note", None), "Value(0, Term(NotAdditive))");
        check(of(FoldFunction::Min, "gift", None), "Value(0, Term(NoExtremes))");
        check(of(FoldFunction::Count, "gift", None), "Value(0, Name(Missing))");
        let order = |output| AskedOrder { output, descending: false };
        let sorted = |output| AskedGroups { sort: vec![order("number"), order(output)], ..by("number", None) };
        check(sorted("count"), r#"Order(1, Unknown(["number"]))"#);
        check(sorted("number"), "Order(1, Twice)");
        check(AskedGroups { having: Some("total > 1"), ..by("number", None) }, "Having(");
        let twice = AskedGroups { of: of(FoldFunction::Sum, "total", Some("number")).of, ..by("number", None) };
        check(twice, r#"Value(0, Name(Taken("number")))"#);
    }
}
