use std::collections::HashMap;

use apollo_compiler::Schema;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;

use super::read;
use super::report::Report;
use super::signature::{self, Signature};
use super::survey::Survey;
use crate::{Diagnostic, FUNCTIONS, NamedRule};

/// Characters of the name of an application.
const APP_NAME_CHARS: usize = 80;

/// What `extend schema` says.
pub(super) struct App {
    pub(super) name: Option<String>,
    pub(super) rules: HashMap<String, NamedRule>,
}

/// Reads `extend schema`.
pub(super) fn app(report: &mut Report<'_>, schema: &Schema, survey: &Survey<'_>) -> App {
    let mut app = App { name: None, rules: HashMap::new() };
    let mut named = false;
    let mut written: HashMap<String, Option<SourceSpan>> = HashMap::new();
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
                let Some((name, rule)) = named_rule(report, survey, directive) else { continue };
                if let Some(first) = written.insert(name.clone(), place) {
                    let mut diagnostic = Diagnostic::error(format!("the rule `{name}` is defined twice"));
                    if let Some(first) = report.places.span(first) {
                        diagnostic = diagnostic.and(first, "first here");
                    }
                    let help = "remove one of the two, or give it another name";
                    report.push(diagnostic.located(report.places.span(place), "again here").help(help));
                }
                check_function(report, (&name, place));
                app.rules.insert(name, rule);
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

/// A `@rule` whose name a rule can have, by that name.
fn named_rule(report: &mut Report<'_>, survey: &Survey<'_>, directive: &Directive) -> Option<(String, NamedRule)> {
    let (written, place) = read::text(directive, "name")?;
    let is = read::rule(report, directive, "is")?;
    let (name, parameters) = Signature { survey, written, place }.read(report)?;
    let signature = signature::normal(&name, written);
    Some((name, NamedRule { signature, parameters, is }))
}

/// A pack and an application each call a function in their rules, and neither may give it another meaning in the other's.
fn check_function(report: &mut Report<'_>, (name, place): (&str, Option<SourceSpan>)) {
    if !report.places.packs.all.is_empty() && FUNCTIONS.contains(&name) {
        let message = format!("`{name}` is a function, which packs and applications call in their rules");
        report.error(place, message, "would stand in its stead", "give the rule another name");
    }
}
