//! Serves an application while it is developed: each version of its files as they are saved.

mod server;
mod terminal;

use std::fmt::Write as _;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::Secret;
use backstay_engine::{Context, Inspector, Migration, OpenOutcome};
use backstay_http::{Development, HttpSettings, ModelProblems};
use backstay_model::Style;
use tokio::task::block_in_place;

use self::server::Server;
use self::terminal::{TypedLines, colour, is_yes, reloaded, say, say_done, say_warning};
use crate::answer::{CHANGED_SEED, Count};
use crate::arguments::Dev;
use crate::check::{problems, shown};
use crate::config::{Log, LogFormat, LogLevel};
use crate::mail::Purpose;
use crate::plan::{Plan, brief};
use crate::seed::placed;
use crate::serve::{listen, reachable, shortened, stop_signal};
use crate::serving::{NotExchanged, Served, Serving, Version, connection_settings};
use crate::socket::Listening;
use crate::watch::{Changes, Watcher};
use crate::{Config, Directory, Failure, Instance, Place, SeedError, Seeded, Skipped, logging, open_files, socket};

/// The operator as whom the link signs in.
const DEVELOPER: &str = "developer@localhost";

/// Takes every step that stored data allow and survive.
const SPARING: Migration = Migration::Apply { allow_data_loss: false };

/// Takes also steps by which stored data are gone.
const LOSING: Migration = Migration::Apply { allow_data_loss: true };

/// What to do where nobody can be asked.
const CONSENT: &str = "to apply this and lose the data, run `backstay migrate apply --allow-data-loss`; `backstay dev --yes` \
                      agrees to every such change from then on\n";

/// How long files stay the same before stored data is lost for them without a question: a file that is being written can
/// look like a model without its last types.
const SETTLED: Duration = Duration::from_secs(1);

/// How long to wait before the next try while requests are running.
const RETRY: Duration = Duration::from_secs(1);

/// Serves an application until SIGINT or SIGTERM, and each change of its files that can be served.
pub(crate) async fn dev(arguments: &Dev) -> Result<ExitCode, Failure> {
    let mut watcher = Watcher::new(Directory::open(arguments.whole.app.path())?);
    let mut stop = pin!(stop_signal()?);
    let place = tokio::select! {
        place = readable(arguments, &mut watcher) => place,
        () = &mut stop => return Ok(ExitCode::SUCCESS),
    };
    logging::start_with(log(&place.config), place.config.log.level);
    open_files::raise_limit()?;
    socket::path(&place)?;
    let listener = listen(arguments.listen.instead_of(place.config.server.listen)).await?;
    let mut developing = Developing::new(place, arguments.yes)?;
    let mut server = None;
    let ended = tokio::select! {
        ended = async {
            let left = developing.begin().await?;
            let server = server.insert(Server::start(listener, &developing.serving, developing.settings.clone())?);
            developing.announce(server.address()).await;
            developing.ask(left);
            tokio::select! {
                followed = developing.follow(&mut watcher, left) => followed,
                failure = server.ended() => Err(failure),
            }
        } => ended,
        () = &mut stop => Ok(()),
    };
    if let Some(server) = server {
        server.stop().await?;
    }
    developing.serving.close().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// The application with its settings, once they can be read.
async fn readable(arguments: &Dev, watcher: &mut Watcher) -> Place {
    loop {
        match Place::find(arguments.whole.app.path(), arguments.whole.data.as_ref()) {
            Ok(place) => {
                return Place { purpose: Purpose::Developing, inspector: Inspector::always(), ..place };
            }
            Err(failure) => logging::tell(&failure.render(colour())),
        }
        say_warning("waiting until this is corrected");
        watcher.changed().await;
    }
}

/// The log, without what the terminal shows anyway.
fn log(config: &Config) -> Log {
    let level = match config.log.level {
        LogLevel::Info => LogLevel::Warn,
        level => level,
    };
    Log { format: LogFormat::Text, level }
}

/// An application that is being developed.
struct Developing {
    /// The application as it was when the server started.
    place: Place,
    /// The same for connections.
    settings: HttpSettings,
    /// Whether stored data may be lost without a question.
    yes: bool,
    typed: TypedLines,
    serving: Serving,
    development: Arc<Development>,
    commands: Option<Listening>,
    /// What has changed since the files were last served.
    changes: Changes,
    /// The warnings that were said last.
    warnings: String,
}

/// What is left to do after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    /// `dev` waits for the developer to say whether stored data may be lost.
    Question,
    /// The developer has said that it may not.
    Declined,
    /// Stored data is lost once the files have settled.
    Settling,
    /// Something was running; try again.
    Again,
}

/// Why the files are not served as they are.
#[derive(Debug)]
enum NotServed {
    Files(Vec<Failure>),
    Exchange(NotExchanged),
}

impl Developing {
    fn new(place: Place, yes: bool) -> Result<Self, Failure> {
        let entropy = backstay_base::Ambient::system().entropy;
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        let mut token = String::new();
        for byte in bytes {
            let _ = write!(token, "{byte:02x}");
        }
        let development = Development::new(Secret::new(token));
        let settings = connection_settings(&place)?;
        let serving = Serving::closed(&settings, Arc::clone(&development), Arc::default());
        Ok(Self {
            place,
            settings,
            yes,
            typed: TypedLines::open()?,
            serving,
            development,
            commands: None,
            changes: Changes::default(),
            warnings: String::new(),
        })
    }

    /// Serves the files as they are at the start. What is wrong with them can be corrected later; if the database can't
    /// be opened for another reason, the program ends.
    async fn begin(&mut self) -> Result<Left, Failure> {
        match self.serve_files(SPARING).await {
            Ok(outcome) => {
                self.welcome().await?;
                if let OpenOutcome::Migrated(steps) = outcome {
                    for step in &steps {
                        say_done(&format!("migrated the database: {}", brief(step)));
                    }
                }
                self.seed(true).await;
                Ok(Left::Nothing)
            }
            Err(NotServed::Exchange(NotExchanged::Failed(failure) | NotExchanged::Lost(failure))) => Err(failure),
            Err(why) => Ok(self.explain(why).await),
        }
    }

    /// Follows the changes of the files. Ends if something fails that no other file could correct.
    async fn follow(&mut self, watcher: &mut Watcher, mut left: Left) -> Result<(), Failure> {
        loop {
            left = tokio::select! {
                changes = watcher.saved() => self.take_up(changes, left).await?,
                line = self.typed.line() => {
                    // A line typed before a question doesn't answer it.
                    if left != Left::Question {
                        left
                    } else if is_yes(&line) {
                        self.reload(LOSING).await?
                    } else {
                        say_warning(&format!("not applied; {}; save a model file to be asked again", self.state().await));
                        Left::Declined
                    }
                }
                () = tokio::time::sleep(SETTLED), if left == Left::Settling => {
                    if watcher.is_behind() { left } else { self.reload(LOSING).await? }
                }
                () = tokio::time::sleep(RETRY), if left == Left::Again => self.reload(SPARING).await?,
                failure = ended(&mut self.commands) => return Err(failure),
            };
        }
    }

    /// Serves what has changed. Files that are saved as they were ask again a question that was answered with no.
    async fn take_up(&mut self, changes: Changes, left: Left) -> Result<Left, Failure> {
        self.changes = self.changes.and(changes);
        if changes.model
            || changes.functions
            || changes.mail
            || changes.settings
            || changes == Changes::default() && left == Left::Declined
        {
            return self.reload(SPARING).await;
        }
        if changes.seeds {
            self.seed(true).await;
            self.changes.seeds = false;
        }
        Ok(left)
    }

    /// Serves the files as they are now.
    async fn reload(&mut self, migration: Migration) -> Result<Left, Failure> {
        let started = Instant::now();
        match self.serve_files(migration).await {
            Ok(outcome) => {
                let took = started.elapsed();
                self.welcome().await?;
                let changes = std::mem::take(&mut self.changes);
                say_done(&reloaded(changes, &outcome, took));
                self.seed(changes.seeds).await;
                Ok(Left::Nothing)
            }
            Err(why) => {
                let left = self.explain(why).await;
                self.ask(left);
                Ok(left)
            }
        }
    }

    /// Asks what is left for the developer to decide.
    fn ask(&mut self, left: Left) {
        if left == Left::Question {
            self.typed.ask("Apply this and lose the data? [y/N]");
        }
    }

    /// Serves the files as they are now, if nothing is wrong with them.
    async fn serve_files(&mut self, migration: Migration) -> Result<OpenOutcome, NotServed> {
        let (version, warnings) = block_in_place(|| Version::read(&self.place)).map_err(NotServed::Files)?;
        let style = if colour() { Style::Colour } else { Style::Plain };
        self.warn(format!("{}{}", version.config().warnings.render(colour()), warnings.render(style)));
        self.name_restarts(version.config());
        self.serving.exchange(version, migration).await.map_err(NotServed::Exchange)
    }

    /// Says warnings, unless they are the same as before.
    fn warn(&mut self, warnings: String) {
        if warnings != self.warnings {
            logging::tell(&warnings);
            self.warnings = warnings;
        }
    }

    /// Says which changed settings don't apply yet.
    fn name_restarts(&self, config: &Config) {
        let waiting = self.place.config.awaiting_restart(config);
        if self.changes.settings && !waiting.is_empty() {
            say_warning(&format!("restart `backstay dev` to apply {}", waiting.join(", ")));
        }
    }

    /// The files are what is served: takes commands and lets the developer in.
    async fn welcome(&mut self) -> Result<(), Failure> {
        if self.commands.is_none() {
            self.commands = Some(Listening::start(&self.place, self.serving.clone())?);
        }
        let served = self.serving.served().await;
        match &*served {
            Some(served) => sign_in(&self.development, &served.instance).await,
            None => Ok(()),
        }
    }

    /// Loads seed files that are not loaded yet; with `tell`, names those whose changes aren't loaded. One that doesn't
    /// fit the model keeps nothing from being served.
    async fn seed(&self, tell: bool) {
        let served = self.serving.served().await;
        let Some(Served { instance, .. }) = &*served else { return };
        match instance.seed(true).await {
            Ok(seeded) => say_seeded(&seeded, tell),
            // The files may have the type.
            Err(Failure::Seed(SeedError::Type { file, .. } | SeedError::NotOfPack { file, .. }))
                if self.development.is_stale() =>
            {
                let file = placed(&file);
                say_warning(&format!(
                    "{file}: the model in use has no type of that name; the file is loaded once a model that has one \
                     is in use"
                ));
            }
            Err(failure) => logging::tell(&failure.render(colour())),
        }
    }

    /// Says why the files are not served, here and to everyone who asks the server.
    async fn explain(&mut self, why: NotServed) -> Left {
        let root = self.place.directory.root();
        let loses = match &why {
            NotServed::Exchange(NotExchanged::Migration(plan)) if plan.blocked() == 0 => {
                Some(plan.forbidden()).filter(|forbidden| *forbidden > 0)
            }
            NotServed::Exchange(_) | NotServed::Files(_) => None,
        };
        let (found, text, left) = match why {
            NotServed::Exchange(NotExchanged::Occupied) => {
                say_warning("waiting for requests that are running");
                return Left::Again;
            }
            NotServed::Exchange(NotExchanged::Migration(plan)) => self.explain_plan(&plan),
            NotServed::Files(failures) => {
                let failures: Vec<&Failure> = failures.iter().collect();
                let text = failures.iter().map(|failure| failure.render(colour())).collect();
                (problems(&failures, root), text, Left::Nothing)
            }
            NotServed::Exchange(NotExchanged::Failed(failure) | NotExchanged::Lost(failure)) => {
                (problems(&[&failure], root), failure.render(colour()), Left::Nothing)
            }
        };
        let what = match loses {
            // Nothing is wrong with the model.
            Some(1) => "1 step would lose data".to_owned(),
            Some(steps) => format!("{steps} steps would lose data"),
            None => Count(found.diagnostics.len() as u64, "error").to_string(),
        };
        let found = Arc::new(found);
        self.development.set_problems(Some(Arc::clone(&found)));
        self.serving.explain(found).await;
        logging::tell(&text);
        say_warning(&format!("{what}; {}", self.state().await));
        left
    }

    /// What is served while the files aren't.
    async fn state(&self) -> &'static str {
        match *self.serving.served().await {
            Some(_) => "the last good model stays in use",
            None => "nothing is served until this is corrected",
        }
    }

    /// Why a migration is not applied, and whether it will be.
    fn explain_plan(&self, plan: &Plan) -> (ModelProblems, String, Left) {
        let text = plan.outline().to_string();
        let found = ModelProblems { diagnostics: plan.diagnostics().iter().map(shown).collect(), text: text.clone() };
        let (left, words) = match plan.blocked() {
            0 if self.yes => (Left::Settling, "this loses data and will be applied, as --yes says\n"),
            0 if self.typed.can_ask() => (Left::Question, ""),
            0 => (Left::Nothing, CONSENT),
            _ => (Left::Nothing, ""),
        };
        (found, text + words, left)
    }

    /// Says what is served, and where.
    async fn announce(&self, address: SocketAddr) {
        let url = match reachable(address) {
            // As docs and templates have it: a browser keeps cookies by name.
            SocketAddr::V4(address) if *address.ip() == Ipv4Addr::LOCALHOST => {
                format!("http://localhost:{}", address.port())
            }
            address => format!("http://{address}"),
        };
        let served = self.serving.served().await;
        let model = served.as_ref().map(|served| Arc::clone(served.instance.engine.model()));
        let name = model.as_ref().map_or("Backstay", |model| &model.name);
        let mut text = format!("\n  {}\n\n", console::style(name).for_stderr().bold());
        let mut line = |label: &str, words: &str| {
            let _ = writeln!(text, "  {} {words}", console::style(format!("{label:<9}")).for_stderr().dim());
        };
        line("address", &url);
        line("sign in", &format!("{url}{}", self.development.link()));
        line("data", &self.place.database.to_string());
        if let Some(model) = &model {
            let collections = model.collections.iter().filter(|one| !one.system);
            line("API", &shortened(&collections.map(|one| model.api.path_of(&one.path)).collect::<Vec<_>>()));
        }
        line("watching", "model/, functions/, mail/, seed/, backstay.toml");
        line("stop", "Ctrl-C");
        say(&text);
    }
}

/// Lets the link sign the developer in, into the session that there is or, if it has ended, into a new one.
async fn sign_in(development: &Development, instance: &Instance) -> Result<(), Failure> {
    if let Some(token) = development.session()
        && instance.identity.authenticate(&token).await.is_ok()
    {
        return Ok(());
    }
    let cx = Context::system(&instance.engine);
    let administration = instance.identity.administration(&cx)?;
    let session = administration.begin_operator_session(DEVELOPER).await?;
    development.sign_in(DEVELOPER.to_owned(), session);
    Ok(())
}

/// Completes if commands are no longer taken.
async fn ended(commands: &mut Option<Listening>) -> Failure {
    match commands {
        Some(commands) => commands.ended().await,
        None => pending().await,
    }
}

fn say_seeded(seeded: &Seeded, tell: bool) {
    if seeded.records > 0 {
        say_done(&format!("{} loaded from seed files", Count(seeded.records, "record")));
    }
    for Skipped { file, lines, first, why } in &seeded.skipped {
        let (file, lines) = (placed(file), Count(*lines, "line"));
        say_warning(&format!("{file}: {lines} skipped because records exist (first line {first}: {why})"));
    }
    for file in seeded.changed.iter().filter(|_| tell) {
        let file = placed(file);
        say_warning(&format!("{file} has changed since it was loaded; the changes were not loaded: {CHANGED_SEED}"));
    }
}
