//! The only place that runs the GraphQL compiler: from files to a valid schema, and from its errors to ours.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::ast::{Definition, Document};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::{FileId, Parser, SourceSpan};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Schema};
use backstay_base::limits;

use crate::literal;
use crate::names::suggestion;
use crate::source::{SourceMap, Span};
use crate::{DIRECTIVES, Diagnostic, Diagnostics, unsupported};

/// A schema that is valid GraphQL and uses nothing that Backstay does not support.
pub(crate) struct Compiled {
    pub(crate) schema: Valid<Schema>,
    pub(crate) places: Places,
}

/// From places of the compiler to places in our files.
pub(crate) struct Places {
    files: HashMap<FileId, u16>,
    pub(crate) sources: Arc<SourceMap>,
}

impl Places {
    /// The span without the blanks that the compiler counts to the end of it; `None` for what ships with Backstay.
    pub(crate) fn span(&self, place: Option<SourceSpan>) -> Option<Span> {
        let place = place?;
        let file = *self.files.get(&place.file_id())?;
        let text = &self.sources.files[usize::from(file)].text;
        let covered = text.get(place.offset()..place.end_offset())?;
        let blank = |c: char| c.is_whitespace() || c == ',';
        let end = place.offset() + covered.trim_end_matches(blank).len();
        Some(Span { file, start: u32::try_from(place.offset()).ok()?, end: u32::try_from(end).ok()? })
    }

    /// Whether the place is in the system model.
    pub(crate) fn is_system(&self, place: Option<SourceSpan>) -> bool {
        self.span(place).and_then(|span| self.sources.file(span)).is_some_and(|file| file.system)
    }

    /// Whether the place is in a file of the model, not in what ships with Backstay.
    pub(crate) fn is_model(&self, place: Option<SourceSpan>) -> bool {
        place.is_some_and(|place| self.files.contains_key(&place.file_id()))
    }
}

/// Parses and validates. Errors of syntax come alone: what follows from them would only confuse.
pub(crate) fn compile(sources: &Arc<SourceMap>) -> Result<Compiled, Diagnostics> {
    let mut out = Diagnostics::new(Arc::clone(sources));
    check_sizes(sources, &mut out);
    if out.has_errors() {
        return Err(out);
    }
    let mut places = Places { files: HashMap::new(), sources: Arc::clone(sources) };
    let documents = parse(&mut places, &mut out);
    if out.has_errors() {
        return Err(out);
    }
    unsupported::check(&documents, &places, &mut out);
    let mut builder = Schema::builder().add_ast(&shipped(&documents, &mut out));
    for document in &documents {
        builder = builder.add_ast(document);
    }
    let (schema, errors) = match builder.build() {
        Ok(schema) => match schema.validate() {
            Ok(schema) => (schema, None),
            Err(failed) => (Valid::assume_valid(failed.partial), Some(failed.errors)),
        },
        Err(failed) => (Valid::assume_valid(failed.partial), Some(failed.errors)),
    };
    if let Some(errors) = errors {
        Translation { schema: &schema, places: &places }.add(&errors, &mut out);
    }
    if out.has_errors() { Err(out) } else { Ok(Compiled { schema, places }) }
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
    for (number, file) in sources.files.iter().enumerate() {
        let deep = literal::too_deep(&file.text, most).and_then(|at| u32::try_from(at).ok());
        if let (Some(start), Ok(number)) = (deep, u16::try_from(number)) {
            let span = Span { file: number, start, end: start + 1 };
            let diagnostic = Diagnostic::error(format!("brackets are nested deeper than {most} levels"));
            out.push(diagnostic.at(span, "one too many").help("close the ones before, or put less into one value"));
        }
    }
}

fn parse(places: &mut Places, out: &mut Diagnostics) -> Vec<Document> {
    let sources = Arc::clone(&places.sources);
    let mut documents = Vec::new();
    for (number, file) in sources.files.iter().enumerate().filter(|(_, file)| !is_empty(&file.text)) {
        let (document, errors) = match Parser::new().parse_ast(file.text.to_string(), &file.name) {
            Ok(document) => (document, None),
            Err(failed) => (failed.partial, Some(failed.errors)),
        };
        let id = document.sources.keys().next().copied();
        if let (Some(id), Ok(number)) = (id, u16::try_from(number)) {
            places.files.insert(id, number);
        }
        for error in errors.iter().flat_map(DiagnosticList::iter).take(limits::MODEL_DIAGNOSTICS) {
            let message = plain_tokens(&error.error.to_string());
            let diagnostic = Diagnostic::error(message).help("model files are GraphQL type definitions (SDL)");
            out.push(located(diagnostic, places.span(error.error.location()), "here"));
        }
        documents.push(document);
    }
    documents
}

/// Whether a file holds nothing but blanks and comments, which the parser takes for a mistake.
fn is_empty(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
}

/// The parser's names of tokens as they are written.
fn plain_tokens(message: &str) -> String {
    let tokens = [("L_CURLY", "`{`"), ("R_CURLY", "`}`"), ("L_PAREN", "`(`"), ("R_PAREN", "`)`"), ("R_BRACK", "`]`")];
    let written = tokens.iter().fold(message.to_owned(), |text, (name, token)| text.replace(name, token));
    written.replace("EOF", "the end of the file")
}

/// At the place, if there is one.
fn located(diagnostic: Diagnostic, span: Option<Span>, label: &str) -> Diagnostic {
    match span {
        Some(span) => diagnostic.at(span, label),
        None => diagnostic,
    }
}

struct Translation<'a> {
    schema: &'a Schema,
    places: &'a Places,
}

impl Translation<'_> {
    /// Adds the compiler's errors, without those inside of what was refused already.
    fn add(&self, errors: &DiagnosticList, out: &mut Diagnostics) {
        let refused: Vec<Span> = out.iter().filter_map(|diagnostic| diagnostic.span).collect();
        let within = |inner: Span| {
            refused.iter().any(|outer| outer.file == inner.file && (outer.start..outer.end).contains(&inner.start))
        };
        for error in errors.iter().take(limits::MODEL_DIAGNOSTICS) {
            let span = self.places.span(error.error.location());
            if span.is_some_and(within) {
                continue;
            }
            let message = error.error.to_string();
            // Null for a required argument is an argument that is missing, which is said already.
            let repeated = out.iter().filter_map(|diagnostic| diagnostic.span).any(|outer| {
                span.is_some_and(|inner| outer.file == inner.file && (outer.start..outer.end).contains(&inner.start))
            });
            if repeated && message.ends_with("found null") {
                continue;
            }
            out.push(self.translated(error.error.unstable_error_name(), &message, span));
        }
    }

    fn translated(&self, kind: Option<&str>, message: &str, span: Option<Span>) -> Diagnostic {
        let covered = span.map_or("", |span| self.places.sources.text(span));
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        match kind {
            Some("UndefinedDefinition") => self.unknown_type(covered, span),
            Some("UndefinedDirective") => self.unknown_directive(covered, span),
            Some("UndefinedArgument") => {
                let name = quoted.first().copied().unwrap_or_default();
                let directive = quoted.get(1).copied().unwrap_or_default().trim_start_matches('@');
                let known = self.schema.directive_definitions.get(directive);
                let known = known.iter().flat_map(|definition| &definition.arguments).map(|a| a.name.as_str());
                let diagnostic = Diagnostic::error(format!("`@{directive}` takes no argument `{name}`"));
                located(diagnostic, span, "not an argument of it").help(suggestion(name, known))
            }
            Some("UndefinedEnumValue") => {
                let name = quoted.first().copied().unwrap_or_default();
                let known = quoted.get(1).and_then(|of| self.schema.get_enum(of));
                let known = known.iter().flat_map(|of| of.values.keys()).map(Name::as_str);
                let diagnostic = Diagnostic::error(format!("there is no such word as `{name}` here"));
                located(diagnostic, span, "not one of the words").help(suggestion(name, known))
            }
            Some("UnsupportedLocation") => self.misplaced(covered, span),
            Some("UniqueDirective") => {
                located(Diagnostic::error(format!("{} is written twice", head(covered))), span, "again here")
                    .help("write it once")
            }
            Some("RequiredArgument") => {
                let what = quoted.first().copied().unwrap_or_default();
                let name = what.rsplit_once('(').map_or(what, |(_, name)| name.trim_end_matches([')', ':']));
                located(Diagnostic::error(format!("{} needs `{name}`", head(covered))), span, "it is missing here")
                    .help(format!("write `{}({name}: …)`", head(covered)))
            }
            Some("EmptyFieldSet") => located(Diagnostic::error("the type has no fields"), span, "this type")
                .help("give it a field such as `name: String!`, or remove it"),
            _ => located(Diagnostic::error(message), span, "here").help(self.remedy(message, &quoted)),
        }
    }

    fn unknown_type(&self, name: &str, span: Option<Span>) -> Diagnostic {
        if let Some(diagnostic) = unsupported::scalar(name, span) {
            return diagnostic;
        }
        let known = self.schema.types.iter().filter(|(name, ty)| {
            let shown = !name.starts_with("__") && !name.starts_with("Backstay") && name.as_str() != "Query";
            shown && !ty.is_input_object()
        });
        let help = suggestion(name, known.map(|(name, _)| name.as_str()));
        located(Diagnostic::error(format!("there is no type `{name}`")), span, "not known").help(help)
    }

    fn unknown_directive(&self, covered: &str, span: Option<Span>) -> Diagnostic {
        let directive = head(covered);
        let name = directive.trim_start_matches('@');
        if let Some(diagnostic) = unsupported::directive(name, span) {
            return diagnostic;
        }
        let ours = self.schema.directive_definitions.values().filter(|definition| !definition.is_built_in());
        let ours: Vec<String> = ours.map(|definition| format!("@{}", definition.name)).collect();
        let help = suggestion(directive, ours.iter().map(String::as_str));
        located(Diagnostic::error(format!("there is no directive `{directive}`")), span, "not known").help(help)
    }

    fn misplaced(&self, covered: &str, span: Option<Span>) -> Diagnostic {
        let directive = head(covered);
        let definition = self.schema.directive_definitions.get(directive.trim_start_matches('@'));
        let places = definition.iter().flat_map(|definition| &definition.locations).map(|place| match place.name() {
            "SCHEMA" => "`extend schema`",
            "OBJECT" => "types",
            "FIELD_DEFINITION" => "fields",
            "ENUM" => "enums",
            "ENUM_VALUE" => "values of enums",
            other => other,
        });
        let help = format!("it belongs on {}", places.collect::<Vec<_>>().join(" and "));
        located(Diagnostic::error(format!("{directive} has no meaning here")), span, "not here").help(help)
    }

    fn remedy(&self, message: &str, quoted: &[&str]) -> String {
        let name = quoted.first().copied().unwrap_or_default();
        if message.starts_with("type extension for undefined type") {
            let known = self.schema.types.keys().map(Name::as_str).filter(|name| !name.starts_with("__"));
            suggestion(name, known)
        } else if name == "Query" || self.schema.get_scalar(name).is_some() {
            format!("`{name}` is there already; give the type another name")
        } else if message.contains("defined multiple times") || message.contains("duplicate definitions") {
            "remove one of the two, or give it another name".to_owned()
        } else if message.contains("built-in scalar") {
            "remove it; the scalar is there already".to_owned()
        } else if message.contains("must not contain") {
            "remove it; a model has types, enums and `extend schema` alone".to_owned()
        } else if message.starts_with("expected value of type") {
            "write a value of the type that is expected".to_owned()
        } else {
            "see docs/model.md for what can be written here".to_owned()
        }
    }
}

/// `@name` at the start of a directive's text.
fn head(covered: &str) -> &str {
    let length = covered.bytes().skip(1).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    covered.get(..=length).unwrap_or(covered)
}
