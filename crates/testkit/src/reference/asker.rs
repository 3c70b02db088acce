use super::evaluate::{Evaluation, Subject, and, or};
use super::expression::Auth;
use super::{Caller, Comparison, Expr, Record, Value, World};

/// A caller at a moment, and what the rules let that caller see.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who asks.
    pub caller: Caller,
    /// `now`, in microseconds since 1970.
    pub now: i64,
}

/// What is known of a rule before a record is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It is false for this caller, whatever the record: requests that need it are refused.
    Refused,
    /// It can't be true, but only a closer look at the rule tells: Backstay may refuse, or find nothing.
    Hopeless,
    /// It may be true.
    Open,
}

impl Outlook {
    /// What is known if both must be true.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Hopeless, _) | (_, Self::Hopeless) => Self::Hopeless,
            (Self::Open, Self::Open) => Self::Open,
        }
    }

    fn allowed(is: bool) -> Self {
        if is { Self::Open } else { Self::Refused }
    }
}

impl Asker {
    pub(super) fn auth(&self, part: Auth) -> Value {
        let caller = &self.caller;
        match part {
            Auth::Id => caller.id.clone().map_or(Value::Null, Value::Id),
            Auth::Kind => Value::text(caller.kind),
            Auth::Roles => Value::List(caller.roles.iter().cloned().map(Value::Text).collect()),
            Auth::Verified => Value::Bool(caller.verified),
            Auth::Link => caller.link.clone().map_or(Value::Null, Value::Id),
            Auth::Claim(name) => caller.claims.get(name).map_or(Value::Null, |text| Value::text(text)),
        }
    }

    /// Whether a rule is true of a record; rules see everything.
    pub fn holds(&self, world: &World, rule: &Expr, this: Subject<'_>) -> bool {
        self.truth(world, rule, (this, this)) == Some(true)
    }

    /// The truth of a rule of a stored and a proposed record.
    pub fn truth<'w>(&'w self, world: &'w World, rule: &Expr, (this, new): (Subject<'w>, Subject<'w>)) -> Option<bool> {
        Evaluation { asker: self, world, restricted: false, this, new, params: &[] }.truth(rule)
    }

    /// Whether the caller may read a record at all. A key knows the records of every type that it is for.
    pub fn reads(&self, world: &World, record: Subject<'_>) -> bool {
        let rule = world.schema.types[record.of].read();
        self.caller.is_for(record.of, &["get", "search", "create", "update", "delete", "refer"])
            && rule.as_ref().is_some_and(|rule| self.holds(world, rule, record))
    }

    /// Whether the caller may link to a record.
    pub fn refers(&self, world: &World, record: Subject<'_>) -> bool {
        let rule = world.schema.types[record.of].refer();
        self.caller.is_for(record.of, &["get", "search", "refer"])
            && rule.as_ref().is_some_and(|rule| self.holds(world, rule, record))
    }

    /// Whether the caller sees a field of a record.
    pub fn sees(&self, world: &World, record: Subject<'_>, field: usize) -> bool {
        let of = world.schema.field(record.of, field);
        field == 0
            || (!of.secret
                && self.caller.is_for(record.of, &["get", "search"])
                && of.allow.read.as_ref().is_none_or(|rule| self.holds(world, rule, record))
                && self.declaration(world, record.of, field) != Outlook::Refused)
    }

    /// The members of a relation that the caller sees: those that may be read, and whose own field, where the relation
    /// is the other end of one, is seen.
    pub fn members<'w>(&self, world: &'w World, owner: Subject<'_>, field: usize) -> Vec<&'w Record> {
        let id = owner.values[0].id().expect("a record has an id");
        let mut members = world.members(owner.of, field, id);
        let declared = world.schema.declared_by(owner.of, field);
        members.retain(|member| {
            let declaring = declared.and_then(|(of, via)| world.schema.field(of, via).allow.read.as_ref());
            self.reads(world, (*member).into())
                && declaring.is_none_or(|rule| self.holds(world, rule, (*member).into()))
        });
        members
    }

    /// Whether any record of a type could be read.
    pub fn may_read(&self, world: &World, of: usize) -> Outlook {
        let granted = self.caller.is_for(of, &["get", "search", "create", "update", "delete", "refer"]);
        Outlook::allowed(granted).and(self.outlook(world, world.schema.types[of].read().as_ref(), false))
    }

    /// Whether a field could be seen in any record.
    pub fn may_see(&self, world: &World, of: usize, field: usize) -> Outlook {
        if field == 0 {
            return Outlook::Open;
        }
        let named = world.schema.field(of, field);
        Outlook::allowed(!named.secret && self.caller.is_for(of, &["get", "search"]))
            .and(self.outlook(world, named.allow.read.as_ref(), true))
            .and(self.declaration(world, of, field))
    }

    /// Whether the field that declares a relation could be seen in any member.
    fn declaration(&self, world: &World, of: usize, field: usize) -> Outlook {
        let Some((of, via)) = world.schema.declared_by(of, field) else { return Outlook::Open };
        let rule = world.schema.field(of, via).allow.read.as_ref();
        Outlook::allowed(self.caller.is_for(of, &["get", "search"])).and(self.outlook(world, rule, true))
    }

    /// What is known of a rule; `absent` is what its absence means.
    pub fn outlook(&self, world: &World, rule: Option<&Expr>, absent: bool) -> Outlook {
        let Some(rule) = rule else { return Outlook::allowed(absent) };
        match (self.decided(world, rule), self.possible(world, rule)) {
            (Some(false), _) => Outlook::Refused,
            (_, possible) if !possible.yes => Outlook::Hopeless,
            _ => Outlook::Open,
        }
    }

    /// Whether a rule is decided to be true, whatever the record.
    pub fn is_certain(&self, world: &World, rule: Option<&Expr>) -> bool {
        rule.is_none_or(|rule| self.decided(world, rule) == Some(true))
    }

    /// The truth that the caller alone decides.
    fn decided(&self, world: &World, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Literal(value) => value.truth(),
            Expr::Named(index) => self.decided(world, &world.schema.rules[*index].1),
            Expr::Not(of) => self.decided(world, of).map(|truth| !truth),
            Expr::And(left, right) => and(self.decided(world, left), self.decided(world, right)),
            Expr::Or(left, right) => or(self.decided(world, left), self.decided(world, right)),
            other if is_of_caller(other) => self.of_caller(world, other),
            Expr::Compare(operator @ (Comparison::Equal | Comparison::NotEqual), left, right) => {
                let equal = self.decided(world, left)? == self.decided(world, right)?;
                Some(equal == (*operator == Comparison::Equal))
            }
            Expr::If(condition, then, otherwise) => match self.decided(world, condition)? {
                true => self.decided(world, then),
                false => self.decided(world, otherwise),
            },
            _ => None,
        }
    }

    /// An expression about the caller alone.
    fn of_caller(&self, world: &World, expr: &Expr) -> Option<bool> {
        const NOTHING: &[Value] = &[];
        let this = Subject { of: 0, values: NOTHING, sent: &[] };
        self.truth(world, expr, (this, this))
    }

    /// The truths that are possible, whatever the record.
    fn possible(&self, world: &World, expr: &Expr) -> Possible {
        let binary = |left: &Expr, right: &Expr, both: fn(Option<bool>, Option<bool>) -> Option<bool>| {
            let (left, right) = (self.possible(world, left), self.possible(world, right));
            let pairs = left.truths().into_iter().flat_map(|one| right.truths().into_iter().map(move |two| (one, two)));
            pairs.map(|(one, two)| Possible::of(both(one, two))).fold(Possible::default(), Possible::or)
        };
        match expr {
            Expr::Named(index) => self.possible(world, &world.schema.rules[*index].1),
            Expr::Not(of) => {
                let Possible { yes, no, unknown } = self.possible(world, of);
                Possible { yes: no, no: yes, unknown }
            }
            Expr::And(left, right) => binary(left, right, and),
            Expr::Or(left, right) => binary(left, right, or),
            Expr::If(condition, then, otherwise) => {
                let Possible { yes, no, unknown } = self.possible(world, condition);
                let mut all = Possible { unknown, ..Possible::default() };
                for part in [yes.then_some(then), no.then_some(otherwise)].into_iter().flatten() {
                    all = all.or(self.possible(world, part));
                }
                all
            }
            Expr::Compare(..) if self.is_unknown(world, expr) => Possible::of(None),
            Expr::Members(super::Quantifier::Exists, .., body) => {
                let Possible { yes, .. } = self.possible(world, body);
                Possible { yes, no: true, unknown: true }
            }
            other if is_constant(other) => Possible::of(self.of_caller(world, other)),
            _ => Possible { yes: true, no: true, unknown: true },
        }
    }

    /// Whether it has no value, whatever the record, because of something that the caller doesn't have.
    fn is_unknown(&self, world: &World, expr: &Expr) -> bool {
        match expr {
            Expr::Auth(part) => self.auth(*part).is_null(),
            Expr::Compare(_, left, right) | Expr::Compute(_, left, right) => {
                self.is_unknown(world, left) || self.is_unknown(world, right)
            }
            Expr::Not(of) | Expr::Negate(of) => self.is_unknown(world, of),
            Expr::And(..) | Expr::Or(..) | Expr::If(..) | Expr::Named(_) => {
                let Possible { yes, no, .. } = self.possible(world, expr);
                !yes && !no
            }
            _ => false,
        }
    }
}

/// Which truths an expression can have.
#[derive(Debug, Clone, Copy, Default)]
struct Possible {
    yes: bool,
    no: bool,
    unknown: bool,
}

impl Possible {
    fn of(truth: Option<bool>) -> Self {
        Self { yes: truth == Some(true), no: truth == Some(false), unknown: truth.is_none() }
    }

    fn or(self, other: Self) -> Self {
        Self { yes: self.yes || other.yes, no: self.no || other.no, unknown: self.unknown || other.unknown }
    }

    fn truths(self) -> Vec<Option<bool>> {
        let all = [(self.yes, Some(true)), (self.no, Some(false)), (self.unknown, None)];
        all.into_iter().filter(|(possible, _)| *possible).map(|(_, truth)| truth).collect()
    }
}

/// Whether it depends on neither a record nor the moment.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) | Expr::Now | Expr::Param(_) | Expr::Members(..) | Expr::Within(..) | Expr::Json(..) => false,
        Expr::Literal(_) | Expr::Auth(_) | Expr::Named(_) => true,
        Expr::Not(of) | Expr::Negate(of) | Expr::IsNull(of, _) => is_constant(of),
        Expr::And(left, right)
        | Expr::Or(left, right)
        | Expr::Compare(_, left, right)
        | Expr::Compute(_, left, right)
        | Expr::In(left, right) => is_constant(left) && is_constant(right),
        Expr::If(condition, then, otherwise) => [condition, then, otherwise].into_iter().all(|part| is_constant(part)),
        Expr::List(items) | Expr::Call(_, items) => items.iter().all(is_constant),
    }
}

/// Whether it is about the caller and nothing else.
fn is_of_caller(expr: &Expr) -> bool {
    fn names_caller(expr: &Expr) -> bool {
        match expr {
            Expr::Auth(_) | Expr::Named(_) => true,
            Expr::Literal(_)
            | Expr::Path(_)
            | Expr::Now
            | Expr::Param(_)
            | Expr::Members(..)
            | Expr::Within(..)
            | Expr::Json(..) => false,
            Expr::Not(of) | Expr::Negate(of) | Expr::IsNull(of, _) => names_caller(of),
            Expr::And(left, right)
            | Expr::Or(left, right)
            | Expr::Compare(_, left, right)
            | Expr::Compute(_, left, right)
            | Expr::In(left, right) => names_caller(left) || names_caller(right),
            Expr::If(condition, then, otherwise) => {
                [condition, then, otherwise].into_iter().any(|part| names_caller(part))
            }
            Expr::List(items) | Expr::Call(_, items) => items.iter().any(names_caller),
        }
    }
    is_constant(expr) && names_caller(expr)
}
