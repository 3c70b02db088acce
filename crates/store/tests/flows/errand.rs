//! Works that tell when they run, wait where the test wants them to, and can hold a thread of the store.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use backstay_base::{CallerKind, Timestamp};
use backstay_scalar::Storage;
use backstay_sql::Statement;
use backstay_store::{Change, Demand, KeyClaim, Origin, StoreError, Tx, Work, Writes};
use futures_util::future::BoxFuture;

/// The names of works in the order in which they ran; one that ran twice is there twice.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    names: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Ran {
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.lock().expect("not poisoned").clone()
    }

    /// Blocks until a work of this name runs.
    pub(crate) fn until(&self, name: &str) {
        let names = self.names.lock().expect("not poisoned");
        drop(self.changed.wait_while(names, |names| !names.iter().any(|ran| ran == name)).expect("not poisoned"));
    }

    fn add(&self, name: &str) {
        self.names.lock().expect("not poisoned").push(name.to_owned());
        self.changed.notify_all();
    }
}

/// One step of a work.
#[derive(Debug)]
pub(crate) enum Step {
    /// Tells that the work runs; a work on the writer tells it before its first step.
    Report,
    Read(&'static str),
    /// Runs a short statement again and again.
    ReadForEver(&'static str),
    Execute(Statement),
    Stage(Statement),
    Change(Change),
    Remember(KeyClaim, Vec<u8>, Timestamp),
    /// Waits for the test, once: a work can be run again.
    Wait(Mutex<Option<Receiver<()>>>),
    Sleep(Duration),
    /// Only in the first run.
    OnceOnly(Box<Step>),
}

impl Step {
    pub(crate) fn wait(gate: Receiver<()>) -> Self {
        Self::Wait(Mutex::new(Some(gate)))
    }
}

#[derive(Debug)]
pub(crate) struct Errand {
    name: String,
    demand: Demand,
    writes: Writes,
    steps: Vec<Step>,
    ran: Arc<Ran>,
    has_run: AtomicBool,
}

impl Errand {
    pub(crate) fn new(name: String, demand: Demand, steps: impl IntoIterator<Item = Step>) -> Self {
        let (writes, steps) = (Writes::Many, steps.into_iter().collect());
        Self { name, demand, writes, steps, ran: Arc::default(), has_run: AtomicBool::new(false) }
    }

    pub(crate) fn reports_to(self, ran: &Arc<Ran>) -> Self {
        Self { ran: Arc::clone(ran), ..self }
    }

    pub(crate) fn writes(self, writes: Writes) -> Self {
        Self { writes, ..self }
    }

    async fn take(&self, step: &Step, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let read = |text: &'static str| Statement::raw(text, vec![], &[Storage::Int]);
        match step {
            Step::Report => self.ran.add(&self.name),
            Step::Read(text) => drop(tx.rows(&read(text), &mut |_| Ok(())).await?),
            Step::ReadForEver(text) => loop {
                tx.rows(&read(text), &mut |_| Ok(())).await?;
            },
            Step::Execute(statement) => drop(tx.execute(statement).await?),
            Step::Stage(statement) => tx.stage(statement.clone(), Some(1)),
            Step::Change(change) => tx.change(change.clone()),
            Step::Remember(claim, answer, expires) => tx.remember(claim.clone(), answer.clone(), *expires),
            Step::Wait(gate) => {
                if let Some(gate) = gate.lock().expect("not poisoned").take() {
                    gate.recv().expect("the test opens it");
                }
            }
            Step::Sleep(time) => std::thread::sleep(*time),
            Step::OnceOnly(step) => {
                if !self.has_run.swap(true, Ordering::Relaxed) {
                    Box::pin(self.take(step, tx)).await?;
                }
            }
        }
        Ok(())
    }
}

impl Work for Errand {
    type Output = ();
    type Error = StoreError;

    fn writes(&self) -> Writes {
        self.writes
    }

    fn demand(&self) -> Demand {
        self.demand
    }

    fn kilo_steps(&self) -> u32 {
        u32::MAX
    }

    fn origin(&self) -> Origin {
        Origin { kind: CallerKind::System, id: None, request: None, transaction: Cow::Borrowed("test") }
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if self.writes != Writes::None {
                self.ran.add(&self.name);
            }
            for step in &self.steps {
                self.take(step, tx).await?;
            }
            Ok(())
        })
    }
}
