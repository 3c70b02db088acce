use backstay_base::Action;
use backstay_engine::{Context, Engine};
use backstay_model::Collection;
use http::StatusCode;
use serde::Serialize;

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::Answer;

/// `GET /api/`: the collections that the caller may read or add records to, and the interfaces at whose paths there is
/// something to read.
pub(crate) fn answer(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let shown = shown(&admitted.state().engine, &admitted.context());
    Ok(Answer::json(StatusCode::OK, admitted.audience(), &shown)?)
}

#[derive(Serialize)]
struct Shown<'m> {
    collections: Vec<ShownCollection<'m>>,
}

#[derive(Serialize)]
struct ShownCollection<'m> {
    name: &'m str,
    path: String,
    /// Whether there is one record, at the path itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    single: bool,
    /// Of an interface, the types whose records are read at its path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<&'m str>,
}

fn shown<'e>(engine: &'e Engine, context: &Context) -> Shown<'e> {
    let model = engine.model();
    let may = |collection: &Collection, action| engine.admit(context, collection.id, action).is_ok();
    let shown = |collection: &&Collection| {
        engine.exists_for(context.caller(), collection)
            && [Action::Read, Action::Create].into_iter().any(|action| may(collection, action))
    };
    let collections = model.collections.iter().filter(shown).map(|collection| {
        let Collection { name, path, single, .. } = collection;
        ShownCollection { name, path: model.api.path_of(path), single: *single, types: Vec::new() }
    });
    let interfaces = model.interfaces.iter().filter_map(|interface| {
        let types = interface.types.iter().map(|id| model.collection(*id));
        let types: Vec<&str> = types.filter(|of| may(of, Action::Read)).map(|of| &*of.name).collect();
        let path = model.api.path_of(&interface.path);
        (!types.is_empty()).then_some(ShownCollection { name: &interface.name, path, single: false, types })
    });
    Shown { collections: collections.chain(interfaces).collect() }
}
