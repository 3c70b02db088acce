//! The table of everything that can be called. A new endpoint is a row here and an arm for its handler in `door` and
//! `openapi`.

use std::iter;

use backstay_model::{Action, Model};
use http::{HeaderValue, Method};

use crate::endpoint::{
    ANY_TYPE, BodyLimit, BodyRule, Callers, Conditions, Described, DocsPart, Effect, Endpoint, Handler, Idempotency,
    InspectionPart, Overload, Pages, Parameters, Pattern, Presence, RecordRequest, Route, VIEWER_SCRIPT_PATH,
    VIEWER_STYLE_PATH, Verb, allow,
};
use crate::state::State;
use crate::target::{Records, Target, pattern};
use crate::{Refusal, astray};

const JSON: &str = "application/json";
const JSON_BODY: BodyRule =
    BodyRule { presence: Presence::Required, media_types: &[JSON], limit: BodyLimit::Configured };
/// JSON Merge Patch (RFC 7396), also under the plain name.
const PATCH_BODY: BodyRule = BodyRule { media_types: &[JSON, "application/merge-patch+json"], ..JSON_BODY };
const CREDENTIALS_BODY: BodyRule = BodyRule { limit: BodyLimit::Credentials, ..JSON_BODY };
const FORM_BODY: BodyRule = BodyRule { media_types: &["application/x-www-form-urlencoded"], ..CREDENTIALS_BODY };

const KEY_ON_READ: &str = "this request changes nothing; an idempotency key is only for requests that do";
const KEY_OF_EVENT: &str = "an event is known by the id that it has";
const KEY_ON_SECRET: &str = "not supported under /auth/: the answer contains a secret, which is never stored";

/// A read of what is the same for everyone.
const DOCUMENT: Endpoint = Endpoint {
    verb: Verb::Get,
    handler: Handler::Root,
    effect: Effect::Reads,
    pages: Pages::All,
    negotiated: false,
    body: None,
    parameters: Parameters::None,
    conditions: Conditions::None,
    idempotency: Idempotency::Refused(KEY_ON_READ),
    prefer: false,
    described: Described::Not,
};
/// A write of records.
const WRITE: Endpoint = Endpoint {
    effect: Effect::Changes,
    pages: Pages::OwnWithCookie,
    negotiated: true,
    idempotency: Idempotency::Taken,
    ..DOCUMENT
};
/// A change to an account or a session.
const ACCOUNT: Endpoint = Endpoint {
    verb: Verb::Post,
    effect: Effect::Changes,
    pages: Pages::OwnWithCookie,
    negotiated: true,
    idempotency: Idempotency::Refused(KEY_ON_SECRET),
    ..DOCUMENT
};

/// What every route answers to `OPTIONS`, for every caller and whatever else the request carries.
pub(crate) static OPTIONS: Endpoint =
    Endpoint { verb: Verb::Options, handler: Handler::Options, parameters: Parameters::Ignored, ..DOCUMENT };

const GET_RECORD: Endpoint = Endpoint {
    handler: Handler::Record(RecordRequest::Get),
    negotiated: true,
    parameters: Parameters::OfRecord,
    conditions: Conditions::OfRead,
    described: Described::OfCollection { verb: "get", summary: "Read a record of {type}", status: "200" },
    ..DOCUMENT
};
const UPDATE_RECORD: Endpoint = Endpoint {
    verb: Verb::Patch,
    handler: Handler::Record(RecordRequest::Update),
    body: Some(PATCH_BODY),
    parameters: Parameters::Shown,
    conditions: Conditions::OfWrite,
    prefer: true,
    described: Described::OfCollection { verb: "update", summary: "Change a record of {type}", status: "200" },
    ..WRITE
};

const REPLACE_RECORD: Endpoint = Endpoint {
    verb: Verb::Put,
    handler: Handler::Record(RecordRequest::Replace),
    body: Some(JSON_BODY),
    conditions: Conditions::OfReplace,
    described: Described::OfCollection {
        verb: "replace",
        summary: "Create or replace a record of {type}",
        status: "200",
    },
    ..UPDATE_RECORD
};
const DELETE_RECORD: Endpoint = Endpoint {
    verb: Verb::Delete,
    handler: Handler::Record(RecordRequest::Delete),
    // The answer has no content.
    negotiated: false,
    conditions: Conditions::OfWrite,
    described: Described::OfCollection { verb: "delete", summary: "Delete a record of {type}", status: "204" },
    ..WRITE
};

static RECORD: Route = Route {
    pattern: Pattern::Record,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[GET_RECORD, UPDATE_RECORD, REPLACE_RECORD, DELETE_RECORD],
    otherwise: ON_RECORD,
    not_yet: &[],
};

const ON_RECORD: &str =
    "read a record with GET, change it with PATCH, create or replace it with PUT, delete it with DELETE";

static BY: Route = Route {
    pattern: Pattern::By,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[
        Endpoint {
            parameters: Parameters::OfKey,
            described: Described::OfCollection {
                verb: "getBy",
                summary: "Read a record of {type} by a unique key",
                status: "200",
            },
            ..GET_RECORD
        },
        Endpoint {
            parameters: Parameters::OfKey,
            described: Described::OfCollection {
                verb: "updateBy",
                summary: "Change a record of {type} by a unique key",
                status: "200",
            },
            ..UPDATE_RECORD
        },
        Endpoint {
            parameters: Parameters::OfKey,
            described: Described::OfCollection {
                verb: "replaceBy",
                summary: "Create or replace a record of {type} by a unique key",
                status: "200",
            },
            ..REPLACE_RECORD
        },
        Endpoint {
            parameters: Parameters::Key,
            described: Described::OfCollection {
                verb: "deleteBy",
                summary: "Delete a record of {type} by a unique key",
                status: "204",
            },
            ..DELETE_RECORD
        },
    ],
    otherwise: ON_RECORD,
    not_yet: &[],
};

static TRASH: Route = Route {
    pattern: Pattern::Trash,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        handler: Handler::Record(RecordRequest::Trash),
        negotiated: true,
        parameters: Parameters::OfList,
        conditions: Conditions::OfRead,
        described: Described::OfCollection {
            verb: "trash",
            summary: "List the deleted records of {type}",
            status: "200",
        },
        ..DOCUMENT
    }],
    otherwise: "read the trash with GET",
    not_yet: &[],
};

static RESTORE: Route = Route {
    pattern: Pattern::Restore,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        verb: Verb::Post,
        handler: Handler::Record(RecordRequest::Restore),
        body: Some(BodyRule { presence: Presence::Optional, ..PATCH_BODY }),
        parameters: Parameters::Shown,
        conditions: Conditions::OfWrite,
        prefer: true,
        described: Described::OfCollection {
            verb: "restore",
            summary: "Restore a deleted record of {type}",
            status: "200",
        },
        ..WRITE
    }],
    otherwise: "restore a record with POST",
    not_yet: &[],
};

static PURGE: Route = Route {
    pattern: Pattern::Purge,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        verb: Verb::Post,
        handler: Handler::Record(RecordRequest::Purge),
        negotiated: false,
        conditions: Conditions::OfWrite,
        described: Described::OfCollection {
            verb: "purge",
            summary: "Delete a record of {type} for good",
            status: "204",
        },
        ..WRITE
    }],
    otherwise: "purge a record with POST",
    not_yet: &[],
};

static HISTORY: Route = Route {
    pattern: Pattern::History,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        handler: Handler::Record(RecordRequest::History),
        negotiated: true,
        parameters: Parameters::OfHistory,
        conditions: Conditions::OfRead,
        described: Described::OfCollection {
            verb: "history",
            summary: "List the versions of a record of {type}",
            status: "200",
        },
        ..DOCUMENT
    }],
    otherwise: "read the history of a record with GET",
    not_yet: &[],
};

const ONE_RECORD: &str = "there is one record here: read it with GET, change it with PATCH, replace it with PUT";

/// The record of a `@single` type.
static SINGLE: Route = Route {
    pattern: Pattern::Single,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[
        GET_RECORD,
        UPDATE_RECORD,
        Endpoint {
            described: Described::OfCollection {
                verb: "replace",
                summary: "Replace the record of {type}",
                status: "200",
            },
            ..REPLACE_RECORD
        },
    ],
    otherwise: ONE_RECORD,
    not_yet: &[],
};

const LIST_RECORDS: Endpoint = Endpoint {
    handler: Handler::Record(RecordRequest::List),
    negotiated: true,
    parameters: Parameters::OfList,
    conditions: Conditions::OfRead,
    described: Described::OfCollection { verb: "list", summary: "List records of {type}", status: "200" },
    ..DOCUMENT
};

static COLLECTION: Route = Route {
    pattern: Pattern::Collection,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[
        LIST_RECORDS,
        Endpoint {
            verb: Verb::Post,
            handler: Handler::Record(RecordRequest::Create),
            body: Some(JSON_BODY),
            parameters: Parameters::OnConflict,
            prefer: true,
            described: Described::OfCollection { verb: "create", summary: "Create records of {type}", status: "201" },
            ..WRITE
        },
        Endpoint {
            verb: Verb::Patch,
            handler: Handler::Record(RecordRequest::UpdateAll),
            body: Some(PATCH_BODY),
            parameters: Parameters::OfMatching,
            described: Described::OfCollection {
                verb: "updateAll",
                summary: "Change all records of {type} that match a filter",
                status: "200",
            },
            ..WRITE
        },
        Endpoint {
            verb: Verb::Delete,
            handler: Handler::Record(RecordRequest::DeleteAll),
            parameters: Parameters::OfMatching,
            described: Described::OfCollection {
                verb: "deleteAll",
                summary: "Delete all records of {type} that match a filter",
                status: "200",
            },
            ..WRITE
        },
    ],
    otherwise: "read a collection with GET, add records to it with POST, change or delete them with PATCH or DELETE",
    not_yet: &[],
};

const QUERY_RECORDS: Endpoint = Endpoint {
    verb: Verb::Post,
    handler: Handler::Record(RecordRequest::Query),
    pages: Pages::OwnWithCookie,
    negotiated: true,
    body: Some(BodyRule { limit: BodyLimit::Query, ..JSON_BODY }),
    described: Described::OfCollection {
        verb: "query",
        summary: "List records of {type} by a query in the body",
        status: "200",
    },
    ..DOCUMENT
};

static QUERY: Route = Route {
    pattern: Pattern::Query,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[QUERY_RECORDS],
    otherwise: "send a query with POST",
    not_yet: &[],
};

static AGGREGATE: Route = Route {
    pattern: Pattern::Aggregate,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[
        Endpoint {
            handler: Handler::Record(RecordRequest::Aggregate),
            parameters: Parameters::OfGroups,
            described: Described::OfCollection {
                verb: "aggregate",
                summary: "Read groups of records of {type}",
                status: "200",
            },
            ..LIST_RECORDS
        },
        Endpoint {
            handler: Handler::Record(RecordRequest::AggregateQuery),
            described: Described::OfCollection {
                verb: "aggregateQuery",
                summary: "Read groups of records of {type} by a query in the body",
                status: "200",
            },
            ..QUERY_RECORDS
        },
    ],
    otherwise: "ask for groups with GET, or with POST and a body",
    not_yet: &[],
};

static EXPORT: Route = Route {
    pattern: Pattern::Export,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        handler: Handler::Record(RecordRequest::Export),
        parameters: Parameters::OfExport,
        described: Described::OfCollection { verb: "export", summary: "Export records of {type}", status: "200" },
        ..DOCUMENT
    }],
    otherwise: "export records with GET",
    not_yet: &[],
};

static CHANGES: Route = Route {
    pattern: Pattern::Changes,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        handler: Handler::Record(RecordRequest::Changes),
        negotiated: true,
        parameters: Parameters::OfChanges,
        described: Described::OfCollection {
            verb: "changes",
            summary: "Read changes to records of {type}",
            status: "200",
        },
        ..DOCUMENT
    }],
    otherwise: "read what has changed with GET",
    not_yet: &[],
};

/// The records of several types can be read at the path of their interface.
const fn of_types(pattern: Pattern, endpoints: &'static [Endpoint], otherwise: &'static str) -> Route {
    let (callers, overload) = (Callers::Everyone, Overload::Refused);
    Route { pattern, callers, overload, endpoints, otherwise, not_yet: &[] }
}

const WRITTEN_BY_TYPE: &str =
    "several types are read here with GET; write a record at the path of its type, which the list of collections shows";

static TYPES: Route = of_types(Pattern::Types, &[LIST_RECORDS], WRITTEN_BY_TYPE);
static QUERY_OF_TYPES: Route = of_types(Pattern::QueryOfTypes, &[QUERY_RECORDS], "send a query with POST");
static OF_TYPES: Route = of_types(Pattern::OfTypes, &[GET_RECORD], WRITTEN_BY_TYPE);

const TOGETHER: &str = "Several requests in one commit: all of them or none. Each sees what those before it did, and can use \
                        their results. Under a key that was used before, reads are null. With `mode=independent`, each is \
                        carried out by itself, and each result has a `status` with a `body` or a `problem`.";
const READ_ONLY: &str = "read this with GET";
const POST_ONLY: &str = "send this with POST";

const fn document(pattern: Pattern, endpoints: &'static [Endpoint]) -> Route {
    let (callers, overload) = (Callers::Unread, Overload::Answered);
    Route { pattern, callers, overload, endpoints, otherwise: READ_ONLY, not_yet: &[] }
}

const fn account(path: &'static [&'static str], callers: Callers, endpoints: &'static [Endpoint]) -> Route {
    let (pattern, overload) = (Pattern::Fixed(path), Overload::Refused);
    Route { pattern, callers, overload, endpoints, otherwise: POST_ONLY, not_yet: &[] }
}

const fn accounts((id, summary): (&'static str, &'static str), status: &'static str) -> Described {
    Described::Operation { tag: "Accounts", id, summary, status, description: None }
}

/// An action of the model that writes.
static ACTION: Route = Route {
    pattern: Pattern::Action,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        verb: Verb::Post,
        handler: Handler::Act,
        body: Some(BodyRule { presence: Presence::Optional, ..JSON_BODY }),
        parameters: Parameters::OfAction,
        described: Described::OfAction,
        ..WRITE
    }],
    otherwise: "call an action with POST",
    not_yet: &[],
};

/// An action of the model that reads.
static READING: Route = Route {
    pattern: Pattern::Reading,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        handler: Handler::Act,
        negotiated: true,
        parameters: Parameters::OfAction,
        described: Described::OfAction,
        ..DOCUMENT
    }],
    otherwise: "this action reads: call it with GET",
    not_yet: &[],
};

/// A path of the team's own with a method that may write.
const OWN: Endpoint = Endpoint {
    handler: Handler::Route,
    negotiated: false,
    body: Some(BodyRule { presence: Presence::Optional, media_types: ANY_TYPE, limit: BodyLimit::Configured }),
    parameters: Parameters::Ignored,
    described: Described::OfAction,
    ..WRITE
};

/// A path of the team's own. Which of the methods it has is up to the model.
static OWN_PATH: Route = Route {
    pattern: Pattern::Route,
    callers: Callers::Everyone,
    overload: Overload::Refused,
    endpoints: &[
        Endpoint {
            handler: Handler::Route,
            parameters: Parameters::Ignored,
            conditions: Conditions::OfRead,
            described: Described::OfAction,
            ..DOCUMENT
        },
        Endpoint { verb: Verb::Post, ..OWN },
        Endpoint { verb: Verb::Patch, ..OWN },
        Endpoint { verb: Verb::Put, ..OWN },
        Endpoint { verb: Verb::Delete, ..OWN },
    ],
    otherwise: "this path has other methods, which `Allow` names",
    not_yet: &[],
};

/// A path that receives events. Their signatures say who sends them.
static INBOX: Route = Route {
    pattern: Pattern::Inbox,
    callers: Callers::Unread,
    overload: Overload::Refused,
    endpoints: &[Endpoint {
        verb: Verb::Post,
        handler: Handler::Receive,
        idempotency: Idempotency::Refused(KEY_OF_EVENT),
        ..OWN
    }],
    otherwise: "send events with POST",
    not_yet: &[],
};

/// Places at one path each, and the problems.
static OTHERS: &[Route] = &[
    document(Pattern::Fixed(&["/"]), &[Endpoint { handler: Handler::Root, ..DOCUMENT }]),
    document(
        Pattern::Fixed(&["/healthz"]),
        &[Endpoint { handler: Handler::Alive, parameters: Parameters::Ignored, ..DOCUMENT }],
    ),
    document(
        Pattern::Fixed(&["/readyz"]),
        &[Endpoint { handler: Handler::Ready, parameters: Parameters::Ignored, ..DOCUMENT }],
    ),
    document(Pattern::Fixed(&["/openapi.json"]), &[Endpoint { handler: Handler::OpenApi, ..DOCUMENT }]),
    document(Pattern::Problem, &[Endpoint { handler: Handler::Problem, ..DOCUMENT }]),
    Route {
        pattern: Pattern::Collections,
        callers: Callers::Everyone,
        overload: Overload::Refused,
        endpoints: &[Endpoint {
            handler: Handler::Collections,
            negotiated: true,
            described: Described::Operation {
                tag: "Collections",
                id: "collections",
                summary: "List the collections",
                status: "200",
                description: Some("The collections that the caller may read or add records to."),
            },
            ..DOCUMENT
        }],
        otherwise: READ_ONLY,
        not_yet: &[],
    },
    Route {
        pattern: Pattern::Fixed(&["/transact"]),
        callers: Callers::Everyone,
        overload: Overload::Refused,
        endpoints: &[Endpoint {
            verb: Verb::Post,
            handler: Handler::Transact,
            body: Some(JSON_BODY),
            parameters: Parameters::Mode,
            prefer: true,
            described: Described::Operation {
                tag: "Transactions",
                id: "transact",
                summary: "Send several requests together",
                status: "200",
                description: Some(TOGETHER),
            },
            ..WRITE
        }],
        otherwise: POST_ONLY,
        not_yet: &[],
    },
    account(
        &["/auth/sign-up"],
        Callers::Unread,
        &[Endpoint {
            handler: Handler::SignUp,
            pages: Pages::Allowed,
            body: Some(CREDENTIALS_BODY),
            described: accounts(("signUp", "Make an account"), "201"),
            ..ACCOUNT
        }],
    ),
    account(
        &["/auth/sign-in"],
        Callers::Unread,
        &[Endpoint {
            handler: Handler::SignIn,
            pages: Pages::Allowed,
            body: Some(CREDENTIALS_BODY),
            described: accounts(("signIn", "Sign in"), "200"),
            ..ACCOUNT
        }],
    ),
    account(
        &["/auth/sign-out"],
        Callers::Everyone,
        &[Endpoint {
            handler: Handler::SignOut,
            negotiated: false,
            described: accounts(("signOut", "End this session"), "204"),
            ..ACCOUNT
        }],
    ),
    account(
        &["/auth/sign-out-everywhere"],
        Callers::Everyone,
        &[Endpoint {
            handler: Handler::SignOutEverywhere,
            described: accounts(("signOutEverywhere", "End all sessions of the account"), "200"),
            ..ACCOUNT
        }],
    ),
    account(
        &["/auth/password"],
        Callers::Everyone,
        &[Endpoint {
            handler: Handler::ChangePassword,
            body: Some(CREDENTIALS_BODY),
            described: accounts(("changePassword", "Change the password"), "200"),
            ..ACCOUNT
        }],
    ),
    account(
        &["/auth/email"],
        Callers::Everyone,
        &[Endpoint {
            handler: Handler::ChangeEmail,
            body: Some(CREDENTIALS_BODY),
            described: accounts(("changeEmail", "Change the email address"), "200"),
            ..ACCOUNT
        }],
    ),
    account(
        &["/auth/links"],
        Callers::Everyone,
        &[Endpoint {
            handler: Handler::MakeLink,
            described: accounts(("makeLink", "Make a secret link"), "201"),
            ..ACCOUNT
        }],
    ),
    account(
        &["/auth/links/revoke"],
        Callers::Everyone,
        &[Endpoint {
            handler: Handler::RevokeLink,
            body: Some(BodyRule { presence: Presence::Optional, ..CREDENTIALS_BODY }),
            described: accounts(("revokeLink", "Revoke a secret link"), "204"),
            ..ACCOUNT
        }],
    ),
    Route {
        pattern: Pattern::Fixed(&["/auth/me"]),
        callers: Callers::Everyone,
        overload: Overload::Refused,
        endpoints: &[Endpoint {
            handler: Handler::Me,
            negotiated: true,
            described: accounts(("me", "Tell who is calling"), "200"),
            ..DOCUMENT
        }],
        otherwise: READ_ONLY,
        not_yet: &[],
    },
    Route {
        pattern: Pattern::Fixed(&["/auth/setup"]),
        callers: Callers::Unread,
        overload: Overload::Refused,
        endpoints: &[
            Endpoint { handler: Handler::SetupForm, parameters: Parameters::TerminalToken, ..DOCUMENT },
            Endpoint {
                handler: Handler::Setup,
                pages: Pages::Own,
                negotiated: false,
                body: Some(FORM_BODY),
                ..ACCOUNT
            },
        ],
        otherwise: "open this page in a browser and submit its form",
        not_yet: &[],
    },
    document(Pattern::Fixed(&["/auth/setup.css"]), &[Endpoint { handler: Handler::SetupStyle, ..DOCUMENT }]),
    Route {
        pattern: Pattern::Fixed(&["/explain"]),
        callers: Callers::Operators,
        overload: Overload::Refused,
        endpoints: &[Endpoint {
            verb: Verb::Post,
            handler: Handler::Explain,
            pages: Pages::OwnWithCookie,
            negotiated: true,
            body: Some(JSON_BODY),
            described: Described::Operation {
                tag: "Explanations",
                id: "explain",
                summary: "Explain a request",
                status: "200",
                description: Some(
                    "Why a request is allowed or refused, and what it costs. For operators; changes nothing.",
                ),
            },
            ..DOCUMENT
        }],
        otherwise: "send the request to explain with POST",
        not_yet: &[],
    },
];

const fn docs(path: &'static [&'static str], endpoints: &'static [Endpoint]) -> Route {
    Route { overload: Overload::Refused, ..document(Pattern::Fixed(path), endpoints) }
}

/// Places of the interactive documentation, unless it is turned off.
static DOCS: &[Route] = &[
    docs(&["/docs", "/docs/"], &[Endpoint { handler: Handler::Docs(DocsPart::Page), ..DOCUMENT }]),
    docs(&["/docs/page.js"], &[Endpoint { handler: Handler::Docs(DocsPart::Script), ..DOCUMENT }]),
    docs(&["/docs/page.css"], &[Endpoint { handler: Handler::Docs(DocsPart::Style), ..DOCUMENT }]),
    docs(&[VIEWER_SCRIPT_PATH], &[Endpoint { handler: Handler::Docs(DocsPart::Viewer), ..DOCUMENT }]),
    docs(&[VIEWER_STYLE_PATH], &[Endpoint { handler: Handler::Docs(DocsPart::ViewerStyle), ..DOCUMENT }]),
];

/// Places that a server has while it is inspected. The page is the same for everyone; what it shows has to be asked for.
static INSPECTOR: &[Route] = &[
    document(
        Pattern::Fixed(&["/inspect"]),
        &[Endpoint { handler: Handler::Inspection(InspectionPart::Page), ..DOCUMENT }],
    ),
    document(
        Pattern::Fixed(&["/inspect/page.js"]),
        &[Endpoint { handler: Handler::Inspection(InspectionPart::Script), ..DOCUMENT }],
    ),
    document(
        Pattern::Fixed(&["/inspect/page.css"]),
        &[Endpoint { handler: Handler::Inspection(InspectionPart::Style), ..DOCUMENT }],
    ),
    Route {
        pattern: Pattern::Fixed(&["/inspect/traces"]),
        callers: Callers::Inspectors,
        overload: Overload::Refused,
        endpoints: &[Endpoint {
            handler: Handler::Traces,
            negotiated: true,
            parameters: Parameters::OfTraces,
            ..DOCUMENT
        }],
        otherwise: READ_ONLY,
        not_yet: &[],
    },
];

const fn for_developer(path: &'static [&'static str], endpoints: &'static [Endpoint]) -> Route {
    let (pattern, callers, overload) = (Pattern::Fixed(path), Callers::Developer, Overload::Answered);
    Route { pattern, callers, overload, endpoints, otherwise: READ_ONLY, not_yet: &[] }
}

/// Places that only a server has whose application is being developed.
static DEVELOPMENT: &[Route] = &[
    for_developer(
        &["/dev/sign-in"],
        &[Endpoint { handler: Handler::DeveloperSignIn, parameters: Parameters::TerminalToken, ..DOCUMENT }],
    ),
    for_developer(&["/dev/model"], &[Endpoint { handler: Handler::ModelState, negotiated: true, ..DOCUMENT }]),
    for_developer(&["/dev/model.txt"], &[Endpoint { handler: Handler::ModelText, ..DOCUMENT }]),
];

/// The routes below `/api/`.
static RECORDS: [&Route; 15] = [
    &RECORD,
    &BY,
    &COLLECTION,
    &QUERY,
    &AGGREGATE,
    &EXPORT,
    &CHANGES,
    &TRASH,
    &RESTORE,
    &PURGE,
    &HISTORY,
    &SINGLE,
    &TYPES,
    &QUERY_OF_TYPES,
    &OF_TYPES,
];

/// Every route of a server that is not one for development.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    RECORDS.into_iter().chain([&ACTION, &READING, &OWN_PATH, &INBOX]).chain(OTHERS).chain(DOCS).chain(INSPECTOR)
}

/// The route at a path, and what the path names there.
pub(crate) fn find<'p>(state: &State, path: &'p str) -> Result<(&'static Route, Target<'p>), Refusal> {
    let model = state.engine.model();
    if let Some(own) = state.own_paths.find(path) {
        return Ok((route_of_own(state, own), Target::Own(own)));
    }
    if let Some(rest) = model.api.below(path) {
        let records = Records::resolve(model, rest)?;
        return Ok((route_of(records.pattern()), Target::Records(records)));
    }
    if let Some((index, action)) = action(model, path) {
        return Ok((route_of_action(action), Target::Action(index)));
    }
    let astray = || {
        let actions = model.actions.iter().filter(|action| action.route.is_none() && action.is_offered());
        let actions = actions.map(|action| format!("{ACTIONS}{}", action.name));
        let here = iter::once(model.api.as_str().to_owned());
        let near: Vec<String> = actions.chain(fixed_paths().map(str::to_owned)).chain(here).collect();
        astray::refusal(model, path, near.iter().map(String::as_str))
    };
    let route = other(state, path).ok_or_else(astray)?;
    let code = path.strip_prefix(PROBLEMS).filter(|_| route.pattern == Pattern::Problem);
    Ok((route, code.map_or(Target::Fixed, Target::Problem)))
}

/// The route of a path of the team's own.
fn route_of_own(state: &State, own: usize) -> &'static Route {
    if state.own_paths.is_inbox(own) { &INBOX } else { &OWN_PATH }
}

/// What a method does at a path.
pub(crate) fn endpoint(
    state: &State,
    (route, target): (&'static Route, Target<'_>),
    method: &Method,
) -> Result<&'static Endpoint, Refusal> {
    let endpoint = route.endpoint(method);
    match target {
        Target::Own(own) => {
            let taken = |endpoint: &&Endpoint| state.own_paths.action(own, endpoint.verb).is_some();
            let (allow, detail) = (allow(state.own_paths.verbs(own)), route.otherwise);
            endpoint.ok().filter(taken).ok_or(Refusal::Method { allow, detail })
        }
        Target::Fixed | Target::Problem(_) | Target::Action(_) | Target::Records(_) => endpoint,
    }
}

/// The route of the paths below `/api/` that have this shape.
///
/// # Panics
/// Panics if no route has it, as every pattern of records does.
pub(crate) fn route_of(pattern: Pattern) -> &'static Route {
    RECORDS.into_iter().find(|route| route.pattern == pattern).expect("every shape below /api/ has a route")
}

/// The values of `Allow` and of `Accept-Patch` for a path, by its shape alone: `OPTIONS` tells nothing about which records
/// exist.
pub(crate) fn allowed(state: &State, path: &str) -> Option<(String, Option<HeaderValue>)> {
    // The server as a whole (RFC 9110, section 9.3.7).
    if path == "*" {
        return Some((allow([Verb::Get, Verb::Post, Verb::Patch, Verb::Put, Verb::Delete].into_iter()), None));
    }
    if let Some(own) = state.own_paths.find(path) {
        return Some((allow(state.own_paths.verbs(own)), None));
    }
    let route = match state.engine.model().api.below(path) {
        Some(rest) => route_of(pattern(state.engine.model(), rest)?),
        None => match action(state.engine.model(), path) {
            Some((_, action)) => route_of_action(action),
            None => other(state, path)?,
        },
    };
    Some((route.allow(), route.accept_patch()))
}

/// The action at a path, with its place among those of the model.
fn action<'m>(model: &'m Model, path: &str) -> Option<(usize, &'m Action)> {
    let name = path.strip_prefix(ACTIONS)?;
    let is_it = |action: &Action| action.route.is_none() && action.is_offered() && action.name == name;
    model.actions.iter().enumerate().find(|(_, action)| is_it(action))
}

/// The endpoint of an action, or of a route that is one.
pub(crate) fn endpoint_of_action(action: &Action) -> &'static Endpoint {
    let Some(backstay_model::Route { method, inbox, path: _, token: _ }) = &action.route else {
        return &route_of_action(action).endpoints[0];
    };
    let verb = Verb::of_route(*method);
    let table = if inbox.is_some() { &INBOX } else { &OWN_PATH };
    table.endpoints.iter().find(|endpoint| endpoint.verb == verb).unwrap_or(&table.endpoints[0])
}

/// The route of an action at `/do/`.
fn route_of_action(action: &Action) -> &'static Route {
    if action.writes { &ACTION } else { &READING }
}

const PROBLEMS: &str = "/problems/";
const ACTIONS: &str = "/do/";

fn other(state: &State, path: &str) -> Option<&'static Route> {
    let development: &[Route] = if state.settings.development.is_some() { DEVELOPMENT } else { &[] };
    let docs: &[Route] = if state.settings.has_docs() { DOCS } else { &[] };
    let inspector: &[Route] = if state.is_inspected() { INSPECTOR } else { &[] };
    OTHERS.iter().chain(docs).chain(inspector).chain(development).find(|route| match route.pattern {
        Pattern::Fixed(paths) => paths.contains(&path),
        Pattern::Collections => state.engine.model().api.is_itself(path),
        Pattern::Problem => path.starts_with(PROBLEMS),
        Pattern::Action
        | Pattern::Reading
        | Pattern::Route
        | Pattern::Inbox
        | Pattern::Collection
        | Pattern::Query
        | Pattern::Aggregate
        | Pattern::Export
        | Pattern::Changes
        | Pattern::Trash
        | Pattern::Record
        | Pattern::By
        | Pattern::Restore
        | Pattern::Purge
        | Pattern::History
        | Pattern::Single
        | Pattern::Types
        | Pattern::QueryOfTypes
        | Pattern::OfTypes => false,
    })
}

/// The paths that everyone may call, without that of the root, which no other is near to.
fn fixed_paths() -> impl Iterator<Item = &'static str> {
    let open = OTHERS.iter().filter(|route| route.callers != Callers::Operators);
    let paths = open.filter_map(|route| match route.pattern {
        Pattern::Fixed(paths) => paths.first().copied(),
        Pattern::Collections
        | Pattern::Problem
        | Pattern::Action
        | Pattern::Reading
        | Pattern::Route
        | Pattern::Inbox
        | Pattern::Collection
        | Pattern::Query
        | Pattern::Aggregate
        | Pattern::Export
        | Pattern::Changes
        | Pattern::Trash
        | Pattern::Record
        | Pattern::By
        | Pattern::Restore
        | Pattern::Purge
        | Pattern::History
        | Pattern::Single
        | Pattern::Types
        | Pattern::QueryOfTypes
        | Pattern::OfTypes => None,
    });
    paths.filter(|path| *path != "/")
}

#[cfg(test)]
mod tests {
    use backstay_model::RESERVED_PATHS;

    use super::*;

    #[test]
    fn no_row_fails_open() {
        for route in all().chain(DEVELOPMENT) {
            for endpoint in route.endpoints {
                let is_safe = endpoint.verb == Verb::Get;
                assert_eq!(is_safe, endpoint.pages == Pages::All, "{:?}: other pages", route.pattern);
                let changes = endpoint.effect == Effect::Changes;
                assert!(!(is_safe && changes), "{:?}: GET changes nothing", route.pattern);
                let takes_key = endpoint.idempotency == Idempotency::Taken;
                assert!(changes || !takes_key, "{:?}: a read takes no key", route.pattern);
            }
        }
    }

    /// The statuses that each endpoint answers to wrong requests are written down beside the tests over HTTP.
    #[test]
    fn every_endpoint_has_its_expected_statuses() {
        let document = include_str!("../tests/doors/endpoints.md");
        let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
        let expected: Vec<&str> = rows.skip(1).collect();
        let rows = all().flat_map(|route| route.endpoints.iter().map(|row| (row.verb.name(), route.pattern.text())));
        let rows: Vec<String> = rows.map(|(verb, path)| format!("{verb} {path}")).collect();
        assert_eq!(rows, expected);
    }

    /// A route of the team's own is looked for first.
    #[test]
    fn no_route_of_the_team_can_be_at_these_paths() {
        for route in all().chain(DEVELOPMENT).filter(|route| ![Pattern::Route, Pattern::Inbox].contains(&route.pattern))
        {
            let first = route.pattern.text().split(['/', ':']).nth(1).expect("a path begins with `/`");
            let is_of_records = route.pattern.is_of_records();
            assert!(first.is_empty() || is_of_records || RESERVED_PATHS.contains(&first), "{first}");
        }
    }

    #[test]
    fn each_route_and_method_is_there_once() {
        let mut seen = Vec::new();
        for route in all().chain(DEVELOPMENT) {
            for endpoint in route.endpoints {
                let row = (route.pattern.text(), endpoint.verb.name());
                assert!(!seen.contains(&row), "{row:?}");
                seen.push(row);
            }
        }
    }
}
