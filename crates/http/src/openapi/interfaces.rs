//! Interfaces with a path: the shape of a record of any of their types, and what is asked at the path.

use backstay_model::{Collection, Interface, Model};
use serde_json::{Map, Value, json};

use super::names::Schema;
use super::operations::{
    Shapes, add, assemble, equalities, is_searched, parameters, query_body, reference, summarize, without,
};
use super::{is_shown, references, schemas};
use crate::endpoint::{Described, Endpoint, Handler, Parameters, RecordRequest, Verb};
use crate::endpoints;

/// The interfaces at whose paths somebody may read something.
pub(super) fn shown(model: &Model) -> Vec<&Interface> {
    let is_read = |interface: &&Interface| types(model, interface).any(is_shown);
    model.interfaces.iter().filter(is_read).collect()
}

/// The paths of these interfaces.
pub(super) fn paths(model: &Model, shown: &[&Interface]) -> Map<String, Value> {
    let mut paths = Map::new();
    for route in endpoints::all().filter(|route| route.pattern.is_of_types()) {
        for interface in shown {
            let here = |endpoint| operation(model, interface, endpoint);
            let path = route.pattern.text_at(&model.api).replace("{interface}", &interface.path);
            add(&mut paths, path, route.endpoints.iter().filter_map(here));
        }
    }
    paths
}

fn types<'m>(model: &'m Model, interface: &'m Interface) -> impl Iterator<Item = &'m Collection> {
    interface.types.iter().map(|id| model.collection(*id))
}

/// The shapes of an interface: a record of any of its types, and a page of such records.
pub(super) fn of_interface(model: &Model, interface: &Interface) -> Map<String, Value> {
    let of_shown: Vec<_> = types(model, interface).filter(|of| is_shown(of)).map(|of| of.id).collect();
    let (forms, discriminator) = references::forms(model, &of_shown);
    let about = interface.description.clone().unwrap_or_else(|| format!("A record of a type of {}.", interface.name));
    let record = json!({ "oneOf": forms, "discriminator": discriminator, "description": about });
    let name = &interface.name;
    Map::from_iter([(Schema::Read.of(name), record), (Schema::Page.of(name), schemas::page(name))])
}

/// An operation at the path of an interface.
fn operation(model: &Model, interface: &Interface, endpoint: &Endpoint) -> Option<(Verb, Value)> {
    let (Described::OfCollection { verb, summary, status }, Handler::Record(kind)) =
        (endpoint.described, endpoint.handler)
    else {
        return None;
    };
    let shared = |parameter: &Value| parameter["name"].as_str().is_some_and(|name| interface.shares(name));
    let first = types(model, interface).next();
    let mut own: Vec<Value> = match endpoint.parameters {
        Parameters::OfList => first.map_or_else(Vec::new, |first| equalities(model, first)),
        Parameters::Ignored
        | Parameters::OfExport
        | Parameters::OfChanges
        | Parameters::OfGroups
        | Parameters::OfMatching
        | Parameters::None
        | Parameters::OfRecord
        | Parameters::Shown
        | Parameters::OfAction
        | Parameters::OfKey
        | Parameters::Key
        | Parameters::OnConflict
        | Parameters::OfHistory
        | Parameters::OfTraces
        | Parameters::Mode
        | Parameters::TerminalToken => Vec::new(),
    };
    own.retain(shared);
    let has_past = types(model, interface).all(|of| of.history.is_some());
    let takes_past = matches!(kind, RecordRequest::Get | RecordRequest::List);
    own.extend((has_past && takes_past).then(|| reference("AsOf")));
    let searches = types(model, interface).filter(|of| is_shown(of)).any(is_searched);
    own.extend((searches && endpoint.parameters == Parameters::OfList).then(|| reference("Search")));
    let (name, shapes) = (&interface.name, shapes(kind, &interface.name, searches)?);
    let id = format!("{verb}{name}");
    let mut operation = assemble(endpoint, (name, &id), status, shapes, parameters(endpoint, own));
    summarize(&mut operation, summary, name);
    Some((endpoint.verb, operation))
}

/// What is sent and answered by the reads of an interface.
fn shapes(kind: RecordRequest, name: &str, searches: bool) -> Option<Shapes> {
    let answer = |schema: Schema| Some(schema.reference(name));
    match kind {
        RecordRequest::Get => Some(Shapes { answer: answer(Schema::Read), ..Shapes::default() }),
        RecordRequest::List => Some(Shapes { answer: answer(Schema::Page), ..Shapes::default() }),
        RecordRequest::Query => {
            let body = without(query_body(searches), &["highlight"]);
            Some(Shapes { body: Some(body), answer: answer(Schema::Page), ..Shapes::default() })
        }
        RecordRequest::Aggregate
        | RecordRequest::AggregateQuery
        | RecordRequest::Export
        | RecordRequest::Changes
        | RecordRequest::Create
        | RecordRequest::Update
        | RecordRequest::Replace
        | RecordRequest::Delete
        | RecordRequest::Trash
        | RecordRequest::Restore
        | RecordRequest::Purge
        | RecordRequest::UpdateAll
        | RecordRequest::DeleteAll
        | RecordRequest::History => None,
    }
}
