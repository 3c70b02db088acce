use backstay_base::Action;

use crate::FieldId;
use crate::source::{RuleText, Span};

/// One clause of a type: an `@allow`. An action is allowed if one clause allows it; a type without a clause refuses
/// everyone but Backstay itself.
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

/// The `@allow` of a field: it restricts the field further than the type's clauses do; `None` restricts nothing.
#[derive(Debug, Clone, Default)]
pub struct FieldAllow {
    /// Who may see it.
    pub read: Option<RuleText>,
    /// Who may give it a value in a create.
    pub create: Option<RuleText>,
    /// Who may change it.
    pub update: Option<UpdateRule>,
}

impl FieldAllow {
    /// Where one of its rules is.
    pub(crate) fn span(&self) -> Option<Span> {
        let Self { read, create, update } = self;
        let rule = read.as_ref().or(create.as_ref()).or(update.as_ref().map(|update| &update.rule));
        rule.map(|rule| rule.span)
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
