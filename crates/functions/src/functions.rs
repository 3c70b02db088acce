//! Runs functions: each call in an isolate of its own, step by step, and between its steps no thread waits for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use backstay_base::limits;
use backstay_mail::Templates;
use parking_lot::{Mutex, RwLock};

use crate::accounts::Accounts;
use crate::allowance::Allowance;
use crate::code::Code;
use crate::exact::inexact;
use crate::failure::Failure;
use crate::fetching::Outside;
use crate::host::Host;
use crate::isolate::Isolate;
use crate::places::Places;
use crate::problem::Problem;
use crate::program::Program;
use crate::running::{Call, Running, World};
use crate::secrets::Secrets;
use crate::threads::Threads;

/// Runs the functions of an application.
#[derive(Debug)]
pub struct Functions {
    served: Arc<Served>,
    threads: Threads,
    outside: Outside,
    /// What mail is made of.
    templates: Arc<Templates>,
    places: Arc<Places>,
    /// Belongs to what is open, and must not keep that open.
    accounts: RwLock<Option<Weak<dyn Accounts>>>,
}

/// The functions, with isolates that are ready.
#[derive(Debug)]
struct Served {
    program: Program,
    secrets: Secrets,
    warm: Mutex<Vec<Isolate>>,
    /// How many are ready or being made.
    prepared: AtomicUsize,
}

impl Functions {
    /// Starts the threads that run these functions on so many processors. Mail is made of these templates.
    pub fn start(
        program: Program,
        processors: usize,
        (outside, secrets): (Outside, Secrets),
        templates: Arc<Templates>,
    ) -> std::io::Result<Arc<Self>> {
        let functions = Arc::new(Self {
            served: Arc::new(Served { program, secrets, warm: Mutex::default(), prepared: AtomicUsize::new(0) }),
            threads: Threads::start(processors)?,
            outside,
            templates,
            places: Places::new(),
            accounts: RwLock::default(),
        });
        functions.warm();
        Ok(functions)
    }

    /// From now on, functions sign people in by this, as long as it is there.
    pub fn set_accounts(&self, accounts: &Arc<dyn Accounts>) {
        *self.accounts.write() = Some(Arc::downgrade(accounts));
    }

    pub(crate) fn accounts(&self) -> Option<Arc<dyn Accounts>> {
        self.accounts.read().as_ref()?.upgrade()
    }

    /// Whether there is a function of this name.
    pub fn has(&self, function: &str) -> bool {
        self.served.program.has(function)
    }

    /// Why what is exported by this name is no function.
    pub fn other(&self, name: &str) -> Option<&Problem> {
        self.served.program.other(name)
    }

    /// A text without the values of secrets.
    pub(crate) fn redacted(&self, text: String) -> String {
        self.served.secrets.redacted(text)
    }

    /// What mail is made of.
    pub(crate) fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Carries out a call of a function that there is; the host answers what it asks. If this is dropped, the function ends.
    pub async fn call(&self, call: Call, host: &dyn Host) -> Result<String, Failure> {
        if call.arguments.len() > limits::FUNCTION_TEXT_BYTES {
            return Err(Failure::TooLarge);
        }
        if let Some(number) = inexact(&call.arguments) {
            return Err(Failure::Inexact { number: number.to_owned() });
        }
        let last = Instant::now() + call.longest;
        let deadline = call.deadline.map_or(last, |deadline| deadline.min(last));
        let _place = self.places.enter(call.flow, deadline).await?;
        let world = self.served.world();
        let mut running =
            Running::new((&self.threads, world), (host, &self.outside, &self.served.secrets), (&call, deadline));
        let ended = running.run(call).await;
        if let world @ World::Made(_) = running.into_world() {
            // Freeing what it holds can take long.
            self.threads.spare(move || drop(world));
        }
        self.warm();
        ended
    }

    /// Has isolates made ahead while no call waits.
    fn warm(&self) {
        let served = &self.served;
        while served.prepared.load(Ordering::Relaxed) < limits::FUNCTION_WARM_ISOLATES {
            served.prepared.fetch_add(1, Ordering::Relaxed);
            let (code, place) = (Arc::clone(&served.program.code), Arc::downgrade(served));
            self.threads.spare(move || prepare(&code, &place));
        }
    }
}

impl Served {
    /// One that is ready, or what makes one.
    fn world(&self) -> World {
        match self.warm.lock().pop() {
            Some(ready) => {
                self.prepared.fetch_sub(1, Ordering::Relaxed);
                World::Made(ready)
            }
            None => World::Unmade(Arc::clone(&self.program.code)),
        }
    }
}

fn prepare(code: &Code, place: &Weak<Served>) {
    // It is served no longer.
    let Some(served) = place.upgrade() else { return };
    match Isolate::new(code, &served.secrets, &Allowance::new()) {
        Ok(isolate) => served.warm.lock().push(isolate),
        // The next call makes one itself, and reports why that fails.
        Err(_) => {
            served.prepared.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
