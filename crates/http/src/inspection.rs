//! `/inspect`: what the server has done lately, for its developer and its operators.

use std::fmt::Write as _;

use backstay_base::{Error, Place, Violation, ViolationKind};
use backstay_engine::{Inspecting, TraceFilter, TraceKind};
use backstay_rest::{meant_parameter, of_url, shorten, unknown};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use serde_json::value::RawValue;

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::endpoint::InspectionPart;
use crate::page::{escape, interactive};

const PAGE: &str = include_str!("inspection/page.html");
const SCRIPT: &str = include_str!("inspection/page.js");
const STYLE: &str = include_str!("inspection/page.css");

const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");

/// `GET /inspect` and the files of the page.
pub(crate) fn page(admitted: &Admitted<'_>, part: InspectionPart) -> Answer {
    let file = |file: &'static str, content_type| {
        Answer::ready(StatusCode::OK, Audience::Public, file.into()).of_type(content_type)
    };
    match part {
        InspectionPart::Page => {
            let model = admitted.state().engine.model();
            interactive(PAGE.replace("{name}", &escape(&model.name)).replace("{api}", &escape(model.api.as_str())))
        }
        InspectionPart::Script => file(SCRIPT, JAVASCRIPT),
        InspectionPart::Style => file(STYLE, CSS),
    }
}

/// `GET /inspect/traces`: the traces that fit, the newest first.
pub(crate) fn traces(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let head = admitted.head();
    let filter = filter(head.query())?;
    let inspector = admitted.state().engine.inspector();
    let until = match inspector.state(head.now) {
        Inspecting::Off => return Err(Refusal::NoSuchPath { hint: None }),
        Inspecting::Until(until) => Some(until.to_string()),
        Inspecting::Always => None,
    };
    let raw = |trace: &std::sync::Arc<str>| RawValue::from_string((**trace).to_owned()).map_err(Error::internal);
    let traces = inspector.find(&filter).iter().map(raw).collect::<Result<Vec<_>, _>>()?;
    let list = json!({ "until": until });
    let mut body = serde_json::to_string(&list).map_err(Error::internal)?;
    body.pop();
    let traces = serde_json::to_string(&traces).map_err(Error::internal)?;
    let _ = write!(body, ",\"traces\":{traces}}}");
    Ok(Answer::ready(StatusCode::OK, Audience::Secret, body.into()))
}

const PARAMETERS: [&str; 6] = ["id", "path", "status", "slower", "kind", "limit"];

/// The filter in the query of a URL.
fn filter(text: Option<&str>) -> Result<TraceFilter, Error> {
    let (mut filter, mut wrong) = (TraceFilter::default(), Vec::new());
    for (name, value) in of_url(text)? {
        let read = match &*name {
            "id" => {
                filter.id = Some(value.into_owned()).filter(|id| !id.is_empty());
                Ok(())
            }
            "path" => {
                filter.path = Some(value.into_owned());
                Ok(())
            }
            "status" => number(&value, 1..=599).map(|status| filter.status = u16::try_from(status).ok()),
            "slower" => number(&value, 0..=u64::MAX).map(|millis| filter.slower = Some(millis)),
            "kind" => kind(&value).map(|kind| filter.kind = Some(kind)),
            "limit" => number(&value, 1..=1000).map(|limit| filter.limit = usize::try_from(limit).ok()),
            _ => Err(unknown("parameter", &name, meant_parameter(&PARAMETERS, &name))),
        };
        if let Err(kind) = read {
            wrong.push(Violation::new(Place::part(shorten(&name)), kind));
        }
    }
    if wrong.is_empty() { Ok(filter) } else { Err(Error::Malformed(wrong)) }
}

fn number(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, ViolationKind> {
    let expected = || ViolationKind::Range(format!("a whole number from {} to {}", range.start(), range.end()));
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(expected)
}

fn kind(text: &str) -> Result<TraceKind, ViolationKind> {
    match text {
        "request" => Ok(TraceKind::Request),
        "job" => Ok(TraceKind::Job),
        "mail" => Ok(TraceKind::Mail),
        _ => Err(ViolationKind::Type { expected: "`request`, `job` or `mail`".to_owned() }),
    }
}
