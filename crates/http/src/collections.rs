use backstay_base::Action;
use backstay_engine::{Context, Engine};
use backstay_model::Collection;
use http::StatusCode;
use serde::Serialize;

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::Answer;

/// `GET /api/`: the collections that the caller may read or add records to.
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
}

fn shown<'e>(engine: &'e Engine, context: &Context) -> Shown<'e> {
    let shown = |collection: &&Collection| {
        engine.exists_for(context.caller(), collection)
            && [Action::Read, Action::Create]
                .into_iter()
                .any(|action| engine.admit(context, collection.id, action).is_ok())
    };
    let collections = engine.model().collections.iter().filter(shown);
    let collections = collections.map(|collection| {
        let Collection { name, path, single, .. } = collection;
        ShownCollection { name, path: format!("/api/{path}"), single: *single }
    });
    Shown { collections: collections.collect() }
}
