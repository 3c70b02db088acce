//! From the GraphQL compiler's errors to ours.

use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{Name, Schema};
use backstay_base::limits;

use crate::names::suggestion;
use crate::places::Places;
use crate::source::Span;
use crate::{Diagnostic, Diagnostics, unsupported};

/// The schema, as far as it was built, that the compiler's errors are about.
pub(crate) struct Translation<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) places: &'a Places,
}

impl Translation<'_> {
    /// Adds the compiler's errors, without those inside of what was refused already.
    pub(crate) fn add(&self, errors: &DiagnosticList, out: &mut Diagnostics) {
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
        match (kind, quoted.as_slice()) {
            (Some("UndefinedDefinition"), _) => self.unknown_type(covered, span),
            (Some("UndefinedDirective"), _) => self.unknown_directive(covered, span),
            (Some("UndefinedArgument"), [name, directive, ..]) => {
                let directive = directive.trim_start_matches('@');
                let known = self.schema.directive_definitions.get(directive);
                let known = known.iter().flat_map(|definition| &definition.arguments).map(|a| a.name.as_str());
                let diagnostic = Diagnostic::error(format!("`@{directive}` takes no argument `{name}`"));
                diagnostic.located(span, "not an argument of it").help(suggestion(name, known))
            }
            (Some("UndefinedEnumValue"), [name, of @ ..]) => {
                let known = of.first().and_then(|of| self.schema.get_enum(of));
                let known = known.iter().flat_map(|of| of.values.keys()).map(Name::as_str);
                let diagnostic = Diagnostic::error(format!("there is no such word as `{name}` here"));
                diagnostic.located(span, "not one of the words").help(suggestion(name, known))
            }
            (Some("UnsupportedLocation"), _) => self.misplaced(covered, span),
            (Some("UniqueDirective"), _) => Diagnostic::error(format!("{} is written twice", head(covered)))
                .located(span, "again here")
                .help("write it once"),
            (Some("RequiredArgument"), [what, ..]) => {
                let name = what.rsplit_once('(').map_or(*what, |(_, name)| name.trim_end_matches([')', ':']));
                Diagnostic::error(format!("{} needs `{name}`", head(covered)))
                    .located(span, "it is missing here")
                    .help(format!("write `{}({name}: …)`", head(covered)))
            }
            (Some("EmptyFieldSet"), _) => Diagnostic::error("the type has no fields")
                .located(span, "this type")
                .help("give it a field such as `name: String!`, or remove it"),
            _ => Diagnostic::error(message).located(span, "here").help(self.remedy(message, &quoted)),
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
        Diagnostic::error(format!("there is no type `{name}`")).located(span, "not known").help(help)
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
        Diagnostic::error(format!("there is no directive `{directive}`")).located(span, "not known").help(help)
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
        Diagnostic::error(format!("{directive} has no meaning here")).located(span, "not here").help(help)
    }

    fn remedy(&self, message: &str, quoted: &[&str]) -> String {
        match quoted.first() {
            Some(name) if message.starts_with("type extension for undefined type") => {
                let known = self.schema.types.keys().map(Name::as_str).filter(|name| !name.starts_with("__"));
                return suggestion(name, known);
            }
            Some(name) if *name == "Query" || self.schema.get_scalar(name).is_some() => {
                return format!("`{name}` is there already; give the type another name");
            }
            Some(_) | None => {}
        }
        let remedy = if message.contains("defined multiple times") || message.contains("duplicate definitions") {
            "remove one of the two, or give it another name"
        } else if message.contains("built-in scalar") {
            "remove it; the scalar is there already"
        } else if message.contains("must not contain") {
            "remove it; a model has types, enums and `extend schema` alone"
        } else if message.starts_with("expected value of type") {
            "write a value of the type that is expected"
        } else {
            "see docs/model.md for what can be written here"
        };
        remedy.to_owned()
    }
}

/// `@name` at the start of a directive's text.
fn head(covered: &str) -> &str {
    let length = covered.bytes().skip(1).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    // Only an empty text is shorter than its first byte.
    covered.get(..=length).unwrap_or(covered)
}
