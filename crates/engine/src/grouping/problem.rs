use backstay_expr::ExprError;

/// Why records have no such groups. Each says which one it is about by its index among those of its kind.
#[derive(Debug)]
pub enum GroupsProblem {
    /// Nothing is answered of them.
    Nothing,
    /// With what records are grouped by.
    Key(usize, OutputProblem),
    /// With what groups come to.
    Value(usize, OutputProblem),
    /// With what only the condition asks for.
    Compared(usize, OutputProblem),
    /// With an order.
    Order(usize, OrderProblem),
    /// With the condition on groups, at least one thing.
    Having(Vec<ExprError>),
}

/// What is wrong with an output.
#[derive(Debug)]
pub enum OutputProblem {
    /// With its expression, at least one thing.
    Expression(Vec<ExprError>),
    /// With the values of its expression.
    Term(TermProblem),
    /// With its name.
    Name(NameProblem),
}

/// Why groups can't be sorted so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderProblem {
    /// No output has this name; those that there are.
    Unknown(Vec<String>),
    /// The order has the output already.
    Twice,
}

/// Why the values of an expression can't be used so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermProblem {
    /// Each is a list, an object or the like.
    NotOneValue,
    /// Records are grouped by amounts together with their currencies.
    GroupedMoney,
    /// Records are grouped by texts without a limit.
    GroupedText,
    /// Records are counted by what isn't true or false.
    CountedValue,
    /// Amounts together with their currencies are told apart.
    DistinctMoney,
    /// Lengths of time have no exact average.
    AverageDuration,
    /// They can't be added up.
    NotAdditive,
    /// None of them is the least or the greatest.
    NoExtremes,
    /// They have no order.
    NoOrder,
}

/// Why an output has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameProblem {
    /// It is given none, and has none of its own.
    Missing,
    /// The one that it is given means something else in a condition.
    Reserved,
    /// Another output has it.
    Taken(String),
}
