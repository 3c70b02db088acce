use std::sync::Arc;

use backstay_base::{Action, Conflict, Error, Limit, limits};
use backstay_model::FieldId;
use backstay_sql::condition_fields;
use backstay_store::{Demand, Origin, StoreError, Tx, Work, Writes};
use futures_util::future::BoxFuture;

use crate::application::CallerClass;
use crate::context::Retry;
use crate::inner::Inner;
use crate::pending_sums::PendingSums;
use crate::{Context, TxContext, summing};

/// One thing asked of the engine, as a value that can be run again: its group's transaction may have ended early, or
/// the database may have found another transaction in its way. What an earlier run did is undone by then.
pub trait Transaction: Send + Sync + 'static {
    /// What it answers.
    type Answer: Send + 'static;

    /// Its name in the commit log, such as `sign-up`.
    fn name(&self) -> &'static str;

    /// How much it may write.
    fn writes(&self) -> Writes {
        Writes::Many
    }

    /// The steps of an embedded database that it may take, in thousands.
    fn kilo_steps(&self) -> u32 {
        limits::TRANSACTION_KILO_STEPS
    }

    /// Does it. Only methods of the context may be awaited.
    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>>;
}

/// Runs a transaction in one commit, and answers when it is durable.
pub(crate) async fn run<T: Transaction>(inner: &Arc<Inner>, cx: &Context, transaction: T) -> Result<T::Answer, Error> {
    let transaction = Arc::new(transaction);
    let application = &inner.application;
    let running = |retry: Retry| {
        Arc::new(Running {
            engine: Arc::clone(inner),
            cx: cx.clone(),
            class: Arc::clone(&cx.class),
            system: application.system_class(),
            transaction: Arc::clone(&transaction),
            retry,
        })
    };
    let outcome = match inner.store.write(running(Retry::None)).await {
        // The database doesn't say which reference leads nowhere, nor of several new records which has a value that
        // is taken: a second run looks.
        Err(Failure::Store(StoreError::ForeignKey)) => inner.store.write(running(Retry::VerifyReferences)).await,
        Err(Failure::Store(StoreError::Unique { .. } | StoreError::UniqueIndex { .. }))
            if transaction.writes() == Writes::Many =>
        {
            inner.store.write(running(Retry::SettleEach)).await
        }
        // It is not due to a read: the last statements are those that write.
        Err(Failure::Store(StoreError::StepLimit)) if transaction.writes() != Writes::None => {
            Err(Failure::Refused(Limit::WriteCost.into()))
        }
        outcome => outcome,
    };
    outcome.map_err(|failure| inner.veiled(inner.failed(failure), cx))
}

/// Why a transaction failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The transaction refused the request.
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
    /// that the caller sees in every record, and so are those that the condition of a unique index names.
    pub(crate) fn veiled(&self, error: Error, cx: &Context) -> Error {
        let Error::Conflict(Conflict::Unique { collection: name, fields, record }) = error else { return error };
        let class = &cx.class;
        let model = &self.application.model;
        let seen = model.collection_named(&name).is_some_and(|collection| {
            let is_seen = |field: FieldId| class.rights.field(collection.id, field, Action::Read).allows();
            let named = fields.iter().map(|name| collection.field_named(name).map(|field| field.id));
            let Some(named) = named.collect::<Option<Vec<FieldId>>>() else { return false };
            let refused_by = collection.indexes.iter().filter(|index| index.unique && index.fields == named);
            let conditions = refused_by.flat_map(|index| condition_fields(model, collection, index));
            named.iter().copied().chain(conditions).all(is_seen)
        });
        match seen || class.system {
            true => Conflict::Unique { collection: name, fields, record }.into(),
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

struct Running<T> {
    engine: Arc<Inner>,
    cx: Context,
    class: Arc<CallerClass>,
    system: Arc<CallerClass>,
    transaction: Arc<T>,
    retry: Retry,
}

impl<T: Transaction> Work for Running<T> {
    type Output = T::Answer;
    type Error = Failure;

    fn writes(&self) -> Writes {
        self.transaction.writes()
    }

    fn kilo_steps(&self) -> u32 {
        self.transaction.kilo_steps()
    }

    fn demand(&self) -> Demand {
        self.cx.demand()
    }

    fn origin(&self) -> Origin {
        Origin {
            kind: self.cx.caller().kind,
            id: self.cx.caller().id,
            request: Some(self.cx.request),
            transaction: self.transaction.name().into(),
        }
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<T::Answer, Failure>> {
        Box::pin(async move {
            let mut cx = TxContext {
                engine: &self.engine,
                cx: &self.cx,
                class: Arc::clone(&self.class),
                system: Arc::clone(&self.system),
                tx,
                retry: self.retry,
                violation: None,
                rows_written: 0,
                released: 0,
                sums: PendingSums::default(),
                recorder: None,
            };
            let answer = match self.transaction.run(&mut cx).await {
                // Each of its writes has let them follow already, if it is one of `TxContext`'s.
                Ok(answer) => summing::follow(&mut cx).await.map(|()| answer),
                Err(refusal) => Err(refusal),
            };
            answer.map_err(|error| match (cx.violation, self.retry) {
                (Some(violation), Retry::None) => Failure::Store(violation),
                _ => Failure::Refused(error),
            })
        })
    }
}
