use backstay_base::{Caller, CallerKind, Timestamp};
use backstay_model::Collection;
use backstay_scalar::Value;

use crate::evaluate::{Environment, Start, truth};
use crate::{Account, CallerPart, Expr, Node, Path, Root, Truth, Type};

/// The parts of a set of expressions that depend on the caller alone, each once.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    parts: Vec<Expr>,
}

/// What the facts of one set come to for one caller: two bits each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Truths {
    holds: u64,
    fails: u64,
    /// Whether `auth.id` is null.
    nameless: bool,
    /// Whether `auth.account` is null.
    without_account: bool,
    /// Whether `auth.link` is null.
    without_link: bool,
}

impl Truths {
    /// Bytes that two have in common exactly if they are the same.
    pub fn to_bytes(self) -> [u8; 19] {
        let Self { holds, fails, nameless, without_account, without_link } = self;
        let mut bytes = [0; 19];
        bytes[..8].copy_from_slice(&holds.to_be_bytes());
        bytes[8..16].copy_from_slice(&fails.to_be_bytes());
        bytes[16..].copy_from_slice(&[nameless, without_account, without_link].map(u8::from));
        bytes
    }
}

impl Facts {
    /// Facts in one set at most; parts beyond that stay where they are.
    const MAX: usize = 64;
    /// Those of them that ask the caller's own record. Accounts differ in it at will, and each combination makes a class.
    const OF_ACCOUNT: usize = 4;

    /// The expression with every largest Boolean part that depends on the caller alone replaced by `Node::Fact`.
    pub fn extract(&mut self, expr: &Expr) -> Expr {
        if expr.ty == Type::Bool
            && expr.is_of_caller()
            && let Some(index) = self.index_of(expr)
        {
            return Expr { node: Node::Fact(index), ..expr.clone() };
        }
        let mut extracted = expr.clone();
        for child in extracted.children_mut() {
            *child = self.extract(child);
        }
        extracted
    }

    /// The truth of every fact for this caller.
    pub fn evaluate(&self, caller: &Caller) -> Truths {
        let environment = CallerAlone(caller);
        let mut truths = Truths {
            nameless: caller.id.is_none(),
            without_account: caller.kind != CallerKind::Account,
            without_link: caller.link.is_none(),
            ..Truths::default()
        };
        for (index, part) in self.parts.iter().enumerate() {
            match truth(part, &environment) {
                Truth::True => truths.holds |= 1 << index,
                Truth::False => truths.fails |= 1 << index,
                Truth::Unknown => {}
            }
        }
        truths
    }

    fn of_account(&self) -> usize {
        self.parts.iter().filter(|part| asks_account(part)).count()
    }

    fn index_of(&mut self, part: &Expr) -> Option<u16> {
        let index = match self.parts.iter().position(|known| known.same(part)) {
            Some(index) => index,
            None if self.parts.len() == Self::MAX => return None,
            None if asks_account(part) && self.of_account() == Self::OF_ACCOUNT => return None,
            None => {
                self.parts.push(part.clone());
                self.parts.len() - 1
            }
        };
        Some(u16::try_from(index).expect("a set has at most 64 facts"))
    }
}

impl Truths {
    /// Whether `auth.id` is null: whatever is compared with it is unknown.
    pub(crate) fn nameless(&self) -> bool {
        self.nameless
    }

    /// Whether `auth.account` is null, and every value of it.
    pub(crate) fn without_account(&self) -> bool {
        self.without_account
    }

    /// Whether `auth.link` is null: whatever is compared with it is unknown.
    pub(crate) fn without_link(&self) -> bool {
        self.without_link
    }

    /// The truth of the fact with this index.
    pub fn get(&self, index: u16) -> Truth {
        assert!(usize::from(index) < Facts::MAX, "a fact's index is one that `Facts::extract` gave");
        let bit = 1_u64 << index;
        match (self.holds & bit != 0, self.fails & bit != 0) {
            (true, _) => Truth::True,
            (_, true) => Truth::False,
            _ => Truth::Unknown,
        }
    }
}

/// Whether its value is the same for every record at every moment.
pub(crate) fn depends_on_caller_alone(expr: &Expr) -> bool {
    match &expr.node {
        Node::Path(path) => path.is_of_account(),
        Node::Param(..)
        | Node::Output(..)
        | Node::Now
        | Node::Quantifier { .. }
        | Node::Aggregate(_)
        | Node::Computed(_)
        | Node::Within(_)
        | Node::Fact(_) => false,
        node => node.children().into_iter().all(depends_on_caller_alone),
    }
}

fn names_caller(expr: &Expr) -> bool {
    is_caller(expr) || is_account(expr) || expr.node.children().into_iter().any(names_caller)
}

fn is_caller(expr: &Expr) -> bool {
    matches!(expr.node, Node::Caller(_))
}

/// Whether it is a value of the caller's own record.
fn is_account(expr: &Expr) -> bool {
    matches!(&expr.node, Node::Path(path) if path.root == Root::Account)
}

/// Whether it names the caller's own record.
fn asks_account(expr: &Expr) -> bool {
    is_account(expr) || expr.node.children().into_iter().any(asks_account)
}

impl Expr {
    /// Whether it says something of the caller, and of nothing else.
    pub fn is_of_caller(&self) -> bool {
        depends_on_caller_alone(self) && names_caller(self)
    }

    /// Whether it asks for the link that the caller shows.
    pub fn asks_link(&self) -> bool {
        matches!(self.node, Node::Caller(CallerPart::Link)) || self.node.children().into_iter().any(Self::asks_link)
    }

    /// Whether the two are the same expression, wherever they occur in their texts.
    pub fn same(&self, other: &Self) -> bool {
        let (own, others) = (self.node.children(), other.node.children());
        self.ty == other.ty
            && own.len() == others.len()
            && same_kind(&self.node, &other.node)
            && own.iter().zip(others).all(|(own, other)| own.same(other))
    }
}

/// Whether two nodes are the same but for the expressions within them.
fn same_kind(left: &Node, right: &Node) -> bool {
    match (left, right) {
        (Node::Not(_), Node::Not(_))
        | (Node::Negate(_), Node::Negate(_))
        | (Node::In(..), Node::In(..))
        | (Node::List(_), Node::List(_))
        | (Node::Conditional(..), Node::Conditional(..)) => true,
        (Node::Binary(left, ..), Node::Binary(right, ..)) => left == right,
        (Node::IsNull { negated: left, .. }, Node::IsNull { negated: right, .. }) => left == right,
        (Node::Call(left, _), Node::Call(right, _)) => left == right,
        (Node::Ordinal(_, left), Node::Ordinal(_, right)) => left == right,
        (Node::Matches(_, left), Node::Matches(_, right)) => left == right,
        (
            Node::Quantifier { kind, over, variable, .. },
            Node::Quantifier { kind: other_kind, over: other_over, variable: other_variable, .. },
        ) => kind == other_kind && over.same_kind(other_over) && variable == other_variable,
        (Node::Within(left), Node::Within(right)) => left.same_kind(right),
        (Node::Aggregate(left), Node::Aggregate(right)) => left.same_kind(right),
        (Node::Computed(left), Node::Computed(right)) => left.same_kind(right),
        (
            Node::Literal(_)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Caller(_)
            | Node::Now
            | Node::Path(_)
            | Node::Fact(_),
            _,
        ) => left == right,
        (
            Node::Not(_)
            | Node::Negate(_)
            | Node::In(..)
            | Node::List(_)
            | Node::Conditional(..)
            | Node::Binary(..)
            | Node::IsNull { .. }
            | Node::Call(..)
            | Node::Ordinal(..)
            | Node::Matches(..)
            | Node::Quantifier { .. }
            | Node::Aggregate(_)
            | Node::Computed(_)
            | Node::Within(_),
            _,
        ) => false,
    }
}

/// What a fact can ask for.
pub(crate) struct CallerAlone<'c>(pub(crate) &'c Caller);

impl Environment for CallerAlone<'_> {
    fn caller(&self) -> &Caller {
        self.0
    }

    fn now(&self) -> Timestamp {
        debug_assert!(false, "a fact does not depend on the moment");
        Timestamp::from_micros_saturating(0)
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        match from {
            Start::Account => Account::value(self.0, path.steps.first().copied().unwrap_or(Collection::ID)),
            Start::This | Start::New | Start::Old | Start::Record(_) => Value::Null,
        }
    }
}
