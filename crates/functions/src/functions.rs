//! Runs functions: each call in an isolate of its own, step by step, and between its steps no thread waits for it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use backstay_base::limits;
use backstay_mail::Templates;
use parking_lot::RwLock;

use crate::accounts::Accounts;
use crate::exact::inexact;
use crate::failure::Failure;
use crate::fetching::Outside;
use crate::host::Host;
use crate::places::Places;
use crate::problem::Problem;
use crate::program::Program;
use crate::ready::Ready;
use crate::running::{Call, CalledBy, Running};
use crate::secrets::Secrets;
use crate::threads::Threads;

/// Runs the functions of an application.
#[derive(Debug)]
pub struct Functions {
    program: Program,
    secrets: Secrets,
    ready: Arc<Ready>,
    threads: Threads,
    outside: Outside,
    /// What mail is made of.
    templates: Arc<Templates>,
    places: Arc<Places>,
    /// Those of hooks before changes: functions wait for these, so they must not wait for the places of functions.
    hook_places: Arc<Places>,
    /// Belongs to what is open, and must not keep that open.
    accounts: RwLock<Option<Weak<dyn Accounts>>>,
}

impl Functions {
    /// Starts the threads that run these functions on so many processors. Mail is made of these templates.
    pub fn start(
        program: Program,
        processors: usize,
        (outside, secrets): (Outside, Secrets),
        templates: Arc<Templates>,
    ) -> std::io::Result<Arc<Self>> {
        let ready = Ready::of(Arc::clone(&program.code), secrets.clone());
        let functions = Arc::new(Self {
            program,
            secrets,
            ready,
            threads: Threads::start(processors)?,
            outside,
            templates,
            places: Places::new(limits::FUNCTION_CALLS),
            hook_places: Places::new(limits::HOOK_CALLS),
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
        self.program.has(function)
    }

    /// Why what is exported by this name is no function.
    pub fn other(&self, name: &str) -> Option<&Problem> {
        self.program.other(name)
    }

    /// A text without the values of secrets.
    pub(crate) fn redacted(&self, text: String) -> String {
        self.secrets.redacted(text)
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
        let places = match call.by {
            CalledBy::Changes => &self.hook_places,
            CalledBy::Action => &self.places,
        };
        let _place = places.enter(call.flow, deadline).await?;
        let mut running =
            Running::new((&self.threads, &self.ready), (host, &self.outside, &self.secrets), (&call, deadline));
        let ended = running.run(call).await;
        if let Some(isolate) = running.into_isolate() {
            let ready = Arc::clone(&self.ready);
            self.threads.spare(move || ready.put_back(isolate));
        }
        self.warm();
        ended
    }

    /// Has isolates made ahead while no call waits.
    fn warm(&self) {
        for coming in self.ready.missing() {
            self.threads.spare(|| coming.make());
        }
    }
}
