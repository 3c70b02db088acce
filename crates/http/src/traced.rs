//! The trace of a request, for the inspector: what it is called there.

use std::fmt::Write as _;

use backstay_base::{RequestId, Timestamp, limits};
use backstay_engine::{Subject, Trace, TraceKind};
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
        let mut name = format!("{} {path}", parts.method);
        name.push_str(&query(parts.uri.query()));
        let parent = parts.headers.get("traceparent").and_then(|parent| parent.to_str().ok());
        let parent = parent.filter(|parent| parent.len() <= limits::TRACE_PARENT_BYTES).map(str::to_owned);
        Some(Subject { id: id.to_string(), kind: TraceKind::Request, name, parent })
    })
}

/// The query of a URL as it may be shown: values can be of classified fields.
fn query(query: Option<&str>) -> String {
    let mut shown = String::new();
    for pair in query.into_iter().flat_map(|query| query.split('&')).take(limits::TRACE_PARTS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = if PLAIN.contains(&name) { value } else { "…" };
        let _ = write!(shown, "{}{name}={value}", if shown.is_empty() { '?' } else { '&' });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_shows_no_value_that_may_be_classified() {
        let check = |text: &str, expected: &str| assert_eq!(query(Some(text)), expected, "{text}");
        assert_eq!(query(None), "");
        check("select=title,author{name}&limit=5", "?select=title,author{name}&limit=5");
        check("email=ann@example.org&sort=-email", "?email=…&sort=-email");
        check("filter=email=='ann@example.org'", "?filter=…");
        check("token=secret", "?token=…");
        check("flag", "?flag=…");
    }
}
