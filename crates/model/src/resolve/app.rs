use std::collections::HashMap;

use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;

use super::Resolver;
use crate::RuleText;

/// Names that rules and filters read as something else.
pub(super) const EXPRESSION_WORDS: &[&str] = &[
    "auth",
    "this",
    "new",
    "request",
    "now",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "size",
    "timestamp",
    "duration",
];

/// Characters of the name of an application.
const APP_NAME_CHARS: usize = 80;

/// What `extend schema` says.
pub(super) struct App {
    pub(super) name: Option<String>,
    pub(super) rules: HashMap<String, RuleText>,
}

impl Resolver<'_> {
    pub(super) fn app(&mut self) -> App {
        let mut app = App { name: None, rules: HashMap::new() };
        let mut named = false;
        let schema = self.schema;
        for directive in &schema.schema_definition.directives.0 {
            let place = directive.location();
            if self.places.is_system(place) {
                let help = "write the rule out where it is used";
                self.error(place, "the system model has no `extend schema`", "in a system file", help);
                continue;
            }
            match directive.name.as_str() {
                "app" => {
                    named = true;
                    app.name = self.app_name(directive);
                }
                "rule" => self.named_rule(directive, place, &mut app.rules),
                _ => {}
            }
        }
        if !named {
            let help = "write `extend schema @app(name: \"…\")` in one of the model files";
            self.error(None, "the application has no name", "", help);
        }
        app
    }

    fn app_name(&mut self, directive: &Directive) -> Option<String> {
        let (name, place) = Self::text(directive, "name")?;
        let length = name.chars().count();
        if name.trim().is_empty() || length > APP_NAME_CHARS || name.chars().any(char::is_control) {
            let help = format!("a name has 1 to {APP_NAME_CHARS} characters, on one line");
            self.error(place, "this is no name for an application", "not a name", help);
        }
        Some(name.to_owned())
    }

    fn named_rule(&mut self, directive: &Directive, place: Option<SourceSpan>, rules: &mut HashMap<String, RuleText>) {
        let (Some((name, at)), Some(rule)) = (Self::text(directive, "name"), self.rule(directive, "is")) else {
            return;
        };
        let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.len() <= backstay_base::limits::MODEL_NAME_CHARS;
        if !identifier {
            let help = "a name begins with a letter and goes on with letters, digits and underscores, 48 at most";
            self.error(at, format!("`{name}` cannot name a rule"), "not a name", help);
        } else if EXPRESSION_WORDS.contains(&name) {
            let message = format!("`{name}` is a word of the rule language");
            self.error(at, message, "means something else in rules", "give the rule another name");
        } else if rules.insert(name.to_owned(), rule).is_some() {
            let message = format!("the rule `{name}` is defined twice");
            self.error(place, message, "again here", "remove one of the two, or give it another name");
        }
    }
}
