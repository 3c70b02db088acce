//! Members that a request doesn't have, and what to write instead.

use backstay_base::{ViolationKind, nearest};
use backstay_engine::{RecordVerb, RequestKind};
use backstay_scalar::Members;

use crate::transact::Member;
use crate::words::{shorten, unknown};

/// What other systems call the members, and ours.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["insert", "post", "add", "new"], "write `create`"),
    (&["patch", "change"], "write `update`"),
    (&["put"], "write `replace`"),
    (&["upsert"], "write `create`, with the unique key in `onConflict`"),
    (&["on_conflict", "on_duplicate"], "write `onConflict`"),
    (&["remove", "destroy"], "write `delete`"),
    (&["undelete", "recover", "untrash"], "write `restore`"),
    (&["versions", "changes", "revisions", "audit"], "write `history`"),
    (&["as_of", "at", "validAt"], "write `asOf`"),
    (&["read", "find", "fetch"], "write `get` or `list`"),
    (&["data", "values", "record", "attributes", "object"], "write `body`"),
    (
        &["filter", "where", "sort", "order", "limit", "after", "before", "skip", "count", "group", "having"],
        "put it into `query`: {\"list\": \"posts\", \"query\": {\"limit\": 1}}",
    ),
    (&["fields", "columns"], "write `select`"),
    (&["etag", "version", "if_match", "if-match"], "write `ifMatch`"),
    (&["if_none_match", "if-none-match"], "write `ifNoneMatch`"),
    (&["headers"], "write `If-Match` as `ifMatch`; other headers are those of the whole transaction"),
    (
        &["method", "url", "path", "op", "operation", "collection", "type"],
        "write {\"create\": \"posts\", \"body\": {…}}",
    ),
    (&["ref", "name", "alias"], "name the request with `as`, and refer to its result with {\"$ref\": \"w.id\"}"),
    (&["$ref", "$id"], "write {\"$ref\": \"w.id\"} as the value of a member"),
];

/// What a request asks for, wherever among its members that is.
fn action(members: &Members<'_>) -> Option<RequestKind> {
    RequestKind::ALL.into_iter().find(|kind| members.iter().any(|(name, _)| kind.name() == &**name))
}

/// What to write instead of a filter in a request that is about one record; `None` if it isn't.
fn instead_of_filter(kind: RequestKind) -> Option<&'static str> {
    match kind {
        RequestKind::Get => Some("write `by`, or use `list`"),
        RequestKind::Update => Some("write `by`, or use `updateAll`"),
        RequestKind::OfRecord(RecordVerb::Delete) => Some("write `by`, or use `deleteAll`"),
        RequestKind::Replace => Some("write `by`"),
        RequestKind::OfRecord(RecordVerb::Restore | RecordVerb::Purge) => Some("write `id`"),
        RequestKind::List
        | RequestKind::Create
        | RequestKind::OfMatching(_)
        | RequestKind::History
        | RequestKind::Aggregate => None,
    }
}

/// Why a request has no such member.
pub(super) fn unknown_member(members: &Members<'_>, name: &str) -> ViolationKind {
    let kind = action(members);
    let lower = name.to_ascii_lowercase();
    if let Some(remedy) = kind.and_then(instead_of_filter)
        && ["filter", "where"].contains(&&*lower)
    {
        let problem = format!("unknown member `{}`", shorten(name));
        return ViolationKind::Misused { problem, remedy: remedy.to_owned() };
    }
    let remedy = ELSEWHERE.iter().find(|(names, _)| names.contains(&&*lower)).map(|(_, remedy)| *remedy);
    if let Some(remedy) = remedy {
        let problem = format!("unknown member `{}`", shorten(name));
        return ViolationKind::Misused { problem, remedy: remedy.to_owned() };
    }
    let names = RequestKind::ALL.map(RequestKind::name).into_iter().chain(Member::ALL.map(Member::name));
    unknown("member", name, nearest(name, names))
}

/// Why a request of this kind doesn't take a member that others take.
pub(super) fn not_taken(kind: RequestKind, name: &str) -> ViolationKind {
    let remedy = match (kind, name) {
        (RequestKind::Get | RequestKind::List, "body") | (RequestKind::Get, "query") => "leave it out".to_owned(),
        (RequestKind::List | RequestKind::Aggregate, "select" | "params" | "group" | "having") => {
            format!("write it in `query`: {{\"query\": {{\"{name}\": …}}}}")
        }
        (RequestKind::Create, "id") => "leave it out; Backstay assigns the id of a new record".to_owned(),
        (_, "as") => "only requests whose result is a record can be referred to".to_owned(),
        (_, "query") if let Some(remedy) = instead_of_filter(kind) => remedy.to_owned(),
        _ => format!(
            "it takes `{}`",
            Member::of(kind).iter().map(|member| member.name()).collect::<Vec<_>>().join("`, `")
        ),
    };
    ViolationKind::Misused { problem: format!("`{}` has no `{name}`", kind.name()), remedy }
}
