use apollo_compiler::ast::Value as Literal;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{Component, Directive, FieldDefinition};
use apollo_compiler::{Name, Node};
use backstay_base::KeyForm;

use super::read;
use super::report::Report;
use super::survey::{StoredType, Survey};
use crate::names::{self, suggestion};
use crate::{CollectionId, Diagnostic, FieldId, FieldKind, Link, Lint};

/// A field that lists records, or is the other end of one that refers to its type, and the types at both ends.
pub(super) struct OtherEnd<'r, 'a> {
    pub(super) survey: &'r Survey<'a>,
    /// The type that has the field.
    pub(super) near: &'r StoredType<'a>,
    /// The type of the records.
    pub(super) far: &'r StoredType<'a>,
    pub(super) node: &'a Component<FieldDefinition>,
}

impl<'a> OtherEnd<'_, 'a> {
    /// What a field that holds one record is as the other end that its `@inverse` names.
    pub(super) fn one(&self, report: &mut Report<'_>) -> Option<FieldKind> {
        let directive = self.node.directives.get("inverse")?;
        let (other, place) = self.named(report, directive)?;
        let (near, far) = (&self.near.node.name, &self.far.node.name);
        let name = &other.name;
        if other.ty.is_list() || other.directives.has("inverse") {
            let message = format!("`{far}.{name}` does not hold a reference to one {near}");
            let help = format!("name a field of {far} with the type `{near}` and `@unique`, or make this field a list");
            report.error(place, message, format!("is of type `{}`", other.ty), help);
            return None;
        }
        self.check_only_inverse(report, other)?;
        if !is_key(self.far, other) {
            let message = format!("several {far} can refer to the same {near}, because `{far}.{name}` is not unique");
            let help = format!("mark `{far}.{name}` with `@unique`, or make this field a list: `[{far}!]`");
            report.error(place, message, "not unique", help);
            return None;
        }
        if self.node.ty.is_non_null() {
            let help = format!("write `{far}`, without `!`: nothing makes sure that a {far} refers to each {near}");
            let place = self.node.ty.inner_named_type().location();
            report.error(place, "the other end of a relation can't be required", "required", help);
        }
        Some(FieldKind::OneToOne { target: self.far.id, key: self.far.key_form(), via: self.reference_to_near(other) })
    }

    /// The field that `@inverse` names, which refers to this type.
    fn named(
        &self,
        report: &mut Report<'_>,
        directive: &Directive,
    ) -> Option<(&'a Component<FieldDefinition>, Option<SourceSpan>)> {
        let (name, place) = read::text(directive, "field")?;
        let (near, far) = (&self.near.node.name, &self.far.node.name);
        let Some(other) = self.far.fields.iter().copied().find(|field| field.name == name) else {
            let known: Vec<&str> = self.far.fields.iter().map(|field| field.name.as_str()).collect();
            let message = format!("{far} has no field `{name}`");
            report.error(place, message, "not a field of it", suggestion(name, known));
            return None;
        };
        if !refers(self.survey, other, self.near) {
            let message = format!("`{far}.{name}` does not refer to {near}");
            let label = format!("is of type `{}`", other.ty);
            report.error(place, message, label, format!("name the field of {far} that refers to {near}"));
            return None;
        }
        Some((other, place))
    }

    /// What a list of records is: the other end of a to-one field, of another list, or a relation of its own.
    pub(super) fn many(&self, report: &mut Report<'_>) -> Option<FieldKind> {
        let Some(directive) = self.node.directives.get("inverse") else {
            self.check_meant(report);
            let inverse = inverses((self.near, self.node), self.far).first().map(|field| id_of(self.far, &field.name));
            return Some(LinkTable::declared(self.near, self.far, &self.node.name).seen_by_owner(inverse));
        };
        let (other, place) = self.named(report, directive)?;
        self.check_only_inverse(report, other)?;
        let via = self.reference_to_near(other);
        if !other.ty.is_list() {
            return Some(FieldKind::OneToMany { target: self.far.id, via });
        }
        if other.directives.has("inverse") {
            // The other end is refused alike: one error is enough.
            let told = other.directives.get("inverse").and_then(|directive| read::text(directive, "field"));
            let is_told = told.is_some_and(|(name, _)| name == self.node.name.as_str());
            let (here, there) = (id_of(self.near, &self.node.name), id_of(self.far, &other.name));
            if is_told && (self.far.id, there) < (self.near.id, here) {
                return None;
            }
            let help = "remove `@inverse` on one of the two; that side then holds the relation";
            report.error(place, "both ends are marked `@inverse`", "of a field that has `@inverse` itself", help);
            return None;
        }
        Some(LinkTable::declared(self.far, self.near, &other.name).seen_by_other_end(via))
    }

    /// The field by which records of the far type refer to this one: of a reference to one of several types, its member.
    fn reference_to_near(&self, other: &Component<FieldDefinition>) -> FieldId {
        let near = &self.near.node.name;
        let member = self.far.field_id(&format!("{}.{near}", other.name));
        member.unwrap_or_else(|| id_of(self.far, &other.name))
    }

    /// Checks that no other field, and not the far one itself, claims to be the other end of `other`.
    fn check_only_inverse(&self, report: &mut Report<'_>, other: &Component<FieldDefinition>) -> Option<()> {
        let all = inverses((self.far, other), self.near);
        let first = all.first()?;
        let name = &self.node.name;
        if self.far.id == self.near.id && other.name == *name {
            let help = "give the other end a name of its own, or remove `@inverse`";
            report.error(name.location(), "a relation is not its own other end", "names itself", help);
            return None;
        }
        if first.name != *name {
            let message = format!("`{}.{}` has two other ends", self.far.node.name, other.name);
            let diagnostic = Diagnostic::error(message)
                .at(report.span_of(name), "also claims to be the other end")
                .and(report.span_of(&first.name), "claims to be the other end")
                .help("keep `@inverse` on one of the two");
            report.push(diagnostic);
        }
        Some(())
    }

    /// A list without `@inverse` is a relation of its own. Where the other type has a field that refers here and that
    /// no list is the other end of, that is probably what was meant.
    fn check_meant(&self, report: &mut Report<'_>) {
        let (near, far) = (self.near, self.far);
        if near.id == far.id || !inverses((near, self.node), far).is_empty() {
            return;
        }
        let open = far.fields.iter().copied().find(|field| {
            let refers = refers(self.survey, field, near) && !field.directives.has("inverse");
            // Of two lists the later one is asked about.
            let asked = !field.ty.is_list() || far.id < near.id;
            refers && asked && inverses((far, field), near).is_empty()
        });
        if let Some(open) = open {
            let name = &self.node.name;
            let message = format!("`{name}` is a relation of its own, apart from `{}.{}`", far.node.name, open.name);
            let help = format!(
                "write `@inverse(field: \"{}\")` if it is the other end of that one; else declare the other end there",
                open.name
            );
            report.warn(name, Diagnostic::warning(Lint::MissingInverse, message).help(help), "without `@inverse`");
        }
    }
}

/// Whether the values of a field identify the records of its type.
fn is_key(of: &StoredType<'_>, node: &Component<FieldDefinition>) -> bool {
    let of_all = |directive: &&Node<Directive>| directive.specified_argument_by_name("where").is_none();
    let alone = |directive: &&Component<Directive>| {
        let fields = directive.specified_argument_by_name("fields");
        let first = fields.and_then(|fields| match &**fields {
            Literal::List(items) if items.len() > 1 => None,
            Literal::List(items) => items.first().and_then(|item| item.as_str()),
            single => single.as_str(),
        });
        let flag = directive.specified_argument_by_name("unique").and_then(|value| value.to_bool());
        let unique = directive.name == "unique" || directive.name == "index" && flag == Some(true);
        unique && first == Some(node.name.as_str()) && of_all(&&directive.node)
    };
    node.directives.get_all("unique").any(|directive| of_all(&directive))
        || of.node.directives.iter().any(|d| alone(&d))
}

/// Whether a field refers to records of this type, or can.
fn refers(survey: &Survey<'_>, field: &FieldDefinition, to: &StoredType<'_>) -> bool {
    let (named, to) = (field.ty.inner_named_type(), &to.node.name);
    named == to || survey.record_unions.has(named, to)
}

/// The fields of the type at the other end that say they are the other end of this field.
fn inverses<'a>(
    (of, node): (&StoredType<'_>, &FieldDefinition),
    other: &StoredType<'a>,
) -> Vec<&'a Component<FieldDefinition>> {
    let claims = |field: &&'a Component<FieldDefinition>| {
        let named = field.directives.get("inverse").and_then(|directive| read::text(directive, "field"));
        field.ty.inner_named_type() == &of.node.name && named.is_some_and(|(name, _)| name == node.name.as_str())
    };
    other.fields.iter().copied().filter(claims).collect()
}

fn id_of(of: &StoredType<'_>, name: &Name) -> FieldId {
    of.field_id(name).expect("the survey numbers every field of a type")
}

/// The table of a many-to-many relation.
struct LinkTable {
    name: String,
    /// The type that declares the relation, and the column that holds the ids of its records.
    owner: (CollectionId, KeyForm, String),
    /// The same of the type at the other end.
    other: (CollectionId, KeyForm, String),
}

impl LinkTable {
    /// The table of the relation that the field `field` of `owner` declares.
    fn declared(owner: &StoredType<'_>, other: &StoredType<'_>, field: &Name) -> Self {
        let (from, to) = if owner.id == other.id {
            ("from_id".to_owned(), "to_id".to_owned())
        } else {
            (format!("{}_id", owner.table), format!("{}_id", other.table))
        };
        let name = names::link(&owner.table, field);
        Self { name, owner: (owner.id, owner.key_form(), from), other: (other.id, other.key_form(), to) }
    }

    /// The relation as the field that declares it sees it.
    fn seen_by_owner(self, inverse: Option<FieldId>) -> FieldKind {
        let ((_, near_key, near), (target, far_key, far)) = (self.owner, self.other);
        FieldKind::ManyToMany {
            target,
            link: Link { table: self.name, near, near_key, far, far_key, owner: true, inverse, ordered: false },
        }
    }

    /// The relation as the other end of the field `via` sees it.
    fn seen_by_other_end(self, via: FieldId) -> FieldKind {
        let ((target, far_key, far), (_, near_key, near)) = (self.owner, self.other);
        FieldKind::ManyToMany {
            target,
            link: Link {
                table: self.name,
                near,
                near_key,
                far,
                far_key,
                owner: false,
                inverse: Some(via),
                ordered: false,
            },
        }
    }
}
