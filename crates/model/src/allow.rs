use backstay_base::Action;

use crate::FieldId;
use crate::source::{OwnerName, RuleText};

/// What one owner says of a type with `@allow`: an action is allowed if one of these clauses allows it.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Who wrote the clauses.
    pub owner: OwnerName,
    /// In the order of the model.
    pub clauses: Vec<Allow>,
}

impl Layer {
    /// Whether a clause has a rule for the action, or one that can stand in for it.
    pub fn is_about(&self, action: Action) -> bool {
        self.clauses.iter().any(|clause| clause.is_about(action))
    }
}

/// One clause of a type: an `@allow`. A type without a clause refuses everyone but Backstay itself.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Who may read.
    pub read: Option<RuleText>,
    /// Who may link to a record without reading it. Whoever may read it may also link to it.
    pub refer: Option<RuleText>,
    /// Who may create.
    pub create: Option<RuleText>,
    /// Who may update.
    pub update: Option<UpdateRule>,
    /// `only:`: the fields that `update` lets change, in the order of the model; `None`: all.
    pub only: Option<Vec<FieldId>>,
    /// Who may delete.
    pub delete: Option<RuleText>,
    /// Who may bring a record back from the trash; without one in any clause, those who may delete it.
    pub restore: Option<RuleText>,
    /// Who may delete a record in the trash for good; without one in any clause, those who may delete it.
    pub purge: Option<RuleText>,
}

/// The `@allow`s of a field, at most one of each owner: they restrict the field further than the type's clauses do, and all
/// of them must hold. Without any, nothing is restricted.
#[derive(Debug, Clone, Default)]
pub struct FieldAllow {
    /// Who may see it.
    pub read: Vec<RuleText>,
    /// Who may name a record by it, in a link to that, without seeing it.
    pub refer: Vec<RuleText>,
    /// Who may give it a value in a create.
    pub create: Vec<RuleText>,
    /// Who may change it.
    pub update: Vec<UpdateRule>,
}

impl FieldAllow {
    /// Whether it restricts who may give the field a value.
    pub fn restricts_writes(&self) -> bool {
        !self.create.is_empty() || !self.update.is_empty()
    }

    /// Whether this owner says something of the field.
    pub(crate) fn is_of(&self, owner: &OwnerName) -> bool {
        let Self { read, refer, create, update } = self;
        let updates = update.iter().map(|update| &update.rule);
        read.iter().chain(refer).chain(create).chain(updates).any(|rule| rule.owner == *owner)
    }

    /// Who may name a record by the field in a link, without seeing the field or the record: all of these must hold. An owner
    /// that says who may see the field and not who may name a record by it, means the same by both.
    pub fn naming(&self) -> impl Iterator<Item = &RuleText> {
        let has_own = |owner: &OwnerName| self.refer.iter().any(|refer| refer.owner == *owner);
        self.refer.iter().chain(self.read.iter().filter(move |read| !has_own(&read.owner)))
    }
}

/// Who may change something.
#[derive(Debug, Clone)]
pub struct UpdateRule {
    /// Must be true of the stored record.
    pub rule: RuleText,
    /// `after:`: must be true of the change, where `this` is the stored and `new` the proposed record; `None`: `rule` must
    /// be true of the proposed record too.
    pub after: Option<RuleText>,
}

impl Allow {
    /// Whether the clause has a rule for the action, or one that can stand in for it.
    pub fn is_about(&self, action: Action) -> bool {
        match action {
            Action::Read | Action::Get | Action::Search => self.read.is_some(),
            Action::Refer => self.refer.is_some() || self.read.is_some(),
            Action::Create => self.create.is_some(),
            Action::Update => self.update.is_some(),
            Action::Delete => self.delete.is_some(),
            Action::Restore => self.restore.is_some() || self.delete.is_some(),
            Action::Purge => self.purge.is_some() || self.delete.is_some(),
            Action::Trash => self.restore.is_some() || self.purge.is_some() || self.delete.is_some(),
            // `@history` has a rule of its own.
            Action::History => false,
        }
    }
}
