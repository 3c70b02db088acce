//! A bare insert with group commit behind a bare web server: the control of every durable create.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use backstay_bench::{Note, Writer};
use clap::Parser;
use serde_json::Value;
use tokio::net::TcpListener;

#[derive(Debug, Parser)]
struct Options {
    /// Address to listen on.
    #[arg(long)]
    listen: SocketAddr,
    /// Database file to create.
    #[arg(long)]
    database: PathBuf,
    /// Maximum number of rows per commit; 1 means a commit and an fsync for each row.
    #[arg(long, default_value_t = 256)]
    group: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let writer = Writer::open(&options.database, options.group)?;
    let router = Router::new().fallback(post(create)).with_state(writer);
    axum::serve(TcpListener::bind(options.listen).await?, router).await?;
    Ok(())
}

async fn create(State(writer): State<Writer>, body: Bytes) -> Response {
    let Some(note) = decode(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match writer.insert(note).await {
        Ok(id) => {
            (StatusCode::CREATED, [(CONTENT_TYPE, "application/json")], format!("{{\"id\":\"{id}\"}}")).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn decode(body: &[u8]) -> Option<Note> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    Some(Note {
        title: text("title")?.to_owned(),
        body: text("body")?.to_owned(),
        section: text("section")?.parse().ok()?,
    })
}
