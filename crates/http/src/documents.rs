use backstay_engine::ReplicaCount;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::endpoint::ACCEPT_PATCH;
use crate::target::Target;
use crate::{Refusal, endpoints, kinds};

/// `OPTIONS` of every path.
pub(crate) fn options(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let (allow, accept_patch) =
        endpoints::allowed(admitted.state(), admitted.head().path()).ok_or(Refusal::NoSuchPath { hint: None })?;
    let mut answer = Answer::empty(StatusCode::NO_CONTENT, Audience::Secret);
    answer.header(header::ALLOW, HeaderValue::from_str(&allow).map_err(backstay_base::Error::internal)?);
    answer.headers.extend(accept_patch.map(|types| (ACCEPT_PATCH, types)));
    Ok(answer)
}

/// `GET /`
pub(crate) fn root(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let model = admitted.state().engine.model();
    let mut links = json!({
        "name": model.name,
        "links": { "api": model.api.as_str(), "transact": "/transact", "openapi": "/openapi.json", "signIn": "/auth/sign-in", "health": "/readyz" },
    });
    if admitted.state().settings.has_docs() {
        links["links"]["docs"] = json!("/docs");
    }
    Ok(Answer::json(StatusCode::OK, Audience::Public, &links)?)
}

/// `GET /healthz`: the process runs.
pub(crate) fn alive() -> Answer {
    Answer::ready(StatusCode::OK, Audience::Secret, Bytes::from_static(b"{\"status\":\"ok\"}"))
}

/// `GET /readyz`: requests can be carried out.
pub(crate) async fn ready(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let engine = &admitted.state().engine;
    engine.health().await?;
    let ReplicaCount { configured, in_use } = engine.replicas();
    if configured == 0 {
        return Ok(alive());
    }
    let ready = json!({ "status": "ok", "replicas": { "configured": configured, "inUse": in_use } });
    Ok(Answer::json(StatusCode::OK, Audience::Secret, &ready)?)
}

/// `GET /openapi.json`
pub(crate) fn openapi(admitted: &Admitted<'_>) -> Answer {
    Answer::ready(StatusCode::OK, Audience::Public, admitted.state().openapi.clone())
}

/// `GET /problems/{code}`
pub(crate) fn problem(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    match admitted.target() {
        Target::Problem(code) => kinds::explained(code),
        Target::Fixed | Target::Action(_) | Target::Own(_) | Target::Records(_) => {
            Err(Refusal::NoSuchPath { hint: None })
        }
    }
}
