use std::collections::HashMap;

use apollo_compiler::Schema;
use apollo_compiler::schema::Directive;
use backstay_base::limits;

use super::naming::is_expression_word;
use super::read;
use super::report::Report;
use crate::RuleText;

/// Characters of the name of an application.
const APP_NAME_CHARS: usize = 80;

/// What `extend schema` says.
pub(super) struct App {
    pub(super) name: Option<String>,
    pub(super) rules: HashMap<String, RuleText>,
}

/// Reads `extend schema`.
pub(super) fn app(report: &mut Report<'_>, schema: &Schema) -> App {
    let mut app = App { name: None, rules: HashMap::new() };
    let mut named = false;
    for directive in &schema.schema_definition.directives.0 {
        let place = directive.location();
        if report.places.is_system(place) {
            let help = "write the rule out where it is used";
            report.error(place, "the system model has no `extend schema`", "in a system file", help);
            continue;
        }
        match directive.name.as_str() {
            "app" => {
                named = true;
                app.name = app_name(report, directive);
            }
            "rule" => {
                if let Some((name, rule)) = named_rule(report, directive)
                    && app.rules.insert(name.to_owned(), rule).is_some()
                {
                    let message = format!("the rule `{name}` is defined twice");
                    report.error(place, message, "again here", "remove one of the two, or give it another name");
                }
            }
            _ => {}
        }
    }
    if !named {
        let help = "write `extend schema @app(name: \"…\")` in one of the model files";
        report.error(None, "the application has no name", "", help);
    }
    app
}

fn app_name(report: &mut Report<'_>, directive: &Directive) -> Option<String> {
    let (name, place) = read::text(directive, "name")?;
    let length = name.chars().count();
    if name.trim().is_empty() || length > APP_NAME_CHARS || name.chars().any(char::is_control) {
        let help = format!("a name has 1 to {APP_NAME_CHARS} characters, on one line");
        report.error(place, "the application cannot have this name", "not a name", help);
    }
    Some(name.to_owned())
}

/// A `@rule` whose name a rule can have.
fn named_rule<'d>(report: &mut Report<'_>, directive: &'d Directive) -> Option<(&'d str, RuleText)> {
    let (name, place) = read::text(directive, "name")?;
    let rule = read::rule(report, directive, "is")?;
    let is_identifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= limits::MODEL_NAME_CHARS;
    if !is_identifier {
        let help = "a name has up to 48 letters, digits and underscores, and starts with a letter";
        report.error(place, format!("`{name}` cannot name a rule"), "not a name", help);
        return None;
    }
    if is_expression_word(name) {
        let message = format!("`{name}` is a word of the rule language");
        report.error(place, message, "means something else in rules", "give the rule another name");
        return None;
    }
    Some((name, rule))
}
