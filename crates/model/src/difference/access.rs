//! Who may do what with the records of a type and with its fields, and what of it some callers may do no more.

use backstay_base::Action;

use super::narrowing::{Rule, covers};
use super::parts::Narrowed;
use crate::{Allow, FieldAllow, FieldId, Model, UpdateRule};

/// One `@allow` of a type.
#[derive(PartialEq)]
pub(super) struct AllowBehaviour<'m> {
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
    pub(super) fn of(model: &'m Model, allow: &'m Allow, named: impl Fn(FieldId) -> &'m str) -> Self {
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

/// The `@allow` of a field.
#[derive(PartialEq)]
pub(super) struct FieldAllowBehaviour<'m> {
    read: Option<Rule<'m>>,
    create: Option<Rule<'m>>,
    update: Option<UpdateBehaviour<'m>>,
}

impl<'m> FieldAllowBehaviour<'m> {
    pub(super) fn of(model: &'m Model, allow: &'m FieldAllow) -> Self {
        let FieldAllow { read, create, update } = allow;
        let update = update.as_ref().map(|update| UpdateBehaviour::of(model, update));
        Self { read: Rule::of_some(model, read.as_ref()), create: Rule::of_some(model, create.as_ref()), update }
    }

    /// What some callers may do no more with the field.
    pub(super) fn narrowed_in(&self, newer: &Self) -> Vec<Narrowed> {
        let plain = |rule: &Option<Rule<'m>>| rule.as_ref().map_or_else(Permit::all, Permit::plain);
        let update = |allow: &Self| allow.update.as_ref().map_or_else(Permit::all, |update| update.permits(None));
        [
            narrowed(Action::Read, &plain(&self.read), &plain(&newer.read)),
            narrowed(Action::Create, &plain(&self.create), &plain(&newer.create)),
            narrowed(Action::Update, &update(self), &update(newer)),
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
pub(super) fn narrowed_rules(older: &[AllowBehaviour<'_>], newer: &[AllowBehaviour<'_>]) -> Vec<Narrowed> {
    let of = |action| narrowed(action, &permits(older, action), &permits(newer, action));
    let read = of(Action::Read);
    // Who may not read any more may not link either, which is then no news.
    let refer = if read.is_some() { None } else { of(Action::Refer) };
    let others = [Action::Create, Action::Update, Action::Delete].into_iter().filter_map(of);
    // Where no clause has them, `delete:` answers for them.
    let in_trash = [Action::Restore, Action::Purge].into_iter().filter_map(|action| {
        let [before, after] = [permits(older, action), permits(newer, action)];
        let has_own = !before.is_empty() || !after.is_empty();
        let effective = |own: Vec<_>, clauses| if own.is_empty() { permits(clauses, Action::Delete) } else { own };
        has_own.then(|| narrowed(action, &effective(before, older), &effective(after, newer))).flatten()
    });
    read.into_iter().chain(refer).chain(others).chain(in_trash).collect()
}

fn permits<'p>(clauses: &'p [AllowBehaviour<'_>], action: Action) -> Vec<Permit<'p>> {
    clauses.iter().flat_map(|clause| clause.permits(action)).collect()
}

fn narrowed(action: Action, older: &[Permit<'_>], newer: &[Permit<'_>]) -> Option<Narrowed> {
    let is_as_wide = older.iter().all(|before| newer.iter().any(|permit| permit.covers(before)));
    (!is_as_wide).then_some(Narrowed { action, to_nobody: newer.is_empty() })
}
