//! The directives of fields.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;
use backstay_scalar::Scalar;

use super::report::Report;
use super::survey::Names;
use super::{allow, computed, default, deprecated, length, pattern, range, read, search, tighten};
use crate::source::Span;
use crate::{Asked, Check, Element, Field, FieldKind, Set, SetOn, StoredNames};

/// Everything that a field can be marked with: the directives of `directives.graphql` on `FIELD_DEFINITION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldDirective {
    Allow,
    At,
    Backfill,
    Check,
    Class,
    Computed,
    Connect,
    Default,
    Deprecated,
    Function,
    Immutable,
    Inverse,
    Job,
    Length,
    Limit,
    Money,
    Names,
    OnDelete,
    Order,
    Pattern,
    Precision,
    Range,
    Readonly,
    Renamed,
    Search,
    Sequence,
    Set,
    Slug,
    Unique,
}

/// Reads one directive of a field into the field.
pub(super) fn apply(report: &mut Report<'_>, names: Names<'_, '_>, field: &mut Field, directive: &Node<Directive>) {
    let Some(known) = FieldDirective::named(&directive.name) else {
        let message = format!("`@{}` has no meaning for fields", directive.name);
        report.error(directive.location(), message, "not here", "remove it");
        return;
    };
    if let Err(help) = known.check_place(names, &field.kind) {
        let message = format!("`@{}` has no meaning for this field", directive.name);
        report.error(directive.location(), message, "not here", help);
        return;
    }
    match known {
        FieldDirective::Allow => allow::of_field(report, field, directive),
        FieldDirective::Backfill => field.backfill = read::rule(report, directive, "from"),
        FieldDirective::Check => field.checks.extend(check(report, directive)),
        FieldDirective::Class => field.class = Some(read::class(directive)),
        FieldDirective::Computed => computed::read(report, field, directive),
        FieldDirective::Deprecated => field.deprecated = Some(deprecated::reason(report, directive)),
        FieldDirective::Default => set_default(report, names, field, directive),
        FieldDirective::Length => field.length = length::read(report, field, directive),
        FieldDirective::Pattern => field.pattern = pattern::read(report, directive),
        FieldDirective::Range => field.range = range::read(report, field, directive),
        FieldDirective::Search => field.search = search::read(report, directive),
        FieldDirective::Names if report.places.is_system(directive.location()) => field.names = stored_names(directive),
        FieldDirective::Names => {
            report.error(directive.location(), "`@names` is for the system model", "not here", "remove it");
        }
        FieldDirective::Set => set(report, field, directive),
        FieldDirective::Unique => {
            if directive.specified_argument_by_name("fields").is_some() {
                let help = "write `@unique` here, or `@unique(fields: […])` on the type";
                report.error(directive.location(), "`fields` is for `@unique` on a type", "on a field", help);
            }
        }
        // `field::field` sets the flags and the former names, also where the field's type is wrong; `money.rs`, `sequence.rs`,
        // `slug.rs`, `order.rs` and `timers.rs` find the fields that are named; the others are part of the type, which
        // `Declared::kind` reads.
        FieldDirective::At
        | FieldDirective::Connect
        | FieldDirective::Function
        | FieldDirective::Readonly
        | FieldDirective::Immutable
        | FieldDirective::Inverse
        | FieldDirective::Job
        | FieldDirective::Limit
        | FieldDirective::Money
        | FieldDirective::OnDelete
        | FieldDirective::Order
        | FieldDirective::Precision
        | FieldDirective::Renamed
        | FieldDirective::Sequence
        | FieldDirective::Slug => {}
    }
    tighten::check(report, field, directive);
}

impl FieldDirective {
    const ALL: [Self; 29] = [
        Self::Allow,
        Self::At,
        Self::Backfill,
        Self::Check,
        Self::Class,
        Self::Computed,
        Self::Connect,
        Self::Default,
        Self::Deprecated,
        Self::Function,
        Self::Immutable,
        Self::Inverse,
        Self::Job,
        Self::Length,
        Self::Limit,
        Self::Money,
        Self::Names,
        Self::OnDelete,
        Self::Order,
        Self::Pattern,
        Self::Precision,
        Self::Range,
        Self::Readonly,
        Self::Renamed,
        Self::Search,
        Self::Sequence,
        Self::Set,
        Self::Slug,
        Self::Unique,
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|directive| directive.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::At => "at",
            Self::Backfill => "backfill",
            Self::Check => "check",
            Self::Class => "class",
            Self::Computed => "computed",
            Self::Connect => "connect",
            Self::Default => "default",
            Self::Deprecated => "deprecated",
            Self::Function => "function",
            Self::Immutable => "immutable",
            Self::Inverse => "inverse",
            Self::Job => "job",
            Self::Length => "length",
            Self::Limit => "limit",
            Self::Money => "money",
            Self::Names => "names",
            Self::OnDelete => "onDelete",
            Self::Order => "order",
            Self::Pattern => "pattern",
            Self::Precision => "precision",
            Self::Range => "range",
            Self::Readonly => "readonly",
            Self::Renamed => "renamed",
            Self::Search => "search",
            Self::Sequence => "sequence",
            Self::Set => "set",
            Self::Slug => "slug",
            Self::Unique => "unique",
        }
    }

    /// Whether it has a meaning for a field that holds this; if not, what to do instead.
    #[expect(clippy::too_many_lines, reason = "one arm for each directive")]
    fn check_place(self, names: Names<'_, '_>, kind: &FieldKind) -> Result<(), &'static str> {
        let to_one = matches!(kind, FieldKind::ToOne { .. });
        let embedded = matches!(kind, FieldKind::Embedded(_));
        let of_several = matches!(kind, FieldKind::ToOneOf { .. });
        let document = matches!(kind, FieldKind::Document(_));
        let state = matches!(kind, FieldKind::Enum(id) if names.has_states(*id));
        let decimal = matches!(
            kind,
            FieldKind::Scalar(Scalar::Decimal { .. }) | FieldKind::List(Element::Scalar(Scalar::Decimal { .. }))
        );
        let (applies, help) = match self {
            Self::Allow | Self::Deprecated | Self::Renamed => (true, ""),
            Self::At => {
                (state, "it is for a field with states; to delete records, write `@at(field:, do: DELETE)` on the type")
            }
            Self::Function | Self::Job | Self::Limit => {
                (false, "it is for actions, the fields of `type Query` and `type Mutation`")
            }
            Self::Unique => (
                kind.is_indexable() || of_several,
                "it is for relations to one record, enums, and scalars other than `Text`, `JSON`, `Money` and `Bytes`",
            ),
            Self::Readonly | Self::Immutable => (
                !matches!(kind, FieldKind::OneToMany { .. } | FieldKind::OneToOne { .. }),
                "write it on the field at the other end",
            ),
            Self::Default if state => (false, "the state marked `@initial` is the default"),
            Self::Set | Self::Computed if state => {
                (false, "a state changes only through its transitions, so that their guards always run")
            }
            Self::Computed => (
                matches!(kind, FieldKind::Scalar(_) | FieldKind::Enum(_)),
                "it is for scalars and enums: of a related record, compute one of its fields",
            ),
            Self::Slug => (matches!(kind, FieldKind::Scalar(Scalar::String)), "it is for a `String`"),
            Self::Search => (search::applies(kind), "it is for `String`, `Text` and `Email`"),
            Self::Sequence => (
                matches!(kind, FieldKind::Scalar(Scalar::Int | Scalar::String)),
                "it is for an `Int`, or for a `String` with a `format`",
            ),
            Self::Check => (kind.is_held(), "it is for fields that are stored in the record itself"),
            Self::Backfill if document => {
                (false, "a `JSON` field is converted automatically; clients must send other values")
            }
            Self::Set if document => (false, "it is for single values and lists of them; clients must send a document"),
            Self::Default | Self::Set | Self::Backfill if of_several => {
                (false, "what refers to one of several types has no value that the model gives; clients must send it")
            }
            Self::Backfill if embedded => (false, "write it on the members of the embedded type"),
            Self::Default if embedded => (false, "give the members of the embedded type defaults of their own"),
            Self::Set | Self::Backfill | Self::Names | Self::Default => {
                (kind.is_stored(), "it is for fields that are stored in the record itself")
            }
            Self::Class if embedded => (true, ""),
            Self::Class => (kind.is_stored() && !to_one, "it is for scalars, enums and lists of them"),
            Self::Order => (kind.is_to_many(), "it is for lists of records"),
            Self::Connect => (
                to_one || matches!(kind, FieldKind::ManyToMany { .. }),
                "it is for relations to records of one type that are written here; write it at the end without `@inverse`",
            ),
            Self::OnDelete => (to_one || of_several, "it is for relations to one record"),
            Self::Inverse => (
                kind.is_to_many() || matches!(kind, FieldKind::OneToOne { .. }),
                "it is for a field that lists or names records of another type",
            ),
            Self::Length => (
                length::most(kind).is_some(),
                "it is for `String`, `Text`, `Email`, `Url` and `Locale`, and for lists of scalars or enum values",
            ),
            Self::Range if pattern::applies(kind) => {
                (false, "`@length` says how long a text is, and `@pattern` what it looks like")
            }
            Self::Range => (
                range::of_kind(kind).is_some(),
                "it is for `Int`, `Float`, `Decimal`, `Date`, `DateTime`, `Time` and `Duration`, and for lists of these",
            ),
            Self::Pattern => (
                pattern::applies(kind),
                "it is for `String`, `Text`, `Email`, `Url`, `Phone`, `Country`, `Currency`, `Locale` and lists of these",
            ),
            // `money.rs` asks for `Money`, which is a number if it has this directive.
            Self::Money => (matches!(kind, FieldKind::Scalar(_)), "it is for `Money`"),
            Self::Precision => (decimal, "it is for Decimal"),
        };
        if applies { Ok(()) } else { Err(help) }
    }
}

fn set_default(report: &mut Report<'_>, names: Names<'_, '_>, field: &mut Field, directive: &Node<Directive>) {
    let value = match (directive.specified_argument_by_name("to"), directive.specified_argument_by_name("from")) {
        (Some(value), None) => value,
        (None, Some(_)) => {
            field.default_from = read::rule(report, directive, "from");
            return;
        }
        (None, None) => {
            let help = "write `to:` with a literal, or `from:` with an expression";
            report.error(directive.location(), "`@default` gives no value", "neither `to` nor `from`", help);
            return;
        }
        (Some(_), Some(_)) => {
            let help = "keep one of the two: `to:` with a literal, or `from:` with an expression";
            report.error(directive.location(), "`@default` gives two values", "both `to` and `from`", help);
            return;
        }
    };
    match default::read(value, &field.kind, names.enums) {
        Ok(value) => field.default = Some(value),
        Err(help) => {
            let message = format!("the default of `{}` does not fit its type", field.name);
            report.error(value.location(), message, "does not fit", help);
        }
    }
}

fn stored_names(directive: &Node<Directive>) -> Option<StoredNames> {
    match read::word(directive, "of") {
        Some("ROLES") => Some(StoredNames::Roles),
        Some("TYPES") => Some(StoredNames::Types),
        _ => None,
    }
}

fn set(report: &mut Report<'_>, field: &mut Field, directive: &Node<Directive>) {
    let on = match read::word(directive, "on") {
        Some("CREATE") => SetOn::Create,
        Some("UPDATE") => SetOn::Update,
        _ => SetOn::Write,
    };
    let Some(to) = read::rule(report, directive, "to") else { return };
    let when = read::rule(report, directive, "when");
    let is_hidden = |set: &Set| set.when.is_none() && (set.on == on || set.on == SetOn::Write || on == SetOn::Write);
    if field.set.iter().any(is_hidden) {
        let message = format!("`{}` is set twice at the same moment", field.name);
        let help = "keep one `@set`, or one for CREATE and one for UPDATE; of several for one moment, all but the last need \
                    `when:`";
        report.error(directive.location(), message, "again here", help);
    }
    field.set.push(Set { on, when, to });
}

/// Reads a `@check`, of a type or of a field.
pub(super) fn check(report: &mut Report<'_>, directive: &Node<Directive>) -> Option<Check> {
    let rule = read::rule(report, directive, "rule")?;
    let (message, place) = read::text(directive, "message")?;
    read::check_message(report, (message, place), "a check");
    let asked = if read::word(directive, "on") == Some("COMMIT") { Asked::AtCommit } else { Asked::AtWrite };
    let guards = directive.specified_argument_by_name("guards").filter(|value| !value.is_null());
    let guards = guards.map(|value| {
        let mut guards: Vec<(String, Span)> = Vec::new();
        for (name, place) in read::texts(value) {
            if guards.iter().any(|(other, _)| other == name) {
                report.error(place, format!("`guards` names `{name}` twice"), "again here", "remove it");
            }
            guards.extend(report.places.span(place).map(|span| (name.to_owned(), span)));
        }
        if guards.is_empty() {
            let help = "name the fields whose change it may refuse, or remove `guards` to check every update";
            report.error(
                value.location(),
                "`guards` names no field, so the check would apply to no update",
                "no field",
                help,
            );
        }
        guards
    });
    Some(Check { rule, message: message.to_owned(), guards, asked })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use apollo_compiler::ast::{Definition, DirectiveDefinition};
    use apollo_compiler::parser::Parser;
    use apollo_compiler::schema::DirectiveLocation;

    use super::*;
    use crate::DIRECTIVES;
    use crate::compile::SYSTEM_DIRECTIVES;

    fn declared() -> Vec<Node<DirectiveDefinition>> {
        let text = format!("{DIRECTIVES}\n{SYSTEM_DIRECTIVES}");
        let document = Parser::new().parse_ast(text, "directives.graphql").expect("it is GraphQL");
        let directive = |definition: &Definition| match definition {
            Definition::DirectiveDefinition(directive) => Some(directive.clone()),
            _ => None,
        };
        document.definitions.iter().filter_map(directive).collect()
    }

    /// Editors show the descriptions.
    #[test]
    fn everything_that_is_declared_is_described() {
        let document = Parser::new().parse_ast(DIRECTIVES, "directives.graphql").expect("it is GraphQL");
        let mut bare = Vec::new();
        let mut look = |name: String, is_described: bool| {
            if !is_described {
                bare.push(name);
            }
        };
        for definition in &document.definitions {
            match definition {
                Definition::DirectiveDefinition(of) => look(format!("@{}", of.name), of.description.is_some()),
                Definition::EnumTypeDefinition(of) => {
                    look(of.name.to_string(), of.description.is_some());
                    of.values.iter().for_each(|value| {
                        look(format!("{}.{}", of.name, value.value), value.description.is_some());
                    });
                }
                Definition::InputObjectTypeDefinition(of) => {
                    look(of.name.to_string(), of.description.is_some());
                    of.fields.iter().for_each(|field| {
                        look(format!("{}.{}", of.name, field.name), field.description.is_some());
                    });
                }
                Definition::ScalarTypeDefinition(of) => look(of.name.to_string(), of.description.is_some()),
                _ => {}
            }
        }
        assert_eq!(bare, [""; 0]);
    }

    /// Directives that a model can use and nobody reads would be ignored silently.
    #[test]
    fn every_directive_that_is_declared_is_read() {
        let check = |location: DirectiveLocation, expected: BTreeSet<&str>| {
            let declared = declared();
            let of_location = declared.iter().filter(|directive| directive.locations.contains(&location));
            let found: BTreeSet<&str> = of_location.map(|directive| directive.name.as_str()).collect();
            assert_eq!(found, expected, "{location}");
        };
        check(DirectiveLocation::FieldDefinition, FieldDirective::ALL.map(FieldDirective::name).into());
        // `collection.rs`, `exclude.rs`, `history.rs`, `index.rs`, `key.rs`, `renamed.rs`, `single.rs`, `timers.rs`,
        // `trash.rs`, `tree.rs` and `whole.rs`
        check(
            DirectiveLocation::Object,
            [
                "allow",
                "at",
                "check",
                "deprecated",
                "embedded",
                "exclude",
                "history",
                "identity",
                "index",
                "key",
                "notify",
                "on",
                "path",
                "renamed",
                "single",
                "trash",
                "tree",
                "unique",
            ]
            .into(),
        );
        // Written into the types that implement it by `interfaces.rs`
        let shared = ["allow", "at", "check", "exclude", "history", "index", "key", "path", "trash", "unique"];
        check(DirectiveLocation::Interface, shared.into());
        // `enums.rs`
        check(DirectiveLocation::Enum, ["renamed", "roles"].into());
        check(DirectiveLocation::EnumValue, ["deprecated", "initial", "renamed", "to"].into());
        // `app.rs`, `packs.rs`, `declared_actions.rs` and `schedules.rs`
        check(DirectiveLocation::Schema, ["app", "inbox", "manifest", "pack", "route", "rule", "schedule"].into());
        // `declared_actions.rs` makes members of arguments and of fields of input types.
        let limits = ["length", "pattern", "precision", "range"];
        check(DirectiveLocation::ArgumentDefinition, limits.into());
        check(DirectiveLocation::InputFieldDefinition, limits.into());
        let places = declared().iter().map(|directive| directive.locations.len()).sum::<usize>();
        assert_eq!(places, 78, "every location is checked above");
    }
}
