use axum::body::Body;
use backstay_base::{Action, CallerKind};
use backstay_engine::{Context, Engine};
use backstay_model::Collection;
use http::StatusCode;
use serde::Serialize;

use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::{Refusal, body, credentials, listing, negotiation, preconditions};

/// `/api/`: the collections that the caller may read or add to.
pub(crate) async fn open(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    negotiation::require_json(exchange.headers())?;
    let asker = credentials::recognise(exchange).await?;
    preconditions::refuse_all(exchange.headers())?;
    negotiation::refuse_write_options(exchange.headers())?;
    listing::only(exchange.parts.uri.query(), &[])?;
    body::refuse(&body)?;
    let context = exchange.context(asker.caller.clone());
    let shown = shown(&exchange.site.engine, &context);
    Ok(Answer::json(StatusCode::OK, asker.audience(), &shown))
}

#[derive(Serialize)]
struct Shown<'m> {
    collections: Vec<ShownCollection<'m>>,
}

#[derive(Serialize)]
struct ShownCollection<'m> {
    name: &'m str,
    path: String,
}

fn shown<'e>(engine: &'e Engine, context: &Context) -> Shown<'e> {
    let shown = |collection: &&Collection| {
        let known = !collection.system || context.caller.kind == CallerKind::Operator;
        known
            && [Action::Read, Action::Create]
                .into_iter()
                .any(|action| engine.may_at_all(context, collection.id, action))
    };
    let collections = engine.model().collections.iter().filter(shown);
    let collections = collections
        .map(|collection| ShownCollection { name: &collection.name, path: format!("/api/{}", collection.path) });
    Shown { collections: collections.collect() }
}
