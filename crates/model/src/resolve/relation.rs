use apollo_compiler::Name;
use apollo_compiler::schema::{Component, FieldDefinition};

use super::Resolver;
use crate::names::{self, suggestion};
use crate::{CollectionId, Diagnostic, FieldId, FieldKind, Link};

impl<'a> Resolver<'a> {
    /// A list of records: the other end of a to-one field, of another list, or a relation of its own.
    pub(super) fn relation_to_many(
        &mut self,
        of: CollectionId,
        target: CollectionId,
        node: &'a Component<FieldDefinition>,
    ) -> Option<FieldKind> {
        let Some(directive) = node.directives.get("inverse") else {
            self.check_meant(of, target, node);
            let inverse = self.inverses(of, node).first().map(|(_, field)| self.field_id(target, &field.name));
            return Some(self.link(of, target, &node.name, true, inverse));
        };
        let (name, place) = Self::text(directive, "field")?;
        let far = &self.types[usize::from(target.0)];
        let Some(other) = far.node.fields.get(name) else {
            let known: Vec<&str> = far.fields.iter().map(|field| field.name.as_str()).collect();
            let message = format!("{} has no field `{name}`", far.node.name);
            self.error(place, message, "not a field of it", suggestion(name, known));
            return None;
        };
        let here = self.types[usize::from(of.0)].node;
        if other.ty.inner_named_type() != &here.name {
            let message = format!("`{}.{name}` does not refer to {}", far.node.name, here.name);
            let label = format!("is of type `{}`", other.ty);
            self.error(
                place,
                message,
                label,
                format!("name the field of {} that refers to {}", far.node.name, here.name),
            );
            return None;
        }
        self.check_only_inverse(of, target, other, node)?;
        let via = self.field_id(target, &other.name);
        if !other.ty.is_list() {
            return Some(FieldKind::OneToMany { target, via });
        }
        if other.directives.has("inverse") {
            let help = "remove `@inverse` on one of the two; that side then holds the relation";
            self.error(place, "both ends are marked `@inverse`", "of a field that has `@inverse` itself", help);
            return None;
        }
        Some(self.link(target, of, &other.name, false, Some(via)))
    }

    /// The many-to-many relation that the field `name` of `owner` declares, seen from one of its ends.
    fn link(
        &self,
        owner: CollectionId,
        other: CollectionId,
        name: &Name,
        owning: bool,
        inverse: Option<FieldId>,
    ) -> FieldKind {
        let (owner_table, other_table) = (self.table(owner), self.table(other));
        let (from, to) = if owner == other {
            ("from_id".to_owned(), "to_id".to_owned())
        } else {
            (format!("{owner_table}_id"), format!("{other_table}_id"))
        };
        let table = names::link(owner_table, name);
        let (near, far) = if owning { (from, to) } else { (to, from) };
        let target = if owning { other } else { owner };
        FieldKind::ManyToMany { target, link: Link { table, near, far, owner: owning, inverse } }
    }

    fn table(&self, id: CollectionId) -> &str {
        &self.types[usize::from(id.0)].table
    }

    fn field_id(&self, of: CollectionId, name: &str) -> FieldId {
        self.types[usize::from(of.0)].ids.get(name).copied().unwrap_or(FieldId(0))
    }

    /// The fields that say they are the other end of this one.
    fn inverses(
        &self,
        of: CollectionId,
        node: &Component<FieldDefinition>,
    ) -> Vec<(CollectionId, &'a Component<FieldDefinition>)> {
        let here = &self.types[usize::from(of.0)].node.name;
        let target = self.type_ids.get(node.ty.inner_named_type().as_str()).copied();
        let claims = |field: &&'a Component<FieldDefinition>| {
            let named = field.directives.get("inverse").and_then(|directive| Self::text(directive, "field"));
            field.ty.inner_named_type() == here && named.is_some_and(|(name, _)| name == node.name.as_str())
        };
        let fields = target.map_or(&[][..], |target| &self.types[usize::from(target.0)].fields);
        target.into_iter().flat_map(|target| fields.iter().copied().filter(claims).map(move |f| (target, f))).collect()
    }

    fn check_only_inverse(
        &mut self,
        of: CollectionId,
        target: CollectionId,
        other: &'a Component<FieldDefinition>,
        node: &Component<FieldDefinition>,
    ) -> Option<()> {
        let all = self.inverses(target, other);
        let (_, first) = all.first()?;
        if target == of && other.name == node.name {
            let help = "give the other end a name of its own, or remove `@inverse`";
            self.error(node.name.location(), "a relation is not its own other end", "names itself", help);
            return None;
        }
        if first.name != node.name {
            let far = &self.types[usize::from(target.0)].node.name;
            let message = format!("`{far}.{}` has two other ends", other.name);
            let diagnostic = Diagnostic::error(message)
                .at(self.span_of(&node.name), "also claims to be the other end")
                .and(self.span_of(&first.name), "claims to be the other end")
                .help("keep `@inverse` on one of the two");
            self.out.push(diagnostic);
        }
        Some(())
    }

    /// A list without `@inverse` is a relation of its own. Where the other type has a field that refers here and that
    /// no list is the other end of, that is probably what was meant.
    fn check_meant(&mut self, of: CollectionId, target: CollectionId, node: &'a Component<FieldDefinition>) {
        let here = &self.types[usize::from(of.0)].node.name;
        let far = &self.types[usize::from(target.0)];
        if of == target || !self.inverses(of, node).is_empty() {
            return;
        }
        let open = far.fields.iter().copied().find(|field| {
            let refers = field.ty.inner_named_type() == here && !field.directives.has("inverse");
            // Of two lists the later one is asked about.
            let asked = !field.ty.is_list() || target < of;
            refers && asked && self.inverses(target, field).is_empty()
        });
        if let Some(open) = open {
            let message =
                format!("`{}` is a relation of its own, apart from `{}.{}`", node.name, far.node.name, open.name);
            let help = format!(
                "write `@inverse(field: \"{}\")` if it is the other end of that one; else declare the other end there",
                open.name
            );
            self.warn(node.name.location(), message, "without `@inverse`", help);
        }
    }
}
