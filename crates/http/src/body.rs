use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use backstay_base::{Limit, ViolationKind};
use bytes::{Bytes, BytesMut};
use http::header;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::timeout;

use crate::Refusal;
use crate::exchange::Exchange;

/// How long what is left of a refused body is read and thrown away, so that the client reads the answer instead of a
/// reset connection.
const LINGER: Duration = Duration::from_secs(2);

/// Media types of a JSON body.
pub(crate) const JSON_TYPES: &[&str] = &["application/json"];
/// Media types of a patch: JSON Merge Patch (RFC 7396), also under the plain name.
pub(crate) const PATCH_TYPES: &[&str] = &["application/json", "application/merge-patch+json"];
/// Media type of an HTML form.
pub(crate) const FORM_TYPES: &[&str] = &["application/x-www-form-urlencoded"];

/// Reads a body of one of these media types, up to `max` bytes, or fewer where fewer are configured.
pub(crate) async fn read(
    exchange: &Exchange<'_>,
    body: Body,
    types: &'static [&'static str],
    max: usize,
) -> Result<Bytes, Refusal> {
    check_type(exchange, types)?;
    let max = max.min(exchange.site.settings.body_bytes);
    let declared = body.size_hint().lower();
    if declared > max as u64 {
        tokio::spawn(timeout(LINGER, discard(body)));
        return Err(too_large(max));
    }
    let limit = exchange.site.settings.body_time;
    exchange.awaits_body.store(true, Ordering::Relaxed);
    let outcome = timeout(limit, collect(body, max)).await;
    exchange.awaits_body.store(false, Ordering::Relaxed);
    outcome.unwrap_or(Err(Refusal::BodySlow { seconds: limit.as_secs() }))
}

/// Makes sure that a request that takes no body has none.
pub(crate) fn refuse(body: &Body) -> Result<(), Refusal> {
    if body.is_end_stream() {
        return Ok(());
    }
    Err(Refusal::malformed("", ViolationKind::Range("this request takes no body".to_owned())))
}

async fn collect(mut body: Body, max: usize) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BodyBroken)?.into_data() else { continue };
        if first.len() + all.len() + data.len() > max {
            tokio::spawn(timeout(LINGER, discard(body)));
            return Err(too_large(max));
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
            first.clear();
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

async fn discard(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn too_large(max: usize) -> Refusal {
    Refusal::Domain(Limit::Size { what: "the body", max: max as u64, unit: "bytes" }.into())
}

fn check_type(exchange: &Exchange<'_>, types: &'static [&'static str]) -> Result<(), Refusal> {
    if let Some(coding) = exchange.header(&header::CONTENT_ENCODING)?
        && !coding.eq_ignore_ascii_case("identity")
    {
        return Err(Refusal::ContentCoding);
    }
    let given = exchange.header(&header::CONTENT_TYPE)?.unwrap_or_default();
    let (essence, parameters) = given.split_once(';').unwrap_or((given, ""));
    let known = types.iter().any(|known| essence.trim().eq_ignore_ascii_case(known));
    if known && is_utf8(parameters) { Ok(()) } else { Err(Refusal::MediaType { expected: types[0] }) }
}

/// Whether the parameters of a media type name no charset but UTF-8.
fn is_utf8(parameters: &str) -> bool {
    parameters.split(';').filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}
