//! `@route` and `@inbox`: paths of the team's own.

use apollo_compiler::Node;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;
use backstay_base::limits;

use super::read;
use super::report::Report;
use crate::api_prefix::Beside;
use crate::{
    Action, ApiPrefix, Collection, Diagnostic, Inbox, Interface, Provider, RESERVED_PATHS, Route, RouteMethod,
    RoutePart, RoutePath,
};

/// The route that this directive declares.
pub(super) fn route(report: &mut Report<'_>, directive: &Node<Directive>) -> Option<Route> {
    let (text, place) = read::text(directive, "path")?;
    let path = path(report, text, place)?;
    if directive.name != "inbox" {
        let method = RouteMethod::named(read::word(directive, "method")?)?;
        let token = directive.specified_argument_by_name("token").and_then(|value| value.to_bool()).unwrap_or(false);
        return Some(Route { method, path, inbox: None, token });
    }
    let provider = Provider::named(read::word(directive, "provider")?)?;
    let (secret, at) = read::text(directive, "secret")?;
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if secret.is_empty() || !secret.bytes().all(is_name) {
        let help = "write the name of a secret, such as \"STRIPE_SECRET\", and keep the secret itself out of the model";
        report.error(at, "this is not the name of a secret", "capital letters, digits and `_`", help);
    }
    let inbox = Some(Inbox { provider, secret: secret.to_owned() });
    Some(Route { method: RouteMethod::Post, path, inbox, token: false })
}

fn path(report: &mut Report<'_>, text: &str, place: Option<SourceSpan>) -> Option<RoutePath> {
    let path = RoutePath::of(text);
    let Some(problem) = problem_of(text, &path) else { return Some(path) };
    let help = "write it like \"/articles/{slug}/comments\"";
    report.error(place, format!("a route can't have the path `{text}`"), problem, help);
    None
}

/// What is wrong with a path.
fn problem_of(text: &str, path: &RoutePath) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut names = Vec::new();
    if !text.starts_with('/') {
        return Some("begins with no `/`");
    }
    if text.len() > limits::ROUTE_BYTES {
        return Some("too long");
    }
    for part in &path.parts {
        match part {
            RoutePart::Literal(text) if text.is_empty() => {
                return Some("nothing between two slashes, or after the last one");
            }
            RoutePart::Literal(text) if text.starts_with('.') => return Some("a part begins with a dot"),
            RoutePart::Literal(text) if !text.bytes().all(is_plain) => {
                return Some("a part is letters, digits, `-`, `.`, `_` and `~`, or a parameter such as `{id}`");
            }
            RoutePart::Parameter(name) if !is_name(name) => return Some("a parameter is written like `{id}`"),
            RoutePart::Parameter(name) if names.contains(&name) => return Some("two parameters have the same name"),
            RoutePart::Parameter(name) => names.push(name),
            RoutePart::Literal(_) => {}
        }
    }
    match path.parts.first() {
        Some(RoutePart::Literal(_)) => None,
        Some(RoutePart::Parameter(_)) | None => Some("the first part is a parameter, which would stand for every path"),
    }
}

/// Refuses routes at paths of Backstay's own, and two at the same one.
pub(super) fn check_paths(
    report: &mut Report<'_>,
    actions: &[Action],
    (collections, interfaces): (&[Collection], &[Interface]),
) {
    let has = |path: &str| collections.iter().any(|of| of.path == path) || interfaces.iter().any(|of| of.path == path);
    let routes: Vec<(&Action, &Route)> =
        actions.iter().filter_map(|action| action.route.as_ref().map(|route| (action, route))).collect();
    for (index, (action, route)) in routes.iter().enumerate() {
        let text = &route.path.text;
        if let Some((message, label, help)) = taken(&route.path, report.api, has) {
            report.push(Diagnostic::error(message).located(Some(action.span), label).help(help));
        }
        let same = |(_, other): &&(&Action, &Route)| {
            let by_method = other.inbox.is_none() && route.inbox.is_none();
            other.path.is_same(&route.path) && (!by_method || other.method == route.method)
        };
        if let Some((first, _)) = routes[..index].iter().find(same) {
            let message = format!("two routes have the path `{text}`");
            let diagnostic = Diagnostic::error(message).located(Some(action.span), "again here");
            let help = "give one of them another path, or another method; an inbox has its path for itself";
            report.push(diagnostic.and(first.span, "first here").help(help));
        }
    }
}

/// Why a route can't be at a path that Backstay has: the message, what is there, and what to do.
fn taken(
    path: &RoutePath,
    api: Option<&ApiPrefix>,
    has: impl Fn(&str) -> bool,
) -> Option<(String, &'static str, &'static str)> {
    const OWN: &str = "a path of Backstay's own";
    let text = &path.text;
    let of_records = api.and_then(|api| Some((api, api.beside(path)?)));
    match (of_records, path.parts.first()) {
        (Some((api, Beside::Below(RoutePart::Literal(path)))), _) => has(path).then(|| {
            let message = format!("`{text}` is within `{}`, where records of the model are", api.path_of(path));
            let help = "give the route or the type (`@path(is: \"…\")`) another path, or set `server.api_prefix`, which moves \
                        all records";
            (message, "a path of records", help)
        }),
        (Some((api, Beside::Below(RoutePart::Parameter(_)) | Beside::Same)), _) => {
            let message = format!("`{text}` is within `{api}`, which is Backstay's own");
            Some((message, OWN, "begin the path with another word, or set `server.api_prefix`, which moves all records"))
        }
        (None, Some(RoutePart::Literal(first))) if RESERVED_PATHS.contains(&first.as_str()) => {
            let message = format!("`{text}` is within `/{first}`, which is Backstay's own");
            Some((message, OWN, "begin the path with another word"))
        }
        (None, _) => None,
    }
}
