//! Notifications by mail: an account learns of a change, with the values that it may read.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_base::{Error, nearest, with_causes};
use backstay_engine::{Context, Engine, Notification, Perspective};
use backstay_identity::{AccountRef, Identity};
use backstay_jobs::Claimed;
use backstay_mail::{Mail, Templates};
use backstay_model::{Collection, CollectionId, Diagnostic, Diagnostics, HookRun, Model};
use backstay_rest::Reader;
use backstay_scalar::Token;
use serde_json::Map;

use crate::Failure;
use crate::readable::readable;

/// What the template of a notification can name.
const GIVEN: [&str; 3] = ["account", "event", "record"];

/// Refuses notifications whose template isn't there, or names what it isn't given.
pub(crate) fn check(model: &Model, templates: &Templates) -> Result<(), Failure> {
    let mut wrong = Diagnostics::new(Arc::clone(&model.sources));
    for hook in &model.hooks {
        let HookRun::Mail(notice) = &hook.run else { continue };
        let template = &*notice.template;
        let Some((_, values)) = templates.names().find(|(name, _)| *name == template) else {
            let message = format!("there is no mail template `{template}`");
            let help = format!("write it in `mail/{template}.{}.txt`", templates.language());
            wrong.push(Diagnostic::error(message).at(hook.span, "no such template").help(help));
            continue;
        };
        let given = BTreeSet::from(GIVEN.map(str::to_owned));
        let others: Vec<String> = values.difference(&given).map(|name| format!("`{name}`")).collect();
        if !others.is_empty() {
            let message = format!("the mail template `{template}` names {}", others.join(", "));
            let help = "a notification gives `record`, `account` and `event`: write `{{ record.title }}`";
            wrong.push(Diagnostic::error(message).at(hook.span, "gives nothing of that name").help(help));
        }
        for (value, member) in templates.members(template) {
            let of = match value.as_str() {
                "record" => Some(model.collection(hook.collection)),
                "account" => model.identity.map(|accounts| model.collection(accounts)),
                _ => None,
            };
            let Some(of) = of.filter(|of| of.field_named(&member).is_none()) else { continue };
            let message =
                format!("the mail template `{template}` names `{value}.{member}`, which {} doesn't have", of.name);
            let meant = nearest(&member, of.fields.iter().map(|field| field.name.as_str()));
            let help = match meant {
                Some(meant) => format!("did you mean `{value}.{meant}`?"),
                None => format!("name a field of {}", of.name),
            };
            wrong.push(Diagnostic::error(message).at(hook.span, "has no such field").help(help));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// What becomes of a notification.
#[derive(Debug)]
pub(super) enum Notified {
    /// This mail is sent.
    Mail(Box<Mail>),
    /// No mail is sent, for this reason.
    Nobody(&'static str),
}

/// Why no mail can be made of a notification.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoNotice {
    /// It would be the same another time.
    #[error("{0}")]
    Final(String),
    /// The application can't be asked now.
    #[error("{}", with_causes(.0))]
    Later(#[from] Error),
}

/// Makes mail of notifications.
#[derive(Debug, Clone)]
pub(super) struct Notices {
    pub(super) engine: Engine,
    pub(super) identity: Identity,
    pub(super) reader: Arc<Reader>,
}

impl Notices {
    /// The mail of a notification, with what its account may read now.
    pub(super) async fn mail(&self, job: &Claimed) -> Result<Notified, NoNotice> {
        let gone = |what: &str| NoNotice::Final(format!("the model has no {what} any more"));
        let unreadable = |what: &str| NoNotice::Final(format!("ids of the {what}'s type aren't what they were"));
        let notification: Notification =
            serde_json::from_str(&job.input).map_err(|error| NoNotice::Final(error.to_string()))?;
        let model = Arc::clone(self.engine.model());
        let accounts = model.identity.map(|id| model.collection(id)).ok_or_else(|| gone("accounts"))?;
        let about = model.collection_named(&notification.collection).ok_or_else(|| gone(&notification.collection))?;
        let id_of = |collection: &Collection, text: &str| {
            collection.key.scalar().read(Token::Bare(text)).ok().and_then(|id| id.as_id())
        };
        let to = id_of(accounts, &notification.to).ok_or_else(|| unreadable("account"))?;
        let id = id_of(about, &notification.id).ok_or_else(|| unreadable("record"))?;
        let system = Context::system(&self.engine);
        let caller = match self.identity.administration(&system)?.caller_for(&AccountRef::Id(to)).await {
            Ok(caller) => caller,
            Err(Error::NotFound { .. } | Error::Conflict(_)) => {
                return Ok(Notified::Nobody("the account can't sign in"));
            }
            Err(error) => return Err(error.into()),
        };
        let cx = Context::new(&self.engine, caller);
        let Some(record) = self.seen(&cx, about.id, id).await? else {
            return Ok(Notified::Nobody("the account may not read the record"));
        };
        let account = self.seen(&cx, accounts.id, to).await?.unwrap_or_else(|| hidden(accounts));
        let Some(stored) = self.engine.peek(accounts.id, to).await? else {
            return Ok(Notified::Nobody("there is no such account"));
        };
        let text = |field: &str| {
            let value = stored.value(accounts.field_named(field)?.id);
            value.as_text().map(str::to_owned)
        };
        let Some(address) = text("email") else { return Ok(Notified::Nobody("the account has no address")) };
        let given = [("record", record.into()), ("account", account.into()), ("event", notification.event.into())];
        let values = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let language = text("language").filter(|language| backstay_mail::is_language(language));
        Ok(Notified::Mail(Box::new(Mail { to: address, template: notification.template, language, values })))
    }

    /// A record as the caller sees it, with null for what the caller may not read.
    async fn seen(
        &self,
        cx: &Context,
        collection: CollectionId,
        id: backstay_base::RecordId,
    ) -> Result<Option<Map<String, serde_json::Value>>, NoNotice> {
        let of = (collection, id, Perspective::Live);
        let Some(body) = readable((&self.engine, &self.reader), cx, of).await? else { return Ok(None) };
        let mut record: Map<String, serde_json::Value> = serde_json::from_slice(&body).map_err(Error::internal)?;
        for (name, null) in hidden(self.engine.model().collection(collection)) {
            record.entry(name).or_insert(null);
        }
        Ok(Some(record))
    }
}

/// A record of which nothing can be read.
fn hidden(collection: &Collection) -> Map<String, serde_json::Value> {
    collection.fields.iter().map(|field| (field.name.clone(), serde_json::Value::Null)).collect()
}
