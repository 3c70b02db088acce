use std::collections::HashMap;

use apollo_compiler::schema::{Component, EnumType, ExtendedType, FieldDefinition, ObjectType};
use apollo_compiler::{Node, Schema};
use backstay_base::{KeyForm, limits};
use backstay_scalar::Scalar;

use super::embedded::{EmbeddedTypes, Surveyed, is_embedded};
use super::naming::check_count;
use super::read;
use super::record_unions::RecordUnions;
use super::report::Report;
use crate::{Collection, CollectionId, Embedded, Enum, EnumId, FieldId, KeyKind, names};

/// A field that every record has.
pub(super) struct StandardField {
    pub(super) id: FieldId,
    pub(super) name: &'static str,
    /// The type that a declaration of it must have.
    pub(super) written: &'static str,
    pub(super) scalar: Scalar,
}

/// The fields that every record has, in the order of their ids.
pub(super) const STANDARD_FIELDS: [StandardField; 4] = [
    StandardField { id: Collection::ID, name: "id", written: "ID!", scalar: Scalar::UUID },
    StandardField { id: Collection::CREATED_AT, name: "createdAt", written: "DateTime!", scalar: Scalar::DateTime },
    StandardField { id: Collection::UPDATED_AT, name: "updatedAt", written: "DateTime!", scalar: Scalar::DateTime },
    StandardField { id: Collection::VERSION, name: "version", written: "Int!", scalar: Scalar::Int },
];

/// The id of the first field that is not a standard one.
pub(super) const FIRST_DECLARED: u16 = Collection::VERSION.0 + 1;

const LARGEST_INDEX: usize = u16::MAX as usize;
const _: () = assert!(
    limits::MODEL_COLLECTIONS <= LARGEST_INDEX
        && limits::MODEL_ENUMS <= LARGEST_INDEX
        && limits::MODEL_FIELDS <= LARGEST_INDEX,
    "the ids of a model are 16 bits"
);

/// Every type, field and enum of the model with its index, before any is resolved.
pub(super) struct Survey<'a> {
    pub(super) types: Vec<StoredType<'a>>,
    pub(super) enums: Vec<&'a Node<EnumType>>,
    /// Types marked `@embedded`.
    pub(super) embedded: EmbeddedTypes<'a>,
    /// Unions of types with records.
    pub(super) record_unions: RecordUnions<'a>,
    interfaces: Vec<&'a str>,
    type_ids: HashMap<&'a str, CollectionId>,
    enum_ids: HashMap<&'a str, EnumId>,
}

/// A stored type before its fields are resolved.
pub(super) struct StoredType<'a> {
    pub(super) id: CollectionId,
    pub(super) node: &'a Node<ObjectType>,
    pub(super) system: bool,
    pub(super) table: String,
    /// Declared fields but for the standard ones.
    pub(super) fields: Vec<&'a Component<FieldDefinition>>,
    /// The same with the members of embedded values and of references to one of several types.
    expanded: Vec<Surveyed<'a>>,
    field_ids: HashMap<String, FieldId>,
}

impl<'a> Survey<'a> {
    /// Numbers what the model defines. Where it defines more than the limits allow, that is reported and what is past
    /// them gets no number: use the survey only if nothing was reported.
    pub(super) fn of(report: &mut Report<'_>, schema: &'a Schema) -> Self {
        let (mut objects, mut enums, mut embedded, mut unions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut interfaces = Vec::new();
        for ty in schema.types.values().filter(|ty| report.places.is_model(ty.location())) {
            match ty {
                ExtendedType::Object(node) if is_embedded(node) => embedded.push(node),
                ExtendedType::Object(node) => objects.push(node),
                ExtendedType::Enum(node) => enums.push(node),
                ExtendedType::Union(node) => unions.push(node),
                ExtendedType::Interface(node) => interfaces.push(node.name.as_str()),
                ExtendedType::Scalar(_) | ExtendedType::InputObject(_) => {}
            }
        }
        check_count(report, "types", objects.len(), limits::MODEL_COLLECTIONS, None);
        check_count(report, "enums", enums.len(), limits::MODEL_ENUMS, None);
        objects.truncate(limits::MODEL_COLLECTIONS);
        enums.truncate(limits::MODEL_ENUMS);
        let record_unions = RecordUnions::take(report, &objects, &mut unions);
        let types = objects.into_iter().zip((0..).map(CollectionId));
        let embedded = EmbeddedTypes::of(report, embedded, unions);
        let stored = types.map(|(node, id)| StoredType::of(report, (id, node), (&embedded, &record_unions)));
        let types: Vec<StoredType<'a>> = stored.collect();
        Self {
            type_ids: types.iter().map(|ty| (ty.node.name.as_str(), ty.id)).collect(),
            enum_ids: enums.iter().map(|node| node.name.as_str()).zip((0..).map(EnumId)).collect(),
            types,
            enums,
            embedded,
            record_unions,
            interfaces,
        }
    }

    /// The type with this id.
    pub(super) fn stored(&self, id: CollectionId) -> &StoredType<'a> {
        &self.types[usize::from(id.0)]
    }

    /// The type of this name.
    pub(super) fn type_named(&self, name: &str) -> Option<&StoredType<'a>> {
        self.type_ids.get(name).map(|id| self.stored(*id))
    }

    /// Whether the name is that of an interface.
    pub(super) fn is_interface(&self, name: &str) -> bool {
        self.interfaces.contains(&name)
    }

    /// The enum of this name.
    pub(super) fn enum_named(&self, name: &str) -> Option<(EnumId, &'a Node<EnumType>)> {
        self.enum_ids.get(name).map(|id| (*id, self.enums[usize::from(id.0)]))
    }
}

impl<'a> StoredType<'a> {
    fn of(
        report: &mut Report<'_>,
        (id, node): (CollectionId, &'a Node<ObjectType>),
        (embedded, unions): (&EmbeddedTypes<'a>, &RecordUnions<'a>),
    ) -> Self {
        let is_standard = |name: &str| STANDARD_FIELDS.iter().any(|standard| standard.name == name);
        let fields: Vec<_> = node.fields.values().filter(|field| !is_standard(&field.name)).collect();
        let expanded = embedded.expand(unions, &fields, FieldId(FIRST_DECLARED));
        let count = expanded.len() + STANDARD_FIELDS.len();
        check_count(report, "fields", count, limits::MODEL_FIELDS, node.name.location());
        let declared = expanded.iter().map(|field| field.name.clone());
        let names = STANDARD_FIELDS.iter().map(|standard| standard.name.to_owned()).chain(declared);
        let field_ids = names.take(limits::MODEL_FIELDS).zip((0..).map(FieldId)).collect();
        let system = report.places.is_system(node.location());
        Self { id, node, system, table: names::snake(&node.name), fields, expanded, field_ids }
    }

    /// What keys its records have.
    pub(super) fn key_form(&self) -> KeyForm {
        self.key_kind().form()
    }

    /// What the ids of its records are.
    pub(super) fn key_kind(&self) -> KeyKind {
        match self.node.directives.get("key").and_then(|directive| read::word(directive, "type")) {
            Some("UUID4") => KeyKind::Uuid4,
            Some("INT") => KeyKind::Int,
            Some("TEXT") => KeyKind::Text,
            _ => KeyKind::Uuid7,
        }
    }

    /// The id of its field of this name, a standard or a declared one.
    pub(super) fn field_id(&self, name: &str) -> Option<FieldId> {
        self.field_ids.get(name).copied()
    }

    /// The declared fields with their ids, each followed by its members.
    pub(super) fn declared(&self) -> impl Iterator<Item = (&Surveyed<'a>, FieldId)> {
        self.expanded.iter().zip((FIRST_DECLARED..).map(FieldId))
    }
}

/// What fields can refer to: the types by name, and the enums.
#[derive(Clone, Copy)]
pub(super) struct Names<'r, 'a> {
    pub(super) survey: &'r Survey<'a>,
    pub(super) enums: &'r [Enum],
    /// The embedded types; none while they are resolved.
    pub(super) embedded: &'r [Embedded],
}

impl Names<'_, '_> {
    /// Whether the values of this enum are states.
    pub(super) fn has_states(self, id: EnumId) -> bool {
        self.enums[usize::from(id.0)].states
    }
}
