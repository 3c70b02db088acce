//! Runs functions: each call in an isolate of its own, step by step, and between its steps no thread waits for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use backstay_base::{Flow, limits};
use backstay_egress::Client;
use backstay_mail::Templates;
use parking_lot::Mutex;

use crate::code::Code;
use crate::exact::inexact;
use crate::failure::Failure;
use crate::host::Host;
use crate::isolate::Isolate;
use crate::places::Places;
use crate::problem::Problem;
use crate::program::Program;
use crate::running::{Call, Running, no_result, thrown};
use crate::secrets::Secrets;
use crate::threads::Threads;

/// Runs the functions of an application.
#[derive(Debug)]
pub struct Functions {
    served: Arc<Served>,
    threads: Threads,
    /// What other servers are called with.
    egress: Client,
    /// What mail is made of.
    templates: Arc<Templates>,
    places: Arc<Places>,
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
    /// Starts the threads that run these functions on so many processors. Other servers are called with this client, and mail is made
    /// of these templates.
    pub fn start(
        program: Program,
        processors: usize,
        (egress, secrets): (Client, Secrets),
        templates: Arc<Templates>,
    ) -> std::io::Result<Arc<Self>> {
        let functions = Arc::new(Self {
            served: Arc::new(Served { program, secrets, warm: Mutex::default(), prepared: AtomicUsize::new(0) }),
            threads: Threads::start(processors)?,
            egress,
            templates,
            places: Places::new(),
        });
        functions.warm();
        Ok(functions)
    }

    /// Whether there is a function of this name.
    pub fn has(&self, function: &str) -> bool {
        self.served.program.has(function)
    }

    /// Why what is exported by this name is no function.
    pub fn other(&self, name: &str) -> Option<&Problem> {
        self.served.program.other(name)
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
        let last = Instant::now() + Duration::from_secs(limits::FUNCTION_SECONDS);
        let deadline = call.deadline.map_or(last, |deadline| deadline.min(last));
        let _place = self.places.enter(call.flow, deadline).await?;
        let isolate = self.isolate(call.flow, deadline).await?;
        isolate.take(&call.function, &call.ambient.entropy, deadline);
        let mut running =
            Running::new((&self.threads, isolate), (host, &self.egress, &self.served.secrets), (&call, deadline));
        let ended = running.run(call).await;
        let isolate = running.into_isolate();
        // Freeing what it holds can take long.
        self.threads.spare(move || drop(isolate));
        self.warm();
        ended
    }

    /// One that is ready, or a new one.
    async fn isolate(&self, flow: Flow, deadline: Instant) -> Result<Isolate, Failure> {
        let served = &self.served;
        if let Some(ready) = served.warm.lock().pop() {
            served.prepared.fetch_sub(1, Ordering::Relaxed);
            return Ok(ready);
        }
        let (code, secrets) = (Arc::clone(&served.program.code), served.secrets.clone());
        let made = self.threads.run((flow, deadline), move || Isolate::new(&code, &secrets)).await;
        made.map_err(no_result)?.map_err(thrown)
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

fn prepare(code: &Code, place: &Weak<Served>) {
    // It is served no longer.
    let Some(served) = place.upgrade() else { return };
    match Isolate::new(code, &served.secrets) {
        Ok(isolate) => served.warm.lock().push(isolate),
        // The next call makes one itself, and reports why that fails.
        Err(_) => {
            served.prepared.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
