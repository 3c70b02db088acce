//! What endpoints of webhooks see: what the account or key whose rights they have would get over HTTP.

use std::sync::Arc;

use backstay_base::{Caller, CallerKind, Error, RecordId};
use backstay_egress::Settings;
use backstay_engine::{Context, Engine, Perspective};
use backstay_identity::{AccountRef, Identity};
use backstay_jobs::{Sight, Webhooks};
use backstay_model::CollectionId;
use backstay_rest::Reader;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::config::Egress;
use crate::readable::readable;
use crate::stored_caller::reference;

/// The webhooks of an open application.
pub(crate) fn webhooks(
    (engine, identity): (&Engine, &Identity),
    reader: &Arc<Reader>,
    egress: &Egress,
) -> Result<Webhooks, Error> {
    let sight = Callers { engine: engine.clone(), identity: identity.clone(), reader: Arc::clone(reader) };
    let settings = Settings { allow: egress.allow.clone(), ..Settings::default() };
    Webhooks::new(engine.clone(), Arc::new(sight), settings)
}

#[derive(Debug)]
struct Callers {
    engine: Engine,
    identity: Identity,
    reader: Arc<Reader>,
}

impl Callers {
    async fn found(&self, who: &AccountRef) -> Result<Arc<Caller>, Error> {
        self.identity.administration(&Context::system(&self.engine))?.caller_for(who).await
    }
}

const ACCOUNT: &str = "account";

/// What a caller is stored as; `None` for one without a record.
fn stored(caller: &Caller) -> Option<String> {
    let kind = match caller.kind {
        CallerKind::Account => ACCOUNT,
        CallerKind::Service => "key",
        CallerKind::Operator => "operator",
        CallerKind::Anonymous | CallerKind::System => return None,
    };
    Some(format!("{kind}:{}", caller.id?))
}

impl Sight for Callers {
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(String, Arc<Caller>), Error>> {
        Box::pin(async move {
            let Ok(who) = name.parse::<AccountRef>();
            let caller = self.found(&who).await?;
            let stored = stored(&caller).ok_or_else(|| Error::NotFound { what: format!("account or key `{name}`") })?;
            Ok((stored, caller))
        })
    }

    fn caller<'a>(&'a self, stored: &'a str) -> BoxFuture<'a, Result<Arc<Caller>, Error>> {
        Box::pin(async move {
            let who = reference(self.engine.model(), stored);
            let who = who.ok_or_else(|| Error::NotFound { what: format!("caller `{stored}`") })?;
            self.found(&who).await
        })
    }

    fn record<'a>(
        &'a self,
        cx: &'a Context,
        (collection, id): (CollectionId, RecordId),
        perspective: Perspective,
    ) -> BoxFuture<'a, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            let record = (collection, id, perspective);
            readable((&self.engine, &self.reader), cx, record).await
        })
    }
}
