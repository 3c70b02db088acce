//! What no stored value depends on: two models can differ in it although they store the same. Every part of the model's
//! types is named here, so that the compiler asks for each new one where it is compared: here, or in `compare`.

use backstay_scalar::Value;

use crate::{
    Allow, Class, Collection, Enum, EnumId, EnumValue, Field, FieldAllow, FieldId, Model, NamedRule, NumberPiece,
    RuleText, Sequence, Set, SetOn, Transition, UpdateRule,
};

/// The behaviour of a collection and of the fields that it shares with another, in their order.
pub(super) struct CollectionBehaviour<'m> {
    description: Option<&'m str>,
    deprecated: Option<&'m str>,
    allow: Vec<AllowBehaviour<'m>>,
    /// Who may read the history; none if one of the two has none, which is a difference of its own.
    history: Option<&'m str>,
    fields: Vec<FieldBehaviour<'m>>,
}

impl<'m> CollectionBehaviour<'m> {
    /// What changed in newer behaviour of the same collection, in words.
    pub(super) fn changed_in(&self, newer: &Self) -> Vec<String> {
        let Self { description, deprecated, allow, history, fields } = self;
        let is_other_history = history.is_some() && newer.history.is_some() && *history != newer.history;
        let own = [
            (*description != newer.description, "the description"),
            (*deprecated != newer.deprecated, "`@deprecated`"),
            (*allow != newer.allow, "the rules"),
            (is_other_history, "the rule of its history"),
        ];
        let own = own.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part.to_owned());
        let of_fields = newer.fields.iter().flat_map(|after| {
            let before = fields.iter().find(|before| before.names.name == after.names.name);
            before.map_or_else(Vec::new, |before| before.changed_in(after))
        });
        let names = |of: &[FieldBehaviour<'m>]| of.iter().map(|field| field.names.name).collect::<Vec<_>>();
        let order = (names(fields) != names(&newer.fields)).then(|| "the order of the fields".to_owned());
        own.chain(order).chain(of_fields).collect()
    }

    /// Of the fields that the other model has too, under the names they have there; the others are differences of their
    /// own. `order_of` is the order of a list, by the names that the fields of the other type have there.
    pub(super) fn shared(
        collection: &'m Collection,
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
            FieldBehaviour::of(field, names)
        });
        let allow = allow.iter().map(|clause| AllowBehaviour::of(clause, named)).collect();
        let history = history.as_ref().map(|history| &*history.read.text);
        let (description, deprecated) = (description.as_deref(), deprecated.as_deref());
        Self { description, deprecated, allow, history, fields: shared.collect() }
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
    kept_names: &'m [String],
    readonly: bool,
    immutable: bool,
    default: Option<&'m Value>,
    default_from: Option<&'m str>,
    pattern_message: Option<&'m str>,
    class: Option<Class>,
    allow: FieldAllowBehaviour<'m>,
    set: Vec<(SetOn, Option<&'m str>, &'m str)>,
    given: GivenBy,
}

/// What gives a field its values, as far as `@computed` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GivenBy {
    Writes,
    Reads,
    Sum,
}

impl<'m> FieldBehaviour<'m> {
    /// What changed in newer behaviour of the same field, in words.
    pub(super) fn changed_in(&self, newer: &Self) -> Vec<String> {
        let Self {
            names,
            description,
            deprecated,
            kept_names,
            readonly,
            immutable,
            default,
            default_from,
            pattern_message,
            class,
            allow,
            set,
            given,
        } = self;
        let FieldNames { name, slug, sequence, order } = names;
        let parts = [
            (*description != newer.description, "the description"),
            (*deprecated != newer.deprecated, "`@deprecated`"),
            (*kept_names != newer.kept_names, "the kept names"),
            (*readonly != newer.readonly, "`@readonly`"),
            (*immutable != newer.immutable, "`@immutable`"),
            (*default != newer.default || *default_from != newer.default_from, "the default"),
            (*slug != newer.names.slug, "`@slug`"),
            // A new one is compared in `compare`.
            (sequence.is_some() && *sequence != newer.names.sequence, "`@sequence`"),
            (*order != newer.names.order, "`@order`"),
            (*pattern_message != newer.pattern_message, "the message of the pattern"),
            (*class != newer.class, "the class"),
            (*allow != newer.allow, "the rules"),
            (*set != newer.set, "`@set`"),
            // What was summed stays as it is; every other change of it is compared in `compare`.
            ((*given, newer.given) == (GivenBy::Sum, GivenBy::Writes), "`@computed`"),
        ];
        let changed = parts.into_iter().filter(|(differs, _)| *differs);
        changed.map(|(_, part)| format!("{part} of {name}")).collect()
    }

    /// That of a field with these names.
    pub(super) fn of(field: &'m Field, names: FieldNames<'m>) -> Self {
        let Field {
            description,
            deprecated,
            kept_names,
            readonly,
            immutable,
            default,
            default_from,
            pattern,
            class,
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
            // What finds the pair, and what a difference is bridged with.
            name: _,
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
            kept_names,
            // Whether clients write the id follows from `@key`, which is compared in `compare`.
            readonly: *readonly && field.id > Collection::VERSION,
            immutable: *immutable,
            default: default.as_ref(),
            default_from: text(default_from.as_ref()),
            // The pattern itself is compared in `compare`.
            pattern_message: pattern.as_ref().and_then(|pattern| pattern.message.as_deref()),
            class: *class,
            allow: FieldAllowBehaviour::of(allow),
            set: set.collect(),
            given: match (computed, sum) {
                (_, Some(_)) => GivenBy::Sum,
                (Some(_), None) => GivenBy::Reads,
                (None, None) => GivenBy::Writes,
            },
        }
    }
}

#[derive(PartialEq)]
struct AllowBehaviour<'m> {
    read: Option<&'m str>,
    refer: Option<&'m str>,
    create: Option<&'m str>,
    update: Option<UpdateBehaviour<'m>>,
    only: Option<Vec<&'m str>>,
    delete: Option<&'m str>,
    restore: Option<&'m str>,
    purge: Option<&'m str>,
}

impl<'m> AllowBehaviour<'m> {
    fn of(allow: &'m Allow, named: impl Fn(FieldId) -> &'m str) -> Self {
        let Allow { read, refer, create, update, only, delete, restore, purge } = allow;
        Self {
            read: text(read.as_ref()),
            refer: text(refer.as_ref()),
            create: text(create.as_ref()),
            update: update.as_ref().map(UpdateBehaviour::of),
            only: only.as_ref().map(|only| only.iter().map(|field| named(*field)).collect()),
            delete: text(delete.as_ref()),
            restore: text(restore.as_ref()),
            purge: text(purge.as_ref()),
        }
    }
}

#[derive(PartialEq)]
struct FieldAllowBehaviour<'m> {
    read: Option<&'m str>,
    create: Option<&'m str>,
    update: Option<UpdateBehaviour<'m>>,
}

impl<'m> FieldAllowBehaviour<'m> {
    fn of(allow: &'m FieldAllow) -> Self {
        let FieldAllow { read, create, update } = allow;
        let update = update.as_ref().map(UpdateBehaviour::of);
        Self { read: text(read.as_ref()), create: text(create.as_ref()), update }
    }
}

#[derive(PartialEq)]
struct UpdateBehaviour<'m> {
    rule: &'m str,
    after: Option<&'m str>,
}

impl<'m> UpdateBehaviour<'m> {
    fn of(update: &'m UpdateRule) -> Self {
        let UpdateRule { rule, after } = update;
        Self { rule: &rule.text, after: text(after.as_ref()) }
    }
}

/// The behaviour of an application apart from its collections.
pub(super) struct ApplicationBehaviour<'m> {
    name: &'m str,
    /// By signature, sorted.
    rules: Vec<(&'m str, &'m str)>,
    roles: Option<&'m str>,
    identity: Option<&'m str>,
    /// Enums whose values are states.
    states: Vec<StatesBehaviour<'m>>,
}

impl<'m> ApplicationBehaviour<'m> {
    /// What changed in newer behaviour, in words.
    pub(super) fn changed_in(&self, newer: &Self) -> Vec<String> {
        let Self { name, rules, roles, identity, states } = self;
        let mut parts = Vec::new();
        if *name != newer.name {
            parts.push("the application's name".to_owned());
        }
        let changed = differing(rules, &newer.rules, |(name, _)| name);
        parts.extend(changed.into_iter().map(|name| format!("the rule {name}")));
        if *roles != newer.roles {
            parts.push("the enum of roles".to_owned());
        }
        // Other accounts than before are a difference of their own.
        if identity.is_none() && newer.identity.is_some() {
            parts.push("the type of accounts".to_owned());
        }
        let changed = differing(states, &newer.states, |of| of.name);
        parts.extend(changed.into_iter().map(|name| format!("the states of {name}")));
        parts
    }

    pub(super) fn of(model: &'m Model) -> Self {
        let Model {
            name,
            rules,
            roles,
            identity,
            enums,
            // Compared in `compare`, each with that of the same name.
            collections: _,
            // Their members are fields of the collections, or compared in `documents`; their names are nowhere stored.
            embedded: _,
            unions: _,
            record_unions: _,
            // Of this load alone.
            sources: _,
            by_name: _,
            by_path: _,
        } = model;
        let mut rules: Vec<_> =
            rules.values().map(|NamedRule { signature, parameters: _, is }| (signature.as_str(), &*is.text)).collect();
        rules.sort_unstable();
        let enumeration = |id: EnumId| model.enumeration(id).name.as_str();
        Self {
            name,
            rules,
            roles: roles.map(enumeration),
            identity: identity.map(|id| model.collection(id).name.as_str()),
            states: enums.iter().filter(|of| of.states).map(StatesBehaviour::of).collect(),
        }
    }
}

#[derive(PartialEq)]
struct StatesBehaviour<'m> {
    name: &'m str,
    values: Vec<StateBehaviour<'m>>,
}

impl<'m> StatesBehaviour<'m> {
    fn of(of: &'m Enum) -> Self {
        let Enum {
            name,
            values,
            // Only enums with states are compared.
            states: _,
            // Not compared: a new description of an enum doesn't change behaviour.
            description: _,
            former: _,
            // Of this load alone.
            id: _,
        } = of;
        Self { name, values: values.iter().map(StateBehaviour::of).collect() }
    }
}

#[derive(PartialEq)]
struct StateBehaviour<'m> {
    name: &'m str,
    initial: bool,
    transitions: Vec<TransitionBehaviour<'m>>,
}

impl<'m> StateBehaviour<'m> {
    fn of(value: &'m EnumValue) -> Self {
        // As with enums, a new description doesn't change behaviour; nor does a deprecation.
        let EnumValue { name, initial, transitions, description: _, deprecated: _, former: _, span: _ } = value;
        Self { name, initial: *initial, transitions: transitions.iter().map(TransitionBehaviour::of).collect() }
    }
}

#[derive(PartialEq)]
struct TransitionBehaviour<'m> {
    to: &'m str,
    by: Option<&'m str>,
    with: Vec<&'m str>,
    when: Option<&'m str>,
    set: Vec<(&'m str, &'m str)>,
}

impl<'m> TransitionBehaviour<'m> {
    fn of(transition: &'m Transition) -> Self {
        let Transition { to, by, with, when, set } = transition;
        let set = set.iter().map(|(field, rule)| (field.as_str(), &*rule.text));
        let with = with.iter().map(|(field, _)| field.as_str()).collect();
        Self { to, by: text(by.as_ref()), with, when: text(when.as_ref()), set: set.collect() }
    }
}

/// The names of what only one side has, or both in different forms.
fn differing<'m, T: PartialEq>(older: &[T], newer: &[T], name: impl Fn(&T) -> &'m str) -> Vec<&'m str> {
    let changed = newer.iter().filter(|one| !older.contains(one)).map(&name);
    let gone = older.iter().map(&name).filter(|gone| newer.iter().all(|one| name(one) != *gone));
    changed.chain(gone).collect()
}

/// The text of a rule without its place.
fn text(rule: Option<&RuleText>) -> Option<&str> {
    rule.map(|RuleText { text, span: _ }| &**text)
}
