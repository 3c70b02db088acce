use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_base::Secret;
use backstay_engine::{Application, Location, OpenOutcome};
use backstay_http::Service;
use backstay_identity::AccountRef;
use backstay_model::Diagnostics;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinHandle, block_in_place};

use crate::client::{CalledBy, Client};
use crate::maintenance::maintain;
use crate::serving::{Serving, connection_settings, die};
use crate::socket::{self, Listening};
use crate::{Action, Answer, Command, Compiled, Failure, Place, ProcedureError, Seeded, compile};
use crate::{functions, mail};

/// An application that is ready to be opened: its settings can be read, and its model has no errors.
#[derive(Debug)]
pub struct Backstay {
    place: Place,
    compiled: Compiled,
}

/// An open application, which answers requests over HTTP and calls of this process. Cheap to clone.
///
/// As long as it is open, it does what is due without anybody asking for it, and takes commands of the command line. After a
/// disk error it ends the process, before something can be acknowledged that isn't stored.
#[derive(Clone)]
pub struct Backend(Arc<Inner>);

struct Inner {
    place: Place,
    serving: Serving,
    outcome: OpenOutcome,
    /// What runs beside requests. It ends only if it fails.
    background: Mutex<JoinHandle<Failure>>,
    stop: AbortHandle,
}

impl Backstay {
    /// The application in a directory that contains a `model` directory, with its settings from `backstay.toml` and the
    /// environment.
    pub fn from_dir(directory: impl AsRef<Path>) -> Result<Self, Failure> {
        Self::at(Place::find(directory.as_ref(), None)?)
    }

    /// The application with settings that were read already.
    pub fn at(mut place: Place) -> Result<Self, Failure> {
        let compiled = compile(&place)?;
        let program = functions::read(&place.directory, compiled.application.model())?;
        functions::warn_if_large(&program, &mut place.config);
        let templates = mail::read(&place.directory, &place.config)?;
        mail::check(compiled.application.model(), &templates)?;
        let procedures =
            place.procedures.clone().with((program, &templates), (&place.directory, &place.purpose), &place.config)?;
        Ok(Self { place: Place { procedures, templates, ..place }, compiled })
    }

    /// The same with the database in this data directory, whatever the settings say.
    #[must_use]
    pub fn with_data(mut self, directory: impl Into<PathBuf>) -> Self {
        self.place.data = directory.into();
        self.place.database = Location::Directory(self.place.data.clone());
        self
    }

    /// The same with a procedure that carries out the actions whose `@function` has this name. Its result is what the model declares: a
    /// record as its id, or as an object with its `id`.
    #[must_use]
    pub fn procedure<R, F, T>(mut self, function: &str, run: R) -> Self
    where
        R: Fn(Action) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, ProcedureError>> + Send + 'static,
        T: Serialize + 'static,
    {
        self.place.procedures.add(function, run);
        self
    }

    /// Its place, and its model.
    pub(crate) fn into_parts(self) -> (Place, Application) {
        (self.place, self.compiled.application)
    }

    /// Where it is, and its settings.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Warnings about its model.
    pub fn warnings(&self) -> Diagnostics {
        self.compiled.warnings()
    }

    /// Opens the database, creates it if there is none, and takes the steps of a migration that can't lose data. Needs a
    /// multi-threaded Tokio runtime.
    pub async fn open(self) -> Result<Backend, Failure> {
        let runtime = Handle::try_current().map_err(|_| Failure::Runtime)?;
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            return Err(Failure::Runtime);
        }
        let Self { place, compiled } = self;
        // What can be known to fail is reported before anything is created.
        for file in place.directory.seed_files().all()? {
            file.collection(compiled.application.model())?;
        }
        place.require_all(&compiled.application)?;
        socket::path(&place)?;
        let options = place.serving_options(|words| die(words));
        let (instance, outcome) = block_in_place(|| place.open(compiled.application, &options))?;
        let serving = Serving::open(place.clone(), instance)?;
        let commands = match Listening::start(&place, serving.clone()) {
            Ok(commands) => commands,
            Err(failure) => {
                serving.close().await;
                return Err(failure);
            }
        };
        let background = tokio::spawn(beside_requests(serving.clone(), commands));
        let stop = background.abort_handle();
        Ok(Backend(Arc::new(Inner { place, serving, outcome, background: Mutex::new(background), stop })))
    }
}

async fn beside_requests(serving: Serving, mut commands: Listening) -> Failure {
    tokio::select! {
        failure = commands.ended() => failure,
        never = maintain(&serving) => match never {},
    }
}

impl Backend {
    /// What opening did to the database.
    pub fn outcome(&self) -> &OpenOutcome {
        &self.0.outcome
    }

    /// Loads the seed files that aren't loaded yet.
    pub async fn seed(&self) -> Result<Seeded, Failure> {
        self.load(false).await
    }

    /// The same; with `show`, reports progress on standard error.
    pub(crate) async fn load(&self, show: bool) -> Result<Seeded, Failure> {
        let served = self.0.serving.served().await;
        let Some(served) = &*served else { return Err(self.0.serving.nothing_served().await) };
        served.instance.seed(show).await
    }

    /// Runs a command of the command line, such as one that adds an account or a key.
    pub async fn run(&self, command: Command) -> Result<Answer, Failure> {
        match &*self.0.serving.served().await {
            Some(served) => served.instance.run(command).await,
            None => Err(self.0.serving.nothing_served().await),
        }
    }

    /// Serves HTTP on this listener until `shutdown`, then finishes the requests that are running. [`Self::close`] comes after
    /// it.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), Failure> {
        let settings = connection_settings(&self.0.place)?;
        let doorway = self.0.serving.doorway().clone();
        tokio::select! {
            served = backstay_http::serve(listener, doorway, settings, shutdown) => served.map_err(Failure::Serve),
            failure = self.failed() => Err(failure),
        }
    }

    /// Completes if what runs beside requests has failed.
    async fn failed(&self) -> Failure {
        let mut background = self.0.background.lock().await;
        if background.is_finished() {
            return Failure::Serve(io::ErrorKind::ConnectionAborted.into());
        }
        (&mut *background).await.unwrap_or_else(|error| Failure::Serve(error.into()))
    }

    /// Answers HTTP requests as a part of another server.
    pub fn service(&self) -> Service {
        Service::new(self.0.serving.doorway().clone())
    }

    /// Calls of anybody who hasn't signed in.
    pub fn anonymous(&self) -> Client {
        Client::new(self.0.serving.clone(), CalledBy::Anybody)
    }

    /// Calls in the name of an account, an operator or a key: its email address, name or id. Its rights are looked up in each
    /// call.
    pub fn acting_as(&self, who: &str) -> Client {
        let Ok(who) = who.parse::<AccountRef>();
        Client::new(self.0.serving.clone(), CalledBy::Named(who))
    }

    /// Calls of whoever has this token of a session, or this key.
    pub fn with_token(&self, token: impl Into<String>) -> Client {
        Client::new(self.0.serving.clone(), CalledBy::Token(Secret::new(token.into())))
    }

    /// Closes the database. Requests and calls that are running are given a second to end; later ones are told that nothing is
    /// served.
    pub async fn close(&self) {
        self.0.stop.abort();
        // While `serve` runs, it holds this, and sees the end itself.
        if let Ok(mut background) = self.0.background.try_lock()
            && !background.is_finished()
        {
            // It was aborted.
            let _ = (&mut *background).await;
        }
        self.0.serving.close().await;
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0.place
    }

    pub(crate) fn serving(&self) -> &Serving {
        &self.0.serving
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.abort();
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("place", &self.0.place).finish_non_exhaustive()
    }
}
