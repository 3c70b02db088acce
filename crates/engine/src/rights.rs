use std::sync::Arc;

use backstay_base::{Action, Grant};
use backstay_expr::{ChangeRule, Clause, CollectionRights, FieldRights, Path, Rights, Root, Rule, Taking, Truths};
use backstay_model::{Collection, Field, FieldId, Model};

use crate::allow_policy::{AllowPolicy, Demanded};
use crate::compiled::{Compiled, UpdatePolicy};
use crate::policy::{CollectionPolicy, FieldPolicy, Policy, TakingPolicy};

/// Whose rights they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Grantee<'t> {
    /// Callers of whom these facts hold, and whose key may be limited.
    Callers(&'t Truths, Option<&'t Grant>),
    /// Backstay itself: no `@allow` is asked. Checks and guards are those of a caller of whom these facts hold.
    System(&'t Truths),
    /// Nobody in particular: every rule is whole, as if no fact were known of the caller.
    Anyone,
}

/// What is done with records that are or come to be in the trash. Whoever may do any of it sees what is there.
const OF_TRASH: [Action; 3] = [Action::Delete, Action::Restore, Action::Purge];

/// What is done with records, and with seeing them, apart; but for their trash and their history.
const ACTIONS: [Action; 7] =
    [Action::Read, Action::Get, Action::Search, Action::Refer, Action::Create, Action::Update, Action::Delete];

impl Grantee<'_> {
    fn grant(&self) -> Option<&Grant> {
        match self {
            Self::Callers(_, grant) => *grant,
            Self::System(_) | Self::Anyone => None,
        }
    }

    fn rule(self, rule: &Compiled) -> Rule {
        match self {
            Self::Callers(truths, _) | Self::System(truths) => rule.rule().folded(truths),
            Self::Anyone => rule.whole_rule(),
        }
    }

    /// What lets somebody do this to a record of a type, as one rule; without anything the action is refused.
    fn allowed(self, policy: &CollectionPolicy, action: Action) -> Rule {
        if let Self::System(_) = self {
            return Rule::allowed();
        }
        let mut ways: Vec<Rule> = policy.allow.ways(action).iter().map(|way| self.demanded(way)).collect();
        if action == Action::Update {
            ways.extend(policy.takings().map(|taking| self.rule(taking)));
        }
        Rule::any(ways)
    }

    /// True where one rule of each owner is.
    fn demanded(self, demanded: &Demanded<'_>) -> Rule {
        let all = demanded.alternatives().iter();
        let each = all.map(|alternatives| Rule::any(alternatives.rules.iter().map(|rule| self.rule(rule))));
        each.reduce(|all, one| all.and(&one)).unwrap_or_else(Rule::refused)
    }

    /// The rules of a field, all of which must be true. Without one, nothing is restricted.
    fn restricted<'c>(self, rules: impl IntoIterator<Item = &'c Compiled>) -> Rule {
        match self {
            Self::System(_) => Rule::allowed(),
            Self::Callers(..) | Self::Anyone => {
                let rules = rules.into_iter().map(|rule| self.rule(rule));
                rules.reduce(|all, one| all.and(&one)).unwrap_or_else(Rule::allowed)
            }
        }
    }

    /// What lets a caller name a record by a field that has this: what each owner says of that, else who may see it.
    fn naming(self, read: &[Compiled], refer: &[Compiled]) -> Rule {
        let has_own = |rule: &&Compiled| refer.iter().any(|refer| refer.text.owner == rule.text.owner);
        match refer {
            [] => Rule::refused(),
            refer => self.restricted(refer.iter().chain(read.iter().filter(|read| !has_own(read)))),
        }
    }

    /// What is asked of a change of a field.
    fn changes(self, updates: &[UpdatePolicy]) -> Vec<ChangeRule> {
        let change = |UpdatePolicy { rule, after, only: _ }: &UpdatePolicy| ChangeRule {
            rule: self.rule(rule),
            after: after.as_ref().map(|after| self.rule(after)),
        };
        match self {
            Self::System(_) => Vec::new(),
            Self::Callers(..) | Self::Anyone => updates.iter().map(change).collect(),
        }
    }

    /// The clauses that let records be updated.
    fn clauses(self, allow: &AllowPolicy) -> Vec<Clause> {
        let clause = |(layer, UpdatePolicy { rule, after, only }): (usize, &UpdatePolicy)| Clause {
            layer,
            rule: self.rule(rule),
            after: after.as_ref().map(|after| self.rule(after)),
            only: only.clone(),
        };
        match self {
            Self::System(_) => vec![Clause { layer: 0, rule: Rule::allowed(), after: None, only: None }],
            Self::Callers(..) | Self::Anyone => allow.updates().map(clause).collect(),
        }
    }
}

/// Whether a key with this grant is for the action at all. A key that is for anything in a collection knows which records
/// there are; it sees what is in them if it may get or search them, and then it may refer to them too.
pub(crate) fn is_granted(grant: Option<&Grant>, collection: &Collection, action: Action) -> bool {
    let Some(grant) = grant else { return true };
    let any = |actions: &[Action]| actions.iter().any(|action| grant.allows(&collection.name, *action));
    match action {
        Action::Read => any(&Action::GRANTED),
        Action::Refer => any(&[Action::Refer, Action::Get, Action::Search]),
        Action::Restore | Action::Purge => any(&[Action::Search]) && any(&[action, Action::Delete]),
        Action::Trash => any(&[Action::Search]) && any(&OF_TRASH),
        Action::History => any(&[Action::Get]) && any(&[Action::Search]),
        Action::Get | Action::Search | Action::Create | Action::Update | Action::Delete => any(&[action]),
    }
}

/// For the message that refuses a key: what it may not act on, and why.
pub(crate) fn without_grant(collection: &Collection) -> String {
    format!("records of {} with this key: it is limited to other actions", collection.name)
}

/// The rights of a class of callers.
pub(crate) fn rights_of(grantee: Grantee<'_>, model: &Model, policy: &Policy) -> Rights {
    let collection = |collection: &Collection| of_collection(grantee, collection, (model, policy));
    Rights::new(model.collections.iter().map(collection))
}

fn of_collection(grantee: Grantee<'_>, collection: &Collection, (model, whole): (&Model, &Policy)) -> CollectionRights {
    let policy: &CollectionPolicy = whole.collection(collection.id);
    let mut rights = CollectionRights::default();
    for action in ACTIONS {
        let rule = match is_granted(grantee.grant(), collection, action) {
            true => grantee.allowed(policy, action),
            false => Rule::refused(),
        };
        rights.allow(action, rule);
    }
    if collection.trash.is_some() && is_granted(grantee.grant(), collection, Action::Trash) {
        of_trash(grantee, collection, policy, &mut rights);
    }
    if collection.history.is_some() && is_granted(grantee.grant(), collection, Action::History) {
        rights.allow(Action::History, grantee.allowed(policy, Action::History));
    }
    if is_granted(grantee.grant(), collection, Action::Update) {
        grantee.clauses(&policy.allow).into_iter().for_each(|clause| rights.clause(clause));
    }
    for check in &policy.checks {
        rights.check(grantee.rule(&check.rule));
    }
    let sees_fields = |collection: &Collection| {
        [Action::Get, Action::Search].iter().any(|action| is_granted(grantee.grant(), collection, *action))
    };
    let sees = sees_fields(collection);
    for (field, policy) in collection.fields.iter().zip(&policy.fields) {
        let declared_unseen = field.kind.declared_by().is_some_and(|(target, declaring)| {
            let declaring = &whole.collection(target).fields[usize::from(declaring.0)];
            !sees_fields(model.collection(target)) || grantee.restricted(&declaring.read).refuses()
        });
        // Whoever reads an amount reads a currency of the same record, too.
        let elsewhere = field.currency.as_deref().filter(|way| way.len() > 1);
        let seen = match (field.id == Collection::ID || sees && !declared_unseen, elsewhere) {
            (false, _) => Rule::refused(),
            (true, None) => Rule::allowed(),
            (true, Some(way)) => sees_currency(grantee, (collection, way), (model, whole)),
        };
        rights.field(of_field((grantee, seen), field, policy));
    }
    for states in &policy.states {
        for ((from, to), transition) in &states.transitions {
            let guard = transition.when.as_ref().map_or_else(Rule::allowed, |when| grantee.rule(when));
            let by = transition.by.as_ref().filter(|_| is_granted(grantee.grant(), collection, Action::Update));
            let by = by.map(|TakingPolicy { rule, with }| Taking { rule: grantee.rule(rule), with: Arc::clone(with) });
            rights.transition(states.field, (from, to), guard, by);
        }
    }
    rights
}

/// Whether the currency that an amount shares can be read: each record on the way to it, and the fields that lead there. An
/// amount without its currency says nothing, and its number alone would tell too much.
fn sees_currency(
    grantee: Grantee<'_>,
    (of, way): (&Collection, &[FieldId]),
    (model, policy): (&Model, &Policy),
) -> Rule {
    let (mut seen, mut at) = (Rule::allowed(), of);
    for (taken, step) in way.iter().enumerate() {
        let path = Path { root: Root::This, collection: of.id, steps: way[..taken].to_vec(), part: None };
        let policy = policy.collection(at.id);
        if taken > 0 {
            let granted = [Action::Get, Action::Search].iter().any(|action| is_granted(grantee.grant(), at, *action));
            let read = if granted { grantee.allowed(policy, Action::Read) } else { Rule::refused() };
            seen = seen.and(&read.about(&path));
        }
        let leads = grantee.restricted(&policy.fields[usize::from(step.0)].read);
        seen = seen.and(&leads.about(&path));
        at = at.field(*step).kind.target().map_or(at, |target| model.collection(target));
    }
    seen
}

/// What is in the trash is seen by those who may read it, and delete, restore or purge it.
fn of_trash(grantee: Grantee<'_>, collection: &Collection, policy: &CollectionPolicy, rights: &mut CollectionRights) {
    let granted = OF_TRASH.into_iter().filter(|action| is_granted(grantee.grant(), collection, *action));
    // One rule answers for all of them where the model says nothing of the trash.
    let mut answering: Vec<Action> = Vec::new();
    for action in granted.clone().flat_map(|action| policy.allow.answering(action)) {
        if !answering.contains(&action) {
            answering.push(action);
        }
    }
    let rule = |action| grantee.allowed(policy, action);
    let seen = rule(Action::Search).and(&Rule::any(answering.into_iter().map(rule)));
    if !seen.refuses() {
        granted.filter(|action| *action != Action::Delete).for_each(|action| rights.allow(action, rule(action)));
    }
    rights.allow(Action::Trash, seen);
}

/// `seen`: what must be true beside the field's own rule.
fn of_field((grantee, seen): (Grantee<'_>, Rule), field: &Field, policy: &FieldPolicy) -> FieldRights {
    let FieldPolicy {
        read,
        refer,
        create,
        update,
        checks,
        default: _,
        sets: _,
        computed: _,
        sum: _,
        due: _,
        currency: _,
    } = policy;
    let mut rights = FieldRights::default();
    // Nobody reads a secret; a record's id is what it is known by.
    let if_readable = |rule: Rule| match field.is_readable() {
        true => rule.and(&seen),
        false => Rule::refused(),
    };
    rights.allow(Action::Read, if_readable(grantee.restricted(read)));
    rights.allow(Action::Refer, if_readable(grantee.naming(read, refer)));
    rights.allow(Action::Create, grantee.restricted(create));
    rights.allow(Action::Update, grantee.restricted(update.iter().map(|update| &update.rule)));
    grantee.changes(update).into_iter().for_each(|change| rights.change(change));
    for check in checks {
        rights.check(grantee.rule(&check.rule));
    }
    rights
}
