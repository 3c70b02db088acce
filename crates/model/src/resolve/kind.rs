use apollo_compiler::ast::Type;
use apollo_compiler::schema::{Component, FieldDefinition};
use apollo_compiler::{Name, Node};
use backstay_scalar::{MONEY_SCALE, Scalar};

use super::read;
use super::relation::OtherEnd;
use super::report::Report;
use super::survey::{Names, StoredType};
use crate::{Diagnostic, Document, Element, FieldKind, Lint, OnDelete, Shape};

/// A declared field whose type is resolved.
pub(super) struct Declared<'r, 'a> {
    pub(super) names: Names<'r, 'a>,
    /// The type with records that has the field; `None` of a member of an embedded type.
    pub(super) of: Option<&'r StoredType<'a>>,
    /// Whether the system model declares it.
    pub(super) system: bool,
    pub(super) node: &'a Component<FieldDefinition>,
}

impl Declared<'_, '_> {
    /// What the field holds; `None` where its type is wrong, which is reported.
    pub(super) fn kind(&self, report: &mut Report<'_>) -> Option<FieldKind> {
        let name = self.node.ty.inner_named_type();
        match &self.node.ty {
            Type::Named(_) | Type::NonNullNamed(_) => self.single(report, name),
            Type::List(item) | Type::NonNullList(item) => match &**item {
                Type::NonNullNamed(_) => self.many(report, name),
                Type::Named(_) => {
                    let help = format!("write `[{name}!]`");
                    report.error(name.location(), "elements of a list are never null", "can be null", help);
                    None
                }
                Type::List(_) | Type::NonNullList(_) => {
                    let help = "use a type of its own for the inner list, or a `JSON` field";
                    let place = self.node.name.location();
                    report.error(place, "a list of lists is not supported", "a list of lists", help);
                    None
                }
            },
        }
    }

    /// The stored type that the name means here.
    fn type_named(&self, name: &str) -> Option<&StoredType<'_>> {
        self.names.survey.type_named(name).filter(|_| !self.means_scalar(name))
    }

    /// Whether the name means a scalar whatever the application declares: what the application calls `DateTime` is nothing
    /// to Backstay's own types.
    fn means_scalar(&self, name: &str) -> bool {
        self.system && Scalar::named(name).is_some()
    }

    fn single(&self, report: &mut Report<'_>, name: &Name) -> Option<FieldKind> {
        if let Some(id) = self.names.survey.embedded.named(name).filter(|_| !self.means_scalar(name)) {
            return Some(FieldKind::Embedded(id));
        }
        if let Some(id) = self.names.survey.embedded.union_named(name) {
            return Some(FieldKind::Document(Document::One(id)));
        }
        if let Some(union) = self.names.survey.record_unions.named(name) {
            self.check_no_key(report, name);
            return Some(FieldKind::ToOneOf { union, on_delete: on_delete(report, self.node) });
        }
        if let Some(target) = self.type_named(name) {
            self.check_open(report, target.system, name)?;
            if let Some(near) = self.of.filter(|_| self.node.directives.has("inverse")) {
                return OtherEnd { survey: self.names.survey, near, far: target, node: self.node }.one(report);
            }
            self.check_no_key(report, name);
            return Some(FieldKind::ToOne {
                target: target.id,
                key: target.key_form(),
                on_delete: on_delete(report, self.node),
            });
        }
        if let Some((id, of)) = self.names.survey.enum_named(name).filter(|_| !self.means_scalar(name)) {
            self.check_open(report, report.places.is_system(of.location()), name)?;
            if self.names.has_states(id) && self.of.is_none() {
                let help = "hold the state in a field of the record itself";
                report.error(name.location(), "an embedded value is in no state", "has states", help);
                return None;
            }
            if self.names.has_states(id) && !self.node.ty.is_non_null() {
                let message = format!("`{}` holds a state, and a record is always in one", self.node.name);
                report.error(name.location(), message, "can be null", format!("write `{name}!`"));
            }
            return Some(FieldKind::Enum(id));
        }
        self.check_no_interface(report, name)?;
        let scalar = scalar(report, self.node, name)?;
        if scalar == Scalar::UUID {
            self.check_relation(report);
        }
        Some(FieldKind::Scalar(scalar))
    }

    /// Warns of an `ID` that is called as the key of a record of another type.
    fn check_relation(&self, report: &mut Report<'_>) {
        let field = &self.node.name;
        let Some(relation) = named_as_key(field) else { return };
        let word = relation.replace('_', "");
        let is_meant = |of: &&StoredType<'_>| !of.system && of.node.name.eq_ignore_ascii_case(&word);
        let Some(target) = self.names.survey.types.iter().find(is_meant) else { return };
        let target = &target.node.name;
        let message = format!("`{field}` is an `ID` that nothing checks, not a relation to {target}");
        let required = if self.node.ty.is_non_null() { "!" } else { "" };
        let help = format!(
            "write `{relation}: {target}{required}`: the record must exist then, and clients can select its fields"
        );
        report.warn(field, Diagnostic::warning(Lint::KeyWithoutRelation, message).help(help), "called as a key");
    }

    /// Refuses an interface where a field needs a type.
    fn check_no_interface(&self, report: &mut Report<'_>, name: &Name) -> Option<()> {
        if !self.names.survey.is_interface(name) {
            return Some(());
        }
        let help = "name a type that implements it, or a union of such types: `union Target = A | B`";
        report.error(name.location(), format!("{name} is an interface and has no records"), "not a type", help);
        None
    }

    /// Warns of a relation that is called as a key is in other systems.
    fn check_no_key(&self, report: &mut Report<'_>, target: &Name) {
        let field = &self.node.name;
        if let Some(relation) = named_as_key(field) {
            let message = format!("`{field}` is a relation to {target}, not a key");
            let help = format!("call it `{relation}`; its value is the id of the {target}");
            let warning = Diagnostic::warning(Lint::RelationNamedAsKey, message).help(help);
            report.warn(field, warning, "called as a key");
        }
    }

    fn many(&self, report: &mut Report<'_>, name: &Name) -> Option<FieldKind> {
        let survey = self.names.survey;
        let embedded = survey.embedded.named(name).filter(|_| !self.means_scalar(name)).map(Shape::Embedded);
        if let Some(shape) = embedded.or_else(|| survey.embedded.union_named(name).map(Shape::Union)) {
            return Some(FieldKind::Document(Document::List(shape)));
        }
        if survey.record_unions.named(name).is_some() {
            let help = format!(
                "list values of an embedded type, each of which refers to one record: `type Item @embedded {{ to: {name}! }}` \
                 and `{}: [Item!]`",
                self.node.name
            );
            let message = format!("a list of records of several types is not supported: {name} is a union");
            report.error(name.location(), message, "a list of a union", help);
            return None;
        }
        if let Some(far) = self.type_named(name) {
            self.check_open(report, far.system, name)?;
            let Some(near) = self.of else {
                let help = format!("write the list into a type with records, or refer to one {name}");
                let message = "an embedded type holds no relation to many records";
                report.error(name.location(), message, "a list of records", help);
                return None;
            };
            return OtherEnd { survey, near, far, node: self.node }.many(report);
        }
        if let Some((id, of)) = survey.enum_named(name).filter(|_| !self.means_scalar(name)) {
            self.check_open(report, report.places.is_system(of.location()), name)?;
            if self.names.has_states(id) {
                let help = "a record is in one state; use an enum without `@initial` and `@to` for a list";
                report.error(name.location(), format!("a list cannot hold states of {name}"), "has states", help);
            }
            return Some(FieldKind::List(Element::Enum(id)));
        }
        self.check_no_interface(report, name)?;
        let scalar = scalar(report, self.node, name)?;
        if !scalar.is_listable() {
            let help = "use a type of its own for the elements, or one `JSON` field that holds an array";
            report.error(name.location(), format!("a list of {name} is not supported"), "in a list", help);
            return None;
        }
        Some(FieldKind::List(Element::Scalar(scalar)))
    }

    /// A type of the application never refers to the system model.
    fn check_open(&self, report: &mut Report<'_>, system: bool, name: &Name) -> Option<()> {
        if system && !self.system {
            let help = "refer to the identity type, or to a type or enum of your own";
            report.error(name.location(), format!("`{name}` belongs to Backstay"), "part of the system model", help);
            return None;
        }
        Some(())
    }
}

fn scalar(report: &mut Report<'_>, node: &Component<FieldDefinition>, name: &Name) -> Option<Scalar> {
    match Scalar::named(name) {
        Some(Scalar::Decimal { .. }) => Some(decimal(report, node)),
        Some(Scalar::Money) if shares_currency(node) => Some(NUMBER),
        Some(scalar) => Some(scalar),
        None => {
            let help = "see docs/model.md for the scalars that fields can have";
            report.error(name.location(), format!("a field cannot hold `{name}`"), "not for fields", help);
            None
        }
    }
}

fn decimal(report: &mut Report<'_>, node: &Component<FieldDefinition>) -> Scalar {
    let directive = node.directives.get("precision");
    // `None` is a number that is out of range.
    let number = |name: &str, otherwise: u8| {
        let value = directive.and_then(|directive| directive.specified_argument_by_name(name));
        value.map_or(Some(otherwise), |value| value.to_i32().and_then(|number| u8::try_from(number).ok()))
    };
    match (number("digits", 18), number("scale", 4)) {
        (Some(precision @ 1..=18), Some(scale)) if scale <= precision => Scalar::Decimal { precision, scale },
        _ => {
            let place = directive.and_then(Node::location);
            let help = "`digits` is 1 to 18 and counts all of them; `scale` is 0 to `digits`";
            report.error(place, "a Decimal cannot have this precision", "out of range", help);
            Scalar::Decimal { precision: 18, scale: 4 }
        }
    }
}

fn on_delete(report: &mut Report<'_>, node: &Component<FieldDefinition>) -> OnDelete {
    let required = node.ty.is_non_null();
    let Some(directive) = node.directives.get("onDelete") else {
        return if required { OnDelete::Restrict } else { OnDelete::SetNull };
    };
    match read::word(directive, "do") {
        Some("CASCADE") => OnDelete::Cascade,
        Some("SET_NULL") if required => {
            let help = "write `do: RESTRICT` or `do: CASCADE`, or remove the `!` of the field's type";
            report.error(directive.location(), "a required relation cannot become null", "on a required field", help);
            OnDelete::Restrict
        }
        Some("SET_NULL") => OnDelete::SetNull,
        _ => OnDelete::Restrict,
    }
}

/// What holds the number of an amount whose currency is elsewhere: the same as that of a whole `Money`.
#[expect(clippy::cast_possible_truncation, reason = "four fits")]
pub(super) const NUMBER: Scalar = Scalar::Decimal { precision: 18, scale: MONEY_SCALE as u8 };

/// Whether a field that is declared as `Money` holds the number alone.
fn shares_currency(node: &Component<FieldDefinition>) -> bool {
    node.directives.has("money")
}

/// What a field is called that has the name of a key, without that.
fn named_as_key(field: &str) -> Option<&str> {
    let relation = field.strip_suffix("Id").or_else(|| field.strip_suffix("_id"));
    relation.filter(|relation| !relation.is_empty())
}
