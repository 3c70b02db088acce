//! Who may do what with the records of a type, by owner: all owners that have a say must let it happen.

use backstay_base::Action;
use backstay_model::OwnerName;

use crate::compiled::{Compiled, UpdatePolicy};

/// The clauses of a type.
#[derive(Debug)]
pub(crate) struct AllowPolicy {
    /// By owner, that of the type first. An action for which that one has no clause is refused.
    pub(crate) layers: Vec<LayerPolicy>,
    /// Who may read the history; none without `@history`.
    pub(crate) history: Option<Compiled>,
}

/// The clauses of one owner by action, in the order of the model. One of them is enough.
#[derive(Debug)]
pub(crate) struct LayerPolicy {
    pub(crate) owner: OwnerName,
    pub(crate) read: Vec<Compiled>,
    pub(crate) refer: Vec<Compiled>,
    pub(crate) create: Vec<Compiled>,
    pub(crate) update: Vec<UpdatePolicy>,
    pub(crate) delete: Vec<Compiled>,
    /// Who may restore; where there is none, those who may delete.
    pub(crate) restore: Vec<Compiled>,
    /// Who may purge; where there is none, those who may delete.
    pub(crate) purge: Vec<Compiled>,
}

/// What must be true for an action: one of the rules of each owner that has a say in it.
#[derive(Debug)]
pub(crate) struct Demanded<'p>(Vec<Alternatives<'p>>);

/// Rules of one owner, of which one must be true.
#[derive(Debug)]
pub(crate) struct Alternatives<'p> {
    pub(crate) owner: &'p OwnerName,
    pub(crate) rules: Vec<&'p Compiled>,
}

impl<'p> Demanded<'p> {
    /// What each owner demands; none if nobody may do it.
    pub(crate) fn alternatives(&self) -> &[Alternatives<'p>] {
        let is_refused = self.0.iter().any(|alternatives| alternatives.rules.is_empty());
        if is_refused { &[] } else { &self.0 }
    }

    /// All the rules; none if nobody may do it.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &'p Compiled> {
        self.alternatives().iter().flat_map(|alternatives| alternatives.rules.iter().copied())
    }
}

impl AllowPolicy {
    /// What lets somebody do this; for an update, the stored record being what the rules are asked of. One of them is enough.
    pub(crate) fn ways(&self, action: Action) -> Vec<Demanded<'_>> {
        match action {
            Action::Refer => vec![self.of(Action::Refer), self.of(Action::Read)],
            Action::Trash => self.answering(action).into_iter().map(|action| self.of(action)).collect(),
            Action::Read
            | Action::Get
            | Action::Search
            | Action::Create
            | Action::Update
            | Action::Delete
            | Action::Restore
            | Action::Purge
            | Action::History => vec![self.of(action)],
        }
    }

    /// What the rules for the action itself demand.
    pub(crate) fn of(&self, action: Action) -> Demanded<'_> {
        match (action, &self.history) {
            // The history of a record shows at most what may be read.
            (Action::History, Some(history)) => {
                let owner = &history.text.owner;
                let Demanded(mut all) = self.demanded(Action::Read, Some(owner));
                all.push(Alternatives { owner, rules: vec![history] });
                Demanded(all)
            }
            (Action::History, None) => Demanded(Vec::new()),
            (action, _) => self.demanded(action, None),
        }
    }

    /// What the owners demand that have a say in it, but for one that says it elsewhere. The owner of the type always has.
    fn demanded(&self, action: Action, elsewhere: Option<&OwnerName>) -> Demanded<'_> {
        let all = self.layers.iter().enumerate().filter(|(_, layer)| elsewhere != Some(&layer.owner));
        let all = all.map(|(place, layer)| (place, Alternatives { owner: &layer.owner, rules: layer.of(action) }));
        let has_say = |(place, alternatives): &(usize, Alternatives<'_>)| *place == 0 || !alternatives.rules.is_empty();
        Demanded(all.filter(has_say).map(|(_, alternatives)| alternatives).collect())
    }

    /// What lets records be updated, each with the place of its layer: in the order in which `Rights` has its clauses. None
    /// if the owner of the type lets nobody update one.
    pub(crate) fn updates(&self) -> impl Iterator<Item = (usize, &UpdatePolicy)> {
        let is_refused = self.layers.first().is_none_or(|own| own.update.is_empty());
        let layers = self.layers.iter().enumerate().filter(move |_| !is_refused);
        layers.flat_map(|(place, layer)| layer.update.iter().map(move |update| (place, update)))
    }

    /// The update clause in this place.
    pub(crate) fn update(&self, place: usize) -> Option<&UpdatePolicy> {
        self.updates().nth(place).map(|(_, update)| update)
    }

    /// Whether links to records have rules of their own.
    pub(crate) fn has_refer(&self) -> bool {
        self.layers.iter().any(|layer| !layer.refer.is_empty())
    }

    /// The actions in whose `@allow` the model answers for this one.
    pub(crate) fn answering(&self, action: Action) -> Vec<Action> {
        let has = |rules: fn(&LayerPolicy) -> &[Compiled]| self.layers.iter().any(|layer| !rules(layer).is_empty());
        let mut of_trash = vec![Action::Delete];
        of_trash.extend(has(|layer| &layer.restore).then_some(Action::Restore));
        of_trash.extend(has(|layer| &layer.purge).then_some(Action::Purge));
        match action {
            Action::Get | Action::Search => vec![Action::Read],
            Action::Trash => of_trash,
            Action::Restore | Action::Purge if !of_trash.contains(&action) => vec![Action::Delete],
            Action::Read
            | Action::Refer
            | Action::Create
            | Action::Update
            | Action::Delete
            | Action::Restore
            | Action::Purge
            | Action::History => vec![action],
        }
    }
}

impl LayerPolicy {
    /// An owner that lets nobody do anything.
    pub(crate) fn of_owner(owner: OwnerName) -> Self {
        let [read, refer, create, delete, restore, purge] = [const { Vec::new() }; 6];
        Self { owner, read, refer, create, update: Vec::new(), delete, restore, purge }
    }

    /// The rules one of which must be true; for an update, of the stored record.
    fn of(&self, action: Action) -> Vec<&Compiled> {
        match action {
            Action::Read | Action::Get | Action::Search => self.read.iter().collect(),
            Action::Refer => self.refer.iter().collect(),
            Action::Create => self.create.iter().collect(),
            Action::Update => self.update.iter().map(|clause| &clause.rule).collect(),
            Action::Restore if !self.restore.is_empty() => self.restore.iter().collect(),
            Action::Purge if !self.purge.is_empty() => self.purge.iter().collect(),
            Action::Delete | Action::Restore | Action::Purge => self.delete.iter().collect(),
            // They have no rules of their own in a clause.
            Action::Trash | Action::History => Vec::new(),
        }
    }
}
