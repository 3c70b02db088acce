use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_base::{Ambient, Secret, with_causes};
use backstay_engine::{
    Application, Engine, Inspector, Location, OpenError, OpenOptions, OpenOutcome, ServerProblem, Sizes, Step, Stored,
};
use backstay_identity::{HashingCost, Identity, Settings};
use backstay_jobs::{Jobs, Webhooks};
use backstay_mail::Templates;
use backstay_rest::Reader;
use backstay_rest::transact::SingleRequests;

use crate::accounts::Accounts as SignIn;
use crate::config::{Accounts, SignUp};
use crate::mail::{Mails, Purpose};
use crate::procedures::Registered;
use crate::seed::Seeder;
use crate::webhooks::webhooks;
use crate::{Config, Data, Directory, Failure, jobs, mail, open_files};

/// An application with its settings and data directory, before it is opened.
#[derive(Debug, Clone)]
pub struct Place {
    /// The application.
    pub directory: Directory,
    /// The settings.
    pub config: Config,
    /// The data directory.
    pub data: PathBuf,
    /// Where the database is: in the data directory, or on a server.
    pub database: Location,
    /// The pooler before that server.
    pub(crate) pooler: Option<Secret>,
    /// The standbys of that server that answer reads.
    pub(crate) replicas: Vec<Secret>,
    /// What carries out the actions of the model.
    pub(crate) procedures: Registered,
    /// What mail is made of.
    pub(crate) templates: Arc<Templates>,
    /// What the application is opened for.
    pub(crate) purpose: Purpose,
    /// What keeps what is done, in each version that is served.
    pub(crate) inspector: Inspector,
}

/// An open application: what commands and the server work with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Runs every request.
    pub engine: Engine,
    /// Knows who is calling.
    pub identity: Identity,
    /// Work that is done after commits.
    pub jobs: Jobs,
    /// Tells other servers what has changed.
    pub webhooks: Webhooks,
    /// Signs people in for functions.
    pub(crate) accounts: Arc<SignIn>,
    pub(crate) seeder: Seeder,
    /// Reads the texts in calls without HTTP.
    pub(crate) reader: Arc<Reader>,
    pub(crate) directory: Directory,
    /// Who may sign up.
    pub(crate) sign_up: SignUp,
}

impl Place {
    /// Reads the settings of the application in a directory. `data` overrides where they say that the database is.
    pub fn find(app: &Path, data: Option<&Location>) -> Result<Self, Failure> {
        let directory = Directory::open(app)?;
        let config = directory.settings()?;
        if let Some(error) = directory.misnamed().into_iter().next() {
            return Err(error.into());
        }
        let configured = || directory.root().join(&config.data.dir);
        let server = |url: &Secret| with_password(url, directory.root(), &config.data);
        let data_is_configured = data.is_none();
        let (data, database) = match (data, &config.data.url) {
            (Some(Location::Directory(data)), _) => (data.clone(), Location::Directory(data.clone())),
            (Some(Location::Url(url)), _) | (None, Some(url)) => (configured(), Location::Url(server(url)?)),
            (None, None) => (configured(), Location::Directory(configured())),
        };
        let pooler = match (&database, &config.data.pooler) {
            (Location::Url(_), Some(pooler)) => Some(server(pooler)?),
            (Location::Directory(_), Some(_)) if data_is_configured => return Err(Failure::PoolerAlone),
            (Location::Directory(_), _) | (_, None) => None,
        };
        let replicas = match &database {
            Location::Url(_) => config.data.replicas.iter().map(server).collect::<Result<_, _>>()?,
            Location::Directory(_) if data_is_configured && !config.data.replicas.is_empty() => {
                return Err(Failure::ReplicasAlone);
            }
            Location::Directory(_) => Vec::new(),
        };
        let (procedures, templates, purpose) = (Registered::default(), Arc::new(Templates::none()), Purpose::default());
        let inspector = Inspector::default();
        Ok(Self { directory, config, data, database, pooler, replicas, procedures, templates, purpose, inspector })
    }

    /// Refuses an application whose actions nothing carries out, whose mail goes nowhere, or whose inboxes have no secrets.
    pub(crate) fn require_all(&self, application: &Application) -> Result<(), Failure> {
        self.procedures.require_all(application)?;
        mail::require_server(self)?;
        let inboxes = application.model().actions.iter().filter_map(|action| action.route.as_ref()?.inbox.as_ref());
        let missing: BTreeSet<&str> =
            inboxes.map(|inbox| inbox.secret.as_str()).filter(|name| !self.config.secrets.has(name)).collect();
        let missing: Vec<String> = missing.into_iter().map(str::to_owned).collect();
        if missing.is_empty() { Ok(()) } else { Err(Failure::InboxSecrets { missing }) }
    }

    /// How large values may be.
    pub(crate) fn sizes(&self) -> Sizes {
        let limits = &self.config.limits;
        Sizes { text_bytes: limits.text_bytes, json_bytes: limits.json_bytes }
    }

    /// Fails if there is no database yet.
    pub(crate) fn require_database(&self) -> Result<(), Failure> {
        match Engine::database_exists(&self.options(|_| ())).map_err(|error| self.why(error))? {
            true => Ok(()),
            false => Err(Failure::NoDatabase { place: self.database.clone() }),
        }
    }

    /// Fails if the data directory is a symbolic link: what it leads to may belong to something else.
    pub(crate) fn refuse_linked_data(&self) -> Result<(), Failure> {
        let Location::Directory(_) = &self.database else { return Ok(()) };
        // With a slash at its end, the path would be that of what the link leads to.
        let path: PathBuf = self.data.components().collect();
        match path.read_link() {
            Ok(target) => Err(Failure::LinkedData { path, target }),
            Err(_) => Ok(()),
        }
    }

    /// What the database holds, whatever model it was opened with; `None` if there is none.
    pub(crate) fn stored(&self) -> Result<Option<Stored>, Failure> {
        Engine::stored(&self.options(|_| ())).map_err(|error| self.why(error))
    }

    /// Deletes the database, and nothing else in the data directory.
    pub(crate) fn delete_database(&self) -> Result<(), Failure> {
        Engine::delete_database(&self.options(|_| ())).map_err(|error| match error {
            OpenError::Locked { .. } | OpenError::Server { problem: ServerProblem::InUse, .. } => {
                Failure::ServerRuns { place: self.database.clone(), what: "reset" }
            }
            error => self.why(error),
        })
    }

    /// How to open the database. `on_fatal` is called with a message after a disk error; the process must then end.
    pub fn options(&self, on_fatal: impl Fn(&str) + Send + Sync + 'static) -> OpenOptions {
        OpenOptions {
            on_fatal: Arc::new(move |error| on_fatal(&with_causes(error))),
            connections: self.config.data.pool_size,
            pooler: self.pooler.clone(),
            ..OpenOptions::new(self.database.clone())
        }
    }

    /// The same for a server, some of whose reads replicas answer.
    pub(crate) fn serving_options(&self, on_fatal: impl Fn(&str) + Send + Sync + 'static) -> OpenOptions {
        OpenOptions { replicas: self.replicas.clone(), ..self.options(on_fatal) }
    }

    /// The steps from the stored model to this one. Changes nothing.
    pub(crate) fn plan(&self, application: &Application) -> Result<Vec<Step>, Failure> {
        open_files::raise_limit()?;
        Engine::plan_migration(application, &self.options(|_| ()), &Ambient::system()).map_err(|error| self.why(error))
    }

    /// Opens the database, creating or migrating it as the options say.
    pub fn open(&self, application: Application, options: &OpenOptions) -> Result<(Instance, OpenOutcome), Failure> {
        self.open_at(application, options, Ambient::system())
    }

    /// The same with this clock and this randomness.
    pub(crate) fn open_at(
        &self,
        application: Application,
        options: &OpenOptions,
        ambient: Ambient,
    ) -> Result<(Instance, OpenOutcome), Failure> {
        open_files::raise_limit()?;
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&self.data);
        made.map_err(|source| Failure::Data { path: self.data.clone(), source })?;
        let opened = Engine::open(application.with_sizes(self.sizes()), options, ambient);
        let (engine, outcome) = opened.map_err(|error| self.why(error))?;
        engine.set_procedures(Arc::new(self.procedures.clone()));
        engine.set_inspector(self.inspector.clone());
        let identity = Identity::new(engine.clone(), settings(&self.config.accounts))?;
        let seeder = Seeder::new(engine.clone(), identity.clone())?;
        let (directory, sign_up) = (self.directory.clone(), self.config.accounts.sign_up);
        let reader = Arc::new(Reader::new(&engine));
        engine.set_hooks(Arc::new(self.procedures.clone()), Arc::new(SingleRequests::new(Arc::clone(&reader))));
        let mails = Mails::of(self, (&engine, &identity), &reader)?;
        let jobs = jobs::jobs((&engine, &identity), &reader, mails)?;
        let webhooks = webhooks((&engine, &identity), &reader, &self.config.egress)?;
        let accounts = Arc::new(SignIn { engine: engine.clone(), identity: identity.clone() });
        let instance = Instance { engine, identity, jobs, webhooks, accounts, seeder, reader, directory, sign_up };
        self.procedures.set_accounts(&instance.accounts);
        Ok((instance, outcome))
    }

    /// Why the database could not be opened.
    fn why(&self, error: OpenError) -> Failure {
        match error {
            OpenError::Unwritable { path, source } => match source.kind() {
                ErrorKind::PermissionDenied | ErrorKind::IsADirectory => Failure::Unwritable { path, source },
                _ => Failure::Unwritable { path: self.data.clone(), source },
            },
            error @ OpenError::Store(_) => Failure::Database { place: self.database.clone(), source: error },
            error => error.into(),
        }
    }
}

/// The address of a database server with the password of the settings' file.
fn with_password(url: &Secret, root: &Path, data: &Data) -> Result<Secret, Failure> {
    let Some(file) = &data.password_file else { return Ok(url.clone()) };
    let path = root.join(file);
    let text = fs::read_to_string(&path).map(Secret::new).map_err(|source| Failure::Password { path, source })?;
    let password = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    let password = password.strip_suffix('\r').unwrap_or(password);
    let mut whole = format!("{}{}password=", url.expose(), if url.expose().contains('?') { '&' } else { '?' });
    for byte in password.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => whole.push(char::from(byte)),
            byte => {
                let _ = write!(whole, "%{byte:02X}");
            }
        }
    }
    Ok(Secret::new(whole))
}

/// The environment variables.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

fn settings(accounts: &Accounts) -> Settings {
    Settings {
        sign_up: match accounts.sign_up {
            SignUp::Open => backstay_identity::SignUp::Open,
            SignUp::Invited => backstay_identity::SignUp::Invited,
            SignUp::Closed => backstay_identity::SignUp::Closed,
        },
        session_days: accounts.session_days,
        password_min: accounts.password_min,
        attempts_per_account: accounts.attempts_per_account,
        attempts_per_address: accounts.attempts_per_address,
        sign_ups_per_address: accounts.sign_ups_per_address,
        attempt_minutes: accounts.attempt_minutes,
        hashing: HashingCost::default(),
    }
}
