use axum::body::Body;
use backstay_base::CallerKind;
use backstay_engine::{Context, ExplainRequest as Ask, Outcome, WriteOptions, Written};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};

use crate::answer::Answer;
use crate::credentials::{self, Asker};
use crate::exchange::Exchange;
use crate::target::{Action, Target};
use crate::{Refusal, body, listing, negotiation, origin, preconditions};

/// `/api/{collection}`, `/api/{collection}:query`, `/api/{collection}/{id}`.
pub(crate) async fn open(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    negotiation::require_json(exchange.headers())?;
    let asker = credentials::recognise(exchange).await?;
    origin::require_own(exchange, &asker)?;
    let action = resolve(exchange, &asker)?;
    let ask = read(exchange, &asker, action, body).await?;
    let context = exchange.context(asker.caller.clone());
    carry_out(exchange, &asker, &context, ask).await
}

/// What the request does, if the caller may know of the collection.
fn resolve(exchange: &Exchange<'_>, asker: &Asker) -> Result<Action, Refusal> {
    let model = exchange.site.engine.model();
    let target = Target::resolve(model, exchange.path().strip_prefix("/api/").unwrap_or_default())?;
    if model.collection(target.collection()).system && asker.caller.kind != CallerKind::Operator {
        return Err(Refusal::NoSuchPath { hint: None });
    }
    target.action(exchange.method())
}

async fn read(exchange: &Exchange<'_>, asker: &Asker, action: Action, body: Body) -> Result<Ask, Refusal> {
    let types = match action {
        Action::Create(_) | Action::Query(_) => Some(body::JSON_TYPES),
        Action::Update(..) => Some(body::PATCH_TYPES),
        Action::Get(..) | Action::List(_) | Action::Delete(..) => None,
    };
    let options = options(exchange, asker, action)?;
    let body = if let Some(types) = types {
        body::read(exchange, body, types, exchange.site.settings.body_bytes).await?
    } else {
        body::refuse(&body)?;
        Bytes::new()
    };
    action.ask(exchange.site.engine.model(), exchange.parts.uri.query(), body, options)
}

/// What the request carries in its headers besides what it asks.
fn options(exchange: &Exchange<'_>, asker: &Asker, action: Action) -> Result<WriteOptions, Refusal> {
    let headers = exchange.headers();
    match action {
        Action::Update(..) | Action::Delete(..) => return negotiation::write_options(exchange, asker),
        Action::Create(_) => {
            preconditions::refuse(headers, &header::IF_MATCH)?;
            return negotiation::write_options(exchange, asker);
        }
        Action::Query(_) => preconditions::refuse_all(headers)?,
        Action::Get(..) | Action::List(_) => {}
    }
    negotiation::refuse_write_options(headers)?;
    Ok(WriteOptions::default())
}

async fn carry_out(exchange: &Exchange<'_>, asker: &Asker, context: &Context, ask: Ask) -> Result<Answer, Refusal> {
    let engine = &exchange.site.engine;
    match ask {
        Ask::Get(get) => {
            let found = engine.get(context, get).await?;
            preconditions::require_version(exchange.headers(), found.version)?;
            Ok(Answer::ready(StatusCode::OK, asker.audience(), found.body).tagged(Some(found.tag)))
        }
        Ask::List(list) => {
            let in_body = *exchange.method() == Method::POST;
            let place = |error| if in_body { listing::in_body(error) } else { error };
            let page = engine.list(context, list).await.map_err(place)?;
            preconditions::require_tag(exchange.headers(), &page.tag)?;
            Ok(Answer::ready(StatusCode::OK, asker.audience(), page.body).tagged(Some(page.tag)))
        }
        Ask::Create(create) => {
            let (collection, minimal) = (create.collection, create.options.minimal);
            let written = engine.create(context, create).await?;
            let path = &engine.model().collection(collection).path;
            let mut answer = answer_write(asker, &written, minimal);
            if let [id] = written.ids[..]
                && let Ok(location) = HeaderValue::from_str(&format!("/api/{path}/{id}"))
            {
                answer.header(header::LOCATION, location);
            }
            Ok(answer)
        }
        Ask::Update(update) => {
            let minimal = update.options.minimal;
            Ok(answer_write(asker, &engine.update(context, update).await?, minimal))
        }
        Ask::Delete(delete) => Ok(answer_write(asker, &engine.delete(context, delete).await?, false)),
    }
}

/// The answer to a write. One that is replayed was kept as the first request preferred it: a body that is there can be
/// left out, and one that is not there is not promised.
fn answer_write(asker: &Asker, written: &Written, minimal: bool) -> Answer {
    let shown = written.body.clone().filter(|_| !minimal);
    let status = match (written.outcome, &shown) {
        (Outcome::Created, _) => StatusCode::CREATED,
        (Outcome::Updated, Some(_)) => StatusCode::OK,
        (Outcome::Updated, None) | (Outcome::Deleted, _) => StatusCode::NO_CONTENT,
    };
    let body = shown.unwrap_or_default();
    let mut answer = Answer::ready(status, asker.audience(), body).tagged(written.tag.clone());
    if minimal {
        answer.headers.push(negotiation::minimal_applied());
    }
    if written.replayed {
        answer.header(negotiation::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    answer
}
