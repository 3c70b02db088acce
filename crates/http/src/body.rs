use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use backstay_base::{Error, Held, Place, ViolationKind, limits};
use bytes::{Bytes, BytesMut};
use http::header;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame};
use tokio::time::{Instant, timeout_at};

use crate::budget::{AwaitedBody, Share};
use crate::coding::{COPIES, Coding};
use crate::endpoint::{ANY_TYPE, BodyLimit, BodyRule};
use crate::head::Head;
use crate::pace::Pace;
use crate::{Refusal, decompression};

/// How long the rest of a refused body is read and discarded, so that the client reads the answer instead of a reset
/// connection.
const LINGER: Duration = Duration::from_secs(2);

/// Reads a body as the endpoint takes it. The whole of it must arrive by the deadline of the request, and within the
/// time that is configured for bodies. The memory grows with it.
pub(crate) async fn read(
    head: &Head<'_>,
    body: Body,
    (rule, deadline): (BodyRule, Instant),
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    let coding = coding(head)?;
    check_type(head, rule.media_types)?;
    let settings = &head.state.settings;
    let max = match rule.limit {
        BodyLimit::Configured => settings.body_bytes,
        BodyLimit::Credentials => settings.body_bytes.min(limits::CREDENTIAL_BYTES),
        BodyLimit::Query => settings.body_bytes.min(limits::QUERY_BYTES),
    };
    if body.size_hint().lower() > max as u64 {
        discard(head, body);
        return Err(Refusal::BodyTooLarge { max });
    }
    let time = settings.body_time.min(settings.request_time);
    let until = deadline.min(Instant::now() + settings.body_time);
    let outcome = timeout_at(until, collect(head, body, max, held)).await;
    let body = outcome.unwrap_or(Err(Refusal::BodySlow { seconds: time.as_secs() }))?;
    match coding {
        Coding::Identity => Ok(body),
        Coding::Gzip | Coding::Brotli | Coding::Zstd => decompression::decode(coding, body, max, held).await,
    }
}

/// The empty body of a request that takes none.
pub(crate) fn refuse(body: &Body) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    Err(unwanted())
}

/// The refusal of a body that a request doesn't take.
pub(crate) fn unwanted() -> Refusal {
    let kind = ViolationKind::Range("this request takes no body".to_owned());
    Error::malformed(Place::Whole, kind).into()
}

async fn collect(head: &Head<'_>, mut body: Body, max: usize, held: &mut Held) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut arriving = Arriving { share: head.share, awaited: None };
    loop {
        let frame = match arriving.frame(&mut body).await {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(refusal) => {
                discard(head, body);
                return Err(refusal);
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        let length = first.len() + all.len() + data.len();
        if length > max {
            discard(head, body);
            return Err(Refusal::BodyTooLarge { max });
        }
        if let Err(limit) = held.resize(length * COPIES) {
            discard(head, body);
            return Err(limit.into());
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

/// A body that arrives.
struct Arriving<'a> {
    share: &'a Share,
    /// From when the server had to wait for it: its place among the bodies of its network, and its pace.
    awaited: Option<(AwaitedBody, Pace)>,
}

impl Arriving<'_> {
    /// The next frame of the body, unless it arrives too slowly, or beside too many others of its network.
    async fn frame(&mut self, body: &mut Body) -> Result<Option<Frame<Bytes>>, Refusal> {
        let mut next = pin!(body.frame());
        let frame = poll_fn(|cx| {
            if let Poll::Ready(frame) = next.as_mut().poll(cx) {
                return Poll::Ready(Ok(frame));
            }
            let stall = Duration::from_secs(limits::BODY_STALL_SECONDS);
            if self.awaited.is_none() {
                match self.share.await_body() {
                    Ok(place) => self.awaited = Some((place, Pace::new(stall))),
                    Err(limit) => return Poll::Ready(Err(limit.into())),
                }
            }
            let Some((_, pace)) = &mut self.awaited else { return Poll::Pending };
            pace.poll_too_slow(cx).map(|()| Err(Refusal::BodyStalled { stall: stall.as_secs() }))
        });
        let frame = frame.await?.transpose().map_err(|_| Refusal::BodyBroken)?;
        if let (Some((_, pace)), Some(data)) = (&mut self.awaited, frame.as_ref().and_then(Frame::data_ref)) {
            pace.moved(data.len());
        }
        Ok(frame)
    }
}

/// Reads the rest of a refused body for a moment.
pub(crate) fn discard(head: &Head<'_>, mut body: Body) {
    if body.is_end_stream() {
        return;
    }
    head.state.lingering.linger((head.share.network(), LINGER), |discarding| async move {
        while let Some(Ok(frame)) = body.frame().await {
            discarding.discarded(frame.data_ref().map_or(0, Bytes::len)).await;
        }
    });
}

/// The coding that a body is sent in. Several, one on top of the other, are not taken: nobody needs them.
fn coding(head: &Head<'_>) -> Result<Coding, Refusal> {
    match head.header(&header::CONTENT_ENCODING)? {
        Some(name) => Coding::named(name.trim()).ok_or(Refusal::ContentCoding),
        None => Ok(Coding::Identity),
    }
}

fn check_type(head: &Head<'_>, types: &'static [&'static str]) -> Result<(), Refusal> {
    let expected = Refusal::MediaType { taken: types };
    let takes_any = types == ANY_TYPE;
    let Some(given) = head.header(&header::CONTENT_TYPE)? else {
        return if takes_any { Ok(()) } else { Err(expected) };
    };
    let (essence, parameters) = given.split_once(';').unwrap_or((given, ""));
    if !takes_any && !types.iter().any(|known| essence.trim().eq_ignore_ascii_case(known)) {
        return Err(expected);
    }
    if is_utf8(parameters) { Ok(()) } else { Err(Refusal::Charset) }
}

/// Whether the parameters of a media type name no charset but UTF-8.
fn is_utf8(parameters: &str) -> bool {
    parameters.split(';').filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}
