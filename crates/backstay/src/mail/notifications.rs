//! Notifications: an account learns of a change, with what it may read.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_base::{Error, RecordId, nearest, with_causes};
use backstay_engine::{Authority, Context, Engine, Input, Notification, Perspective, Transaction, TxContext};
use backstay_identity::{AccountRef, Identity};
use backstay_jobs::Claimed;
use backstay_mail::{Mail, Templates};
use backstay_model::{Channel, Collection, CollectionId, Diagnostic, Diagnostics, HookRun, Model, Notify};
use backstay_rest::Reader;
use backstay_scalar::{Token, Value};
use futures_util::future::BoxFuture;
use serde_json::Map;

use crate::Failure;
use crate::readable::readable;

/// What the template of a notification can name.
const GIVEN: [&str; 3] = ["account", "event", "record"];

/// Refuses notifications whose template isn't there, or names what it isn't given.
pub(crate) fn check(model: &Model, templates: &Templates) -> Result<(), Failure> {
    let mut wrong = Diagnostics::new(Arc::clone(&model.sources));
    for hook in &model.hooks {
        let HookRun::Notify(Notify { channel: Channel::Mail(template), .. }) = &hook.run else { continue };
        let template = &**template;
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
pub(super) enum Prepared {
    /// This mail is sent.
    Mail(Box<Mail>),
    /// It is a record in the application.
    Kept,
    /// Nobody is notified, for this reason.
    Nobody(&'static str),
}

/// Why nothing can be made of a notification.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unprepared {
    /// It would be the same another time.
    #[error("{0}")]
    Final(String),
    /// The application can't be asked now.
    #[error("{}", with_causes(.0))]
    Later(#[from] Error),
}

/// Makes of notifications what their accounts get.
#[derive(Debug, Clone)]
pub(super) struct Notifications {
    pub(super) engine: Engine,
    pub(super) identity: Identity,
    pub(super) reader: Arc<Reader>,
}

/// What a notification names, in the model as it is now.
struct Named {
    accounts: CollectionId,
    about: CollectionId,
    record: RecordId,
    to: RecordId,
}

impl Named {
    fn of(model: &Model, notification: &Notification) -> Result<Self, Unprepared> {
        let accounts = model.identity.map(|id| model.collection(id)).ok_or_else(|| gone("accounts"))?;
        let about = model.collection_named(&notification.collection).ok_or_else(|| gone(&notification.collection))?;
        let id_of = |collection: &Collection, text: &str| {
            let id = collection.key.scalar().read(Token::Bare(text)).ok().and_then(|id| id.as_id());
            let why = || Unprepared::Final(format!("ids of {} aren't what they were", collection.name));
            id.ok_or_else(why)
        };
        let (to, record) = (id_of(accounts, &notification.to)?, id_of(about, &notification.id)?);
        Ok(Self { accounts: accounts.id, about: about.id, record, to })
    }
}

fn gone(what: &str) -> Unprepared {
    Unprepared::Final(format!("the model has no {what} any more"))
}

impl Notifications {
    /// What becomes of a notification, with what its account may read now.
    pub(super) async fn prepare(&self, job: &Claimed) -> Result<Prepared, Unprepared> {
        let notification: Notification =
            serde_json::from_str(&job.input).map_err(|error| Unprepared::Final(error.to_string()))?;
        let named = Named::of(self.engine.model(), &notification)?;
        let system = Context::system(&self.engine);
        let caller = match self.identity.administration(&system)?.caller_for(&AccountRef::Id(named.to)).await {
            Ok(caller) => caller,
            Err(Error::NotFound { .. } | Error::Conflict(_)) => {
                return Ok(Prepared::Nobody("the account can't sign in"));
            }
            Err(error) => return Err(error.into()),
        };
        let cx = Context::new(&self.engine, caller).traced(job.trace.clone());
        let Some(record) = self.seen(&cx, named.about, named.record).await? else {
            return Ok(Prepared::Nobody("the account may not read the record"));
        };
        match (&notification.into, &notification.template) {
            (Some(into), _) => self.keep(job, (&notification, into), &named).await,
            (None, Some(template)) => {
                let given = (template.clone(), notification.event.clone(), record);
                self.mail(&cx, &named, given).await
            }
            (None, None) => Err(gone("channel for it")),
        }
    }

    async fn mail(
        &self,
        cx: &Context,
        named: &Named,
        (template, event, record): (String, String, Map<String, serde_json::Value>),
    ) -> Result<Prepared, Unprepared> {
        let model = self.engine.model();
        let accounts = model.collection(named.accounts);
        let account = self.seen(cx, accounts.id, named.to).await?.unwrap_or_else(|| hidden(accounts));
        let Some(stored) = self.engine.peek(accounts.id, named.to).await? else {
            return Ok(Prepared::Nobody("there is no such account"));
        };
        let text = |field: &str| {
            let value = stored.value(accounts.field_named(field)?.id);
            value.as_text().map(str::to_owned)
        };
        let Some(address) = text("email") else { return Ok(Prepared::Nobody("the account has no address")) };
        let given = [("record", record.into()), ("account", account.into()), ("event", event.into())];
        let values = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let language = text("language").filter(|language| backstay_mail::is_language(language));
        Ok(Prepared::Mail(Box::new(Mail { to: address, template, language, values })))
    }

    /// Makes the record that a notification becomes, unless an earlier attempt has: its id is that of the job.
    async fn keep(
        &self,
        job: &Claimed,
        (notification, into): (&Notification, &str),
        named: &Named,
    ) -> Result<Prepared, Unprepared> {
        let model = self.engine.model();
        let declared = model.hooks.iter().filter(|hook| hook.collection == named.about).find_map(|hook| {
            let HookRun::Notify(Notify { channel: Channel::Inbox(records), .. }) = &hook.run else { return None };
            let is_kind = records.kind.as_ref().map(|(_, kind)| &**kind) == notification.kind.as_deref();
            (model.collection(records.into).name == into && is_kind).then_some(records)
        });
        let records = declared.ok_or_else(|| gone(&format!("notification that becomes a {into}")))?;
        let mut input = Input::new().with_made_id(job.id).with(records.to, named.to);
        if let Some(about) = records.about {
            input = input.with(about, named.record);
        }
        if let Some(event) = records.event {
            input = input.with(event, notification.event.as_str());
        }
        if let Some((field, kind)) = &records.kind {
            input = input.with(*field, Value::Text(Arc::clone(kind)));
        }
        let keep = Keep { collection: records.into, id: job.id, input };
        let cx = Context::system(&self.engine).of_job(job.depth).traced(job.trace.clone());
        match self.engine.run(&cx, keep).await {
            Ok(()) => Ok(Prepared::Kept),
            Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
                // An earlier attempt has made it, and the account has moved it to the trash.
                if self.is_in_trash(&cx, records.into, job.id).await? {
                    return Ok(Prepared::Kept);
                }
                // The record or the account was deleted meanwhile, or the model refuses what it would be.
                Err(Unprepared::Final(with_causes(&error)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn is_in_trash(&self, cx: &Context, collection: CollectionId, id: RecordId) -> Result<bool, Error> {
        if self.engine.model().collection(collection).trash.is_none() {
            return Ok(false);
        }
        let of = (collection, id, Perspective::Trash);
        Ok(readable((&self.engine, &self.reader), cx, of).await?.is_some())
    }

    /// A record as the caller sees it, with null for what the caller may not read.
    async fn seen(
        &self,
        cx: &Context,
        collection: CollectionId,
        id: backstay_base::RecordId,
    ) -> Result<Option<Map<String, serde_json::Value>>, Unprepared> {
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

/// Makes the record of a notification.
struct Keep {
    collection: CollectionId,
    id: RecordId,
    input: Input,
}

impl Transaction for Keep {
    type Answer = ();

    fn name(&self) -> &'static str {
        "notify"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if cx.get(self.collection, self.id).await?.is_none() {
                cx.create(Authority::System, self.collection, self.input.clone()).await?;
            }
            Ok(())
        })
    }
}
