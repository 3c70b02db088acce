//! A guest book whose web server is the team's own: one route is written by hand, and Backstay answers all others.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use backstay::{Action, Backend, Call, CallError, Page, ProcedureError, Transaction};
use serde::Deserialize;
use serde_json::{Value, json};

/// The routes of the guest book.
pub fn router(backend: &Backend) -> Router {
    Router::new().route("/stars", get(stars)).with_state(backend.clone()).fallback_service(backend.service())
}

#[derive(Deserialize)]
struct Entry {
    stars: u32,
}

/// The average of the latest entries, as anybody sees them.
async fn stars(State(backend): State<Backend>) -> Result<String, (StatusCode, String)> {
    let latest = Call::list("entries").select("stars").sort("-createdAt").limit(100);
    let page: Page<Entry> = backend.anonymous().call(latest).await.map_err(|error| failed(&error))?;
    let sum: u32 = page.items.iter().map(|entry| entry.stars).sum();
    Ok(match u32::try_from(page.items.len()) {
        Ok(entries @ 1..) => format!("{:.1} of 5 stars\n", f64::from(sum) / f64::from(entries)),
        _ => "no stars yet\n".to_owned(),
    })
}

#[derive(Deserialize)]
struct Thank {
    entry: String,
}

#[derive(Deserialize)]
struct Thanked {
    thanks: u32,
    author: String,
}

/// A guest thanks another one for an entry.
pub async fn thank(action: Action) -> Result<u32, ProcedureError> {
    let Thank { entry } = action.arguments()?;
    let guest = action.caller();
    let thanks = async |tx: Transaction| {
        let Thanked { thanks, author } = tx.call(Call::get("entries", &entry).select("thanks,author")).await?;
        if guest.as_ref() == Some(&author) {
            return Err(ProcedureError::refused("own-entry", "you can't thank yourself"));
        }
        let patch = json!({ "thanks": thanks + 1 });
        tx.call::<Value>(Call::update("entries", &entry, patch)).await?;
        Ok(thanks + 1)
    };
    action.transaction(thanks).await
}

fn failed(error: &CallError) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
}
