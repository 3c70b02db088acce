use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::Ambient;
use backstay_engine::{Application, Migration, OpenError, OpenOptions, OpenOutcome};
use backstay_http::{Development, Doorway, HttpSettings, ModelProblems, Pause, Services};
use backstay_jobs::Workers;
use backstay_model::{ApiPrefix, Diagnostics, SourceMap};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::application::{compile_model, load_whole};
use crate::check::{Checked, check, problems};
use crate::doors::http_settings;
use crate::plan::Plan;
use crate::{Config, Failure, Instance, Place, logging, open_files};

/// How long an exchange lets new commands and requests wait for those that are running, before it lets them pass and tries
/// again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How often it tries.
const TRIES: usize = 5;
/// How long the end of a server waits for what runs jobs to stop.
const RELEASE: Duration = Duration::from_secs(1);
/// How often a server looks whether its model is the database's again.
const OUTDATED: Duration = Duration::from_secs(5);

/// The application that a server serves, for requests and for commands. It can be exchanged for its next version while
/// the server runs. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Serving(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    doorway: Doorway,
    /// Each command reads it until it is done; an exchange writes.
    served: RwLock<Option<Served>>,
    /// The application of a server whose model isn't the database's any more.
    outdated: RwLock<Option<Place>>,
    /// Held as long as jobs are run.
    workers: Mutex<Option<Workers>>,
    development: Option<Arc<Development>>,
}

/// An open application, and how it is served.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) instance: Instance,
    pub(crate) place: Place,
    settings: HttpSettings,
}

/// A version of the application that can be opened.
#[derive(Debug)]
pub(crate) struct Version {
    place: Place,
    settings: HttpSettings,
    application: Application,
}

/// A version that was served, and how to open it again.
#[derive(Debug, Clone)]
struct Before {
    place: Place,
    settings: HttpSettings,
    sources: Arc<SourceMap>,
    /// Below which path its records were.
    api: ApiPrefix,
}

/// Why another version is not served.
#[derive(Debug)]
pub(crate) enum NotExchanged {
    /// A command or a request was still running. The version before is served.
    Occupied,
    /// Stored data stand in the way, or would be lost. The version before is served.
    Migration(Plan),
    /// It can't be opened. The version before is served.
    Failed(Failure),
    /// It can't be opened, and the version before can't be opened any more either. Nothing is served.
    Lost(Failure),
}

impl Version {
    /// The application in the place as its files are now, with warnings about its model, or all that is wrong with it.
    /// Seed files don't matter yet.
    pub(crate) fn read(place: &Place) -> Result<(Self, Diagnostics), Vec<Failure>> {
        let Checked { config, compiled, program, templates, failures } = check(place.directory.root());
        let failures: Vec<Failure> =
            failures.into_iter().filter(|failure| !matches!(failure, Failure::Seed(_))).collect();
        let whole = (config, compiled, program, templates);
        let ((Some(config), Some(compiled), Some(program), Some(templates)), true) = (whole, failures.is_empty())
        else {
            return Err(failures);
        };
        let procedures =
            place.procedures.clone().with((program, &templates), (&place.directory, &place.purpose), &config);
        let procedures = procedures.map_err(|failure| vec![failure])?;
        let place = Place { config, procedures, templates, ..place.clone() };
        let settings = connection_settings(&place).map_err(|failure| vec![failure])?;
        let warnings = compiled.warnings();
        Ok((Self { place, settings, application: compiled.application }, warnings))
    }

    /// Its settings.
    pub(crate) fn config(&self) -> &Config {
        &self.place.config
    }

    /// Opens it, if its migration is allowed. Blocks.
    fn open(self, migration: Migration) -> Result<(Served, OpenOutcome), NotExchanged> {
        let Self { place, settings, application } = self;
        place.require_all(&application).map_err(NotExchanged::Failed)?;
        let options = OpenOptions { migration, ..place.serving_options(|words| die(words)) };
        match place.open(application, &options) {
            Ok((instance, outcome)) => Ok((Served { instance, place, settings }, outcome)),
            Err(Failure::Open(OpenError::Migration { steps })) => {
                let allow_data_loss = migration == Migration::Apply { allow_data_loss: true };
                Err(NotExchanged::Migration(Plan { steps, allow_data_loss }))
            }
            Err(failure) => Err(NotExchanged::Failed(failure)),
        }
    }
}

impl Served {
    fn services(&self, development: Option<&Arc<Development>>) -> Services {
        let Instance { engine, identity, .. } = self.instance.clone();
        Services {
            engine,
            identity,
            settings: HttpSettings { development: development.cloned(), ..self.settings.clone() },
        }
    }

    /// Closes the database. Blocks.
    fn close(self) -> Before {
        let Self { instance, place, settings } = self;
        let model = instance.engine.model();
        let (sources, api) = (Arc::clone(&model.sources), model.api.clone());
        instance.engine.close();
        Before { place, settings, sources, api }
    }
}

impl Before {
    /// Opens the same again. Blocks.
    fn open(self) -> Result<Served, Failure> {
        let Self { place, settings, sources, api } = self;
        let files = sources.files.iter().filter(|file| !file.system).cloned().collect();
        let compiled = compile_model(load_whole(files, &api)?)?;
        let options = OpenOptions { migration: Migration::Refuse, ..place.serving_options(|words| die(words)) };
        let (instance, _) = place.open(compiled.application, &options)?;
        Ok(Served { instance, place, settings })
    }
}

impl Serving {
    /// Serves this open application.
    pub(crate) fn open(place: Place, instance: Instance) -> Result<Self, Failure> {
        let served = Served { settings: connection_settings(&place)?, instance, place };
        let doorway = Doorway::open(served.services(None));
        Ok(Self(Arc::new(Inner {
            doorway,
            served: RwLock::new(Some(served)),
            outdated: RwLock::default(),
            workers: Mutex::default(),
            development: None,
        })))
    }

    /// Serves nothing yet, to somebody who develops an application.
    pub(crate) fn closed(settings: &HttpSettings, development: Arc<Development>, why: Arc<ModelProblems>) -> Self {
        let doorway = Doorway::closed(settings, Ambient::system(), why);
        Self(Arc::new(Inner {
            doorway,
            served: RwLock::new(None),
            outdated: RwLock::default(),
            workers: Mutex::default(),
            development: Some(development),
        }))
    }

    /// Where requests come in.
    pub(crate) fn doorway(&self) -> &Doorway {
        &self.0.doorway
    }

    /// What is served as long as this is held. An exchange waits for it.
    pub(crate) async fn served(&self) -> RwLockReadGuard<'_, Option<Served>> {
        self.0.served.read().await
    }

    /// The application that it serves, or would serve if its model were the database's.
    pub(crate) async fn place(&self) -> Result<Place, Failure> {
        if let Some(served) = &*self.served().await {
            return Ok(served.place.clone());
        }
        self.0.outdated.read().await.clone().ok_or(Failure::NothingServed)
    }

    /// Why it serves nothing.
    pub(crate) async fn nothing_served(&self) -> Failure {
        match &*self.0.outdated.read().await {
            Some(place) => Failure::OutdatedServer { database: place.database.to_string() },
            None => Failure::NothingServed,
        }
    }

    /// Serves another version. Meanwhile requests and commands wait; connections and sessions survive. If that version
    /// can't be opened, the one before is opened again.
    pub(crate) async fn exchange(&self, next: Version, migration: Migration) -> Result<OpenOutcome, NotExchanged> {
        let (mut served, mut pause) = self.idle().await.ok_or(NotExchanged::Occupied)?;
        // The database can be open only once, even for a look at its model: ending that would end the locks of this
        // process on its file. So every use of it ends first.
        let before = served.take().map(|served| {
            pause.close(Arc::default());
            block_in_place(|| served.close())
        });
        let development = self.0.development.as_ref();
        let failed = match block_in_place(|| next.open(migration)) {
            Ok((opened, outcome)) => {
                pause.open(opened.services(development));
                *served = Some(opened);
                *self.0.outdated.write().await = None;
                if let Some(development) = development {
                    development.set_problems(None);
                }
                return Ok(outcome);
            }
            Err(failed) => failed,
        };
        match before.map(|before| block_in_place(|| before.open())) {
            Some(Ok(opened)) => {
                pause.open(opened.services(development));
                *served = Some(opened);
                Err(failed)
            }
            Some(Err(lost)) => {
                pause.close(Arc::new(problems(&[&lost], Path::new(""))));
                Err(NotExchanged::Lost(lost))
            }
            None => Err(failed),
        }
    }

    /// Closes the database if another server wants to change its model, and goes on when that is done. If this server's model isn't
    /// the database's any more, nothing is served until it is again.
    pub(crate) async fn give_way(&self) {
        let must_yield = |served: &Served| served.instance.engine.must_yield();
        if !self.served().await.as_ref().is_some_and(must_yield) {
            return;
        }
        let Some((mut served, mut pause)) = self.idle().await else { return };
        let Some(before) = served.take().map(|served| {
            pause.close(Arc::default());
            block_in_place(|| served.close())
        }) else {
            return;
        };
        tracing::info!("another server changes the model of the database; requests wait");
        let mut told = false;
        loop {
            let why = match block_in_place(|| before.clone().open()) {
                Ok(opened) => {
                    pause.open(opened.services(self.0.development.as_ref()));
                    *served = Some(opened);
                    *self.0.outdated.write().await = None;
                    tracing::info!("serving again");
                    return;
                }
                Err(failure) => failure,
            };
            if !std::mem::replace(&mut told, true) {
                why.log();
            }
            pause.close_as_outdated();
            *self.0.outdated.write().await = Some(before.place.clone());
            drop((served, pause));
            tokio::time::sleep(OUTDATED).await;
            (served, pause) = loop {
                if let Some(idle) = self.idle().await {
                    break idle;
                }
            };
            if served.is_some() {
                // `migrate apply` has given it another model meanwhile.
                return;
            }
        }
    }

    /// Waits until no command and no request is running; new ones wait until what this returns is dropped.
    async fn idle(&self) -> Option<(RwLockWriteGuard<'_, Option<Served>>, Pause<'_>)> {
        for _ in 0..TRIES {
            let idle = self.idle_soon().await;
            if idle.is_some() {
                return idle;
            }
            tokio::time::sleep(ANSWER_TIMEOUT).await;
        }
        None
    }

    /// The same, once.
    async fn idle_soon(&self) -> Option<(RwLockWriteGuard<'_, Option<Served>>, Pause<'_>)> {
        let served = timeout(ANSWER_TIMEOUT, self.0.served.write()).await.ok()?;
        Some((served, self.0.doorway.pause(ANSWER_TIMEOUT).await?))
    }

    /// Says what keeps anything from being served, if nothing is.
    pub(crate) async fn explain(&self, why: Arc<ModelProblems>) {
        if self.served().await.is_none()
            && let Some(mut pause) = self.0.doorway.pause(ANSWER_TIMEOUT).await
        {
            pause.close(why);
        }
    }

    /// What runs the jobs of this server.
    pub(crate) fn workers(&self) -> &Mutex<Option<Workers>> {
        &self.0.workers
    }

    /// Gives back the jobs that run here, for another server or the next start.
    async fn release_jobs(&self) {
        // What runs jobs was stopped before, and has left the workers.
        let Ok(mut workers) = timeout(RELEASE, self.0.workers.lock()).await else { return };
        let Some(mut workers) = workers.take() else { return };
        let Some(served) = &*self.served().await else { return };
        if let Err(error) = workers.release(&served.instance.jobs).await {
            tracing::warn!(%error, "the jobs that run can't be given back; they are due again within a minute");
        }
    }

    /// Ends what is under way and closes the database. From then on nothing is served.
    pub(crate) async fn close(&self) {
        self.release_jobs().await;
        match self.idle_soon().await {
            Some((mut served, mut pause)) => {
                pause.close(Arc::default());
                if let Some(served) = served.take() {
                    block_in_place(|| served.close());
                }
            }
            None => {
                if let Some(served) = &*self.served().await {
                    block_in_place(|| served.instance.engine.close());
                }
            }
        }
    }
}

/// The settings of the HTTP server, with no more connections than files may be open.
pub(crate) fn connection_settings(place: &Place) -> Result<HttpSettings, Failure> {
    let settings = http_settings(&place.config)?;
    let inbox_secrets = place.config.secrets.read(place.directory.root())?;
    Ok(HttpSettings { connections: open_files::connections(settings.connections), inbox_secrets, ..settings })
}

/// Ends the process after a disk error, before it can acknowledge something that is not stored.
pub(crate) fn die(words: &str) -> ! {
    tracing::error!(error = words, "the database failed; stopping at once");
    logging::abort();
}
