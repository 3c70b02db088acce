//! Hooks before a change (`@on(phase: BEFORE)`). A step of each write asks them: it comes after the steps that find out whether
//! the caller may make such a change at all and before those that check what would become of the record, so that a hook sees
//! what its caller may ask for, and what it makes of it is checked like what was sent.
//!
//! A hook doesn't run within the transaction, which would keep the writer. The transaction notes what the hook has to be asked,
//! is undone, and runs again when the hook has an outcome. What the hook has read is read again then, in the transaction: if it
//! is something else, the hook runs once more.

mod call;
mod mistake;
pub(crate) mod runner;
mod running;
pub(crate) mod session;

use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::{Error, Place, Timestamp, ViolationKind};
use backstay_expr::{Truth, truth};
use backstay_model::{Collection, Field, FieldId, FieldKind, HookOn, HookRun, RecordEvent};
use backstay_scalar::Value;
use backstay_store::RecordKey;
use sha2::{Digest as _, Sha256};

use crate::bind::InMemory;
use crate::context::{HookSession, Reread};
use crate::noted::{Digest, digest};
use crate::proposal::Proposal;
use crate::read::USUAL_RECORD;
use crate::showing::transient;
use crate::{Input, Record, TxContext, embedded, fill, references};

pub use call::{BeforeCall, BeforeOutcome, BeforeProcedure};
use mistake::Mistake;
pub(crate) use running::Hooks;
use session::{Answered, Known, Noted, Unanswered, Unasked, Verdict};

/// Asks the hooks of a proposed record, and makes the changes that they return.
pub(crate) async fn of_proposal(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    event: RecordEvent,
) -> Result<(), Error> {
    let Some(hooks) = hooks(cx, proposal.collection) else { return Ok(()) };
    fill::require_sent(proposal);
    proposal.settle()?;
    for hook in hooks {
        let stored = proposal.stored.as_ref().map(Record::values).unwrap_or_default().to_vec();
        let change = Change { event, collection: proposal.collection, stored: &stored, proposed: &proposal.values };
        let Some(answered) = Box::pin(asked(cx, *hook, (&change, Some(&proposal.input)))).await? else { continue };
        let HookRun::Before(function) = &cx.engine.application.model.hooks[*hook].run else { continue };
        match &answered.verdict {
            Verdict::Changes(changes) => apply(cx, proposal, (function, changes)).await?,
            Verdict::Refused { code, message, field } => {
                let kind = ViolationKind::Refused { code: code.clone(), message: message.clone() };
                match field.as_deref().map(|name| (name, proposal.collection.field_named(name))) {
                    None => proposal.refuse_whole(kind),
                    Some((_, Some(field))) => proposal.refuse(field, kind),
                    Some((name, None)) => return Err(unknown_field(function, proposal.collection, name)),
                }
                return proposal.settle();
            }
        }
    }
    Ok(())
}

/// Asks the hooks of a record that is about to be deleted.
pub(crate) async fn of_deletion(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    record: &Record,
) -> Result<(), Error> {
    let Some(hooks) = hooks(cx, collection) else { return Ok(()) };
    for hook in hooks {
        let change = Change { event: RecordEvent::Delete, collection, stored: record.values(), proposed: &[] };
        let Some(answered) = Box::pin(asked(cx, *hook, (&change, None))).await? else { continue };
        let HookRun::Before(function) = &cx.engine.application.model.hooks[*hook].run else { continue };
        match &answered.verdict {
            Verdict::Refused { code, message, field: _ } => {
                let kind = ViolationKind::Refused { code: code.clone(), message: message.clone() };
                return Err(Error::invalid(Place::Whole, kind));
            }
            Verdict::Changes(changes) if changes.is_empty() => {}
            Verdict::Changes(_) => {
                let what = format!("returned changes of a {} that is deleted", collection.name);
                return Err(Mistake::of(function, what, "return nothing, or throw `Refused`".to_owned()));
            }
        }
    }
    Ok(())
}

/// Whether hooks have to be asked before a record of this collection is deleted.
pub(crate) fn of_deletions(cx: &TxContext<'_, '_>, collection: &Collection) -> bool {
    let application = &cx.engine.application;
    cx.before.is_some() && application.policy.hooks.precede_deletions(&application.model, collection.id)
}

/// The hooks of a collection that the transaction asks.
fn hooks<'a>(cx: &TxContext<'a, '_>, collection: &Collection) -> Option<&'a [usize]> {
    cx.before.as_ref()?;
    cx.engine.application.policy.hooks.before(collection.id)
}

impl TxContext<'_, '_> {
    /// Whether the transaction will run again, because a hook has to be asked first: nothing of what it does now remains. What is
    /// made of several records goes on after one of them is refused, so that all that wait for hooks are found at once, until there
    /// is no room to note more of them.
    pub fn awaits_hooks(&self) -> bool {
        self.before.as_ref().is_some_and(|session| session.is_open() && !session.is_full())
    }

    /// Ends a run after which hooks are asked.
    pub fn require_hooks(&self) -> Result<(), Error> {
        match self.before.as_ref().is_some_and(|session| session.is_open()) {
            true => Err(Error::internal(Unasked)),
            false => Ok(()),
        }
    }
}

/// A change that hooks are asked about.
#[derive(Clone, Copy)]
struct Change<'c> {
    event: RecordEvent,
    collection: &'c Collection,
    /// By `FieldId`; empty of a new record.
    stored: &'c [Value],
    /// By `FieldId`; empty of one that is deleted.
    proposed: &'c [Value],
}

/// A hook's outcome, perhaps before something changed that it has read; `None` if it isn't about this change.
///
/// # Errors
/// `Unasked` if it has to run first.
async fn asked(
    cx: &mut TxContext<'_, '_>,
    hook: usize,
    (change, sent): (&Change<'_>, Option<&Input>),
) -> Result<Option<Arc<Answered<dyn Reread>>>, Error> {
    if !is_about(cx, hook, change) {
        return Ok(None);
    }
    let session = cx.before.clone().ok_or_else(|| Error::internal(Unasked))?;
    if session.is_full() {
        return Err(Error::internal(Unasked));
    }
    let stored = with_own_moments(cx, session.met(cx.now()), change);
    let text = text(cx, &Change { stored: &stored, ..*change }, sent)?;
    let key = key(hook, &text);
    let request = cx.part.request;
    let Some(answered) = session.answered(&key) else {
        session.ask(Unanswered { key, hook, request, text: text.into(), known: Vec::new() })?;
        return Err(Error::internal(Unasked));
    };
    let known = reread(cx, &session, &answered.reads).await?;
    let is_same = known.iter().zip(&answered.reads).all(|(known, noted)| known.noted.digest == noted.digest);
    if is_same {
        session.found();
        return Ok(Some(answered));
    }
    session.ask(Unanswered { key, hook, request, text: text.into(), known })?;
    // What follows is then read beside a record that is probably as it will be.
    match answered.verdict {
        Verdict::Changes(_) => Ok(Some(answered)),
        Verdict::Refused { .. } => Err(Error::internal(Unasked)),
    }
}

/// The stored values of a record. One that the transaction itself has written bears the moment at which a hook was first met,
/// because that of the transaction is another one in each of its runs.
fn with_own_moments<'c>(cx: &TxContext<'_, '_>, met: Timestamp, change: &Change<'c>) -> Cow<'c, [Value]> {
    let Change { collection, stored, .. } = *change;
    let is_own =
        |field: &FieldId| matches!(stored.get(usize::from(field.0)), Some(Value::Timestamp(at)) if *at >= cx.now());
    let moments =
        [Collection::CREATED_AT, Collection::UPDATED_AT].into_iter().chain(collection.trash.map(|trash| trash.at));
    let own: Vec<FieldId> = moments.filter(is_own).collect();
    let id = stored.get(usize::from(Collection::ID.0)).and_then(Value::as_id);
    // Other servers have other clocks.
    if own.is_empty() || !id.is_some_and(|id| cx.tx.has_changed(collection.id, &RecordKey::from(id))) {
        return Cow::Borrowed(stored);
    }
    let mut stored = stored.to_vec();
    for field in own {
        stored[usize::from(field.0)] = met.into();
    }
    Cow::Owned(stored)
}

fn is_about(cx: &TxContext<'_, '_>, hook: usize, change: &Change<'_>) -> bool {
    let application = &cx.engine.application;
    let HookOn::Events(events) = &application.model.hooks[hook].on else { return false };
    if !events.contains(&change.event) {
        return false;
    }
    let Some(when) = application.policy.hooks.when(hook) else { return true };
    let new = if change.proposed.is_empty() { change.stored } else { change.proposed };
    let memory = InMemory { caller: cx.cx.caller(), now: cx.cx.now, this: &[], new, old: change.stored };
    truth(&when.whole, &memory) == Truth::True
}

fn key(hook: usize, text: &str) -> Digest {
    let mut key = Sha256::new();
    key.update(hook.to_be_bytes());
    key.update(text.as_bytes());
    key.finalize().into()
}

/// The change as a hook is given it.
fn text(cx: &TxContext<'_, '_>, change: &Change<'_>, sent: Option<&Input>) -> Result<String, Error> {
    let encoder = cx.engine.hook_runner()?.encoder();
    let Change { event, collection, stored, proposed } = *change;
    let record = |shown: &dyn Fn(&Field) -> bool, values: &[Value]| -> Result<String, Error> {
        if values.is_empty() {
            return Ok("null".to_owned());
        }
        let is_shown = |field: &&Field| field.is_readable() && is_of_row(field) && shown(field);
        let fields: Vec<&Field> = collection.fields.iter().filter(is_shown).collect();
        let mut out = transient(USUAL_RECORD);
        encoder.record(&mut out, &mut embedded::members(collection, &fields, values).into_iter())?;
        String::from_utf8(out.finish()?.into()).map_err(Error::internal)
    };
    let is_own = |field: &Field| field.id > Collection::ID && field.id <= Collection::VERSION || field.sum.is_some();
    let sent = |field: &Field| {
        let names = |of: &Field| sent.is_some_and(|sent| sent.fields().any(|named| named == of.id));
        names(field) || collection.parts(field.id).any(names)
    };
    Ok(format!(
        "{{\"event\":\"{}\",\"stored\":{},\"proposed\":{},\"sent\":{}}}",
        event.name(),
        record(&|_| true, stored)?,
        record(&|field| !is_own(field), proposed)?,
        record(&sent, proposed)?
    ))
}

/// Whether a field is a part of its record's row.
fn is_of_row(field: &Field) -> bool {
    field.is_stored() || matches!(field.kind, FieldKind::Embedded(_) | FieldKind::ToOneOf { .. })
}

/// Reads again what a hook has read.
async fn reread(
    cx: &mut TxContext<'_, '_>,
    session: &HookSession,
    reads: &[Noted<dyn Reread>],
) -> Result<Vec<Known<dyn Reread>>, Error> {
    let mut known = Vec::with_capacity(reads.len());
    // As the hook has read.
    let of_hook = cx.cx.at(session.now().unwrap_or(cx.now()));
    for noted in reads {
        let answer = noted.read.again(cx, &of_hook).await;
        let Some(digest) = digest(&answer, Some(cx.moments())) else {
            return Err(answer.err().unwrap_or_else(|| Error::internal(Unasked)));
        };
        let runner = cx.engine.hook_runner()?;
        let answer = answer.map(|answer| runner.answer(&answer));
        known.push(Known { noted: Noted { digest, ..noted.clone() }, answer });
    }
    Ok(known)
}

/// Gives fields the values that a hook returned.
async fn apply(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    (function, changes): (&Arc<str>, &Input),
) -> Result<(), Error> {
    let collection = proposal.collection;
    let mistake = |field: &Field, why: &str| {
        Err(Mistake::of(function, format!("returned `{}` of {}", field.name, collection.name), why.to_owned()))
    };
    let set: Vec<_> = changes.values.iter().map(|(id, _)| *id).collect();
    if let Some(other) = changes.fields().chain(changes.children.iter().map(|(id, _)| *id)).find(|id| !set.contains(id))
    {
        return mistake(collection.field(other), "a hook returns values, and names related records by their ids");
    }
    let states = &cx.engine.application.policy.collection(collection.id).states;
    for (id, value) in &changes.values {
        let field = collection.field(*id);
        if proposal.value(*id) == value {
            continue;
        }
        let is_state = states.iter().any(|states| states.field == *id);
        if let Some(why) = field.refused_to_hooks(collection, is_state) {
            return mistake(field, why);
        }
        if field.immutable && proposal.stored.is_some() {
            return mistake(field, "this field can't change after creation");
        }
        let value = match references::found(cx, field, value.clone()).await? {
            Ok(value) => value,
            Err(kind) => {
                proposal.refuse(field, kind);
                continue;
            }
        };
        if proposal.input.value(*id).is_some() {
            proposal.input.set(*id, value.clone());
        }
        proposal.set(*id, value);
        let currency = changes.amounts.iter().find(|(of, _)| of == id).and_then(|(_, currency)| *currency);
        proposal.currencies.retain(|(known, _)| known != id);
        proposal.currencies.extend(currency.map(|currency| (*id, currency)));
    }
    proposal.settle()
}

fn unknown_field(function: &Arc<str>, collection: &Collection, name: &str) -> Error {
    let what = format!("refused the field `{name}`");
    let names = collection.fields.iter().filter(|field| field.is_readable()).map(|field| field.name.as_str());
    let meant =
        backstay_base::nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Mistake::of(function, what, format!("{} has no such field{meant}", collection.name))
}
