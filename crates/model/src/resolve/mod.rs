//! From a valid schema to a `Model`: every name resolved, every directive read, everything checked that GraphQL knows
//! nothing of. Goes on after an error with a stand-in, so that all errors are found together.

mod app;
mod collection;
mod default;
mod enums;
mod field;
mod relation;
mod whole;

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::ast::Value as Literal;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{Component, Directive, EnumType, ExtendedType, FieldDefinition, ObjectType};
use apollo_compiler::{Name, Node};
use backstay_base::limits;

use crate::compile::{Compiled, Places};
use crate::literal;
use crate::names;
use crate::source::Span;
use crate::{CollectionId, Diagnostic, Diagnostics, Enum, EnumId, FieldId, Model, RuleText};

/// What every type and enum of the system model is called by, and none of an application.
const SYSTEM_PREFIX: &str = "Backstay";

/// Fields that every record has, in this order, with the type that a declaration of them must have.
const STANDARD_FIELDS: [(&str, &str); 4] =
    [("id", "ID!"), ("createdAt", "DateTime!"), ("updatedAt", "DateTime!"), ("version", "Int!")];

/// The model, or nothing where errors were found; all diagnostics in either case.
pub(crate) fn resolve(compiled: &Compiled) -> (Option<Model>, Diagnostics) {
    let mut resolver = Resolver::new(compiled);
    let model = resolver.model();
    let out = resolver.out;
    (if out.has_errors() { None } else { model }, out)
}

struct Resolver<'a> {
    schema: &'a Schema,
    places: &'a Places,
    out: Diagnostics,
    types: Vec<Stored<'a>>,
    type_ids: HashMap<&'a str, CollectionId>,
    enum_nodes: Vec<&'a Node<EnumType>>,
    enum_ids: HashMap<&'a str, EnumId>,
    enums: Vec<Enum>,
}

/// A stored type before its fields are resolved.
struct Stored<'a> {
    node: &'a Node<ObjectType>,
    system: bool,
    table: String,
    /// Declared fields but for the standard ones.
    fields: Vec<&'a Component<FieldDefinition>>,
    ids: HashMap<&'a str, FieldId>,
}

impl<'a> Resolver<'a> {
    fn new(compiled: &'a Compiled) -> Self {
        let out = Diagnostics::new(Arc::clone(&compiled.places.sources));
        Self {
            schema: &compiled.schema,
            places: &compiled.places,
            out,
            types: Vec::new(),
            type_ids: HashMap::new(),
            enum_nodes: Vec::new(),
            enum_ids: HashMap::new(),
            enums: Vec::new(),
        }
    }

    fn model(&mut self) -> Option<Model> {
        self.survey();
        if self.out.has_errors() {
            return None;
        }
        let app = self.app();
        let (enums, roles) = self.enums();
        self.enums = enums;
        let collections: Vec<_> = (0..self.types.len()).filter_map(|at| self.collection(at)).collect();
        let identity = self.identity(&collections);
        self.check_whole(&collections);
        let by_name = collections.iter().map(|collection| (collection.name.clone(), collection.id)).collect();
        let by_path = collections.iter().map(|collection| (collection.path.clone(), collection.id)).collect();
        Some(Model {
            name: app.name?,
            collections,
            enums: std::mem::take(&mut self.enums),
            rules: app.rules,
            roles,
            identity,
            sources: Arc::clone(&self.places.sources),
            by_name,
            by_path,
        })
    }

    /// Gives every type, field and enum its index, within the limits.
    fn survey(&mut self) {
        for ty in self.schema.types.values().filter(|ty| self.places.is_model(ty.location())) {
            match ty {
                ExtendedType::Object(node) => self.survey_type(node),
                ExtendedType::Enum(node) => {
                    let id = EnumId(u16::try_from(self.enum_nodes.len()).unwrap_or(u16::MAX));
                    self.enum_nodes.push(node);
                    self.enum_ids.insert(&node.name, id);
                }
                _ => {}
            }
        }
        let (types, enums) = (self.types.len(), self.enum_nodes.len());
        self.check_count("types", types, limits::MODEL_COLLECTIONS, None);
        self.check_count("enums", enums, limits::MODEL_ENUMS, None);
    }

    fn survey_type(&mut self, node: &'a Node<ObjectType>) {
        let standard = |name: &str| STANDARD_FIELDS.iter().any(|(field, _)| *field == name);
        let fields: Vec<_> = node.fields.values().filter(|field| !standard(&field.name)).collect();
        let count = fields.len() + STANDARD_FIELDS.len();
        self.check_count("fields", count, limits::MODEL_FIELDS, node.name.location());
        let names = STANDARD_FIELDS.iter().map(|(name, _)| *name).chain(fields.iter().map(|field| field.name.as_str()));
        let ids = (0..).map(FieldId).zip(names).map(|(id, name)| (name, id)).collect();
        let id = CollectionId(u16::try_from(self.types.len()).unwrap_or(u16::MAX));
        let system = self.places.is_system(node.location());
        self.types.push(Stored { node, system, table: names::snake(&node.name), fields, ids });
        self.type_ids.insert(&node.name, id);
    }

    fn check_count(&mut self, what: &str, count: usize, most: usize, place: Option<SourceSpan>) {
        if count > most {
            let message = format!("there are {count} {what}, more than {most}");
            self.error(place, message, "too many", "split it");
        }
    }

    fn error(
        &mut self,
        place: Option<SourceSpan>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(place, Diagnostic::error(message), label, help);
    }

    fn warn(&mut self, place: Option<SourceSpan>, message: String, label: &str, help: String) {
        self.push(place, Diagnostic::warning(message), label, help);
    }

    fn push(
        &mut self,
        place: Option<SourceSpan>,
        diagnostic: Diagnostic,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = match self.places.span(place) {
            Some(span) => diagnostic.at(span, label),
            None => diagnostic,
        };
        self.out.push(diagnostic.help(help));
    }

    /// Checks a name that becomes part of the database's schema.
    fn check_name(&mut self, name: &Name, what: &str) {
        let most = limits::MODEL_NAME_CHARS;
        if name.len() > most || names::snake(name).len() > most {
            let message = format!("the name of this {what} is too long");
            let help = format!("names have at most {most} characters, underscores between words included");
            self.error(name.location(), message, "too long", help);
        } else if name.starts_with('_') || name.ends_with('_') || name.contains("__") {
            let message = format!("`{name}` is not a name for this {what}");
            self.error(name.location(), message, "underscores", "use underscores between words only, one at a time");
        }
    }

    /// The place of a name that is certain to be in a model file.
    fn span_of(&self, name: &Name) -> Span {
        self.places.span(name.location()).unwrap_or(Span { file: 0, start: 0, end: 0 })
    }

    /// The expression in an argument, if it is given.
    fn rule(&mut self, directive: &Directive, argument: &str) -> Option<RuleText> {
        let value = directive.specified_argument_by_name(argument)?;
        self.rule_value(value)
    }

    fn rule_value(&mut self, value: &Node<Literal>) -> Option<RuleText> {
        let text = value.as_str()?;
        let place = value.location();
        if text.trim().is_empty() {
            let help = "write an expression such as \"auth.id != null\"; \"true\" allows everyone";
            self.error(place, "the rule is empty", "nothing in it", help);
        } else if text.len() > limits::EXPRESSION_BYTES {
            let message = format!("the rule is longer than {} bytes", limits::EXPRESSION_BYTES);
            self.error(place, message, "too long", "take parts of it out into `@rule`s");
        }
        let mut span = self.places.span(place)?;
        span.end = span.start + literal::length(self.places.sources.text(span));
        Some(RuleText { text: text.into(), span })
    }

    fn text<'d>(directive: &'d Directive, argument: &str) -> Option<(&'d str, Option<SourceSpan>)> {
        let value = directive.specified_argument_by_name(argument)?;
        value.as_str().map(|text| (text, value.location()))
    }

    /// The word of an enum in an argument.
    fn word<'d>(directive: &'d Directive, argument: &str) -> Option<&'d str> {
        directive.specified_argument_by_name(argument)?.as_enum().map(Name::as_str)
    }
}

fn description(text: Option<&Node<str>>) -> Option<String> {
    text.map(|text| text.as_str().to_owned()).filter(|text| !text.is_empty())
}
