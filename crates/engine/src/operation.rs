use std::sync::Arc;

use backstay_base::{Conflict, Error};
use backstay_model::Class;
use backstay_store::{Origin, StoreError, Tx, Work, Writes};
use futures_util::future::BoxFuture;

use crate::engine::{Engine, Inner};
use crate::view::View;
use crate::{Context, OpContext};

/// One thing asked of the engine, as a value that can be run again: its group's transaction may have ended early, or
/// the database may have found another operation in its way. What an earlier run did is undone by then.
pub trait Operation: Send + Sync + 'static {
    /// What it answers.
    type Answer: Send + 'static;

    /// Its name in the commit log, such as `sign-up`.
    fn name(&self) -> &'static str;

    /// What it will do at the most.
    fn writes(&self) -> Writes {
        Writes::Many
    }

    /// Does it. Only methods of the context may be awaited.
    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>>;
}

impl Engine {
    /// Runs an operation in one commit, and answers when it is durable.
    pub async fn run<O: Operation>(&self, cx: &Context, operation: O) -> Result<O::Answer, Error> {
        self.run_shared(cx, Arc::new(operation)).await
    }

    pub(crate) async fn run_shared<O: Operation>(&self, cx: &Context, operation: Arc<O>) -> Result<O::Answer, Error> {
        let application = &self.inner.application;
        let running = |verify_references| Running {
            engine: Arc::clone(&self.inner),
            cx: cx.clone(),
            view: application.view(&cx.caller),
            system: application.system_view(),
            operation: Arc::clone(&operation),
            verify_references,
        };
        match self.inner.store.write(Arc::new(running(false))).await {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(error)) => Err(self.inner.veiled(error, cx)),
            // The database does not say which reference leads nowhere: the second run looks.
            Err(Failure::Store(StoreError::ForeignKey)) => {
                let again = self.inner.store.write(Arc::new(running(true))).await;
                again.map_err(|failure| self.inner.veiled(self.inner.failed(failure), cx))
            }
            Err(failure) => Err(self.inner.veiled(self.inner.failed(failure), cx)),
        }
    }
}

/// Why an operation did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It refused.
    Refused(Error),
    /// The store failed it, perhaps after its last statement.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Inner {
    /// The error without what the caller may not know: that another record has this very value is said only of fields
    /// that the caller sees in every record.
    fn veiled(&self, error: Error, cx: &Context) -> Error {
        let Error::Conflict(Conflict::Unique { collection: name, fields }) = error else { return error };
        let view = self.application.view(&cx.caller);
        let seen = self.application.model.collection_named(&name).is_some_and(|collection| {
            let sees = |name: &String| {
                collection.field_named(name).is_some_and(|field| {
                    view.collection(collection.id).field(field.id).read.allows() && field.class != Some(Class::Secret)
                })
            };
            fields.iter().all(sees)
        });
        match seen || view.system {
            true => Conflict::Unique { collection: name, fields }.into(),
            false => Conflict::UniqueUnseen { collection: name }.into(),
        }
    }

    pub(crate) fn failed(&self, failure: Failure) -> Error {
        match failure {
            Failure::Refused(error) => error,
            Failure::Store(error) => self.refused(error),
        }
    }
}

struct Running<O> {
    engine: Arc<Inner>,
    cx: Context,
    view: Arc<View>,
    system: Arc<View>,
    operation: Arc<O>,
    verify_references: bool,
}

impl<O: Operation> Work for Running<O> {
    type Output = O::Answer;
    type Error = Failure;

    fn writes(&self) -> Writes {
        self.operation.writes()
    }

    fn origin(&self) -> Origin {
        Origin {
            kind: self.cx.caller.kind,
            id: self.cx.caller.id,
            request: Some(self.cx.request),
            operation: self.operation.name().into(),
        }
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<O::Answer, Failure>> {
        Box::pin(async move {
            let mut cx = OpContext {
                engine: &self.engine,
                cx: &self.cx,
                view: Arc::clone(&self.view),
                system: Arc::clone(&self.system),
                tx,
                verify_references: self.verify_references,
                reference_failed: false,
                notes: None,
            };
            let answer = self.operation.run(&mut cx).await;
            answer.map_err(|error| match cx.reference_failed {
                true => Failure::Store(StoreError::ForeignKey),
                false => Failure::Refused(error),
            })
        })
    }
}
