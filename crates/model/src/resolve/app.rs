use std::collections::HashMap;

use apollo_compiler::Schema;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;

use super::read;
use super::report::Report;
use super::signature::{self, Signature};
use super::survey::Survey;
use crate::{Diagnostic, NamedRule, NamedRules, OwnerName};

/// Characters of the name of an application.
const APP_NAME_CHARS: usize = 80;

/// What `extend schema` says.
pub(super) struct App {
    pub(super) name: Option<String>,
    pub(super) rules: NamedRules,
}

/// Reads `extend schema`.
pub(super) fn app(report: &mut Report<'_>, schema: &Schema, survey: &Survey<'_>) -> App {
    let (mut name, mut rules) = (None, Vec::new());
    let mut named = false;
    let mut written: HashMap<(OwnerName, String), Option<SourceSpan>> = HashMap::new();
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
                name = app_name(report, directive);
            }
            "rule" => {
                let Some(rule) = named_rule(report, survey, directive) else { continue };
                if let Some(first) = written.insert((rule.is.owner.clone(), rule.name.clone()), place) {
                    let mut diagnostic = Diagnostic::error(format!("the rule `{}` is defined twice", rule.name));
                    if let Some(first) = report.places.span(first) {
                        diagnostic = diagnostic.and(first, "first here");
                    }
                    let help = "remove one of the two, or give it another name";
                    report.push(diagnostic.located(report.places.span(place), "again here").help(help));
                    continue;
                }
                rules.push(rule);
            }
            _ => {}
        }
    }
    if !named {
        let help = "write `extend schema @app(name: \"…\")` in one of the model files";
        report.error(None, "the application has no name", "", help);
    }
    App { name, rules: NamedRules::new(rules) }
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
fn named_rule(report: &mut Report<'_>, survey: &Survey<'_>, directive: &Directive) -> Option<NamedRule> {
    let (written, place) = read::text(directive, "name")?;
    let is = read::rule(report, directive, "is")?;
    let (name, parameters) = Signature { survey, written, place }.read(report)?;
    let signature = signature::normal(&name, written);
    Some(NamedRule { name, signature, parameters, is })
}
