//! Changes to a checked expression before it becomes part of another: taking a part of `Money`, and moving it to the
//! record that a path leads to.

use backstay_scalar::{Lookup, Part, Scalar};

use crate::{Aggregate, Aggregation, ComputedField, Expr, Node, Path, Root, Type, Within};

impl Expr {
    /// A part of an expression that is `Money`; any other as it is.
    ///
    /// # Panics
    /// Panics if the expression is `Money` and of a kind that no amount of money has.
    #[must_use]
    pub fn in_part(&self, part: Part) -> Self {
        if self.ty != Type::Money {
            return self.clone();
        }
        let ty = match part {
            Part::Main => Type::Decimal,
            Part::Currency => Type::Formatted(Scalar::Currency),
        };
        let node = match &self.node {
            Node::Path(path) => Node::Path(Path { part: Some(part), ..path.clone() }),
            Node::Conditional(condition, then, otherwise) => {
                Node::Conditional(condition.clone(), Box::new(then.in_part(part)), Box::new(otherwise.in_part(part)))
            }
            Node::Aggregate(of) => {
                let of = (**of).clone();
                Node::Aggregate(Box::new(match of.function {
                    Aggregation::First { term, order } => {
                        Aggregate { function: Aggregation::First { term: term.in_part(part), order }, ..of }
                    }
                    function => Aggregate { part: Some(part), function, ..of },
                }))
            }
            Node::Computed(of) => {
                let value = of.value.in_part(part);
                Node::Computed(Box::new(ComputedField { value, digits: None, ..(**of).clone() }))
            }
            Node::Within(of) => {
                let Within { of, lookup } = (**of).clone();
                Node::Within(Box::new(Within { of, lookup: Lookup { part: Some(part), ..lookup } }))
            }
            Node::Literal(value) => Node::Literal(part.of(value)),
            other => unreachable!("no {other:?} is an amount of money"),
        };
        Self { node, ty, span: self.span.clone() }
    }

    /// The same about the record that a path leads to, in the place of `this`.
    pub(crate) fn rebase(&mut self, at: &Path) {
        if let Some(path) = self.node.path_mut().filter(|path| path.root == Root::This) {
            path.steps.splice(0..0, at.steps.iter().copied());
            (path.root, path.collection) = (at.root, at.collection);
        }
        for child in self.children_mut() {
            child.rebase(at);
        }
    }

    /// The steps of the longest path in it.
    pub(crate) fn longest_path(&self) -> usize {
        let own = match &self.node {
            Node::Path(path) => path.steps.len(),
            Node::Quantifier { over, .. } => over.path().map_or(0, |path| path.steps.len()),
            Node::Aggregate(of) => of.over.path().map_or(0, |path| path.steps.len()),
            _ => 0,
        };
        self.node.children().into_iter().map(Self::longest_path).fold(own, Ord::max)
    }
}
