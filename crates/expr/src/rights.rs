use std::sync::Arc;

use backstay_base::Action;
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;

use crate::{Driver, Expr, Node, Operator, Path, Truth, Truths, Type, fold};

/// All that one class of callers may do: the model's rules with what depends on the caller alone already decided. What it
/// doesn't mention is refused.
///
/// It is pure: two callers of one class have equal rights, and nothing is remembered here.
#[derive(Debug)]
pub struct Rights {
    kind: Kind,
    collections: Vec<CollectionRights>,
    rules: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What is mentioned may be done.
    Listed,
    /// Everything may be done.
    Unrestricted,
}

/// What one class of callers may do in one collection. Begins without any right.
#[derive(Debug, Default)]
pub struct CollectionRights {
    actions: Vec<(Action, Rule)>,
    clauses: Vec<Clause>,
    checks: Vec<Rule>,
    fields: Vec<FieldRights>,
    transitions: Vec<Transition>,
}

/// What one class of callers may do with one field. Begins without any right.
#[derive(Debug, Default)]
pub struct FieldRights {
    actions: Vec<(Action, Rule)>,
    changes: Vec<ChangeRule>,
    checks: Vec<Rule>,
}

/// What is asked of a change of a field.
#[derive(Debug)]
pub struct ChangeRule {
    /// Must be true of the proposed record, unless there is `after`.
    pub rule: Rule,
    /// Must be true of the change.
    pub after: Option<Rule>,
}

/// What one clause of a type lets a caller update. One clause of each layer must permit the whole change.
#[derive(Debug)]
pub struct Clause {
    /// Which of the type's owners wrote it, counted from 0.
    pub layer: usize,
    /// Must be true of the stored record.
    pub rule: Rule,
    /// Must be true of the change; `None`: `rule` must be true of the proposed record too.
    pub after: Option<Rule>,
    /// The fields that may change; `None`: all.
    pub only: Option<Arc<[FieldId]>>,
}

#[derive(Debug)]
struct Transition {
    field: FieldId,
    from: Box<str>,
    to: Box<str>,
    guard: Rule,
    by: Option<Taking>,
}

/// Who may take a transition whether or not a clause lets them update the record.
#[derive(Debug)]
pub struct Taking {
    /// Must be true of the stored record.
    pub rule: Rule,
    /// The fields that may change with the state, the state itself included.
    pub with: Arc<[FieldId]>,
}

/// A rule, or what is left of it for one class of callers.
#[derive(Debug, Clone)]
pub struct Rule {
    expr: Expr,
    needs_store: bool,
    number: Option<usize>,
}

/// A part of a rule.
#[derive(Debug, Clone, Copy)]
pub struct RulePart<'r> {
    /// What must be true.
    pub expr: &'r Expr,
    /// How the records for which it is true are found from the caller, if they can be.
    pub driver: Option<Driver>,
}

static ALLOWED: Rule = Rule::constant(true);
static REFUSED: Rule = Rule::constant(false);
static ANY_CHANGE: [Clause; 1] = [Clause { layer: 0, rule: Rule::constant(true), after: None, only: None }];
static UNRESTRICTED: Rights = Rights { kind: Kind::Unrestricted, collections: Vec::new(), rules: 0 };

impl Rights {
    /// Rights that allow what these collections, in the order of their ids, mention.
    pub fn new(collections: impl IntoIterator<Item = CollectionRights>) -> Self {
        let mut collections: Vec<CollectionRights> = collections.into_iter().collect();
        let mut rules = 0;
        for rule in collections.iter_mut().flat_map(CollectionRights::rules_mut) {
            rule.number = Some(rules);
            rules += 1;
        }
        Self { kind: Kind::Listed, collections, rules }
    }

    /// The rights with which the model's own rules look at records, and with which Backstay keeps its invariants: they
    /// allow everything. No caller has them.
    pub fn unrestricted() -> &'static Self {
        &UNRESTRICTED
    }

    /// When the action is allowed on a record of the collection.
    pub fn rule(&self, collection: CollectionId, action: Action) -> &Rule {
        match self.kind {
            Kind::Unrestricted => &ALLOWED,
            Kind::Listed => self.collection(collection).map_or(&REFUSED, |rights| found(&rights.actions, action)),
        }
    }

    /// What lets the caller update a record of the collection, clause by clause in the order of the model.
    pub fn clauses(&self, collection: CollectionId) -> &[Clause] {
        match self.kind {
            Kind::Unrestricted => &ANY_CHANGE,
            Kind::Listed => self.collection(collection).map_or(&[], |rights| &rights.clauses),
        }
    }

    /// When the action is allowed on the field of a record, provided that it is allowed on the record.
    pub fn field(&self, collection: CollectionId, field: FieldId, action: Action) -> &Rule {
        match self.kind {
            Kind::Unrestricted => &ALLOWED,
            Kind::Listed => self.of_field(collection, field).map_or(&REFUSED, |rights| found(&rights.actions, action)),
        }
    }

    /// What must be true of a change of the field: a rule of each owner that has one.
    pub fn field_changes(&self, collection: CollectionId, field: FieldId) -> &[ChangeRule] {
        self.of_field(collection, field).map_or(&[], |rights| &rights.changes)
    }

    /// Whether the caller can see the field in a record at all.
    pub fn may_see(&self, collection: CollectionId, field: FieldId) -> bool {
        !self.field(collection, field, Action::Read).refuses()
    }

    /// Who may take a transition whatever the clauses say; `None`: nobody.
    pub fn taking(&self, collection: CollectionId, field: FieldId, (from, to): (&str, &str)) -> Option<&Taking> {
        let listed = self.collection(collection).into_iter().flat_map(|rights| &rights.transitions);
        let mut found = listed.filter(|one| one.field == field && *one.from == *from && *one.to == *to);
        found.next()?.by.as_ref()
    }

    /// When a record may go from one state to another.
    pub fn transition(&self, collection: CollectionId, field: FieldId, (from, to): (&str, &str)) -> &Rule {
        let listed = self.collection(collection).into_iter().flat_map(|rights| &rights.transitions);
        let mut found = listed.filter(|one| one.field == field && *one.from == *from && *one.to == *to);
        match (self.kind, found.next()) {
            (Kind::Unrestricted, _) => &ALLOWED,
            (Kind::Listed, Some(transition)) => &transition.guard,
            (Kind::Listed, None) => &REFUSED,
        }
    }

    /// The checks of the type, or of a field, in the order of the model.
    pub fn checks(&self, collection: CollectionId, field: Option<FieldId>) -> &[Rule] {
        match field {
            Some(field) => self.of_field(collection, field).map_or(&[], |rights| &rights.checks),
            None => self.collection(collection).map_or(&[], |rights| &rights.checks),
        }
    }

    /// How many rules there are; `Rule::number` counts them from 0.
    pub fn rules(&self) -> usize {
        self.rules
    }

    fn collection(&self, id: CollectionId) -> Option<&CollectionRights> {
        self.collections.get(usize::from(id.0))
    }

    fn of_field(&self, collection: CollectionId, field: FieldId) -> Option<&FieldRights> {
        self.collection(collection)?.fields.get(usize::from(field.0))
    }
}

fn found(actions: &[(Action, Rule)], action: Action) -> &Rule {
    actions.iter().find(|(name, _)| *name == action).map_or(&REFUSED, |(_, rule)| rule)
}

impl CollectionRights {
    /// Allows an action where the rule is true.
    pub fn allow(&mut self, action: Action, rule: Rule) {
        self.actions.push((action, rule));
    }

    /// Lets records be updated as this clause says.
    pub fn clause(&mut self, clause: Clause) {
        self.clauses.push(clause);
    }

    /// Adds a check: what the caller writes must not make it false.
    pub fn check(&mut self, rule: Rule) {
        self.checks.push(rule);
    }

    /// Says what may be done with the next field, in the order of their ids.
    pub fn field(&mut self, rights: FieldRights) {
        self.fields.push(rights);
    }

    /// Allows a record to go from one state to another where the guard is true. `by`: who may do it without a clause.
    pub fn transition(&mut self, field: FieldId, (from, to): (&str, &str), guard: Rule, by: Option<Taking>) {
        self.transitions.push(Transition { field, from: from.into(), to: to.into(), guard, by });
    }

    fn rules_mut(&mut self) -> impl Iterator<Item = &mut Rule> {
        let of_fields = self.fields.iter_mut().flat_map(|FieldRights { actions, changes, checks }| {
            let changes = changes.iter_mut().flat_map(|ChangeRule { rule, after }| std::iter::once(rule).chain(after));
            actions.iter_mut().map(|(_, rule)| rule).chain(changes).chain(checks)
        });
        let of_clauses = self
            .clauses
            .iter_mut()
            .flat_map(|Clause { layer: _, rule, after, only: _ }| std::iter::once(rule).chain(after));
        let guards = self
            .transitions
            .iter_mut()
            .flat_map(|Transition { guard, by, .. }| std::iter::once(guard).chain(by.as_mut().map(|by| &mut by.rule)));
        self.actions
            .iter_mut()
            .map(|(_, rule)| rule)
            .chain(of_clauses)
            .chain(&mut self.checks)
            .chain(of_fields)
            .chain(guards)
    }
}

impl FieldRights {
    /// Allows an action where the rule is true.
    pub fn allow(&mut self, action: Action, rule: Rule) {
        self.actions.push((action, rule));
    }

    /// Demands this of every change of the field.
    pub fn change(&mut self, rule: ChangeRule) {
        self.changes.push(rule);
    }

    /// Adds a check: what the caller writes must not make it false.
    pub fn check(&mut self, rule: Rule) {
        self.checks.push(rule);
    }
}

impl Rule {
    /// A rule. `needs_store` is that of `Checked`.
    pub fn new(expr: Expr, needs_store: bool) -> Self {
        Self { expr, needs_store, number: None }
    }

    /// What is true where one of these rules is.
    pub fn any(rules: impl IntoIterator<Item = Self>) -> Self {
        let mut whole: Option<Self> = None;
        for rule in rules {
            if rule.allows() {
                return Self::allowed();
            }
            if !rule.refuses() {
                whole = Some(match whole {
                    Some(before) => before.or(rule),
                    None => Self { number: None, ..rule },
                });
            }
        }
        whole.unwrap_or_else(Self::refused)
    }

    fn or(self, other: Self) -> Self {
        let span = self.expr.span.clone();
        let node = Node::Binary(Operator::Or, Box::new(self.expr), Box::new(other.expr));
        Self::new(Expr { node, ty: Type::Bool, span }, self.needs_store || other.needs_store)
    }

    /// A rule that allows everything.
    pub fn allowed() -> Self {
        ALLOWED.clone()
    }

    /// A rule that allows nothing.
    pub fn refused() -> Self {
        REFUSED.clone()
    }

    /// The same, for as long as anybody needs it.
    pub fn refusing() -> &'static Self {
        &REFUSED
    }

    const fn constant(truth: bool) -> Self {
        let expr = Expr { node: Node::Literal(Value::Bool(truth)), ty: Type::Bool, span: 0..0 };
        Self { expr, needs_store: false, number: None }
    }

    /// The same rule about the record to which a path leads.
    #[must_use]
    pub fn about(&self, path: &Path) -> Self {
        let mut expr = self.expr.clone();
        expr.rebase(path);
        Self::new(expr, self.needs_store || self.decided().is_none())
    }

    /// A rule that is true where both are.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self.decided(), other.decided()) {
            (Some(truth), _) => {
                if truth.is_true() {
                    other.clone()
                } else {
                    Self::refused()
                }
            }
            (_, Some(truth)) => {
                if truth.is_true() {
                    self.clone()
                } else {
                    Self::refused()
                }
            }
            (None, None) => {
                let node = Node::Binary(Operator::And, Box::new(self.expr.clone()), Box::new(other.expr.clone()));
                Self {
                    expr: Expr { node, ty: Type::Bool, span: 0..0 },
                    needs_store: self.needs_store || other.needs_store,
                    number: None,
                }
            }
        }
    }

    /// What is left of the rule for callers of whom these facts hold.
    #[must_use]
    pub fn folded(&self, truths: &Truths) -> Self {
        Self { expr: fold(&self.expr, truths), ..self.clone() }
    }

    /// What must be true.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Whether it follows relations, so that only the database can answer it.
    pub fn needs_store(&self) -> bool {
        self.needs_store
    }

    /// Its place among the rules of its `Rights`; `None` for a rule that stands alone.
    pub fn number(&self) -> Option<usize> {
        self.number
    }

    /// The parts that must all be true.
    pub fn parts(&self) -> Vec<RulePart<'_>> {
        let part = |expr| RulePart { expr, driver: Driver::of(expr) };
        self.expr.conjuncts().into_iter().map(part).collect()
    }

    /// What it comes to whatever the record is; `None` where the record matters.
    pub fn decided(&self) -> Option<Truth> {
        match &self.expr.node {
            Node::Literal(value) => Some(Truth::from(value)),
            _ => None,
        }
    }

    /// Whether it allows nothing to anyone of this class.
    pub fn refuses(&self) -> bool {
        self.decided().is_some_and(|truth| !truth.is_true())
    }

    /// Whether it allows everything to everyone of this class.
    pub fn allows(&self) -> bool {
        self.decided().is_some_and(Truth::is_true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: CollectionId = CollectionId(0);
    const TITLE: FieldId = FieldId(0);

    fn posts(allow: impl FnOnce(&mut CollectionRights)) -> Rights {
        let mut posts = CollectionRights::default();
        allow(&mut posts);
        Rights::new([posts])
    }

    #[test]
    fn what_is_not_mentioned_is_refused() {
        let rights = posts(|posts| {
            posts.allow(Action::Read, Rule::allowed());
            posts.field(FieldRights::default());
        });
        assert!(rights.rule(POST, Action::Read).allows());
        for action in [Action::Create, Action::Update, Action::Delete] {
            assert!(rights.rule(POST, action).refuses(), "{action:?}");
        }
        for action in [Action::Read, Action::Create, Action::Update] {
            assert!(rights.rule(CollectionId(1), action).refuses(), "another collection: {action:?}");
            assert!(rights.field(POST, TITLE, action).refuses(), "a field without rights: {action:?}");
            assert!(rights.field(POST, FieldId(1), action).refuses(), "another field: {action:?}");
        }
        assert!(!rights.may_see(POST, TITLE));
        assert!(rights.transition(POST, TITLE, ("A", "B")).refuses());
        assert!(rights.clauses(POST).is_empty() && rights.clauses(CollectionId(1)).is_empty());
        assert_eq!(rights.rules(), 1);
    }

    #[test]
    fn a_transition_is_allowed_by_its_field_and_states() {
        let rights = posts(|posts| posts.transition(TITLE, ("A", "B"), Rule::allowed(), None));
        assert!(rights.transition(POST, TITLE, ("A", "B")).allows());
        assert!(rights.transition(POST, TITLE, ("B", "A")).refuses());
        assert!(rights.transition(POST, FieldId(1), ("A", "B")).refuses());
    }

    #[test]
    fn one_of_several_rules_is_enough() {
        let truth = |rules: &[bool]| {
            let rules = rules.iter().map(|is| if *is { Rule::allowed() } else { Rule::refused() });
            Rule::any(rules).decided()
        };
        assert_eq!(truth(&[]), Some(Truth::False));
        assert_eq!(truth(&[false, false]), Some(Truth::False));
        assert_eq!(truth(&[false, true, false]), Some(Truth::True));
        let open = || {
            let mine = Expr {
                node: Node::Caller(crate::CallerPart::Id),
                ty: Type::Id(backstay_base::KeyForm::Uuid),
                span: 0..0,
            };
            let node = Node::IsNull { of: Box::new(mine), negated: true };
            Rule::new(Expr { node, ty: Type::Bool, span: 0..0 }, false)
        };
        assert_eq!(Rule::any([Rule::refused(), open()]).expr(), open().expr(), "what refuses is gone");
        assert!(Rule::any([open(), Rule::allowed()]).allows());
        assert!(matches!(Rule::any([open(), open()]).expr().node, Node::Binary(Operator::Or, ..)));
    }

    #[test]
    fn every_rule_has_a_number_of_its_own() {
        let rights = posts(|posts| {
            posts.allow(Action::Read, Rule::allowed());
            let mut title = FieldRights::default();
            title.allow(Action::Read, Rule::refused());
            title.check(Rule::allowed());
            posts.field(title);
            posts.transition(TITLE, ("A", "B"), Rule::allowed(), None);
            posts.clause(Clause { layer: 0, rule: Rule::allowed(), after: Some(Rule::allowed()), only: None });
        });
        let clause = &rights.clauses(POST)[0];
        let numbers = [
            rights.rule(POST, Action::Read).number(),
            clause.rule.number(),
            clause.after.as_ref().and_then(Rule::number),
            rights.field(POST, TITLE, Action::Read).number(),
            rights.checks(POST, Some(TITLE))[0].number(),
            rights.transition(POST, TITLE, ("A", "B")).number(),
        ];
        assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(3), Some(4), Some(5)]);
        assert_eq!(rights.rules(), 6);
        assert_eq!(Rights::unrestricted().rule(POST, Action::Delete).number(), None);
    }
}
