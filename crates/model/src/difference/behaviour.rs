//! What no stored value depends on: two models can differ in it although they store the same. Every part of the model's
//! types is named here, so that the compiler asks for each new one where it is compared: here, or in `compare`.

use std::collections::BTreeSet;

use backstay_base::Action;
use backstay_scalar::Value;

use super::Difference;
use super::access::{FieldAllowBehaviour, LayerBehaviour, narrowed_rules};
use super::actions::{ActionBehaviour, ActionChange, actions_changed};
use super::api::{ApiChange, harmless};
use super::narrowing::{Rule, is_as_wide};
use super::parts::{FieldPart, Narrowed, Part};
use super::paths::{PathChange, PathOfTypes, paths_changed};
use super::states::{self, StatesPart};
use super::writes::{WriteDirective, Writes};
use crate::{
    ApiPrefix, Class, Collection, Field, FieldId, Model, NamedRule, NumberPiece, OwnerName, Pack, RuleText, Searched,
    Sequence, Set, SetOn, TimedAct, Timer,
};

/// The behaviour of a collection and of the fields that it shares with another, in their order.
pub(super) struct CollectionBehaviour<'m> {
    description: Option<&'m str>,
    deprecated: Option<&'m str>,
    allow: Vec<LayerBehaviour<'m>>,
    /// Who may read the history; none if one of the two has none, which is a difference of its own.
    history: Option<Rule<'m>>,
    timers: Vec<TimerBehaviour<'m>>,
    fields: Vec<FieldBehaviour<'m>>,
}

impl<'m> CollectionBehaviour<'m> {
    /// What changed in newer behaviour of the same collection.
    pub(super) fn changed_in(&self, newer: &Self) -> Vec<Part> {
        let Self { description, deprecated, allow, history, timers, fields } = self;
        let mut parts = Vec::new();
        if *description != newer.description {
            parts.push(Part::Description);
        }
        if *deprecated != newer.deprecated {
            parts.push(Part::Deprecated { now: newer.deprecated.is_some() });
        }
        if *allow != newer.allow {
            parts.push(Part::Rules { narrowed: narrowed_rules(allow, &newer.allow) });
        }
        if let (Some(before), Some(after)) = (history, &newer.history)
            && before != after
        {
            let narrowed = Narrowed { action: Action::History, to_nobody: after.conditions().is_empty() };
            let narrowed = (!is_as_wide(after, before)).then_some(narrowed);
            parts.push(Part::HistoryRule { narrowed });
        }
        let added = newer.timers.iter().filter(|timer| !timers.contains(timer)).map(TimerBehaviour::words);
        let gone = timers.iter().filter(|timer| !newer.timers.contains(timer)).map(TimerBehaviour::words_of_gone);
        let changes: Vec<String> = added.chain(gone).collect();
        if !changes.is_empty() {
            parts.push(Part::Timers { changes });
        }
        let names = |of: &[FieldBehaviour<'m>]| of.iter().map(|field| field.names.name).collect::<Vec<_>>();
        if names(fields) != names(&newer.fields) {
            parts.push(Part::FieldOrder);
        }
        for after in &newer.fields {
            let before = fields.iter().find(|before| before.names.name == after.names.name);
            parts.extend(before.into_iter().flat_map(|before| before.changed_in(after)));
        }
        parts
    }

    /// Of the fields that the other model has too, under the names they have there; the others are differences of their
    /// own. `order_of` is the order of a list, by the names that the fields of the other type have there.
    pub(super) fn shared(
        (model, collection): (&'m Model, &'m Collection),
        name_of: impl Fn(FieldId) -> Option<&'m str>,
        order_of: impl Fn(&'m Field) -> Vec<(&'m str, bool)>,
    ) -> Self {
        let Collection {
            // The pair is found by the names, from which the table's name follows.
            name: _,
            former: _,
            table: _,
            // Compared in `compare`.
            path: _,
            single: _,
            trash: _,
            tree: _,
            // That it exists is a difference of its collections, and `keep` is compared in `compare`.
            versions: _,
            history,
            key: _,
            indexes: _,
            exclusions: _,
            timers,
            // What they are follows from the fields and the embedded types.
            mentions: _,
            checks: _,
            fields,
            description,
            deprecated,
            allow,
            // Follows from the file that declares the type; the system model is the same for all applications.
            system: _,
            // Of this load alone.
            id: _,
            span: _,
            by_name: _,
        } = collection;
        let named = |field: FieldId| name_of(field).unwrap_or(&collection.field(field).name);
        let shared = fields.iter().filter(|field| name_of(field.id).is_some());
        let shared = shared.map(|field| {
            let sequence = field.sequence.as_ref().map(|sequence| SequenceBehaviour::of(sequence, named));
            let names =
                FieldNames { name: named(field.id), slug: field.slug.map(named), sequence, order: order_of(field) };
            FieldBehaviour::of(model, field, names)
        });
        let allow = allow.iter().map(|layer| LayerBehaviour::of(model, layer, named)).collect();
        let history = history.as_ref().map(|history| Rule::of(model, &history.read));
        let timers = timers.iter().map(|timer| TimerBehaviour::of(timer, named)).collect();
        let (description, deprecated) = (description.as_deref(), deprecated.as_deref());
        Self { description, deprecated, allow, history, timers, fields: shared.collect() }
    }
}

/// A timer, as both models call the fields that it is about.
#[derive(PartialEq)]
struct TimerBehaviour<'m> {
    moment: &'m str,
    /// The field with states and the state that it gets; none: the record is deleted.
    becomes: Option<(&'m str, &'m str)>,
}

impl<'m> TimerBehaviour<'m> {
    fn of(timer: &'m Timer, named: impl Fn(FieldId) -> &'m str) -> Self {
        let Timer { field, act, span: _ } = timer;
        let becomes = match act {
            // From where follows from the transitions, which are compared in `states`.
            TimedAct::Transition { states, from: _, to } => Some((named(*states), &**to)),
            TimedAct::Delete => None,
        };
        Self { moment: named(*field), becomes }
    }

    fn words(&self) -> String {
        match self.becomes {
            Some((states, to)) => format!("`{states}` becomes {to} at `{}`", self.moment),
            None => format!("records are deleted at `{}`", self.moment),
        }
    }

    fn words_of_gone(&self) -> String {
        match self.becomes {
            Some((states, to)) => format!("`{states}` no longer becomes {to} at `{}`", self.moment),
            None => format!("records are no longer deleted at `{}`", self.moment),
        }
    }
}

/// The name of a field, and what it names, as both models call them.
pub(super) struct FieldNames<'m> {
    pub(super) name: &'m str,
    /// What a slug is made from.
    pub(super) slug: Option<&'m str>,
    /// How it numbers records.
    pub(super) sequence: Option<SequenceBehaviour<'m>>,
    /// What a list is ordered by, and whether in descending order.
    pub(super) order: Vec<(&'m str, bool)>,
}

/// How a field numbers records, as both models call the fields by which it counts.
#[derive(PartialEq)]
pub(super) struct SequenceBehaviour<'m> {
    per: Vec<&'m str>,
    gapless: bool,
    format: Vec<PieceBehaviour<'m>>,
    when: Option<&'m str>,
}

#[derive(PartialEq)]
enum PieceBehaviour<'m> {
    Text(&'m str),
    Number(usize),
    Field(&'m str),
}

impl<'m> SequenceBehaviour<'m> {
    fn of(sequence: &'m Sequence, named: impl Fn(FieldId) -> &'m str) -> Self {
        let Sequence { per, gapless, format, when } = sequence;
        let piece = |piece: &'m NumberPiece| match piece {
            NumberPiece::Text(text) => PieceBehaviour::Text(text),
            NumberPiece::Number(digits) => PieceBehaviour::Number(*digits),
            NumberPiece::Field(field) => PieceBehaviour::Field(named(*field)),
        };
        Self {
            per: per.iter().map(|field| named(*field)).collect(),
            gapless: *gapless,
            format: format.iter().flat_map(|format| &format.pieces).map(piece).collect(),
            when: text(when.as_ref()),
        }
    }
}

/// The behaviour of a field, or of a member of an embedded type.
pub(super) struct FieldBehaviour<'m> {
    names: FieldNames<'m>,
    description: Option<&'m str>,
    deprecated: Option<&'m str>,
    /// Its own name in its model.
    own_name: &'m str,
    /// All names that it goes by: its own, and those that it had and keeps.
    called: BTreeSet<&'m str>,
    readonly: bool,
    immutable: bool,
    connects: bool,
    default: Option<&'m Value>,
    default_from: Option<&'m str>,
    pattern_message: Option<&'m str>,
    class: Option<Class>,
    search: Option<Searched>,
    allow: FieldAllowBehaviour<'m>,
    set: Vec<(SetOn, Option<&'m str>, &'m str)>,
    given: GivenBy,
    /// What follows from all of these for clients.
    writes: Writes,
}

/// What gives a field its values, as far as `@computed` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GivenBy {
    Writes,
    Reads,
    Sum,
}

impl<'m> FieldBehaviour<'m> {
    /// What changed in newer behaviour of the same field.
    pub(super) fn changed_in(&self, newer: &Self) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.description != newer.description {
            parts.push(FieldPart::Description);
        }
        if self.deprecated != newer.deprecated {
            parts.push(FieldPart::Deprecated { now: newer.deprecated.is_some() });
        }
        parts.extend(self.kept_names(newer));
        let directives = self.write_directives(newer);
        if !directives.is_empty() {
            parts.push(FieldPart::Writes { directives, from: self.writes, to: newer.writes });
        }
        if self.names.order != newer.names.order {
            parts.push(FieldPart::Order);
        }
        if self.pattern_message != newer.pattern_message {
            parts.push(FieldPart::PatternMessage);
        }
        if self.class != newer.class {
            parts.push(FieldPart::Class { hides: newer.class == Some(Class::Secret) });
        }
        if self.search != newer.search {
            let (was, is) = (self.search.is_some(), newer.search.is_some());
            let language = |search: Option<Searched>| search.and_then(|search| search.language);
            let language = language(self.search) != language(newer.search);
            parts.push(FieldPart::Search { was, is, language });
        }
        if self.allow != newer.allow {
            parts.push(FieldPart::Rules { narrowed: self.allow.narrowed_in(&newer.allow) });
        }
        let of = |part| Part::Field { field: newer.names.name.to_owned(), part };
        parts.into_iter().map(of).collect()
    }

    /// The names that it had before, and that it goes by no more, or goes by again. That it is renamed is a difference of
    /// its own.
    fn kept_names(&self, newer: &Self) -> Option<FieldPart> {
        let others = |these: &BTreeSet<&'m str>, those: &BTreeSet<&'m str>, own: &str| {
            let others = these.difference(those).filter(|name| **name != own);
            others.map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        let added = others(&newer.called, &self.called, newer.own_name);
        let gone = others(&self.called, &newer.called, self.own_name);
        (!added.is_empty() || !gone.is_empty()).then_some(FieldPart::KeptNames { added, gone })
    }

    /// The changed directives that say what gives it a value.
    fn write_directives(&self, newer: &Self) -> Vec<WriteDirective> {
        let Self {
            names,
            readonly,
            immutable,
            connects,
            default,
            default_from,
            set,
            given,
            description: _,
            deprecated: _,
            own_name: _,
            called: _,
            pattern_message: _,
            class: _,
            search: _,
            allow: _,
            writes: _,
        } = self;
        let FieldNames { slug, sequence, name: _, order: _ } = names;
        let directives = [
            (*readonly != newer.readonly, WriteDirective::Readonly),
            (*immutable != newer.immutable, WriteDirective::Immutable),
            (*connects != newer.connects, WriteDirective::Connect),
            (*default != newer.default || *default_from != newer.default_from, WriteDirective::Default),
            (*slug != newer.names.slug, WriteDirective::Slug),
            // A new one is compared in `compare`.
            (sequence.is_some() && *sequence != newer.names.sequence, WriteDirective::Sequence),
            (*set != newer.set, WriteDirective::Set),
            // What was summed stays as it is; every other change of it is compared in `compare`.
            ((*given, newer.given) == (GivenBy::Sum, GivenBy::Writes), WriteDirective::Computed),
        ];
        directives.into_iter().filter(|(differs, _)| *differs).map(|(_, directive)| directive).collect()
    }

    /// That of a field with these names.
    pub(super) fn of(model: &'m Model, field: &'m Field, names: FieldNames<'m>) -> Self {
        let Field {
            description,
            deprecated,
            kept_names,
            readonly,
            immutable,
            connects,
            default,
            default_from,
            pattern,
            class,
            search,
            allow,
            set,
            // Compared in `compare`: the columns follow from the name and the kind, and `@unique` is an index.
            checks: _,
            computed,
            sum,
            currency: _,
            kind: _,
            columns: _,
            required: _,
            within: _,
            length: _,
            range: _,
            unique: _,
            internal: _,
            // Part of the names.
            slug: _,
            sequence: _,
            order: _,
            name,
            // What finds the pair, and what a difference is bridged with.
            former: _,
            backfill: _,
            names: _,
            // Of this load alone.
            id: _,
            span: _,
        } = field;
        let set = set.iter().map(|Set { on, when, to }| (*on, text(when.as_ref()), &*to.text));
        Self {
            names,
            description: description.as_deref(),
            deprecated: deprecated.as_deref(),
            own_name: name,
            called: kept_names.iter().map(String::as_str).chain([name.as_str()]).collect(),
            // Whether clients write the id follows from `@key`, which is compared in `compare`.
            readonly: *readonly && field.id > Collection::VERSION,
            immutable: *immutable,
            connects: *connects,
            default: default.as_ref(),
            default_from: text(default_from.as_ref()),
            // The pattern itself is compared in `compare`.
            pattern_message: pattern.as_ref().and_then(|pattern| pattern.message.as_deref()),
            class: *class,
            search: *search,
            allow: FieldAllowBehaviour::of(model, allow),
            set: set.collect(),
            given: match (computed, sum) {
                (_, Some(_)) => GivenBy::Sum,
                (Some(_), None) => GivenBy::Reads,
                (None, None) => GivenBy::Writes,
            },
            writes: Writes::of(model, field),
        }
    }
}

/// Something about an application, on which no stored value depends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationPart {
    /// Its name.
    Name,
    /// A named rule. What clients notice of it, they notice where it is used.
    Rule {
        /// Its name and parameters.
        signature: String,
    },
    /// A pack is included, is gone, or has another version.
    Pack {
        /// Its name.
        name: String,
        /// The version that it had, if it was included.
        from: Option<String>,
        /// The version that it has, if it is included.
        to: Option<String>,
    },
    /// The enum of roles.
    Roles,
    /// There were no accounts, and there are now.
    Accounts {
        /// The type of which they are.
        of: String,
    },
    /// The path of an interface.
    Path(PathChange),
    /// An action.
    Action(ActionChange),
    /// The states of an enum.
    States {
        /// The enum.
        of: String,
        /// What is another about them.
        parts: Vec<StatesPart>,
    },
}

impl ApplicationPart {
    /// What it is called.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Name => "the application's name".to_owned(),
            Self::Rule { signature } => format!("the rule {signature}"),
            Self::Pack { name, from: None, to } => {
                format!("the pack {name} (new, {})", to.as_deref().unwrap_or_default())
            }
            Self::Pack { name, from: Some(from), to: None } => format!("the pack {name} ({from}, no longer included)"),
            Self::Pack { name, from: Some(from), to: Some(to) } => format!("the pack {name} ({from} -> {to})"),
            Self::Roles => "the enum of roles".to_owned(),
            Self::Accounts { .. } => "the type of accounts".to_owned(),
            Self::Action(change) => change.words(),
            Self::Path(PathChange { path, .. }) => format!("what is read at {path}"),
            Self::States { of, parts: _ } => format!("the states of {of}"),
        }
    }

    /// What clients notice of it.
    pub(super) fn api_change(&self) -> Option<ApiChange> {
        match self {
            Self::Name | Self::Rule { .. } | Self::Pack { .. } | Self::Roles => None,
            Self::Accounts { of } => Some(harmless(format!("accounts of {of} can sign in"))),
            Self::Path(change) => Some(change.noticed()),
            Self::Action(change) => change.noticed(),
            Self::States { of, parts } => states::noticed(of, parts),
        }
    }
}

/// The differences that these are: what clients notice is one for itself each, so that a plan can judge it.
pub(super) fn behaviour_changed(of: &str, parts: Vec<Part>) -> Vec<Difference> {
    let is_noticed = |part: &Part| part.api_change(of).is_some();
    let changed = |parts| Difference::BehaviourChanged { collection: of.to_owned(), parts };
    grouped(parts, is_noticed).into_iter().map(changed).collect()
}

/// The same of an application.
pub(super) fn application_changed(parts: Vec<ApplicationPart>) -> Vec<Difference> {
    let parts = grouped(parts, |part| part.api_change().is_some());
    parts.into_iter().map(|parts| Difference::ApplicationChanged { parts }).collect()
}

/// Those that nobody notices together, then each of the others.
fn grouped<T>(parts: Vec<T>, is_noticed: impl Fn(&T) -> bool) -> Vec<Vec<T>> {
    let (noticed, unnoticed): (Vec<T>, Vec<T>) = parts.into_iter().partition(is_noticed);
    let unnoticed = Some(unnoticed).filter(|parts| !parts.is_empty());
    unnoticed.into_iter().chain(noticed.into_iter().map(|part| vec![part])).collect()
}

/// A named rule.
#[derive(PartialEq)]
struct NamedBehaviour<'m> {
    owner: &'m OwnerName,
    signature: &'m str,
    is: &'m str,
}

/// The behaviour of an application apart from its collections.
pub(super) struct ApplicationBehaviour<'m> {
    name: &'m str,
    /// By owner and name, sorted.
    rules: Vec<NamedBehaviour<'m>>,
    /// Below which path records are.
    api: &'m ApiPrefix,
    /// The paths of interfaces.
    interfaces: Vec<PathOfTypes<'m>>,
    actions: Vec<ActionBehaviour<'m>>,
    packs: &'m [Pack],
    roles: Option<&'m str>,
    identity: Option<&'m str>,
}

impl<'m> ApplicationBehaviour<'m> {
    /// What changed in newer behaviour.
    pub(super) fn changed_in(&self, newer: &Self) -> Vec<ApplicationPart> {
        // Where records are isn't kept with a model.
        let Self { name, api: _, rules, packs, interfaces, actions, roles, identity } = self;
        let mut parts = Vec::new();
        if *name != newer.name {
            parts.push(ApplicationPart::Name);
        }
        let changed = differing(rules, &newer.rules, |rule| (rule.owner, rule.signature));
        parts.extend(changed.into_iter().map(|(_, name)| ApplicationPart::Rule { signature: name.to_owned() }));
        parts.extend(packs_changed(packs, newer.packs));
        if *roles != newer.roles {
            parts.push(ApplicationPart::Roles);
        }
        parts.extend(paths_changed(interfaces, &newer.interfaces, newer.api).into_iter().map(ApplicationPart::Path));
        parts.extend(actions_changed(actions, &newer.actions).into_iter().map(ApplicationPart::Action));
        // Other accounts than before are a difference of their own.
        if let (None, Some(of)) = (identity, newer.identity) {
            parts.push(ApplicationPart::Accounts { of: of.to_owned() });
        }
        parts
    }

    pub(super) fn of(model: &'m Model) -> Self {
        let Model {
            name,
            api,
            rules,
            packs,
            roles,
            identity,
            // Their values are compared in `compare`, and their states in `states`.
            enums: _,
            // Compared in `compare`, each with that of the same name.
            collections: _,
            // Their members are fields of the collections, or compared in `documents`; their names are nowhere stored.
            embedded: _,
            unions: _,
            record_unions: _,
            interfaces,
            actions,
            // They change nothing that clients notice or that is stored.
            hooks: _,
            schedules: _,
            // Of this load alone.
            sources: _,
            by_name: _,
            by_path: _,
        } = model;
        let named = |(_, rule): (_, &'m NamedRule)| {
            let NamedRule { name: _, signature, parameters: _, is } = rule;
            NamedBehaviour { owner: &is.owner, signature, is: &is.text }
        };
        let rules = rules.iter().map(named).collect();
        Self {
            name,
            rules,
            api,
            interfaces: interfaces.iter().map(|of| PathOfTypes::of(model, of)).collect(),
            actions: actions.iter().filter(|of| of.is_offered()).map(|of| ActionBehaviour::of(model, of)).collect(),
            packs,
            roles: roles.map(|id| model.enumeration(id).name.as_str()),
            identity: identity.map(|id| model.collection(id).name.as_str()),
        }
    }
}

/// The packs that have another version, are new or gone.
fn packs_changed(older: &[Pack], newer: &[Pack]) -> Vec<ApplicationPart> {
    let version = |packs: &[Pack], name: &str| packs.iter().find(|of| of.name == name).map(|of| of.version.clone());
    let gone = older.iter().filter(|of| newer.iter().all(|other| other.name != of.name));
    let all = newer.iter().chain(gone).map(|Pack { name, version: _ }| ApplicationPart::Pack {
        name: name.clone(),
        from: version(older, name),
        to: version(newer, name),
    });
    all.filter(|part| !matches!(part, ApplicationPart::Pack { from, to, .. } if from == to)).collect()
}

/// The names of what only one side has, or both in different forms.
fn differing<T: PartialEq, N: PartialEq>(older: &[T], newer: &[T], name: impl Fn(&T) -> N) -> Vec<N> {
    let changed = newer.iter().filter(|one| !older.contains(one)).map(&name);
    let gone = older.iter().map(&name).filter(|gone| newer.iter().all(|one| name(one) != *gone));
    changed.chain(gone).collect()
}

/// The text of a rule without its place.
fn text(rule: Option<&RuleText>) -> Option<&str> {
    rule.map(|RuleText { text, span: _, owner: _ }| &**text)
}
