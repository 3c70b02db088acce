//! What jobs take, for the declarations of functions: no client calls them.

use backstay_model::Model;
use serde_json::{Map, Value, json};

use super::documents::{Form, reference};
use super::embedded_types;

/// The shapes of what jobs take, by their names.
pub(super) fn inputs(model: &Model) -> Map<String, Value> {
    let jobs = model.actions.iter().filter(|action| action.job.is_some());
    let input = |arguments| reference(model, arguments, Form::Accepted);
    jobs.map(|action| (action.name.clone(), action.arguments.map_or_else(nothing, input))).collect()
}

fn nothing() -> Value {
    json!({ "type": "object", "properties": {} })
}

/// The shapes that these refer to.
pub(super) fn shapes(model: &Model) -> Map<String, Value> {
    let jobs = model.actions.iter().filter(|action| action.job.is_some());
    let taken: Vec<_> = jobs.filter_map(|action| action.arguments).map(|of| model.reached_from(of)).collect();
    embedded_types::accepted(model, |at| taken.iter().any(|reached| reached[at]))
}
