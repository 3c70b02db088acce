use std::path::Path;

use backstay_base::Ambient;
use backstay_engine::{Application, Engine, OpenOptions, Sizes};
use backstay_model::SourceFile;
use tempfile::TempDir;

use crate::TestClient;

/// An application with a database of its own in a temporary directory, which is removed with it.
#[derive(Debug)]
pub struct TestApplication {
    /// Its engine.
    pub engine: Engine,
    directory: TempDir,
}

impl TestApplication {
    /// Opens the application that these model files describe; they include those of the system model.
    pub fn open(files: Vec<SourceFile>, ambient: Ambient) -> Self {
        Self::open_with(files, ambient, Sizes::default())
    }

    /// The same, with values of these sizes.
    pub fn open_with(files: Vec<SourceFile>, ambient: Ambient, sizes: Sizes) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let engine = Self::engine_in(directory.path(), files, ambient, sizes);
        Self { engine, directory }
    }

    /// Closes the database and opens it again, as after a restart. Other clones of the engine must have been dropped.
    #[must_use]
    pub fn restart(self, files: Vec<SourceFile>, ambient: Ambient) -> Self {
        self.restart_with(files, ambient, Sizes::default())
    }

    /// The same, with values of these sizes.
    #[must_use]
    pub fn restart_with(self, files: Vec<SourceFile>, ambient: Ambient, sizes: Sizes) -> Self {
        let Self { engine, directory } = self;
        engine.close();
        drop(engine);
        let engine = Self::engine_in(directory.path(), files, ambient, sizes);
        Self { engine, directory }
    }

    /// Closes the database, whose files stay as long as the directory. Other clones of the engine must have been dropped.
    pub fn into_directory(self) -> TempDir {
        let Self { engine, directory } = self;
        engine.close();
        directory
    }

    /// Asks this application in the notation of REST.
    pub fn client(&self) -> TestClient {
        TestClient::new(&self.engine)
    }

    /// Where the database is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    #[expect(clippy::panic, reason = "a test with a model that does not load has failed, and is to show why")]
    fn engine_in(directory: &Path, files: Vec<SourceFile>, ambient: Ambient, sizes: Sizes) -> Engine {
        let loaded = backstay_model::load(files).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let application = Application::compile(loaded.model);
        let application = application.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let application = application.with_sizes(sizes);
        let (engine, _) = Engine::open(application, &OpenOptions::new(directory), ambient).expect("the database opens");
        engine
    }
}
