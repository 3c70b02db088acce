use crate::{Expr, Function, Node, Operator};

/// How much is looked at to evaluate an expression, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Some values.
    Plain,
    /// Whole texts, or other records.
    Long,
    /// Whole texts, with a pattern.
    Pattern,
}

impl Expr {
    /// What it costs.
    pub fn cost(&self) -> Cost {
        match &self.node {
            Node::Matches(..) => Cost::Pattern,
            // Their bodies have an order of their own.
            Node::Quantifier { .. } | Node::Aggregate(_) => Cost::Long,
            node => {
                let own = if node.reads_text() { Cost::Long } else { Cost::Plain };
                node.children().into_iter().map(Self::cost).fold(own, Cost::max)
            }
        }
    }

    /// Whether it looks through whole texts of the record that it is about.
    pub fn reads_texts(&self) -> bool {
        match &self.node {
            Node::Quantifier { .. } | Node::Aggregate(_) => false,
            node => node.reads_text() || node.children().into_iter().any(Self::reads_texts),
        }
    }

    /// Lets each `&&` and `||` that looks through whole texts begin with what costs less: the order of operands makes no
    /// difference to the answer.
    pub(crate) fn order_by_cost(&mut self) {
        for child in self.children_mut() {
            child.order_by_cost();
        }
        let Node::Binary(operator @ (Operator::And | Operator::Or), ..) = self.node else { return };
        let mut operands = self.operands(operator);
        let is_in_order = operands.is_sorted_by_key(|operand| operand.cost());
        if is_in_order || !operands.iter().any(|operand| operand.reads_texts()) {
            return;
        }
        operands.sort_by_key(|operand| operand.cost());
        let (ty, span) = (&self.ty, &self.span);
        let joined = operands.into_iter().cloned().reduce(|before, operand| Self {
            node: Node::Binary(operator, Box::new(before), Box::new(operand)),
            ty: ty.clone(),
            span: span.clone(),
        });
        self.node = joined.expect("two operands").node;
    }
}

impl Node {
    fn reads_text(&self) -> bool {
        match self {
            Self::Matches(..) => true,
            Self::Call(function, _) => function.reads_whole_text(),
            _ => false,
        }
    }
}

impl Function {
    fn reads_whole_text(self) -> bool {
        match self {
            Self::Contains | Self::Cased(_) | Self::Replace | Self::Concat | Self::Split | Self::Join => true,
            Self::Size
            | Self::StartsWith
            | Self::EndsWith
            | Self::LowerAscii
            | Self::UpperAscii
            | Self::Trim
            | Self::Element
            | Self::ToText
            | Self::Round
            | Self::Quotient
            | Self::Money
            | Self::UnitDigits
            | Self::DateIn
            | Self::StartOf(_)
            | Self::CalendarField(_)
            | Self::Years => false,
        }
    }
}
