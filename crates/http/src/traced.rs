//! The trace of a request, for the inspector: what it is called there.

use std::fmt::Write as _;

use backstay_base::{RequestId, Timestamp, limits};
use backstay_engine::{Subject, Trace, TraceKind};
use backstay_rest::decode;
use http::request::Parts;

use crate::state::State;

/// What isn't worth a trace: the server's own pages, and what asks again and again whether it runs.
const UNTRACED: [&str; 6] = ["/inspect", "/docs", "/dev", "/healthz", "/readyz", "/favicon.ico"];

/// Parameters whose values name fields and sizes, and nothing that is stored.
const PLAIN: [&str; 12] = [
    "select",
    "sort",
    "limit",
    "skip",
    "count",
    "group",
    "mode",
    "format",
    "onConflict",
    "dryRun",
    "asOf",
    "highlight",
];

/// Begins the trace of a request, if the server is inspected.
pub(crate) fn begin(state: &State, parts: &Parts, (id, now): (RequestId, Timestamp)) -> Trace {
    state.engine.inspector().begin(now, || {
        let path = parts.uri.path();
        let is_under = |of: &str| path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if UNTRACED.into_iter().any(is_under) {
            return None;
        }
        let name = format!("{} {}", parts.method, shown(state, path, parts.uri.query()));
        let parent = parts.headers.get("traceparent").and_then(|parent| parent.to_str().ok());
        let parent = parent.filter(|parent| parent.len() <= limits::TRACE_PARENT_BYTES).map(str::to_owned);
        Some(Subject { id: id.to_string(), kind: TraceKind::Request, name, parent })
    })
}

/// The path and the query of a URL as they may be shown: what a path of the team's own names, and what its functions take, can be secret.
fn shown(state: &State, path: &str, text: Option<&str>) -> String {
    let own = state.own_paths.find(path).map(|own| state.own_paths.text(own));
    let is_of_records = own.is_none() && state.engine.model().api.below(path).is_some();
    format!("{}{}", own.unwrap_or(path), query(text, is_of_records))
}

/// The query of a URL as it may be shown: values can be of classified fields.
fn query(query: Option<&str>, is_of_records: bool) -> String {
    let mut shown = String::new();
    for pair in query.into_iter().flat_map(|query| query.split('&')).take(limits::TRACE_PARTS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = if is_of_records && PLAIN.contains(&name) && is_plain(value) { value } else { "…" };
        let _ = write!(shown, "{}{name}={value}", if shown.is_empty() { '?' } else { '&' });
    }
    shown
}

/// Whether a value, still percent-encoded, names fields and sizes alone. Selections and orders can hold filters and other expressions
/// with values.
fn is_plain(value: &str) -> bool {
    let Ok(value) = decode(value, true) else { return false };
    let is_plain = |c: char| c.is_alphanumeric() || "_,.:;*$/{}+- =".contains(c);
    value.chars().all(is_plain) && !value.contains("==")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_shows_no_value_that_may_be_classified() {
        let check = |text: &str, expected: &str| assert_eq!(query(Some(text), true), expected, "{text}");
        assert_eq!(query(None, true), "");
        check("select=title,author{name}&limit=5", "?select=title,author{name}&limit=5");
        check("select=headline=title,comments:count", "?select=headline=title,comments:count");
        check("select=name,notes(filter:diagnosis=='hay fever'){title}", "?select=…");
        check("select=name,notes%28filter:diagnosis%3D%3D%27hay%27%29{title}", "?select=…");
        check("select=notes(search:hay){title}", "?select=…");
        check("select=ill=diagnosis=='hay'", "?select=…");
        check("select=rich=salary%3D%3D5000", "?select=…");
        check("sort=-length(diagnosis%2B'x')", "?sort=…");
        check("select=%zz", "?select=…");
        check("asOf=2026-01-01T00:00:00Z", "?asOf=2026-01-01T00:00:00Z");
        check("email=ann@example.org&sort=-email", "?email=…&sort=-email");
        check("filter=email=='ann@example.org'", "?filter=…");
        check("token=secret", "?token=…");
        check("flag", "?flag=…");
        assert_eq!(query(Some("limit=secret"), false), "?limit=…");
    }
}
