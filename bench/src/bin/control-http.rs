//! A bare web server that answers a constant: the control of every read.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use clap::Parser;
use tokio::net::TcpListener;

#[derive(Debug, Parser)]
struct Options {
    /// Address to listen on.
    #[arg(long)]
    listen: SocketAddr,
    /// File whose content is the answer.
    #[arg(long)]
    body: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let body = Bytes::from(std::fs::read(&options.body).context("cannot read the body")?);
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], body.clone()) };
    let listener = TcpListener::bind(options.listen).await?;
    axum::serve(listener, Router::new().fallback(get(answer))).await?;
    Ok(())
}
