use backstay_base::{Action, CallerKind, KeyForm, limits};
use backstay_engine::{RecordVerb, RequestKind, Upserted};
use backstay_model::{Addressed, Collection, Field, FieldId, FieldKind, Interface, Model, VersionChange};
use backstay_rest::transact::Member;
use backstay_rest::{FORMAT, FileFormat, is_list_parameter};
use backstay_scalar::Scalar;
use serde_json::{Map, Value, json};

use super::names::Schema;
use super::schemas::deprecate;
use super::{answers, examples, scalars, schemas};
use crate::endpoint::{
    Conditions, Described, Endpoint, Handler, Idempotency, Parameters, Presence, RecordRequest, Verb,
};
use crate::endpoints;

/// The paths of all endpoints that the table describes, but for those of interfaces, if there are any.
pub(super) fn paths(model: &Model, shown: &[&Collection], interfaces: &[&Interface]) -> Map<String, Value> {
    let whole = Whole { model, shown, interfaces };
    let mut paths = Map::new();
    for route in endpoints::all() {
        let pattern = route.pattern.text_at(&model.api);
        let Some(addressed) = route.pattern.addressed() else {
            add(&mut paths, pattern, route.endpoints.iter().filter_map(|row| operation(row, whole)));
            continue;
        };
        for collection in shown.iter().filter(|collection| addressed.is_in(collection)) {
            let path = pattern.replace("{collection}", &collection.path).replace("{single}", &collection.path);
            let here = |endpoint| operation_of(model, collection, endpoint);
            add(&mut paths, path.clone(), route.endpoints.iter().filter_map(here));
            name_key(&mut paths, &path, collection);
        }
    }
    paths
}

pub(super) fn add(paths: &mut Map<String, Value>, path: String, operations: impl Iterator<Item = (Verb, Value)>) {
    let mut item: Map<String, Value> =
        operations.map(|(verb, operation)| (verb.name().to_ascii_lowercase(), operation)).collect();
    if item.is_empty() {
        return;
    }
    if path.contains("/{id}") {
        item.insert("parameters".to_owned(), references(["Id"]));
    }
    paths.insert(path, Value::Object(item));
}

/// Says of a path with `{id}` what the ids are, where they aren't UUIDs.
fn name_key(paths: &mut Map<String, Value>, path: &str, collection: &Collection) {
    if collection.key.form() != KeyForm::Uuid
        && let Some(parameters) = paths.get_mut(path).and_then(|item| item.get_mut("parameters"))
    {
        let schema = super::scalars::answered(collection.key.scalar());
        *parameters = json!([{ "name": "id", "in": "path", "required": true, "schema": schema }]);
    }
}

/// What operations that exist once are about.
#[derive(Clone, Copy)]
struct Whole<'m> {
    model: &'m Model,
    /// The collections that the document describes.
    shown: &'m [&'m Collection],
    /// The interfaces with a path.
    interfaces: &'m [&'m Interface],
}

impl<'m> Whole<'m> {
    /// Whether words can be searched for in records of some type.
    fn searches(self) -> bool {
        self.shown.iter().any(|collection| is_searched(collection))
    }

    /// Whether there are types with one record.
    fn has_singles(self) -> bool {
        self.shown.iter().any(|collection| Addressed::Single.is_in(collection))
    }

    /// The paths below `/api/` that a request of this kind can be about.
    fn paths(self, kind: RequestKind) -> Vec<&'m str> {
        let has = |collection: &&&Collection| kind.addresses().iter().any(|addressed| addressed.is_in(collection));
        let collections = self.shown.iter().filter(has).map(|collection| collection.path.as_str());
        let of_types = match kind {
            RequestKind::Get | RequestKind::List => self.interfaces,
            RequestKind::Create
            | RequestKind::Update
            | RequestKind::Replace
            | RequestKind::OfRecord(_)
            | RequestKind::OfMatching(_)
            | RequestKind::History
            | RequestKind::Aggregate => &[],
        };
        collections.chain(of_types.iter().map(|interface| interface.path.as_str())).collect()
    }
}

/// An operation that exists once.
fn operation(endpoint: &Endpoint, whole: Whole<'_>) -> Option<(Verb, Value)> {
    let Described::Operation { tag, id, summary, status, description } = endpoint.described else { return None };
    let shapes = Shapes::of(endpoint.handler, whole);
    let mut operation = assemble(endpoint, (tag, id), status, shapes, parameters(endpoint, Vec::new()));
    operation["summary"] = json!(summary);
    if let Some(description) = description {
        operation["description"] = json!(description);
    }
    Some((endpoint.verb, operation))
}

/// An operation of a collection, unless no rule allows it to anyone.
fn operation_of(model: &Model, collection: &Collection, endpoint: &Endpoint) -> Option<(Verb, Value)> {
    let (Described::OfCollection { verb, summary, status }, Handler::Record(kind)) =
        (endpoint.described, endpoint.handler)
    else {
        return None;
    };
    let possible = match kind {
        RecordRequest::Get
        | RecordRequest::List
        | RecordRequest::Query
        | RecordRequest::Aggregate
        | RecordRequest::AggregateQuery
        | RecordRequest::Export
        | RecordRequest::Changes => true,
        RecordRequest::Create => model.allows(collection, Action::Create),
        RecordRequest::Update => model.allows(collection, Action::Update),
        // The records are found as a list finds them.
        RecordRequest::UpdateAll | RecordRequest::DeleteAll => {
            model.allows(collection, kind.action()) && model.allows(collection, Action::Search)
        }
        RecordRequest::Replace => {
            let creates = model.allows(collection, Action::Create);
            let by_id = endpoint.parameters == Parameters::Shown && !collection.key.given;
            model.allows(collection, Action::Update) || creates && !by_id
        }
        RecordRequest::History => collection.history.is_some(),
        RecordRequest::Delete | RecordRequest::Trash | RecordRequest::Restore | RecordRequest::Purge => {
            model.allows(collection, kind.action())
        }
    };
    let own = match endpoint.parameters {
        Parameters::OfList | Parameters::OfMatching | Parameters::OfGroups => equalities(model, collection),
        Parameters::OfExport => {
            let mut own = vec![format()];
            own.extend(equalities(model, collection).into_iter().filter(|one| one["name"] != FORMAT));
            own
        }
        Parameters::OfKey | Parameters::Key if collection.keys().is_empty() => return None,
        Parameters::OfKey | Parameters::Key => keys(model, collection),
        Parameters::OnConflict => on_conflict(collection).into_iter().collect(),
        Parameters::Ignored
        | Parameters::None
        | Parameters::OfRecord
        | Parameters::Shown
        | Parameters::OfAction
        | Parameters::OfHistory
        | Parameters::OfTraces
        | Parameters::OfChanges
        | Parameters::Mode
        | Parameters::TerminalToken => Vec::new(),
    };
    // A list of the trash takes the same parameters, but is of no past.
    let has_past = collection.history.is_some()
        && matches!(kind, RecordRequest::Get | RecordRequest::List | RecordRequest::Aggregate | RecordRequest::Export);
    let searches = is_searched(collection);
    let of_list = endpoint.parameters == Parameters::OfList;
    let finds = of_list || matches!(endpoint.parameters, Parameters::OfGroups | Parameters::OfExport);
    let own = own.into_iter().chain((searches && finds).then(|| reference("Search")));
    let own = own.chain((searches && of_list).then(|| reference("Highlight")));
    let own = own.chain(has_past.then(|| reference("AsOf"))).collect();
    let (name, shapes) = (&collection.name, Shapes::of_records(model, kind, collection));
    let id = format!("{verb}{name}");
    possible.then(|| {
        let mut operation = assemble(endpoint, (name, &id), status, shapes, parameters(endpoint, own));
        summarize(&mut operation, summary, name);
        deprecate(collection.deprecated.as_ref(), &mut operation);
        (endpoint.verb, operation)
    })
}

/// The schemas of an operation's body and answer, if it has them.
#[derive(Default)]
pub(super) struct Shapes {
    pub(super) body: Option<Value>,
    pub(super) answer: Option<Value>,
    /// What is answered in other media types, or in several.
    pub(super) content: Option<Value>,
    /// Other statuses with the same answer.
    pub(super) also: &'static [&'static str],
}

impl Shapes {
    fn new(body: Option<Value>, answer: Option<Value>) -> Self {
        Self { body, answer, ..Self::default() }
    }
}

impl Shapes {
    /// What is answered, by media type.
    fn content(&self) -> Option<Value> {
        let json = || Some(json!({ "application/json": { "schema": self.answer.as_ref()? } }));
        self.content.clone().or_else(json)
    }

    fn of_records(model: &Model, kind: RecordRequest, collection: &Collection) -> Self {
        let schema = |schema: Schema| schema.reference(&collection.name);
        match kind {
            RecordRequest::Get => Self::new(None, Some(schema(Schema::Read))),
            RecordRequest::List | RecordRequest::Trash => Self::new(None, Some(schema(Schema::Page))),
            RecordRequest::History => Self::new(None, Some(history_page())),
            RecordRequest::Changes => Self::new(None, Some(changes_page(&schema(Schema::Read)))),
            RecordRequest::Query => {
                let body = query_body(is_searched(collection));
                Self::new(Some(body), Some(schema(Schema::Page)))
            }
            RecordRequest::Aggregate => Self::new(None, Some(groups_page())),
            RecordRequest::AggregateQuery => {
                Self::new(Some(aggregate_body(is_searched(collection))), Some(groups_page()))
            }
            RecordRequest::Export => {
                let text = || json!({ "schema": { "type": "string" } });
                let records = json!({ "type": "array", "items": schema(Schema::Read) });
                let media_type = |format: FileFormat| match format.media_type().split_once(';') {
                    Some((name, _)) => name.to_owned(),
                    None => format.media_type().to_owned(),
                };
                let content = FileFormat::ALL.map(|format| match format {
                    FileFormat::Json => (media_type(format), json!({ "schema": records })),
                    FileFormat::Ndjson | FileFormat::Csv => (media_type(format), text()),
                });
                Self { content: Some(content.into_iter().collect()), ..Self::default() }
            }
            RecordRequest::Create => {
                let upserts = !collection.keys().is_empty();
                let body = one_or_several(&schema(Schema::Create), Some(limits::BATCH_RECORDS));
                let answer = created(&schema(Schema::Read), upserts);
                let also: &[&str] = if upserts { &["200"] } else { &[] };
                Self { body: Some(body), answer: Some(answer), also, ..Self::default() }
            }
            RecordRequest::Update => Self::new(Some(schema(Schema::Patch)), Some(schema(Schema::Read))),
            RecordRequest::UpdateAll => Self::new(Some(schema(Schema::Patch)), Some(counted())),
            RecordRequest::DeleteAll => Self::new(None, Some(counted())),
            RecordRequest::Replace => {
                let (body, answer) = (Some(schema(Schema::Replace)), Some(schema(Schema::Read)));
                let also: &[&str] = if collection.single { &[] } else { &["201"] };
                Self { body, answer, also, ..Self::default() }
            }
            RecordRequest::Restore => {
                let can_change = model.allows(collection, Action::Update);
                Self::new(can_change.then(|| schema(Schema::Patch)), Some(schema(Schema::Read)))
            }
            RecordRequest::Delete | RecordRequest::Purge => Self::default(),
        }
    }

    fn of(handler: Handler, whole: Whole<'_>) -> Self {
        let object = || Some(json!({ "type": "object" }));
        match handler {
            Handler::Collections => Self::new(None, Some(collections(whole))),
            Handler::SignUp => Self::new(Some(sign_up_body(whole.model)), Some(signed_in())),
            Handler::SignIn => Self::new(Some(sign_in_body()), Some(signed_in())),
            Handler::SignOutEverywhere | Handler::Me => Self::new(None, object()),
            Handler::ChangePassword => Self::new(Some(texts(&["current", "password"], &[])), Some(signed_in())),
            Handler::ChangeEmail => Self::new(Some(texts(&["email", "password"], &[])), object()),
            Handler::MakeLink => Self::new(None, Some(made_link())),
            Handler::RevokeLink => Self::new(Some(texts(&["id"], &[])), None),
            Handler::Explain => Self::new(Some(question(whole.model)), object()),
            Handler::Transact => Self::new(Some(requests(whole)), Some(results())),
            // Signing out has no body; the others are not described.
            Handler::SignOut
            | Handler::Record(_)
            | Handler::Options
            | Handler::Root
            | Handler::Alive
            | Handler::Ready
            | Handler::OpenApi
            | Handler::Problem
            | Handler::SetupForm
            | Handler::Setup
            | Handler::SetupStyle
            | Handler::Docs(_)
            | Handler::DeveloperSignIn
            | Handler::ModelState
            | Handler::ModelText
            | Handler::Inspection(_)
            | Handler::Traces
            | Handler::Act
            | Handler::Route
            | Handler::Receive => Self::default(),
        }
    }
}

const OUTCOMES: [Upserted; 3] = [Upserted::Created, Upserted::Updated, Upserted::Unchanged];

/// What a create answers: of `onConflict` also what became of each record.
fn created(record: &Value, upserts: bool) -> Value {
    let mut answer = one_or_several(record, None);
    if !upserts {
        return answer;
    }
    let one = json!({
        "type": "object",
        "description": "With `onConflict`; `record` is null if you may not read it.",
        "required": ["outcome", "record"],
        "properties": {
            "outcome": { "enum": OUTCOMES.map(Upserted::name) },
            "record": { "oneOf": [record, { "type": "null" }] },
        },
        "additionalProperties": false,
    });
    let several = json!({ "type": "array", "items": one });
    let minimal = json!({
        "type": "object",
        "description": "With `onConflict` and `Prefer: return=minimal`.",
        "required": ["outcome", "id"],
        "properties": { "outcome": { "enum": OUTCOMES.map(Upserted::name) }, "id": { "type": ["string", "integer"] } },
        "additionalProperties": false,
    });
    let several_minimal = json!({ "type": "array", "items": minimal });
    let forms = answer["oneOf"].as_array_mut().map(std::mem::take).unwrap_or_default();
    json!({ "anyOf": forms.into_iter().chain([one, several, minimal, several_minimal]).collect::<Vec<_>>() })
}

/// `onConflict`, where there is a unique key.
fn on_conflict(collection: &Collection) -> Option<Value> {
    let named = |key: &Vec<FieldId>| {
        key.iter().map(|field| collection.field(*field).name.as_str()).collect::<Vec<_>>().join(",")
    };
    let keys: Vec<String> = collection.keys().iter().map(named).collect();
    let about = "Changes a record with the same values of this unique key, instead of creating one.";
    let schema = json!({ "enum": keys });
    (!keys.is_empty()).then(|| json!({ "name": "onConflict", "in": "query", "schema": schema, "description": about }))
}

/// `format` of an export.
fn format() -> Value {
    let names = FileFormat::ALL.map(FileFormat::extension);
    let schema = json!({ "enum": names, "default": names[0] });
    let about = "The kind of file: one object on each line, an array, or a table with a header.";
    json!({ "name": FORMAT, "in": "query", "schema": schema, "description": about })
}

/// One of these, or an array of them.
fn one_or_several(one: &Value, most: Option<usize>) -> Value {
    let mut several = json!({ "type": "array", "items": one });
    if let Some(most) = most {
        several["minItems"] = json!(1);
        several["maxItems"] = json!(most);
    }
    json!({ "oneOf": [one, several] })
}

pub(super) fn assemble(
    endpoint: &Endpoint,
    (tag, id): (&str, &str),
    status: &str,
    shapes: Shapes,
    parameters: Vec<Value>,
) -> Value {
    let mut operation = json!({
        "operationId": id,
        "tags": [tag],
        "responses": answers::responses(endpoint, (status, shapes.also), shapes.content().as_ref()),
    });
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let (Some(rule), Some(schema)) = (endpoint.body, shapes.body) {
        let content: Map<String, Value> =
            rule.media_types.iter().map(|of| ((*of).to_owned(), json!({ "schema": schema }))).collect();
        operation["requestBody"] = json!({ "required": rule.presence == Presence::Required, "content": content });
    }
    operation
}

/// Says in a line what an operation does with the records of a type or an interface.
pub(super) fn summarize(operation: &mut Value, summary: &str, name: &str) {
    operation["summary"] = json!(summary.replace("{type}", name));
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn references<const N: usize>(names: [&str; N]) -> Value {
    names.map(reference).into_iter().collect()
}

/// The query parameters and headers that an endpoint takes, and its own parameters.
pub(super) fn parameters(endpoint: &Endpoint, own: Vec<Value>) -> Vec<Value> {
    let mut names = match endpoint.parameters {
        Parameters::Ignored
        | Parameters::None
        | Parameters::Key
        | Parameters::OfAction
        | Parameters::OfTraces
        | Parameters::TerminalToken => vec![],
        Parameters::OfRecord | Parameters::Shown | Parameters::OfKey | Parameters::OnConflict => vec!["Select"],
        Parameters::OfHistory => vec!["Limit", "After"],
        Parameters::Mode => vec!["Mode"],
        Parameters::OfMatching => vec!["MatchedFilter", "MatchedSort", "MatchedLimit", "DryRun"],
        Parameters::OfList => vec!["Filter", "Sort", "Select", "Limit", "After", "Before", "Skip", "Count"],
        Parameters::OfExport => vec!["Filter", "Sort", "Select"],
        Parameters::OfChanges => vec!["Since", "Limit", "Select"],
        Parameters::OfGroups => {
            vec!["Group", "GroupSelect", "Filter", "Having", "GroupSort", "Limit", "After", "Before", "Skip"]
        }
    };
    if endpoint.idempotency == Idempotency::Taken {
        names.push("IdempotencyKey");
    }
    match endpoint.conditions {
        Conditions::None => {}
        Conditions::OfRead => names.extend(["IfMatch", "IfNoneMatch"]),
        Conditions::OfWrite => names.push("IfMatch"),
        Conditions::OfReplace => names.extend(["IfMatch", "IfNoneMatchAny"]),
    }
    if endpoint.prefer {
        names.push("Prefer");
    }
    names.into_iter().map(reference).chain(own).collect()
}

/// A parameter for equality with each field of a collection that can be compared this way; a field that is called like
/// another parameter can't.
pub(super) fn equalities(model: &Model, collection: &Collection) -> Vec<Value> {
    let compared = |field: &&Field| field.is_readable() && !is_list_parameter(&field.name);
    let fields = collection.fields.iter().filter(compared).filter_map(|field| {
        let schema = match &field.kind {
            FieldKind::Enum(id) => Schema::Read.reference(&model.enumeration(*id).name),
            FieldKind::Scalar(scalar) if scalar.is_equatable() => scalars::accepted(*scalar),
            FieldKind::ToOne { key, .. } | FieldKind::OneToOne { key, .. } => {
                scalars::accepted(Scalar::Id { form: *key })
            }
            FieldKind::Scalar(_)
            | FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::ManyToMany { .. } => return None,
        };
        let about = "Equal to this value.";
        let mut parameter = json!({ "name": field.name, "in": "query", "schema": schema, "description": about });
        deprecate(field.deprecated.as_ref(), &mut parameter);
        Some(parameter)
    });
    fields.collect()
}

/// A parameter for each field of a unique key. A request names all fields of one of them.
fn keys(model: &Model, collection: &Collection) -> Vec<Value> {
    let keys = collection.keys();
    let named = |key: &Vec<FieldId>| {
        key.iter().map(|field| format!("`{}`", collection.field(*field).name)).collect::<Vec<_>>().join(" and ")
    };
    let about = format!("All fields of one unique key: {}.", keys.iter().map(named).collect::<Vec<_>>().join("; "));
    let compared = equalities(model, collection).into_iter();
    let is_of_key = |parameter: &Value| {
        let field = parameter["name"].as_str().and_then(|name| collection.field_named(name));
        field.is_some_and(|field| keys.iter().any(|key| key.contains(&field.id)))
    };
    let described = compared.filter(is_of_key).map(|mut parameter| {
        parameter["description"] = json!(about);
        if keys.len() == 1 {
            parameter["required"] = json!(true);
        }
        if let Some(example) = examples::of(&parameter["schema"], &Map::new()) {
            parameter["example"] = example;
        }
        parameter
    });
    described.collect()
}

fn history_body() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "limit": { "type": "integer", "minimum": 1, "maximum": limits::PAGE_MAX },
            "after": { "type": "string" },
        },
    })
}

/// What is asked of a list, as a body. `searches`: among records in which words can be searched for.
pub(super) fn query_body(searches: bool) -> Value {
    let mut body = json!({
        "type": "object",
        "examples": [{ "filter": examples::FILTER, "sort": examples::SORT, "limit": 10 }],
        "additionalProperties": false,
        "properties": {
            "filter": { "type": ["string", "null"], "maxLength": limits::EXPRESSION_BYTES },
            "params": { "type": "object", "maxProperties": limits::FILTER_PARAMETERS },
            "where": { "type": "object", "description": "Fields that must equal a value." },
            "sort": { "type": ["string", "null"] },
            "select": { "type": ["string", "null"] },
            "limit": { "type": ["integer", "null"], "minimum": 1, "maximum": limits::PAGE_MAX },
            "after": { "type": ["string", "null"] },
            "before": { "type": ["string", "null"] },
            "skip": { "type": ["integer", "null"], "minimum": 0, "maximum": limits::SKIP_MAX },
            "count": counting(),
            "asOf": { "type": ["string", "null"], "format": "date-time", "description": AS_OF },
        },
    });
    if searches {
        body["properties"]["search"] =
            json!({ "type": "string", "description": SEARCH, "maxLength": limits::SEARCH_BYTES });
        body["properties"]["highlight"] = json!({ "type": ["string", "null"], "description": HIGHLIGHT });
    }
    body
}

pub(super) fn is_searched(collection: &Collection) -> bool {
    collection.searched().next().is_some()
}

/// Whether and how far is counted. Generators of clients know no enum of values of several types.
fn counting() -> Value {
    json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "enum": ["exact"] }] })
}

/// What is asked of groups, as a body.
fn aggregate_body(searches: bool) -> Value {
    let mut body = without(query_body(searches), &["count", "highlight"]);
    for name in ["group", "having"] {
        body["properties"][name] = json!({ "type": "string" });
    }
    body["examples"] = json!([{ "select": "count" }]);
    body
}

/// A body that lacks some members.
pub(super) fn without(mut body: Value, names: &[&str]) -> Value {
    if let Some(properties) = body["properties"].as_object_mut() {
        properties.retain(|name, _| !names.contains(&name.as_str()));
    }
    body
}

/// A page of groups.
fn groups_page() -> Value {
    let about = "A member for each value of `group` and `select`, under its name.";
    let place = json!({ "type": ["string", "null"] });
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": { "type": "object", "description": about } },
            "next": place,
            "prev": place,
        },
        "additionalProperties": false,
    })
}

/// A page of the history of a record.
fn history_page() -> Value {
    let value = json!({ "description": "A value of the field; null if it had none." });
    let change = json!({
        "type": "object",
        "description": "`old` is missing in the oldest version that is kept, unless the record was created by it.",
        "required": ["new"],
        "properties": { "old": value, "new": value },
        "additionalProperties": false,
    });
    let id = json!({ "type": ["string", "null"], "format": "uuid" });
    let by = json!({
        "type": "object",
        "required": ["kind", "id"],
        "properties": { "kind": { "enum": CALLER_KINDS.map(CallerKind::name) }, "id": id },
        "additionalProperties": false,
    });
    let entry = json!({
        "type": "object",
        "required": ["version", "at", "action", "by", "changes"],
        "properties": {
            "version": { "type": "integer" },
            "at": { "type": "string", "format": "date-time" },
            "action": { "enum": VersionChange::ALL.map(VersionChange::word) },
            "by": by,
            "changes": {
                "type": "object",
                "description": "By the fields that the change gave other values; a member of an embedded value by its path.",
                "additionalProperties": change,
            },
        },
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": { "items": { "type": "array", "items": entry }, "next": { "type": ["string", "null"] } },
        "additionalProperties": false,
    })
}

const CALLER_KINDS: [CallerKind; 5] =
    [CallerKind::Anonymous, CallerKind::Account, CallerKind::Service, CallerKind::Operator, CallerKind::System];

const AS_OF: &str = "Records as they were at this moment, with the fields that their history keeps. Rules are asked about \
                     them as they are now.";
const COUNT: &str = "Whether to count all matching records: `true` up to a limit, `exact` however many there are.";
const SEARCH: &str = "Words to find, the best matches first: all of them, in any searchable fields. \"new york\" is a phrase, \
                      york* a beginning; -york excludes, and OR joins alternatives.";
const HIGHLIGHT: &str =
    "Comma-separated fields, such as title,body, of whose texts the member $highlight shows what the search finds.";
const MODE: &str = "`atomic`: all requests or none, in one commit. `independent`: each by itself, in its own commit.";
const IF_MATCH: &str = "An ETag: 412 unless the record still has its version, or the list its content.";
const SELECT: &str = "Comma-separated fields of the answer, such as title,author{name}. A to-many relation takes \
                      (sort:-createdAt,limit:3,filter:pinned,search:\"new york\") and functions such as comments:count or \
                      items:sum(quantity); \
                      name=field answers a field under another name, and field? leaves out what the caller can't read. \
                      Send the values of parameters in filters and searches as $q=….";
const GROUP: &str = "Comma-separated values by which records are grouped: fields, paths such as author.name, and expressions \
                     with a name, such as month=startOfMonth(createdAt, 'Europe/Zurich'). Without it, all records are one group.";
const GROUP_SELECT: &str = "What a group comes to: count, or count, countDistinct, sum, avg, min or max of a field or an \
                            expression, such as sum(amount),paid=count(state == 'PAID').";
const HAVING: &str = "A condition on the groups, by the names of their values: sumAmount > 100.";
const GROUP_SORT: &str = "Comma-separated names of values of the groups, such as -count,state; `-` means descending.";
const IDEMPOTENCY_KEY: &str = "A request with the same key and content is carried out once and gets the same answer. Keys \
                               of different callers are independent; anonymous callers share theirs by network \
                               address. An answer is stored as Prefer asked the first time: what a minimal answer left \
                               out is not available later.";

/// Parameters that operations share.
pub(super) fn components() -> Value {
    let query = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "description": description, "schema": schema });
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    let text = |most: usize| json!({ "type": "string", "maxLength": most });
    let limit =
        json!({ "type": "integer", "minimum": 1, "maximum": limits::PAGE_MAX, "default": limits::PAGE_DEFAULT });
    let skip = json!({ "type": "integer", "minimum": 0, "maximum": limits::SKIP_MAX, "default": 0 });
    let filter = "An expression that must be true, such as title.contains($q); send the values of its parameters as \
                  $q=….";
    json!({
        "Id": {
            "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" },
        },
        "Filter": example(query("filter", filter, text(limits::EXPRESSION_BYTES)), examples::FILTER),
        "MatchedFilter": example(query("filter", filter, text(limits::EXPRESSION_BYTES)), &examples::narrow_filter()),
        "Search": query("search", SEARCH, text(limits::SEARCH_BYTES)),
        "Highlight": query("highlight", HIGHLIGHT, text(limits::PARAMETER_BYTES)),
        "Sort": example(query("sort", "Comma-separated fields to sort by, such as -publishedAt,title; `-` means descending. Also paths such as author.name and counts such as comments:count.", text(limits::PARAMETER_BYTES)), examples::SORT),
        "Select": query("select", SELECT, text(limits::PARAMETER_BYTES)),
        "Group": query("group", GROUP, text(limits::PARAMETER_BYTES)),
        "GroupSelect": example(query("select", GROUP_SELECT, text(limits::PARAMETER_BYTES)), "count"),
        "GroupSort": query("sort", GROUP_SORT, text(limits::PARAMETER_BYTES)),
        "Having": query("having", HAVING, text(limits::EXPRESSION_BYTES)),
        "Limit": query("limit", "The most records on the page.", limit),
        "MatchedSort": query("sort", MATCHED_SORT, text(limits::PARAMETER_BYTES)),
        "MatchedLimit": query("limit", MATCHED_LIMIT, matched_limit()),
        "DryRun": query("dryRun", "Whether everything is undone after it was answered.", json!({ "type": "boolean" })),
        "After": query("after", "`next` of the previous page.", text(limits::PARAMETER_BYTES)),
        "Since": query("since", SINCE, text(limits::PARAMETER_BYTES)),
        "AsOf": query("asOf", AS_OF, json!({ "type": "string", "format": "date-time" })),
        "Before": query("before", "`prev` of the next page.", text(limits::PARAMETER_BYTES)),
        "Skip": query("skip", "How many records to leave out; `after` goes further and costs less.", skip),
        "Count": query("count", COUNT, counting()),
        "IfNoneMatch": header("If-None-Match", "An ETag: 304 if it is still current.", json!({ "type": "string" })),
        "IfNoneMatchAny": header("If-None-Match", "`*`: creates the record only if there is none.", json!({ "type": "string", "pattern": "^\\*$" })),
        "IfMatch": header("If-Match", IF_MATCH, json!({ "type": "string" })),
        "Mode": query("mode", MODE, json!({ "enum": ["atomic", "independent"], "default": "atomic" })),
        "Prefer": header("Prefer", "`return=minimal` leaves the record out of the answer; `return=representation` is the default.", json!({ "type": "string" })),
        "IdempotencyKey": header(
            "Idempotency-Key",
            IDEMPOTENCY_KEY,
            json!({ "type": "string", "minLength": 1, "maxLength": limits::IDEMPOTENCY_KEY_BYTES }),
        ),
    })
}

/// The same parameter with an example.
fn example(mut parameter: Value, example: &str) -> Value {
    parameter["example"] = json!(example);
    parameter
}

fn matched_limit() -> Value {
    let most = limits::MATCHED_RECORDS;
    json!({ "type": "integer", "minimum": 1, "maximum": most, "default": most })
}

const MATCHED_LIMIT: &str =
    "How many records may match: if there are more, nothing is done. With `sort`, how many of the first are meant.";
const MATCHED_SORT: &str = "Comma-separated fields, with `limit`: only the first records in this order are meant.";

/// How many records a change by a filter was about.
fn counted() -> Value {
    let number = |about: &str| json!({ "type": "integer", "minimum": 0, "description": about });
    json!({
        "type": "object",
        "required": ["matched", "changed"],
        "properties": {
            "matched": number("Records that match the filter, with `sort` up to `limit`."),
            "changed": number("Those of them that weren't already as asked."),
            "ids": {
                "type": "array",
                "items": { "type": ["string", "integer"] },
                "description": "With `sort`: which records they are, in this order.",
            },
        },
        "additionalProperties": false,
    })
}

/// The records that a request in a transaction changes.
fn matching_body() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "filter": { "type": "string", "maxLength": limits::EXPRESSION_BYTES },
            "params": { "type": "object", "maxProperties": limits::FILTER_PARAMETERS },
            "where": { "type": "object", "description": "Fields that must equal a value." },
            "sort": { "type": "string", "maxLength": limits::PARAMETER_BYTES, "description": MATCHED_SORT },
            "limit": matched_limit(),
        },
    })
}

/// The list of collections.
fn collections(whole: Whole<'_>) -> Value {
    let text = json!({ "type": "string" });
    let mut properties = json!({ "name": text, "path": text });
    if whole.has_singles() {
        properties["single"] = json!({ "const": true, "description": "There is one record, at the path itself." });
    }
    if !whole.interfaces.is_empty() {
        let about = "Of an interface: the types whose records are read at its path.";
        properties["types"] = json!({ "type": "array", "items": text, "description": about });
    }
    let collection = json!({
        "type": "object",
        "required": ["name", "path"],
        "properties": properties,
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "required": ["collections"],
        "properties": { "collections": { "type": "array", "items": collection } },
        "additionalProperties": false,
    })
}

const SINCE: &str = "`next` of the previous response; without it, the response has only a `next` to go on from.";

/// What has changed, and how far that goes.
fn changes_page(record: &Value) -> Value {
    let removed = json!({
        "type": "object",
        "required": ["id", "version"],
        "properties": { "id": {}, "version": { "type": "integer" } },
    });
    json!({
        "type": "object",
        "required": ["items", "removed", "next", "more"],
        "properties": {
            "items": { "type": "array", "items": record },
            "removed": { "type": "array", "items": removed },
            "next": { "type": "string" },
            "more": { "type": "boolean" },
        },
    })
}

fn made_link() -> Value {
    json!({
        "type": "object",
        "required": ["id", "token", "expiresAt"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "token": { "type": "string" },
            "expiresAt": { "type": "string", "format": "date-time" },
        },
    })
}

fn signed_in() -> Value {
    json!({
        "type": "object",
        "required": ["token", "account", "expiresAt"],
        "properties": {
            "token": { "type": "string" },
            "account": { "type": "object" },
            "expiresAt": { "type": "string", "format": "date-time" },
        },
    })
}

/// A new account: the fields of its type, and the password.
fn sign_up_body(model: &Model) -> Value {
    let mut body = match model.identity {
        Some(accounts) => {
            let accounts = model.collection(accounts);
            let mut body = schemas::create(model, accounts);
            if let Some(properties) = body["properties"].as_object_mut() {
                // They are written from the other side, or once there is an account.
                properties.retain(|name, _| accounts.field_named(name).is_none_or(|field| !field.kind.is_to_many()));
            }
            body
        }
        None => texts(&["email"], &[]),
    };
    body["properties"]["password"] = json!({ "type": "string" });
    body["properties"]["invitation"] =
        json!({ "type": "string", "description": "If only invited people may sign up." });
    if let Some(required) = body["required"].as_array_mut() {
        required.push(json!("password"));
    }
    body
}

fn sign_in_body() -> Value {
    let mut body = texts(&["email", "password"], &[]);
    body["examples"] = json!([{ "email": "ada@example.org", "password": "correct horse battery" }]);
    body["properties"]["as"] = json!({ "enum": ["account", "operator"], "default": "account" });
    body
}

/// What `/transact` takes.
fn requests(whole: Whole<'_>) -> Value {
    let possible = RequestKind::ALL.into_iter().filter(|kind| !whole.paths(*kind).is_empty());
    let each: Vec<Value> = possible.map(|kind| request(kind, whole)).collect();
    let most = limits::TRANSACTION_REQUESTS;
    let requests = json!({ "type": "array", "minItems": 1, "maxItems": most, "items": { "oneOf": each } });
    let list = whole.paths(RequestKind::List).first().map(|path| json!({ "list": path, "query": { "limit": 1 } }));
    json!({
        "type": "object",
        "examples": [{ "requests": list.into_iter().collect::<Vec<_>>() }],
        "required": ["requests"],
        "properties": { "requests": requests },
        "additionalProperties": false,
    })
}

/// A request of a kind within `/transact`.
fn request(kind: RequestKind, whole: Whole<'_>) -> Value {
    let mut properties = Map::new();
    let path =
        json!({ "enum": whole.paths(kind), "description": format!("A path below `{}`.", whole.model.api.as_str()) });
    properties.insert(kind.name().to_owned(), path);
    let mut required = vec![kind.name()];
    let has_no_id = whole.has_singles() && kind.addresses().contains(&Addressed::Single);
    for member in Member::of(kind) {
        let (schema, is_required) = match member {
            Member::Id => (id(has_no_id), !has_no_id && !Member::of(kind).contains(&Member::By)),
            Member::By => {
                let about = "In the place of `id`: a value for each field of a unique key.";
                (json!({ "type": "object", "description": about }), false)
            }
            Member::Body => (body(kind), kind != RequestKind::OfRecord(RecordVerb::Restore)),
            Member::Select => (json!({ "type": "string" }), false),
            Member::Params => (json!({ "type": "object", "maxProperties": limits::FILTER_PARAMETERS }), false),
            Member::Query if kind == RequestKind::History => (history_body(), false),
            Member::Query if kind == RequestKind::Aggregate => (aggregate_body(whole.searches()), true),
            Member::Query if matches!(kind, RequestKind::OfMatching(_)) => (matching_body(), true),
            Member::Query => (query_body(whole.searches()), false),
            Member::IfMatch => {
                let about = "The record's version, or its ETag.";
                (or_reference(&json!({ "type": ["integer", "string"] }), about), false)
            }
            Member::IfNoneMatch => {
                (json!({ "const": "*", "description": "Creates the record only if there is none." }), false)
            }
            Member::OnConflict => {
                let about = "Comma-separated fields of a unique key: changes a record with the same values instead.";
                (json!({ "type": "string", "description": about }), false)
            }
            Member::AsOf => (json!({ "type": "string", "format": "date-time" }), false),
            Member::As => (name_for_later(), false),
        };
        properties.insert(member.name().to_owned(), schema);
        required.extend(is_required.then(|| member.name()));
    }
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// The record of a request, which some requests must not name.
fn id(optional: bool) -> Value {
    let about = if optional { "Required unless the type has a single record." } else { "The record's id." };
    or_reference(&json!({ "type": ["string", "integer"] }), about)
}

/// A value, or an object that takes it from the result of an earlier request. No property is called `$ref` here: many readers
/// of documents would take that for a reference of the document.
fn or_reference(value: &Value, about: &str) -> Value {
    let reference = json!({
        "type": "object",
        "description": "A value of the result of an earlier request, such as {\"$ref\": \"w.id\"}.",
        "minProperties": 1,
        "maxProperties": 1,
    });
    json!({ "anyOf": [value, reference], "description": about })
}

/// The name of a request.
fn name_for_later() -> Value {
    let about = "A name for the result: later requests take values from it with {\"$ref\": \"w.id\"}, in `id`, `ifMatch`, `by`, \
                 `body`, `params` and `where`.";
    let most = limits::REFERENCE_NAME_BYTES;
    json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": most, "description": about })
}

/// What a request in a transaction sends: several records only to create them.
fn body(kind: RequestKind) -> Value {
    let object = json!({ "type": "object" });
    if kind == RequestKind::Create { one_or_several(&object, Some(limits::BATCH_RECORDS)) } else { object }
}

/// What `/transact` answers.
fn results() -> Value {
    let result = json!({
        "type": ["object", "array", "null"],
        "items": {},
        "description": "What the request is answered with by itself; null after a deletion. With `mode=independent`, its \
                        status, with that as `body`, or with a `problem`.",
    });
    json!({
        "type": "object",
        "required": ["results"],
        "properties": { "results": { "type": "array", "items": result } },
        "additionalProperties": false,
    })
}

/// What `/explain` takes.
fn question(model: &Model) -> Value {
    let mut question = texts(&["request"], &[]);
    question["examples"] = json!([{ "request": format!("GET {}", model.api.as_str()) }]);
    question["properties"]["request"]["description"] =
        json!(format!("Such as GET {}?limit=1 or POST /transact.", model.api.path_of("posts")));
    question["properties"]["as"] = json!({
        "type": ["string", "null"],
        "description": "Who calls: email address or id of an account, an operator or a key. Absent or null: an anonymous caller.",
    });
    question["properties"]["link"] = json!({
        "type": ["string", "null"],
        "description": "The id of a secret link that is shown with the request.",
    });
    question["properties"]["body"] = json!({ "description": "The body of a POST, PATCH or PUT." });
    question
}

/// An object of texts.
fn texts(required: &[&str], others: &[&str]) -> Value {
    let text = |name: &&str| ((*name).to_owned(), json!({ "type": "string" }));
    let properties: Map<String, Value> = required.iter().chain(others).map(text).collect();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}
