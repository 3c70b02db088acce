use backstay_base::Action;
use backstay_engine::{MatchingVerb, RecordVerb, RequestKind};
use backstay_model::{Addressed, ApiPrefix, RouteMethod};
use http::{HeaderName, HeaderValue, Method};

use crate::Refusal;

/// One path, or one shape of path, with what each method does there: a row of the table for each method.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) pattern: Pattern,
    /// Who may call, whatever the method.
    pub(crate) callers: Callers,
    pub(crate) overload: Overload,
    pub(crate) endpoints: &'static [Endpoint],
    /// What to do instead, for a request with another method.
    pub(crate) otherwise: &'static str,
    /// The same for methods that are to come.
    pub(crate) not_yet: &'static [(&'static str, &'static str)],
}

/// The paths of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One of these paths; the first is the one in links and in the `OpenAPI` document.
    Fixed(&'static [&'static str]),
    /// `/api/`: what is below it
    Collections,
    /// `/problems/{code}`
    Problem,
    /// `/do/{action}`: an action that writes
    Action,
    /// `/do/{reading}`: one that reads
    Reading,
    /// `/{route}`: a path of the team's own
    Route,
    /// `/{inbox}`: one that receives events
    Inbox,
    /// `/api/{collection}`
    Collection,
    /// `/api/{collection}:query`
    Query,
    /// `/api/{collection}:aggregate`
    Aggregate,
    /// `/api/{collection}:export`
    Export,
    /// `/api/{collection}:changes`
    Changes,
    /// `/api/{collection}/{id}`
    Record,
    /// `/api/{collection}:by`
    By,
    /// `/api/{collection}:trash`
    Trash,
    /// `/api/{collection}/{id}:restore`
    Restore,
    /// `/api/{collection}/{id}:purge`
    Purge,
    /// `/api/{collection}/{id}:history`
    History,
    /// `/api/{single}`: the record of a `@single` type
    Single,
    /// `/api/{interface}`
    Types,
    /// `/api/{interface}:query`
    QueryOfTypes,
    /// `/api/{interface}/{id}`
    OfTypes,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Everyone. Credentials are not read: those that have expired must not keep anyone from signing in.
    Unread,
    /// Everyone. Credentials that are sent must be valid.
    Everyone,
    /// Operators. For all others there is nothing at this path.
    Operators,
    /// Everyone on the machine on which the application is developed. For all others there is nothing at this path.
    Developer,
    /// The same while an application is developed; operators on a server that only serves it.
    Inspectors,
}

/// What happens to a request when its network or the server is at the limit of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overload {
    /// It is refused.
    Refused,
    /// It is answered: what is asked is small and the same for everyone, such as whether the server runs.
    Answered,
}

/// One row of the table: what a method does on a route, and what admission demands of a request for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) verb: Verb,
    pub(crate) handler: Handler,
    pub(crate) effect: Effect,
    /// Which pages may send it (CSRF).
    pub(crate) pages: Pages,
    /// Whether `Accept` must allow JSON. What exists in one form only is sent regardless.
    pub(crate) negotiated: bool,
    /// The body it takes; `None` refuses one.
    pub(crate) body: Option<BodyRule>,
    pub(crate) parameters: Parameters,
    pub(crate) conditions: Conditions,
    pub(crate) idempotency: Idempotency,
    /// Whether `return=minimal` and `return=representation` in `Prefer` are honored; other preferences may be ignored (RFC 7240, section 2).
    pub(crate) prefer: bool,
    pub(crate) described: Described,
}

/// A method of the table. `GET` includes `HEAD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Patch,
    Put,
    Delete,
    Options,
}

/// The code that carries a request out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    Options,
    Root,
    Alive,
    Ready,
    OpenApi,
    Problem,
    Collections,
    Record(RecordRequest),
    SignUp,
    SignIn,
    SignOut,
    SignOutEverywhere,
    ChangePassword,
    ChangeEmail,
    Me,
    MakeLink,
    RevokeLink,
    SetupForm,
    Setup,
    SetupStyle,
    Explain,
    Transact,
    Act,
    Route,
    Receive,
    Docs(DocsPart),
    DeveloperSignIn,
    ModelState,
    ModelText,
    Inspection(InspectionPart),
    Traces,
}

impl Handler {
    /// Whether what it reads may be as old as what a replica has. Nothing else may depend on that.
    pub(crate) fn reads_replicas(self) -> bool {
        match self {
            Self::Record(request) => request.reads_replicas(),
            Self::Options
            | Self::Root
            | Self::Alive
            | Self::Ready
            | Self::OpenApi
            | Self::Problem
            | Self::Collections
            | Self::SignUp
            | Self::SignIn
            | Self::SignOut
            | Self::SignOutEverywhere
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::Me
            | Self::MakeLink
            | Self::RevokeLink
            | Self::SetupForm
            | Self::Setup
            | Self::SetupStyle
            | Self::Explain
            | Self::Transact
            | Self::Act
            | Self::Route
            | Self::Receive
            | Self::Docs(_)
            | Self::DeveloperSignIn
            | Self::ModelState
            | Self::ModelText
            | Self::Inspection(_)
            | Self::Traces => false,
        }
    }
}

/// The path of the script of the interactive documentation's viewer, and that of its style sheet.
pub(crate) const VIEWER_SCRIPT_PATH: &str = "/docs/swagger-ui-5.35.0.js";
pub(crate) const VIEWER_STYLE_PATH: &str = "/docs/swagger-ui-5.35.0.css";

/// What the interactive documentation consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocsPart {
    Page,
    Script,
    Style,
    Viewer,
    ViewerStyle,
}

/// What the page of the inspector consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InspectionPart {
    Page,
    Script,
    Style,
}

/// What can be asked of records over HTTP: a list and its groups in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordRequest {
    Get,
    List,
    Query,
    Aggregate,
    /// The same from a body.
    AggregateQuery,
    Export,
    Changes,
    Create,
    Update,
    Replace,
    Delete,
    UpdateAll,
    DeleteAll,
    Trash,
    Restore,
    Purge,
    History,
}

impl RecordRequest {
    /// What it asks for, as rules name it.
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Trash => Action::Trash,
            Self::Get
            | Self::List
            | Self::Query
            | Self::Aggregate
            | Self::AggregateQuery
            | Self::Export
            | Self::Changes
            | Self::Create
            | Self::Update
            | Self::Replace
            | Self::Delete
            | Self::UpdateAll
            | Self::DeleteAll
            | Self::Restore
            | Self::Purge
            | Self::History => self.kind().action(),
        }
    }

    /// Whether a replica may answer it. What has changed is read after the end of the log, which a replica may not have reached.
    fn reads_replicas(self) -> bool {
        match self {
            Self::Get
            | Self::List
            | Self::Query
            | Self::Aggregate
            | Self::AggregateQuery
            | Self::Export
            | Self::Trash
            | Self::History => true,
            Self::Changes
            | Self::Create
            | Self::Update
            | Self::Replace
            | Self::Delete
            | Self::UpdateAll
            | Self::DeleteAll
            | Self::Restore
            | Self::Purge => false,
        }
    }

    /// The request to the engine that it becomes.
    fn kind(self) -> RequestKind {
        match self {
            Self::Get => RequestKind::Get,
            Self::List | Self::Query | Self::Export | Self::Changes | Self::Trash => RequestKind::List,
            Self::Aggregate | Self::AggregateQuery => RequestKind::Aggregate,
            Self::Create => RequestKind::Create,
            Self::Update => RequestKind::Update,
            Self::Replace => RequestKind::Replace,
            Self::Delete => RequestKind::OfRecord(RecordVerb::Delete),
            Self::UpdateAll => RequestKind::OfMatching(MatchingVerb::Update),
            Self::DeleteAll => RequestKind::OfMatching(MatchingVerb::Delete),
            Self::Restore => RequestKind::OfRecord(RecordVerb::Restore),
            Self::Purge => RequestKind::OfRecord(RecordVerb::Purge),
            Self::History => RequestKind::History,
        }
    }
}

/// Whether a request can change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Changes,
}

/// Which web pages may have a browser send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Pages of every origin: the request changes nothing.
    All,
    /// If the cookie names the caller, pages of this origin and of those that CORS allows to use it.
    OwnWithCookie,
    /// Pages of this origin and of those that CORS allows to call: another could sign its visitor in as somebody else.
    Allowed,
    /// Pages of this origin.
    Own,
}

/// A body that an endpoint takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyRule {
    pub(crate) presence: Presence,
    /// The first is the one that a refusal names.
    pub(crate) media_types: &'static [&'static str],
    pub(crate) limit: BodyLimit,
}

/// Whether a request may come without the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

/// How large a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLimit {
    /// As configured.
    Configured,
    /// `limits::CREDENTIAL_BYTES`, or less if less is configured.
    Credentials,
    /// `limits::QUERY_BYTES`, or less if less is configured.
    Query,
}

/// Which query parameters an endpoint takes. Others are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameters {
    /// Anything, unread: health checks are configured by others.
    Ignored,
    None,
    /// Those of a record: `select` and `asOf`.
    OfRecord,
    /// Those that say what a write answers of a record: `select` and the values of its parameters.
    Shown,
    /// Those that say what is answered of the records that an action returns; of one that reads, its arguments too.
    OfAction,
    /// Those of a record that is read or written by a unique key: its fields and `select`.
    OfKey,
    /// The fields of a unique key.
    Key,
    /// `onConflict`, which records are changed instead of created, and `select`.
    OnConflict,
    /// Those of a history: `limit` and `after`.
    OfHistory,
    /// `mode`: whether requests are carried out together or each by itself.
    Mode,
    /// `token`, which the terminal shows.
    TerminalToken,
    /// Those that say which records are changed: filter, limit, fields of the collection, and `dryRun`.
    OfMatching,
    /// Those of a list: filter, sort, fields of the collection …
    OfList,
    /// Those of an export: the same without those of pages, and `format`.
    OfExport,
    /// Those of changes: `since`, `limit`, `select` and the values of its parameters.
    OfChanges,
    /// Those of groups: the same, and what records are grouped by.
    OfGroups,
    /// Those that say which traces are listed.
    OfTraces,
}

/// Which preconditions an endpoint takes (RFC 9110, section 13.1). Others are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conditions {
    None,
    /// `If-Match` and `If-None-Match`, compared with the tag of the answer.
    OfRead,
    /// `If-Match`, compared with the version of the record.
    OfWrite,
    /// The same, or `If-None-Match: *`.
    OfReplace,
}

/// Whether an endpoint takes `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    Taken,
    /// Refused, and why.
    Refused(&'static str),
}

/// What the `OpenAPI` document says of an endpoint; shapes of bodies and answers follow from the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Described {
    /// Nothing.
    Not,
    /// Once for each collection; `operationId` is the verb and the collection's name, which stands for `{type}` in the summary.
    OfCollection { verb: &'static str, summary: &'static str, status: &'static str },
    /// Once for each action, whose name is the `operationId`.
    OfAction,
    Operation {
        tag: &'static str,
        id: &'static str,
        summary: &'static str,
        status: &'static str,
        description: Option<&'static str>,
    },
}

impl Verb {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// The method of a path of the team's own.
    pub(crate) fn of_route(method: RouteMethod) -> Self {
        match method {
            RouteMethod::Get => Self::Get,
            RouteMethod::Post => Self::Post,
            RouteMethod::Put => Self::Put,
            RouteMethod::Patch => Self::Patch,
            RouteMethod::Delete => Self::Delete,
        }
    }

    fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET | Method::HEAD => Some(Self::Get),
            Method::POST => Some(Self::Post),
            Method::PATCH => Some(Self::Patch),
            Method::PUT => Some(Self::Put),
            Method::DELETE => Some(Self::Delete),
            Method::OPTIONS => Some(Self::Options),
            _ => None,
        }
    }
}

impl Pattern {
    /// What its paths address in a collection.
    pub(crate) fn addressed(self) -> Option<Addressed> {
        match self {
            Self::Fixed(_)
            | Self::Collections
            | Self::Problem
            | Self::Action
            | Self::Reading
            | Self::Route
            | Self::Inbox
            | Self::Types
            | Self::QueryOfTypes
            | Self::OfTypes => None,
            Self::Collection | Self::Query | Self::Aggregate | Self::Export | Self::Changes => Some(Addressed::All),
            Self::Record | Self::By => Some(Addressed::Record),
            Self::Single => Some(Addressed::Single),
            Self::Trash | Self::Restore | Self::Purge => Some(Addressed::Trash),
            Self::History => Some(Addressed::History),
        }
    }

    /// Whether its paths are those of records, which a setting moves.
    pub(crate) fn is_of_records(self) -> bool {
        self == Self::Collections || self.is_of_types() || self.addressed().is_some()
    }

    /// The pattern with the records below this prefix.
    pub(crate) fn text_at(self, api: &ApiPrefix) -> String {
        let below = self.text().strip_prefix("/api/").filter(|_| self.is_of_records());
        below.map_or_else(|| self.text().to_owned(), |rest| api.path_of(rest))
    }

    /// Whether its paths are those of interfaces.
    pub(crate) fn is_of_types(self) -> bool {
        match self {
            Self::Types | Self::QueryOfTypes | Self::OfTypes => true,
            Self::Fixed(_)
            | Self::Collections
            | Self::Problem
            | Self::Action
            | Self::Reading
            | Self::Route
            | Self::Inbox
            | Self::Collection
            | Self::Query
            | Self::Aggregate
            | Self::Export
            | Self::Changes
            | Self::Record
            | Self::By
            | Self::Single
            | Self::Trash
            | Self::Restore
            | Self::Purge
            | Self::History => false,
        }
    }

    /// The pattern as the `OpenAPI` document writes it, unless a setting moves records.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Fixed([path, ..]) => path,
            Self::Fixed([]) => "",
            Self::Collections => "/api/",
            Self::Problem => "/problems/{code}",
            Self::Action => "/do/{action}",
            Self::Reading => "/do/{reading}",
            Self::Route => "/{route}",
            Self::Inbox => "/{inbox}",
            Self::Collection => "/api/{collection}",
            Self::Query => "/api/{collection}:query",
            Self::Aggregate => "/api/{collection}:aggregate",
            Self::Export => "/api/{collection}:export",
            Self::Changes => "/api/{collection}:changes",
            Self::Record => "/api/{collection}/{id}",
            Self::By => "/api/{collection}:by",
            Self::Trash => "/api/{collection}:trash",
            Self::Restore => "/api/{collection}/{id}:restore",
            Self::Purge => "/api/{collection}/{id}:purge",
            Self::History => "/api/{collection}/{id}:history",
            Self::Single => "/api/{single}",
            Self::Types => "/api/{interface}",
            Self::QueryOfTypes => "/api/{interface}:query",
            Self::OfTypes => "/api/{interface}/{id}",
        }
    }
}

impl Route {
    /// The endpoint for a method.
    pub(crate) fn endpoint(&self, method: &Method) -> Result<&'static Endpoint, Refusal> {
        let verb = Verb::of(method);
        self.endpoints.iter().find(|endpoint| Some(endpoint.verb) == verb).ok_or_else(|| self.refuse(method))
    }

    fn refuse(&self, method: &Method) -> Refusal {
        let not_yet = self.not_yet.iter().find(|(name, _)| *name == method.as_str());
        Refusal::Method { allow: self.allow(), detail: not_yet.map_or(self.otherwise, |(_, detail)| detail) }
    }

    /// The value of `Accept-Patch`, where `PATCH` is taken (RFC 5789, section 3.1).
    pub(crate) fn accept_patch(&self) -> Option<HeaderValue> {
        let patch = self.endpoints.iter().find(|endpoint| endpoint.verb == Verb::Patch)?;
        patch.body.filter(|body| body.media_types != ANY_TYPE).map(|body| media_types(body.media_types))
    }

    /// The value of `Allow`.
    pub(crate) fn allow(&self) -> String {
        allow(self.endpoints.iter().map(|endpoint| endpoint.verb))
    }
}

/// Every media type, or none.
pub(crate) const ANY_TYPE: &[&str] = &["*/*"];

/// Media types as headers list them.
pub(crate) fn media_types(types: &[&str]) -> HeaderValue {
    HeaderValue::from_str(&types.join(", ")).expect("a media type is ASCII")
}

/// `Accept-Patch`.
pub(crate) const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// The value of `Allow` for these methods.
pub(crate) fn allow(verbs: impl Iterator<Item = Verb>) -> String {
    let mut text = String::new();
    for verb in verbs {
        text.push_str(verb.name());
        text.push_str(if verb == Verb::Get { ", HEAD, " } else { ", " });
    }
    text + Verb::Options.name()
}
