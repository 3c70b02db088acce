//! The only place that runs the GraphQL compiler: from files to a valid schema.

use std::sync::Arc;

use apollo_compiler::ast::{Definition, Document};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Schema};
use backstay_base::limits;

use crate::declared_actions::{self, DeclaredActions};
use crate::literal;
use crate::places::Places;
use crate::source::{SourceMap, Span};
use crate::translate::Translation;
use crate::{DIRECTIVES, Diagnostic, Diagnostics, interfaces, packs, syntax, unsupported};

/// The directives that only the system model uses.
pub(crate) const SYSTEM_DIRECTIVES: &str = include_str!("system.graphql");

/// A schema that is valid GraphQL and uses nothing that Backstay does not support.
pub(crate) struct Compiled {
    pub(crate) schema: Valid<Schema>,
    pub(crate) places: Places,
    /// The actions, which are no part of the schema.
    pub(crate) actions: DeclaredActions,
}

/// Parses and validates. Errors of syntax come alone: what follows from them would only confuse. `available` are the names
/// of the packs that could be included.
pub(crate) fn compile(sources: &Arc<SourceMap>, available: &[String]) -> Result<Compiled, Diagnostics> {
    let mut out = Diagnostics::new(Arc::clone(sources));
    check_sizes(sources, &mut out);
    if out.has_errors() {
        return Err(out);
    }
    let mut places = Places::new(Arc::clone(sources));
    let mut documents = parse(&mut places, &mut out);
    if out.has_errors() {
        return Err(out);
    }
    unsupported::check(&documents, &places, &mut out);
    let actions = declared_actions::take(&mut documents, &places, &mut out);
    places.packs = packs::merge(&mut documents, &places, available, &mut out);
    interfaces::expand(&mut documents, &places, &mut out);
    let mut builder = Schema::builder().add_ast(&shipped(&documents, &mut out));
    if sources.files.iter().any(|file| file.system) {
        builder = builder.parse(SYSTEM_DIRECTIVES, "system.graphql");
    }
    for document in &documents {
        builder = builder.add_ast(document);
    }
    let (built, doubled) = match builder.build() {
        Ok(schema) => (schema, None),
        Err(failed) => (failed.partial, Some(failed.errors)),
    };
    let (schema, wrong) = match built.validate() {
        Ok(schema) => (schema, None),
        Err(failed) => (Valid::assume_valid(failed.partial), Some(failed.errors)),
    };
    for errors in doubled.iter().chain(&wrong) {
        Translation { schema: &schema, places: &places }.add(errors, &mut out);
    }
    if out.has_errors() { Err(out) } else { Ok(Compiled { schema, places, actions }) }
}

/// What ships with Backstay, without the scalars whose names the model gives to types of its own.
fn shipped(documents: &[Document], out: &mut Diagnostics) -> Document {
    let own = |name: &Name| {
        let mut definitions = documents.iter().flat_map(|document| &document.definitions);
        definitions.any(|definition| match definition {
            Definition::ObjectTypeDefinition(_) | Definition::EnumTypeDefinition(_) => definition.name() == Some(name),
            _ => false,
        })
    };
    let mut shipped = match Parser::new().parse_ast(DIRECTIVES, "directives.graphql") {
        Ok(document) => document,
        Err(failed) => {
            out.push(Diagnostic::error("the directives that ship with Backstay are damaged"));
            failed.partial
        }
    };
    shipped.definitions.retain(|definition| match definition {
        Definition::ScalarTypeDefinition(scalar) => !own(&scalar.name),
        _ => true,
    });
    shipped
}

fn check_sizes(sources: &SourceMap, out: &mut Diagnostics) {
    if sources.files.len() > limits::MODEL_FILES {
        out.push(Diagnostic::error(format!("the model has more than {} files", limits::MODEL_FILES)));
    }
    for file in sources.files.iter().filter(|file| file.text.len() > limits::MODEL_FILE_BYTES) {
        let message = format!("{} is larger than {} bytes", file.name, limits::MODEL_FILE_BYTES);
        out.push(Diagnostic::error(message).help("split it; a model can have many files"));
    }
    let most = limits::MODEL_DEPTH;
    for (file, number) in sources.files.iter().zip(0_u16..).take(limits::MODEL_FILES) {
        // A place past 32 bits is in a file that is too large, which is reported already.
        let deep = literal::too_deep(&file.text, most).and_then(|at| u32::try_from(at).ok());
        if let Some(start) = deep {
            let span = Span { file: number, start, end: start + 1 };
            let diagnostic = Diagnostic::error(format!("brackets are nested deeper than {most} levels"));
            out.push(diagnostic.at(span, "one too many").help("close the ones before, or put less into one value"));
        }
    }
}

fn parse(places: &mut Places, out: &mut Diagnostics) -> Vec<Document> {
    let sources = Arc::clone(&places.sources);
    let mut documents = Vec::new();
    for (file, number) in sources.files.iter().zip(0_u16..).filter(|(file, _)| !is_empty(&file.text)) {
        let (document, errors) = match Parser::new().parse_ast(file.text.to_string(), &file.name) {
            Ok(document) => (document, None),
            Err(failed) => (failed.partial, Some(failed.errors)),
        };
        let id = document.sources.keys().next().expect("a parsed document has one source");
        places.add(*id, number);
        // What the parser reports after its first error follows from it.
        let first = errors
            .iter()
            .flat_map(DiagnosticList::iter)
            .min_by_key(|error| error.error.location().map_or(usize::MAX, |place| place.offset()));
        if let Some(error) = first {
            let at = error.error.location().map_or(file.text.len(), |place| place.offset());
            let message = error.error.to_string();
            let message = message.strip_prefix("syntax error: ").unwrap_or(&message);
            out.push(syntax::diagnostic(number, &file.text, at, message));
        } else {
            out.extend(syntax::arguments::without_values(number, &file.text));
        }
        documents.push(document);
    }
    documents
}

/// Whether a file holds nothing but blanks and comments, which the parser takes for a mistake.
fn is_empty(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
}
