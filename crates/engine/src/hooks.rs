//! Changes of records that queue jobs: `@on`, `@notify`, and `@to(run:)`. They are noted where rows are written, so that whatever writes queues
//! the jobs.

use backstay_base::RecordId;
use backstay_expr::{Truth, truth};
use backstay_model::{Collection, FieldId, FieldKind, Hook, HookOn, HookRun, Notify, PathToAccounts, RecordEvent};

use crate::bind::InMemory;
use crate::pending_hooks::{PendingHook, PendingRun};
use crate::{Record, TxContext};

/// Whether a change of a record of this collection can queue anything.
pub(crate) fn has(cx: &TxContext<'_, '_>, collection: &Collection) -> bool {
    cx.engine.application.policy.hooks.of(collection.id).is_some()
}

/// Notes what a change of a record queues. `None`: the record isn't there, before or afterwards.
pub(crate) fn note(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    (before, after): (Option<&Record>, Option<&Record>),
    changed: &[FieldId],
) {
    let policy = &cx.engine.application.policy;
    let Some(of) = policy.hooks.of(collection.id) else { return };
    let (event, record) = match (before, after) {
        (None, Some(after)) => (RecordEvent::Create, after),
        (Some(_), Some(after)) => (RecordEvent::Update, after),
        (Some(before), None) => (RecordEvent::Delete, before),
        (None, None) => return,
    };
    for hook in of {
        let declared = &cx.engine.application.model.hooks[*hook];
        if !is_about(declared, event, (before, after)) {
            continue;
        }
        if let Some(when) = policy.hooks.when(*hook) {
            let (old, new) = (before.map_or(&[][..], Record::values), record.values());
            let memory = InMemory { caller: cx.cx.caller(), now: cx.cx.now, this: &[], new, old };
            if truth(&when.whole, &memory) != Truth::True {
                continue;
            }
        }
        // What Backstay keeps of each record changes with each change.
        let is_own =
            |field: &FieldId| *field <= Collection::VERSION || collection.trash.is_some_and(|trash| trash.at == *field);
        let changed = changed.iter().copied().filter(|field| !is_own(field)).collect();
        let run = match &declared.run {
            HookRun::Action(run) => PendingRun::Action(*run),
            // It has run.
            HookRun::Before(_) => continue,
            HookRun::Notify(notify) => PendingRun::Notifications { known: known_accounts(notify, collection, record) },
        };
        let (record, version) = (record.id(), record.version());
        cx.hooks.push(PendingHook { hook: *hook, record, version, event, changed, run });
    }
}

fn is_about(hook: &Hook, event: RecordEvent, (before, after): (Option<&Record>, Option<&Record>)) -> bool {
    match &hook.on {
        HookOn::Events(events) => events.contains(&event),
        HookOn::Transition { states, from, to } => {
            let state = |record: &Record| record.value(*states).as_text().map(str::to_owned);
            before.and_then(state).as_deref() == Some(from) && after.and_then(state).as_deref() == Some(to)
        }
    }
}

/// The accounts of a notification to which the record itself refers, as it was written.
fn known_accounts(notify: &Notify, collection: &Collection, record: &Record) -> Vec<RecordId> {
    let own = notify.to.iter().filter_map(|path| own_reference(path, collection));
    own.filter_map(|field| record.value(field).as_id()).collect()
}

/// The field of a path that is one reference of the record.
pub(crate) fn own_reference(PathToAccounts(steps): &PathToAccounts, collection: &Collection) -> Option<FieldId> {
    match &steps[..] {
        [(_, field)] if matches!(collection.field(*field).kind, FieldKind::ToOne { .. }) => Some(*field),
        _ => None,
    }
}
