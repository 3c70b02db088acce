use axum::body::Body;
use backstay_base::{CallerKind, Error};
use backstay_engine::{Context, Create, Engine, List, WriteOptions};
use backstay_model::Collection;
use bytes::Bytes;
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
    let shown = shown(&exchange.site.engine, &context).await;
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

async fn shown<'e>(engine: &'e Engine, context: &Context) -> Shown<'e> {
    let mut collections = Vec::new();
    for collection in &engine.model().collections {
        let known = !collection.system || context.caller.kind == CallerKind::Operator;
        if known && (may_read(engine, context, collection).await || may_create(engine, context, collection).await) {
            collections.push(ShownCollection { name: &collection.name, path: format!("/api/{}", collection.path) });
        }
    }
    Shown { collections }
}

/// Whether the caller may read any record at all. The engine says so of a page without records before it looks at the
/// page, and reads nothing.
async fn may_read(engine: &Engine, context: &Context, collection: &Collection) -> bool {
    let nothing = List { limit: Some(0), ..List::of(collection.id) };
    is_allowed(engine.list(context, nothing).await)
}

/// Whether the caller may make any record at all. The engine says so of no records before it looks for one, and writes
/// nothing.
async fn may_create(engine: &Engine, context: &Context, collection: &Collection) -> bool {
    let body = Bytes::from_static(b"[]");
    let nothing = Create { collection: collection.id, body, options: WriteOptions::default() };
    is_allowed(engine.create(context, nothing).await)
}

fn is_allowed<T>(outcome: Result<T, Error>) -> bool {
    !matches!(outcome, Err(Error::Unauthenticated(_) | Error::Forbidden { .. }))
}
