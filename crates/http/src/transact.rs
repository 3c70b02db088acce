//! `POST /transact`: several requests, in one commit or each by itself.

use backstay_base::Error;
use backstay_engine::{Answer as Answered, Context, Idempotency, Outcome, Refused};
use backstay_rest::Results;
use backstay_rest::transact::Batch;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::endpoint::Parameters;
use crate::negotiation::Returning;
use crate::write_headers::WriteHeaders;
use crate::{Refusal, idempotency, parameters, problem};

/// What the requests are answered with.
enum Done {
    /// In one commit: nothing where a read isn't made again.
    Together(Vec<Option<Answered>>),
    /// Each by itself: what one of them is refused for is its result.
    Each(Vec<Result<Answered, Error>>),
}

/// How the requests belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Atomic,
    Independent,
}

impl Mode {
    /// The mode in the query of a URL, if there is one.
    pub(crate) fn read(query: &str) -> Result<Self, Refusal> {
        let query = Some(query).filter(|query| !query.is_empty());
        Self::of(parameters::single(query, Parameters::Mode)?.as_deref())
    }

    fn of(parameter: Option<&str>) -> Result<Self, Refusal> {
        match parameter {
            None | Some("atomic") => Ok(Self::Atomic),
            Some("independent") => Ok(Self::Independent),
            Some(_) => {
                let expected = "`atomic` or `independent`".to_owned();
                Err(Refusal::malformed("mode", backstay_base::ViolationKind::Type { expected }))
            }
        }
    }
}

/// Decodes the requests, has them answered, and encodes their results.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let mode = Mode::of(admitted.take_parameter().as_deref())?;
    let (body, context, state) = (admitted.take_body(), admitted.context(), admitted.state());
    let WriteHeaders { idempotency_key, returning, if_match: _ } = admitted.write_headers()?;
    let minimal = returning == Some(Returning::Minimal);
    let mut batch = Batch::read_in_turn(&state.engine, &state.reader, &context, body.clone()).await?;
    if minimal {
        batch.minimal();
    }
    let idempotency = idempotency_key.map(|key| Idempotency { key, sent: body });
    let done = match mode {
        Mode::Atomic => {
            let answers = batch.answered_together((&state.engine, &context), idempotency).await;
            Done::Together(answers.map_err(refusal)?)
        }
        Mode::Independent => Done::Each(batch.answered_each((&state.engine, &context), idempotency).await?),
    };
    // What the caller may not read isn't there.
    let (whole, replayed) = (done.shows_all(), done.replayed());
    let mut answer = match done.results(&context, minimal) {
        Ok(body) => Answer::ready(StatusCode::OK, admitted.audience(), body),
        // What was done is confirmed, also without memory to say more of it.
        Err(_) if !replayed.is_empty() => Answer::empty(StatusCode::OK, admitted.audience()).without_body(),
        Err(error) => return Err(error.into()),
    };
    if replayed.contains(&true) {
        answer.header(idempotency::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let applied = returning.filter(|returning| *returning == Returning::Minimal || whole).map(Returning::applied);
    if let Some(applied) = applied.filter(|applied| !answer.headers.contains(applied)) {
        answer.headers.push(applied);
    }
    Ok(answer)
}

impl Done {
    fn answers(&self) -> Vec<&Answered> {
        match self {
            Self::Together(answers) => answers.iter().flatten().collect(),
            Self::Each(answers) => answers.iter().flatten().collect(),
        }
    }

    /// Whether each request has its answer, and each answer a body or nothing to show.
    fn shows_all(&self) -> bool {
        let has_all = match self {
            Self::Together(_) => true,
            Self::Each(answers) => answers.iter().all(Result::is_ok),
        };
        has_all && self.answers().into_iter().all(shows_all)
    }

    /// Of each write, whether its answer is that of an earlier request.
    fn replayed(&self) -> Vec<bool> {
        let replayed = |answer: &Answered| match answer {
            Answered::Written(written) => Some(written.replayed),
            Answered::Found(_) | Answered::Page(_) => None,
        };
        self.answers().into_iter().filter_map(replayed).collect()
    }

    fn results(self, cx: &Context, minimal: bool) -> Result<Bytes, Error> {
        let answers = match self {
            Self::Together(answers) => return Results::together(cx, answers, minimal),
            Self::Each(answers) => answers,
        };
        let mut results = Results::of(cx, minimal);
        for (request, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(answer) => {
                    let status = status(&answer);
                    let body = Some(&answer).filter(|_| status != StatusCode::NO_CONTENT);
                    results.answered(status.as_u16(), body)?;
                }
                Err(error) => {
                    let problem = problem::answer(&Refusal::InTransaction { request, error }, cx.request);
                    results.refused(problem.status.as_u16(), &problem.body)?;
                }
            }
        }
        results.finish()
    }
}

/// What a request is answered with by itself.
fn status(answer: &Answered) -> StatusCode {
    let Answered::Written(written) = answer else { return StatusCode::OK };
    match written.outcome {
        Outcome::Created => StatusCode::CREATED,
        Outcome::Deleted => StatusCode::NO_CONTENT,
        Outcome::Updated | Outcome::Counted => StatusCode::OK,
    }
}

fn shows_all(answer: &Answered) -> bool {
    let is_gone = matches!(answer, Answered::Written(written) if written.outcome == Outcome::Deleted);
    is_gone || answer.body().is_some()
}

pub(crate) fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused { request: Some(request), incomplete: _, error } => Refusal::InTransaction { request, error },
        Refused { request: None, incomplete: _, error } => Refusal::Domain(error),
    }
}
