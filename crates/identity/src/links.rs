use std::net::IpAddr;

use backstay_base::{
    Caller, CallerKind, Duration, Error, Network, RecordId, Secret, Timestamp, Unauthenticated, limits,
};
use backstay_engine::{Authority, Context, Input, Record, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use crate::Identity;
use crate::attempts::Attempt;
use crate::error::Damaged;
use crate::schema::{Links, Schema};
use crate::token::{Purpose, TokenHash, issue};

/// A secret link that was made. Who shows its token acts with it: `auth.link` is its id.
#[derive(Debug, Clone)]
pub struct MadeLink {
    /// Its id.
    pub id: RecordId,
    /// Its token. It is not stored and cannot be shown again.
    pub token: Secret,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Makes a link, for anyone; if the caller is an account, it belongs to that. How many a network makes is limited. Fails
    /// if the model doesn't ask for links.
    pub async fn make_link(&self, cx: &Context, from: IpAddr) -> Result<MadeLink, Error> {
        let inner = self.inner();
        let engine = &inner.directory.engine;
        if !engine.asks_link() {
            return Err(Error::NoLinks);
        }
        inner.authenticator.attempts.take(Attempt::Link(Network::of(from)), cx.now)?;
        let token = issue(&*engine.ambient().entropy, Purpose::Link);
        let make = MakeLink {
            schema: inner.directory.schema,
            token: TokenHash::of(&token),
            expires_at: expiry(cx.now, inner.settings.session_length()),
        };
        let expires_at = make.expires_at;
        let id = engine.run(cx, make).await?;
        Ok(MadeLink { id, token, expires_at })
    }

    /// Revokes a link at once, in the name of an operator, the account that made it or who shows it; without an id, the one that is
    /// shown. Any other is not found.
    pub async fn revoke_link(&self, cx: &Context, id: Option<RecordId>) -> Result<(), Error> {
        let id = id.or(cx.caller().link).ok_or(Unauthenticated::Missing)?;
        let Schema { links, .. } = self.inner().directory.schema;
        self.inner().directory.engine.run(cx, RevokeLink { links, id }).await
    }

    /// Removes links that have expired, those that expired first: at most `limits::EXPIRED_SECRET_LINKS`. Returns whether there may
    /// be more.
    pub async fn remove_expired_links(&self) -> Result<bool, Error> {
        let engine = &self.inner().directory.engine;
        let Schema { links, .. } = self.inner().directory.schema;
        let expired = engine.peek_past(links.collection, links.expires_at, limits::EXPIRED_SECRET_LINKS).await?;
        for id in &expired {
            match engine.run(&Context::system(engine), RevokeLink { links, id: *id }).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(expired.len() == limits::EXPIRED_SECRET_LINKS as usize)
    }
}

/// One that would outlast the last moment ends there.
fn expiry(now: Timestamp, length: Duration) -> Timestamp {
    Timestamp::from_micros_saturating(now.micros().saturating_add(length.micros()))
}

impl Links {
    /// When a stored link expires.
    pub(crate) fn expires_at(self, link: &Record) -> Result<Timestamp, Damaged> {
        match link.value(self.expires_at) {
            Value::Timestamp(moment) => Ok(*moment),
            _ => Err(Damaged("BackstayLink.expiresAt")),
        }
    }

    /// Revokes all links that an account has made.
    pub(crate) async fn revoke_all(self, cx: &mut TxContext<'_, '_>, account: RecordId) -> Result<(), Error> {
        for id in self.made_by(cx, account).await? {
            cx.delete(Authority::System, (self.collection, id), None).await?;
        }
        Ok(())
    }

    /// Revokes the oldest links of an account that has as many as one may have.
    async fn make_room(self, cx: &mut TxContext<'_, '_>, account: RecordId) -> Result<(), Error> {
        let made = self.made_by(cx, account).await?;
        let surplus = (made.len() + 1).saturating_sub(limits::SECRET_LINKS_PER_ACCOUNT as usize);
        for id in made.into_iter().take(surplus) {
            cx.delete(Authority::System, (self.collection, id), None).await?;
        }
        Ok(())
    }

    /// The links of an account as they were before the transaction, the oldest first.
    async fn made_by(self, cx: &mut TxContext<'_, '_>, account: RecordId) -> Result<Vec<RecordId>, Error> {
        match self.account {
            Some(by) => cx.referring(self.collection, by, account, limits::SECRET_LINKS_PER_ACCOUNT * 2).await,
            None => Ok(Vec::new()),
        }
    }

    /// Whether it is the caller's to revoke.
    fn is_of(self, caller: &Caller, link: &Record) -> bool {
        let made = || self.account.and_then(|account| link.value(account).as_id());
        match caller.kind {
            CallerKind::System | CallerKind::Operator => true,
            CallerKind::Account => caller.link == Some(link.id()) || caller.id.is_some() && made() == caller.id,
            CallerKind::Anonymous | CallerKind::Service => caller.link == Some(link.id()),
        }
    }
}

#[derive(Debug)]
struct MakeLink {
    schema: Schema,
    token: TokenHash,
    expires_at: Timestamp,
}

impl Transaction for MakeLink {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "make-link"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let links = &self.schema.links;
            let mut input =
                Input::new().with(links.token_hash, self.token.text().as_str()).with(links.expires_at, self.expires_at);
            let caller = cx.caller();
            if let (CallerKind::Account, Some(of), Some(id)) = (caller.kind, links.account, caller.id) {
                links.make_room(cx, id).await?;
                input = input.with(of, id);
            }
            let link = cx.create(Authority::System, links.collection, input).await?;
            Ok(link.id())
        })
    }
}

#[derive(Debug)]
struct RevokeLink {
    links: Links,
    id: RecordId,
}

impl Transaction for RevokeLink {
    type Answer = ();

    fn name(&self) -> &'static str {
        "revoke-link"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let links = self.links;
            let link = cx.get(links.collection, self.id).await?.filter(|link| links.is_of(cx.caller(), link));
            let link = link.ok_or_else(|| Error::NotFound { what: "link of yours with this id".to_owned() })?;
            cx.delete(Authority::System, (links.collection, link.id()), None).await.map(|_| ())
        })
    }
}
