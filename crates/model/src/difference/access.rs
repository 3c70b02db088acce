//! Who may do what with the records of a type and with its fields, and what of it some callers may do no more.

use backstay_base::Action;

use super::narrowing::{Rule, covers};
use super::parts::Narrowed;
use crate::{Allow, FieldAllow, FieldId, Layer, Model, RuleText, UpdateRule};

/// The `@allow`s of one owner of a type.
#[derive(PartialEq)]
pub(super) struct LayerBehaviour<'m> {
    clauses: Vec<AllowBehaviour<'m>>,
}

impl<'m> LayerBehaviour<'m> {
    pub(super) fn of(model: &'m Model, layer: &'m Layer, named: impl Fn(FieldId) -> &'m str + Copy) -> Self {
        // What names mean to the owner is part of the rules.
        let Layer { owner: _, clauses } = layer;
        Self { clauses: clauses.iter().map(|clause| AllowBehaviour::of(model, clause, named)).collect() }
    }

    /// What permits an action for this owner.
    fn permits(&self, action: Action) -> Vec<Permit<'_>> {
        let own: Vec<Permit<'_>> = self.clauses.iter().flat_map(|clause| clause.permits(action)).collect();
        // Where no clause has them, `delete:` answers for them.
        let stands_in = own.is_empty() && matches!(action, Action::Restore | Action::Purge);
        if stands_in { self.permits(Action::Delete) } else { own }
    }

    fn has_own(&self, action: Action) -> bool {
        self.clauses.iter().any(|clause| !clause.permits(action).is_empty())
    }
}

/// One `@allow` of a type.
#[derive(PartialEq)]
struct AllowBehaviour<'m> {
    read: Option<Rule<'m>>,
    refer: Option<Rule<'m>>,
    create: Option<Rule<'m>>,
    update: Option<UpdateBehaviour<'m>>,
    only: Option<Vec<&'m str>>,
    delete: Option<Rule<'m>>,
    restore: Option<Rule<'m>>,
    purge: Option<Rule<'m>>,
}

impl<'m> AllowBehaviour<'m> {
    fn of(model: &'m Model, allow: &'m Allow, named: impl Fn(FieldId) -> &'m str) -> Self {
        let Allow { read, refer, create, update, only, delete, restore, purge } = allow;
        Self {
            read: Rule::of_some(model, read.as_ref()),
            refer: Rule::of_some(model, refer.as_ref()),
            create: Rule::of_some(model, create.as_ref()),
            update: update.as_ref().map(|update| UpdateBehaviour::of(model, update)),
            only: only.as_ref().map(|only| only.iter().map(|field| named(*field)).collect()),
            delete: Rule::of_some(model, delete.as_ref()),
            restore: Rule::of_some(model, restore.as_ref()),
            purge: Rule::of_some(model, purge.as_ref()),
        }
    }

    /// What permits an action.
    fn permits(&self, action: Action) -> Vec<Permit<'_>> {
        let plain = |rule: &Option<Rule<'m>>| rule.as_ref().map_or_else(Vec::new, Permit::plain);
        match action {
            Action::Read | Action::Get | Action::Search => plain(&self.read),
            // Whoever may read a record may also link to it.
            Action::Refer => plain(&self.refer).into_iter().chain(plain(&self.read)).collect(),
            Action::Create => plain(&self.create),
            Action::Update => self.update.as_ref().map_or_else(Vec::new, |update| update.permits(self.only.as_deref())),
            Action::Delete | Action::Trash => plain(&self.delete),
            Action::Restore => plain(&self.restore),
            Action::Purge => plain(&self.purge),
            Action::History => Vec::new(),
        }
    }
}

/// The `@allow`s of a field.
#[derive(PartialEq)]
pub(super) struct FieldAllowBehaviour<'m> {
    read: Vec<Rule<'m>>,
    /// `FieldAllow::naming`, if the field has that.
    naming: Vec<Rule<'m>>,
    create: Vec<Rule<'m>>,
    update: Vec<UpdateBehaviour<'m>>,
}

impl<'m> FieldAllowBehaviour<'m> {
    pub(super) fn of(model: &'m Model, allow: &'m FieldAllow) -> Self {
        let FieldAllow { read, refer, create, update } = allow;
        let rules = |rules: &'m [RuleText]| rules.iter().map(|rule| Rule::of(model, rule)).collect();
        let update = update.iter().map(|update| UpdateBehaviour::of(model, update)).collect();
        let naming = allow.naming().filter(|_| !refer.is_empty()).map(|rule| Rule::of(model, rule)).collect();
        Self { read: rules(read), naming, create: rules(create), update }
    }

    /// What some callers may do no more with the field.
    pub(super) fn narrowed_in(&self, newer: &Self) -> Vec<Narrowed> {
        let plain = |rules: &'_ [Rule<'m>]| rules.iter().map(Permit::plain).collect::<Vec<_>>();
        let updates = |allow: &'_ Self| allow.update.iter().map(|update| update.permits(None)).collect::<Vec<_>>();
        let read = narrowed(Action::Read, plain(&self.read), &plain(&newer.read));
        // Nobody could name a record by it where nothing said so.
        let refer = match (self.naming.as_slice(), newer.naming.as_slice()) {
            ([], _) => None,
            (_, []) => Some(Narrowed { action: Action::Refer, to_nobody: true }),
            (older, newer) => narrowed(Action::Refer, plain(older), &plain(newer)),
        };
        [
            read,
            refer,
            narrowed(Action::Create, plain(&self.create), &plain(&newer.create)),
            narrowed(Action::Update, updates(self), &updates(newer)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[derive(PartialEq)]
struct UpdateBehaviour<'m> {
    rule: Rule<'m>,
    after: Option<Rule<'m>>,
}

impl<'m> UpdateBehaviour<'m> {
    fn of(model: &'m Model, update: &'m UpdateRule) -> Self {
        let UpdateRule { rule, after } = update;
        Self { rule: Rule::of(model, rule), after: Rule::of_some(model, after.as_ref()) }
    }

    fn permits<'p>(&self, only: Option<&'p [&'p str]>) -> Vec<Permit<'p>> {
        let after = self.after.as_ref().map(Rule::conditions);
        let conditions = self.rule.conditions().into_iter();
        conditions.map(|condition| Permit { condition, after: after.clone(), only }).collect()
    }
}

/// Something that permits an action.
struct Permit<'p> {
    /// What must all be true.
    condition: Vec<String>,
    /// Of an update, `after:`.
    after: Option<Vec<Vec<String>>>,
    /// Of an update, the fields that may be changed; `None`: all.
    only: Option<&'p [&'p str]>,
}

impl Permit<'_> {
    fn plain(rule: &Rule<'_>) -> Vec<Self> {
        rule.conditions().into_iter().map(|condition| Self { condition, after: None, only: None }).collect()
    }

    fn all() -> Vec<Self> {
        vec![Self { condition: Vec::new(), after: None, only: None }]
    }

    /// Whether it permits whatever another one does.
    fn covers(&self, other: &Self) -> bool {
        let has_all_fields = match (self.only, other.only) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(only), Some(other)) => other.iter().all(|field| only.contains(field)),
        };
        let is_asked_no_more = match &self.after {
            // The condition is asked of the proposed record then.
            None => other.after.is_none() || self.condition.is_empty(),
            Some(after) => self.after == other.after || after.iter().any(Vec::is_empty),
        };
        has_all_fields && is_asked_no_more && covers(&self.condition, &other.condition)
    }
}

/// What some callers may do no more with the records of a type.
pub(super) fn narrowed_rules(older: &[LayerBehaviour<'_>], newer: &[LayerBehaviour<'_>]) -> Vec<Narrowed> {
    let of = |action| narrowed(action, permits(older, action), &permits(newer, action));
    let read = of(Action::Read);
    // Who may not read any more may not link either, which is then no news.
    let refer = if read.is_some() { None } else { of(Action::Refer) };
    let others = [Action::Create, Action::Update, Action::Delete].into_iter().filter_map(of);
    let in_trash = [Action::Restore, Action::Purge].into_iter().filter_map(|action| {
        let has_own = older.iter().chain(newer).any(|layer| layer.has_own(action));
        has_own.then(|| of(action)).flatten()
    });
    read.into_iter().chain(refer).chain(others).chain(in_trash).collect()
}

/// What permits an action, for each owner that has a say in it: that of the type, and those that have rules for it.
fn permits<'p>(layers: &'p [LayerBehaviour<'_>], action: Action) -> Vec<Vec<Permit<'p>>> {
    let mut permits = layers.iter().map(|layer| layer.permits(action)).enumerate();
    let mut all: Vec<Vec<Permit<'p>>> = permits.by_ref().take(1).map(|(_, own)| own).collect();
    all.extend(permits.map(|(_, others)| others).filter(|others| !others.is_empty()));
    // A version's collection and the like have no clause at all.
    if all.is_empty() { vec![Vec::new()] } else { all }
}

/// What was permitted by all of the older lists is permitted by each of the newer ones, as far as one of the older ones
/// shows.
fn narrowed(action: Action, mut older: Vec<Vec<Permit<'_>>>, newer: &[Vec<Permit<'_>>]) -> Option<Narrowed> {
    older.push(Permit::all());
    let covered = |by: &[Permit<'_>], before: &[Permit<'_>]| {
        before.iter().all(|before| by.iter().any(|permit| permit.covers(before)))
    };
    let is_as_wide = newer.iter().all(|newer| older.iter().any(|older| covered(newer, older)));
    (!is_as_wide).then(|| Narrowed { action, to_nobody: newer.iter().any(Vec::is_empty) })
}
