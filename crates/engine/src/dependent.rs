//! Several requests, of which later ones can use the answers of earlier ones.

use std::fmt;
use std::sync::Arc;

use backstay_base::Error;

use crate::{Answer, Idempotency, Request};

/// Several requests that are answered together.
#[derive(Debug, Clone)]
pub struct Requests {
    /// 1 to `limits::TRANSACTION_REQUESTS`, in their order. They have no idempotency keys of their own.
    pub list: Vec<Asked>,
    /// The key of all of them together.
    pub idempotency: Option<Idempotency>,
}

/// One of several requests that are answered in their order.
#[derive(Debug, Clone)]
pub enum Asked {
    /// All of it is known.
    Whole(Request),
    /// It takes values from the answers of earlier ones.
    Dependent(Dependent),
}

/// A request that is complete when those before it are answered.
#[derive(Debug, Clone)]
pub struct Dependent {
    /// The same request with other values in the places of those that it waits for. It is checked and planned before any of the
    /// requests is carried out, and never carried out itself.
    pub stand_in: Request,
    /// Completes it.
    pub completion: Arc<dyn Completion>,
}

/// The answer of the request at this place among all of them, if it was answered.
pub type Answered<'a> = &'a dyn Fn(usize) -> Option<&'a Answer>;

/// What is left to do for a request until it is known: the door that has read it knows how it is written.
pub trait Completion: fmt::Debug + Send + Sync {
    /// The request, of the same kind and about the same collection as its stand-in, with what it answers likewise. It may run
    /// more than once. Places in its errors are those of the door.
    ///
    /// # Errors
    /// What was answered has no such value, or the value doesn't fit.
    fn complete(&self, answered: Answered<'_>) -> Result<Request, Error>;
}

impl Asked {
    /// The request, or what stands in for it.
    pub fn known(&self) -> &Request {
        match self {
            Self::Whole(request) => request,
            Self::Dependent(dependent) => &dependent.stand_in,
        }
    }

    /// The same, to be changed; what completes it has to agree.
    pub fn known_mut(&mut self) -> &mut Request {
        match self {
            Self::Whole(request) => request,
            Self::Dependent(dependent) => &mut dependent.stand_in,
        }
    }

    /// The same, and what it waits for.
    pub(crate) fn split(self) -> (Request, Option<Waiting>) {
        match self {
            Self::Whole(request) => (request, None),
            Self::Dependent(Dependent { stand_in, completion }) => {
                let minimal = stand_in.options().is_some_and(|options| options.minimal);
                (stand_in, Some(Waiting { completion, minimal }))
            }
        }
    }
}

/// What is left to do for a request.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    completion: Arc<dyn Completion>,
    /// Whether its answer is minimal.
    minimal: bool,
}

impl Waiting {
    /// The request, which is answered like its stand-in.
    pub(crate) fn complete(&self, answered: Answered<'_>) -> Result<Request, Error> {
        let mut request = self.completion.complete(answered)?;
        if let Some(options) = request.options_mut() {
            options.minimal = self.minimal;
        }
        Ok(request)
    }
}

impl From<Request> for Asked {
    fn from(request: Request) -> Self {
        Self::Whole(request)
    }
}
