//! From the GraphQL compiler's errors to ours.

mod wrong_value;

use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{Name, Schema};
use backstay_base::{limits, nearest};

use crate::names::suggestion;
use crate::places::Places;
use crate::source::{Owner, Span};
use crate::syntax::arguments::placeholder;
use crate::syntax::{open_brackets, tokens};
use crate::{Diagnostic, Diagnostics, foreign, unsupported};

type CompilerError<'a> = apollo_compiler::diagnostic::Diagnostic<'a, apollo_compiler::validation::DiagnosticData>;

/// An error as the compiler reports it.
struct Reported {
    kind: Option<&'static str>,
    message: String,
    span: Option<Span>,
}

impl Reported {
    fn begins_within(&self, outer: Span) -> bool {
        self.span.is_some_and(|inner| outer.file == inner.file && (outer.start..outer.end).contains(&inner.start))
    }

    /// Whether it goes away with one of the others.
    fn follows_from_one_of(&self, errors: &[Self]) -> bool {
        let is = |error: &Self, kind: &str| error.kind == Some(kind);
        // What is wrong within a directive on the wrong place goes with the directive.
        let misplaced = |other: &Self| {
            is(other, "UnsupportedLocation")
                && !is(self, "UnsupportedLocation")
                && other.span.is_some_and(|outer| self.begins_within(outer))
        };
        if errors.iter().any(misplaced) {
            return true;
        }
        if is(self, "RequiredArgument") {
            // The argument has another name, or the directive another place.
            let within = |other: &Self| self.span.is_some_and(|outer| other.begins_within(outer));
            return errors
                .iter()
                .any(|other| within(other) && (is(other, "UndefinedArgument") || is(other, "UnsupportedLocation")));
        }
        if is(self, "RequiredField") {
            let same = |other: &Self| {
                is(other, "UndefinedInputValue") && self.span.is_some_and(|outer| other.begins_within(outer))
            };
            let earlier =
                |other: &Self| is(other, "RequiredField") && other.span == self.span && !std::ptr::eq(other, self);
            return errors.iter().any(same)
                || errors.iter().take_while(|other| !std::ptr::eq(*other, self)).any(earlier);
        }
        // Null for a required argument is an argument that is missing, which is said already.
        let missing =
            |other: &Self| is(other, "RequiredArgument") && other.span.is_some_and(|outer| self.begins_within(outer));
        self.message.ends_with("found null") && errors.iter().any(missing)
    }
}

/// The schema, as far as it was built, that the compiler's errors are about.
pub(crate) struct Translation<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) places: &'a Places,
}

impl Translation<'_> {
    /// Adds the compiler's errors, without those that follow from another one.
    pub(crate) fn add(&self, errors: &DiagnosticList, out: &mut Diagnostics) {
        let refused: Vec<Span> = out.iter().filter_map(|diagnostic| diagnostic.span).collect();
        let mut errors: Vec<Reported> =
            errors.iter().take(limits::MODEL_DIAGNOSTICS).map(|error| self.reported(&error)).collect();
        errors.sort_by_key(|error| error.span.map(|span| (span.file, span.start)));
        let mut found: Vec<Diagnostic> = Vec::new();
        for error in &errors {
            // A union of a pack, to which nothing is bound, is reported where it should be.
            let is_unbound = error.kind == Some("EmptyMemberSet") && self.is_of_pack(error.span);
            let follows = is_unbound
                || refused.iter().any(|outer| error.begins_within(*outer))
                || error.follows_from_one_of(&errors);
            if follows {
                continue;
            }
            let diagnostic = self.translated(error.kind, &error.message, error.span);
            // What a model names in many places is missing once.
            let is_name = matches!(error.kind, Some("UndefinedDefinition" | "UndefinedDirective"));
            let same = found.iter_mut().find(|other| is_name && other.message == diagnostic.message);
            match (same, diagnostic.span) {
                (Some(same), Some(span)) => same.related.push((span, "and here".to_owned())),
                _ => found.push(diagnostic),
            }
        }
        out.extend(found);
    }

    fn is_of_pack(&self, span: Option<Span>) -> bool {
        let file = span.and_then(|span| self.places.sources.file(span));
        file.is_some_and(|file| matches!(file.owner(), Owner::Pack(_)))
    }

    fn reported(&self, error: &CompilerError<'_>) -> Reported {
        Reported {
            kind: error.error.unstable_error_name(),
            message: error.error.to_string(),
            span: self.places.span(error.error.location()),
        }
    }

    fn translated(&self, kind: Option<&str>, message: &str, span: Option<Span>) -> Diagnostic {
        let covered = span.map_or("", |span| self.places.sources.text(span));
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        match (kind, quoted.as_slice()) {
            (Some("UndefinedDefinition"), _) => self.unknown_type(covered, span),
            (Some("UndefinedDirective"), _) => self.unknown_directive(covered, span),
            (Some("UndefinedArgument"), [name, directive, ..]) => self.unknown_argument(name, directive, span),
            (Some("UndefinedEnumValue"), [name, of @ ..]) => {
                let known = of.first().and_then(|of| self.schema.get_enum(of));
                let known: Vec<&str> = known.iter().flat_map(|of| of.values.keys()).map(Name::as_str).collect();
                let directive = of.first().and_then(|of| self.directive_taking(of));
                let directive = directive.map_or_else(|| "it".to_owned(), |directive| format!("`@{directive}`"));
                let diagnostic = Diagnostic::error(format!("{directive} has no option `{name}`"));
                diagnostic.located(span, "not an option").help(option(name, &known))
            }
            (Some("UnsupportedLocation"), _) => self.misplaced(covered, span),
            (Some("UniqueDirective"), _) => Diagnostic::error(format!("{} is written twice", head(covered)))
                .located(span, "again here")
                .help("keep one of the two"),
            (Some("RequiredArgument"), [what, ..]) => {
                let name = what.rsplit_once('(').map_or(*what, |(_, name)| name.trim_end_matches([')', ':']));
                Diagnostic::error(format!("{} needs `{name}`", head(covered)))
                    .located(span, "it is missing here")
                    .help(format!("write `{}`", self.complete(covered)))
            }
            (Some("UniqueArgument"), [name, ..]) => Diagnostic::error(format!("`{name}` is written twice"))
                .located(span, "again here")
                .help("keep one of the two; join two rules with `&&` or `||`"),
            (Some("RequiredField" | "UndefinedInputValue"), _) if message.contains("BackstayBind") => {
                Diagnostic::error("entries of `binds` have the members `name` and `to`")
                    .located(span, "not `name` and `to`")
                    .help("write `{name: \"Person\", to: \"User\"}`: a name of the pack, and what it stands for")
            }
            // The other object that a directive takes.
            (Some("RequiredField" | "UndefinedInputValue"), _) => {
                Diagnostic::error("entries of `set` have the members `field` and `to`")
                    .located(span, "not `field` and `to`")
                    .help("write `{field: \"publishedAt\", to: \"now\"}`")
            }
            (_, [name]) if message.starts_with("type extension for undefined type") => {
                let known = self.schema.types.iter().filter(|(_, ty)| self.places.is_model(ty.name().location()));
                let help = suggestion(name, known.map(|(name, _)| name.as_str()));
                Diagnostic::error(format!("there is no type `{name}` to extend")).located(span, "not known").help(help)
            }
            (Some("EmptyFieldSet"), _) => Diagnostic::error("the type has no fields")
                .located(span, "this type")
                .help("give it a field such as `name: String!`, or remove it"),
            (Some("UnsupportedValueType"), _) => {
                let diagnostic = self.without_unit(covered, span);
                diagnostic.unwrap_or_else(|| self.wrong_value(message, covered)).located(span, "another kind of value")
            }
            (_, [declared, expected, own, found]) if message.starts_with("interface field") => Diagnostic::error(
                format!("`{own}` is of type `{found}`, but `{declared}` of the interface is `{expected}`"),
            )
            .located(span, "another type")
            .help(format!("write `{expected}`, or leave the field out: the type gets it from the interface")),
            (_, [name, of, ..]) if message.starts_with("duplicate definitions") => self.written_twice(name, of, span),
            (_, [name, ..]) if message.contains("two underscores") => {
                let help = "begin it with a letter; two underscores belong to GraphQL";
                Diagnostic::error(format!("`{name}` can't be a name")).located(span, "reserved").help(help)
            }
            (_, [name, ..]) if message.starts_with("the type") && self.is_models(name) => {
                let diagnostic = Diagnostic::error(format!("there are two types called `{name}`"));
                let first = self.schema.types.get(*name).and_then(|ty| self.places.span(ty.name().location()));
                twice(diagnostic, first, span)
            }
            (_, [name, ..]) if message.contains("defined multiple times") && self.schema.get_scalar(name).is_some() => {
                let help = format!("give the type another name, or remove it to use the scalar `{name}`");
                Diagnostic::error(format!("`{name}` is a scalar of Backstay")).located(span, "taken").help(help)
            }
            _ => Diagnostic::error(message).located(span, "here").help(self.remedy(message, &quoted)),
        }
    }

    /// The directive with every argument that it requires; a word alone, which the parser takes for the name of an
    /// argument, is the value of the first.
    fn complete(&self, covered: &str) -> String {
        let directive = head(covered);
        let word = covered[directive.len()..].trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let mut word = word.filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        let definition = self.schema.directive_definitions.get(directive.trim_start_matches('@'));
        let required = definition.iter().flat_map(|of| &of.arguments).filter(|argument| argument.is_required());
        let written: Vec<String> = required
            .map(|argument| match word.take() {
                Some(word) => placeholder(argument).replace('…', word),
                None => placeholder(argument),
            })
            .collect();
        format!("{directive}({})", written.join(", "))
    }

    /// An argument that a directive does not take.
    fn unknown_argument(&self, name: &str, directive: &str, span: Option<Span>) -> Diagnostic {
        let directive = directive.trim_start_matches('@');
        let known = self.schema.directive_definitions.get(directive);
        let known = known.iter().flat_map(|definition| &definition.arguments).map(|a| a.name.as_str());
        let known: Vec<&str> = known.collect();
        let diagnostic = Diagnostic::error(format!("`@{directive}` takes no argument `{name}`"));
        let at = self.level(span);
        let known: Vec<&str> = known
            .into_iter()
            .filter(|known| {
                let of_types = directive == "allow" && ["refer", "only", "delete", "restore", "purge"].contains(known);
                // Those of actions are checked before the schema is built.
                let of_actions = directive == "allow" && *known == "call";
                !(of_actions || of_types && at == Level::Field)
            })
            .collect();
        let help = match known.as_slice() {
            _ if let Some(instead) = foreign::instead_of_argument(directive, name, at == Level::Field) => instead,
            _ if directive == "allow" && nearest(name, known.iter().copied()).is_none() => {
                format!("`@allow` takes {}", listed(&known, "and"))
            }
            [] => format!("write `@{directive}` alone"),
            [_] => format!("write `{}`", self.complete(&format!("@{directive}"))),
            _ => suggestion(name, known),
        };
        diagnostic.located(span, "not an argument of it").help(help)
    }

    /// Whether the model itself defines a type of this name.
    fn is_models(&self, name: &str) -> bool {
        self.schema.types.get(name).is_some_and(|ty| self.places.is_model(ty.name().location()))
    }

    /// A field of a type, or a value of an enum, that is there twice.
    fn written_twice(&self, name: &str, of: &str, span: Option<Span>) -> Diagnostic {
        let (what, first) = match self.schema.types.get(of) {
            Some(ExtendedType::Object(object)) => {
                ("fields", object.fields.get(name).and_then(|field| field.name.location()))
            }
            Some(ExtendedType::Enum(of)) => ("values", of.values.get(name).and_then(|value| value.value.location())),
            _ => ("parts", None),
        };
        twice(Diagnostic::error(format!("{of} has two {what} called `{name}`")), self.places.span(first), span)
    }

    fn unknown_type(&self, name: &str, span: Option<Span>) -> Diagnostic {
        // A type of this name, where an interface is expected.
        if self.is_models(name) {
            let help = format!("declare it as `interface {name}`, which has no records, or refer to it in a field");
            return Diagnostic::error(format!("`{name}` is not an interface")).located(span, "a type").help(help);
        }
        if let Some(diagnostic) = unsupported::scalar(name, span) {
            return diagnostic;
        }
        if let Some(instead) = foreign::instead_of_type(name) {
            return Diagnostic::error(format!("there is no type `{name}`")).located(span, "not known").help(instead);
        }
        let known = self.schema.types.iter().filter(|(name, ty)| {
            let shown = !name.starts_with("__") && !name.starts_with("Backstay") && name.as_str() != "Query";
            shown && !ty.is_input_object()
        });
        let built_in = ["ID", "Float"]
            .into_iter()
            .chain(known.clone().filter(|(_, ty)| ty.is_scalar()).map(|(name, _)| name.as_str()));
        let names = known.map(|(name, _)| name.as_str()).chain(["ID", "Float"]);
        let help = if let Some(meant) = nearest(name, names) {
            format!("did you mean `{meant}`?")
        } else {
            let mut built_in: Vec<&str> = built_in.collect();
            built_in.sort_unstable();
            built_in.dedup();
            format!("define a type or an enum called `{name}`; the built-in types are {}", built_in.join(", "))
        };
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
        let suggested = || suggestion(directive, ours.iter().map(String::as_str));
        let help = foreign::instead_of_directive(name).map_or_else(suggested, str::to_owned);
        Diagnostic::error(format!("there is no directive `{directive}`")).located(span, "not known").help(help)
    }

    fn misplaced(&self, covered: &str, span: Option<Span>) -> Diagnostic {
        let directive = head(covered);
        let definition = self.schema.directive_definitions.get(directive.trim_start_matches('@'));
        let level = self.level(span);
        let index = definition.is_some_and(|definition| definition.name == "index") && level == Level::Field;
        let field = if index { self.field_before(span) } else { None };
        let places = definition.iter().flat_map(|definition| &definition.locations).map(|place| match place.name() {
            "SCHEMA" => "`extend schema`",
            "OBJECT" => "types",
            "INTERFACE" => "interfaces",
            "FIELD_DEFINITION" => "fields",
            "ARGUMENT_DEFINITION" => "arguments of actions",
            "INPUT_FIELD_DEFINITION" => "fields of input types",
            "ENUM" => "enums",
            "ENUM_VALUE" => "values of enums",
            other => other,
        });
        let places = places.collect::<Vec<_>>().join(" or ");
        let here = match level {
            Level::Field => "a field",
            Level::Type => "a type",
            Level::Other => "this",
        };
        if self.is_in_interface(span) {
            let help = on_interface(directive);
            let error = Diagnostic::error(format!("`{directive}` can't be used on an interface"));
            return error.located(span, "not here").help(help);
        }
        let help = match (field, places.as_str()) {
            (Some(field), _) => format!("put it on the type: `@index(fields: [\"{field}\"])`"),
            (None, "`extend schema`") => "put it on `extend schema`".to_owned(),
            (None, "types" | "types or interfaces") => "put it on the type".to_owned(),
            (None, places) => format!("put it on {places}"),
        };
        Diagnostic::error(format!("`{directive}` can't be used on {here}")).located(span, "not here").help(help)
    }

    /// Whether a directive that stands here is written on an interface, and not on a field of it.
    fn is_in_interface(&self, span: Option<Span>) -> bool {
        let interfaces = self.schema.types.values().filter(|ty| ty.is_interface());
        let mut marked = interfaces.flat_map(|ty| ty.directives().iter());
        span.is_some() && marked.any(|directive| self.places.span(directive.location()) == span)
    }

    /// What a directive that stands here is written on.
    fn level(&self, span: Option<Span>) -> Level {
        let Some(before) = span.and_then(|span| self.places.sources.before(span)) else { return Level::Other };
        directive_level(before)
    }

    /// The field that the directive here is written on.
    fn field_before(&self, span: Option<Span>) -> Option<&str> {
        let before = span.and_then(|span| self.places.sources.before(span))?;
        let line = before.rsplit('\n').next()?;
        let (name, _) = line.split_once(':')?;
        let name = name.rsplit(['{', ' ', '\t', ',']).find(|word| !word.is_empty())?;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
    }

    /// The directive with an argument of this type.
    fn directive_taking(&self, ty: &str) -> Option<&str> {
        let takes = |of: &&apollo_compiler::Node<apollo_compiler::ast::DirectiveDefinition>| {
            of.arguments.iter().any(|argument| argument.ty.inner_named_type() == ty)
        };
        self.schema.directive_definitions.values().find(takes).map(|of| of.name.as_str())
    }

    fn remedy(&self, message: &str, quoted: &[&str]) -> String {
        match quoted.first() {
            Some(name) if *name == "Query" || self.schema.get_scalar(name).is_some() => {
                return format!("Backstay defines `{name}` already; give the type another name");
            }
            Some(_) | None => {}
        }
        let remedy = if message.contains("defined multiple times") || message.contains("duplicate definitions") {
            "remove one of the two, or give it another name"
        } else if message.contains("built-in scalar") {
            "remove it; the scalar is built in"
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

/// What to do with a directive that is about one type, where an interface has it.
fn on_interface(directive: &str) -> String {
    let remedy = match directive {
        "@identity" => "put it on the type whose records are accounts; there is one such type",
        "@embedded" => "put it on the types that implement the interface; an interface itself stores nothing",
        "@single" => "put it on each type that has just one record",
        "@tree" => "put it on a type: the records of a tree are all of one type",
        "@renamed" => "remove it; nothing is stored under the name of an interface, so it can change at any time",
        "@deprecated" => "put it on the types that clients should stop using, or on fields of the interface",
        _ => return format!("put it on the types that implement the interface, or remove `{directive}`"),
    };
    remedy.to_owned()
}

/// What a directive is written on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Type,
    Field,
    Other,
}

/// What the directive after this text is written on.
fn directive_level(before: &str) -> Level {
    let words = tokens(before);
    let opened = open_brackets(&words);
    let innermost = opened.iter().rfind(|token| token.text == "{");
    let end =
        innermost.map_or(words.len(), |brace| words.iter().position(|word| word.start == brace.start).unwrap_or(0));
    let keyword = words[..end].iter().rfind(|word| matches!(word.text, "type" | "enum" | "schema"));
    match (keyword.map(|word| word.text), innermost) {
        (Some("type"), Some(_)) => Level::Field,
        (Some("type"), None) => Level::Type,
        _ => Level::Other,
    }
}

/// ``did you mean `x`?``, or what can be chosen.
fn option(name: &str, known: &[&str]) -> String {
    match foreign::instead_of_option(name).filter(|meant| known.contains(meant)) {
        Some(meant) => format!("write `{meant}`"),
        None => match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("choose {}", listed(known, "or")),
        },
    }
}

/// `a`, `b` and `c`.
fn listed(words: &[&str], and: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} {and} {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

/// A diagnostic about something that is there twice.
fn twice(diagnostic: Diagnostic, first: Option<Span>, again: Option<Span>) -> Diagnostic {
    let diagnostic = diagnostic.located(again, "again here").help("remove one of the two, or give it another name");
    match first {
        Some(first) => diagnostic.and(first, "first here"),
        None => diagnostic,
    }
}

/// `@name` at the start of a directive's text.
fn head(covered: &str) -> &str {
    let length = covered.bytes().skip(1).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    // Only an empty text is shorter than its first byte.
    covered.get(..=length).unwrap_or(covered)
}
