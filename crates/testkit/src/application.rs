use std::path::Path;

use backstay_base::{Ambient, Secret};
use backstay_engine::{Application, Engine, Location, OpenOptions, Sizes};
use backstay_model::{ApiPrefix, Diagnostics, Loaded, SourceFile, load, load_at};
use tempfile::TempDir;

use crate::{Cluster, TestClient};

/// An application with a database of its own in a temporary directory, which is removed with it.
#[derive(Debug)]
pub struct TestApplication {
    /// Its engine.
    pub engine: Engine,
    directory: TempDir,
    location: Location,
}

/// Which database test applications are on: SQLite, or PostgreSQL if the environment says
/// `BACKSTAY_TEST_DATABASE=postgres`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestDatabase {
    /// A file in a directory of its own.
    Sqlite,
    /// A schema of its own on the server that all tests of the process share.
    Postgres,
}

impl TestDatabase {
    /// What the environment says.
    ///
    /// # Panics
    /// If it says something else.
    #[expect(clippy::panic, reason = "tests on another database than was meant would tell nothing")]
    pub fn chosen() -> Self {
        match std::env::var("BACKSTAY_TEST_DATABASE").as_deref() {
            Err(_) | Ok("sqlite") => Self::Sqlite,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("BACKSTAY_TEST_DATABASE is sqlite or postgres, not {other}"),
        }
    }
}

impl TestApplication {
    /// Opens the application that these model files describe; they include those of the system model.
    pub fn open(files: Vec<SourceFile>, ambient: Ambient) -> Self {
        Self::open_with(files, ambient, Sizes::default())
    }

    /// The same, with values of these sizes.
    pub fn open_with(files: Vec<SourceFile>, ambient: Ambient, sizes: Sizes) -> Self {
        Self::opened(Self::place(), files, ambient, sizes)
    }

    /// A database of its own, and a directory.
    fn place() -> (TempDir, Location) {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let location = match TestDatabase::chosen() {
            TestDatabase::Sqlite => Location::from(directory.path()),
            TestDatabase::Postgres => Location::Url(Secret::new(Cluster::shared().schema())),
        };
        (directory, location)
    }

    /// The application with the records below this path.
    pub fn open_below(api: &ApiPrefix, files: Vec<SourceFile>) -> Self {
        let (directory, location) = Self::place();
        let engine = Self::engine_of(location.clone(), load_at(files, api), Ambient::system(), Sizes::default());
        Self { engine, directory, location }
    }

    /// Opens the application on the PostgreSQL database at this address.
    pub fn open_at(address: String, files: Vec<SourceFile>, ambient: Ambient) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        Self::opened((directory, Location::Url(Secret::new(address))), files, ambient, Sizes::default())
    }

    fn opened(
        (directory, location): (TempDir, Location),
        files: Vec<SourceFile>,
        ambient: Ambient,
        sizes: Sizes,
    ) -> Self {
        let engine = Self::engine_at(location.clone(), files, ambient, sizes);
        Self { engine, directory, location }
    }

    /// Closes the database and opens it again, as after a restart. Other clones of the engine must have been dropped.
    #[must_use]
    pub fn restart(self, files: Vec<SourceFile>, ambient: Ambient) -> Self {
        self.restart_with(files, ambient, Sizes::default())
    }

    /// The same, with values of these sizes.
    #[must_use]
    pub fn restart_with(self, files: Vec<SourceFile>, ambient: Ambient, sizes: Sizes) -> Self {
        let Self { engine, directory, location } = self;
        engine.close();
        drop(engine);
        let engine = Self::engine_at(location.clone(), files, ambient, sizes);
        Self { engine, directory, location }
    }

    /// Closes the database, whose files stay as long as the directory. Other clones of the engine must have been dropped.
    pub fn into_directory(self) -> TempDir {
        let Self { engine, directory, location: _ } = self;
        engine.close();
        directory
    }

    /// Asks this application in the notation of REST.
    pub fn client(&self) -> TestClient {
        TestClient::new(&self.engine)
    }

    /// Where its files are, if it has some.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn engine_at(location: Location, files: Vec<SourceFile>, ambient: Ambient, sizes: Sizes) -> Engine {
        Self::engine_of(location, load(files), ambient, sizes)
    }

    #[expect(clippy::panic, reason = "a test with a model that does not load has failed, and is to show why")]
    fn engine_of(location: Location, loaded: Result<Loaded, Diagnostics>, ambient: Ambient, sizes: Sizes) -> Engine {
        let loaded = loaded.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let application = Application::compile(loaded.model);
        let application = application.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let application = application.with_sizes(sizes);
        let (engine, _) = Engine::open(application, &OpenOptions::new(location), ambient).expect("the database opens");
        engine
    }
}
