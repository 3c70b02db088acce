//! What the design of Backstay names and this version does not have is refused by name, never ignored.

use apollo_compiler::ast::{Definition, Document, FieldDefinition};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

use crate::places::Places;
use crate::source::Span;
use crate::{Diagnostic, Diagnostics};

const DIRECTIVES: &[(&str, &str)] = &[("localized", "remove it")];

const SCALARS: &[(&str, &str)] = &[("File", "`Url`"), ("Geo", "two `Float` fields"), ("Vector", "`[Float!]`")];

/// Refuses kinds of definitions that are not there yet.
pub(crate) fn check(documents: &[Document], places: &Places, out: &mut Diagnostics) {
    let system_types: Vec<&Name> = documents
        .iter()
        .flat_map(|document| &document.definitions)
        .filter(|definition| places.is_system(definition.location()) && !definition.is_extension_definition())
        .filter_map(Definition::name)
        .collect();
    let mut check = Check { places, out };
    for definition in documents.iter().flat_map(|document| &document.definitions) {
        check.definition(definition);
        let in_app = !places.is_system(definition.location());
        let extended = definition.name().filter(|_| definition.is_extension_definition());
        if let Some(name) = extended.filter(|name| in_app && system_types.contains(name)) {
            let diagnostic = Diagnostic::error(format!("`{name}` belongs to Backstay and cannot be extended"));
            let help = "put the fields into a type of your own that the identity type refers to";
            check.push(name.location(), diagnostic.help(help), "a type of the system model");
        }
    }
}

/// The refusal of a directive that is not there yet.
pub(crate) fn directive(name: &str, span: Option<Span>) -> Option<Diagnostic> {
    let (name, help) = DIRECTIVES.iter().find(|(known, _)| *known == name)?;
    let diagnostic = Diagnostic::error(format!("`@{name}` is not supported yet")).help(*help);
    Some(diagnostic.located(span, "not supported yet"))
}

/// The refusal of a scalar that is not there yet.
pub(crate) fn scalar(name: &str, span: Option<Span>) -> Option<Diagnostic> {
    let (name, instead) = SCALARS.iter().find(|(known, _)| *known == name)?;
    let diagnostic = Diagnostic::error(format!("the scalar `{name}` is not supported yet"));
    Some(diagnostic.help(format!("use {instead} for now")).located(span, "not supported yet"))
}

struct Check<'a> {
    places: &'a Places,
    out: &'a mut Diagnostics,
}

impl Check<'_> {
    fn push(&mut self, place: Option<SourceSpan>, diagnostic: Diagnostic, label: &str) {
        self.out.push(diagnostic.located(self.places.span(place), label));
    }

    fn refuse(&mut self, definition: &Definition, message: &str, help: &str) {
        self.push(definition.location(), Diagnostic::error(message).help(help), "this definition");
    }

    fn definition(&mut self, definition: &Definition) {
        match definition {
            Definition::InterfaceTypeDefinition(of) => self.fields(&of.fields),
            Definition::InterfaceTypeExtension(of) => self.fields(&of.fields),
            Definition::DirectiveDefinition(_) => {
                self.refuse(definition, "directives of your own are not supported", "remove the definition");
            }
            Definition::SchemaDefinition(_) => {
                self.refuse(definition, "Backstay defines the schema's root", "write `extend schema @app(name: …)`");
            }
            Definition::ScalarTypeDefinition(_) | Definition::ScalarTypeExtension(_) => {
                let help = "remove it; the scalars of Backstay are there already";
                self.refuse(definition, "scalars of your own are not supported yet", help);
            }
            Definition::ObjectTypeDefinition(object) => {
                let name = &object.name;
                self.object(definition, name, &object.fields);
            }
            Definition::ObjectTypeExtension(object) => {
                let name = &object.name;
                self.object(definition, name, &object.fields);
            }
            Definition::SchemaExtension(extension) => {
                if let Some(operation) = extension.root_operations.first() {
                    let message = format!("`type {}` is not supported yet", operation.1);
                    self.push(operation.location(), Diagnostic::error(message).help("remove it"), "not supported yet");
                }
            }
            // `declared_actions.rs` reads input types; `resolve/embedded.rs` refuses unions whose members are not embedded.
            Definition::EnumTypeDefinition(_)
            | Definition::EnumTypeExtension(_)
            | Definition::UnionTypeDefinition(_)
            | Definition::UnionTypeExtension(_)
            | Definition::InputObjectTypeDefinition(_)
            | Definition::InputObjectTypeExtension(_)
            | Definition::OperationDefinition(_)
            | Definition::FragmentDefinition(_) => {}
        }
    }

    fn object(&mut self, definition: &Definition, name: &Name, fields: &[Node<FieldDefinition>]) {
        match name.as_str() {
            // Their fields are actions, which take arguments.
            "Query" | "Mutation" => {}
            "Subscription" => {
                let message = "`type Subscription` is not supported yet";
                self.refuse(definition, message, "remove it; clients ask for changes at `/api/…:changes`");
            }
            _ => self.fields(fields),
        }
    }

    fn fields(&mut self, fields: &[Node<FieldDefinition>]) {
        for field in fields {
            if let Some(argument) = field.arguments.first() {
                let diagnostic = Diagnostic::error("arguments of fields are not supported yet");
                self.push(argument.location(), diagnostic.help("remove them"), "not supported yet");
            }
        }
    }
}
