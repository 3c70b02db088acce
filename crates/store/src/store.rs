use std::sync::Arc;

use backstay_base::Ambient;
use backstay_model::Model;
use backstay_sql::{Dialect, Statement};

use crate::sqlite::SqliteStore;
use crate::{
    Catalog, CommitObserver, LogEntry, OpenError, OpenOptions, Opened, ReadStats, RowSink, Step, StoreError, Work,
};

/// An open database. Cheap to clone; closed when the last clone is gone.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
}

#[derive(Debug, Clone)]
enum Database {
    Sqlite(Arc<SqliteStore>),
    #[cfg(feature = "postgres")]
    Postgres(Arc<crate::postgres::PostgresStore>),
}

impl Store {
    /// Opens the SQLite database of a data directory, creates or migrates it as the options say, and starts its
    /// threads. Blocks; call it before serving.
    pub fn open(
        options: &OpenOptions,
        model: &Model,
        ambient: Ambient,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<Opened, OpenError> {
        let (store, outcome) = SqliteStore::open(options, model, ambient, observer)?;
        Ok(Opened { store: Self { database: Database::Sqlite(Arc::new(store)) }, outcome })
    }

    /// Connects to an empty PostgreSQL database and makes the tables. A spike: without migrations, foreign changes and
    /// a limit on steps.
    #[cfg(feature = "postgres")]
    pub async fn open_postgres(
        config: &str,
        model: &Model,
        ambient: Ambient,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<Opened, OpenError> {
        let store = crate::postgres::PostgresStore::open(config, model, ambient, observer).await?;
        Ok(Opened { store: Self { database: Database::Postgres(Arc::new(store)) }, outcome: crate::Outcome::Created })
    }

    /// The steps that opening the database with this model would take, without taking them; none for an unchanged
    /// model. May be called while another process serves.
    pub fn plan_migration(options: &OpenOptions, model: &Model) -> Result<Vec<Step>, OpenError> {
        SqliteStore::plan(options, model)
    }

    /// Runs an operation, and answers when its changes are durable. Once it has been polled it runs even if the future
    /// is dropped.
    pub async fn write<W: Work>(&self, work: Arc<W>) -> Result<W::Output, W::Error> {
        match &self.database {
            Database::Sqlite(store) => store.write(work).await,
            #[cfg(feature = "postgres")]
            Database::Postgres(store) => store.write(work).await,
        }
    }

    /// Runs one reading statement on the calling thread under a step limit; past it, again on the reader pool under a
    /// larger one, past which it fails with `StepLimit`.
    pub async fn read(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<ReadStats, StoreError> {
        match &self.database {
            Database::Sqlite(store) => store.read(statement, sink).await,
            #[cfg(feature = "postgres")]
            Database::Postgres(store) => store.read(statement, sink).await,
        }
    }

    /// As `read`, but at once on the reader pool: for aggregates, searches and exports.
    pub async fn read_aside(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<ReadStats, StoreError> {
        match &self.database {
            Database::Sqlite(store) => store.read_aside(statement, sink).await,
            #[cfg(feature = "postgres")]
            Database::Postgres(store) => store.read(statement, sink).await,
        }
    }

    /// Entries of the commit log from this place on (the first is 1), at most `limit`, in order.
    pub async fn log(&self, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        match &self.database {
            Database::Sqlite(store) => store.log(from, limit),
            #[cfg(feature = "postgres")]
            Database::Postgres(store) => store.log(from, limit).await,
        }
    }

    /// The permanent numbers of the model's types and fields.
    pub fn catalog(&self) -> &Catalog {
        match &self.database {
            Database::Sqlite(store) => store.catalog(),
            #[cfg(feature = "postgres")]
            Database::Postgres(store) => store.catalog(),
        }
    }

    /// Which database it is: statements must be made for it.
    pub fn dialect(&self) -> Dialect {
        match &self.database {
            Database::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Whether a fatal error ended it: nothing can be read or written any more.
    pub fn is_dead(&self) -> bool {
        match &self.database {
            Database::Sqlite(store) => store.is_dead(),
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => false,
        }
    }

    /// Ends what is under way, writes the write-ahead log back and closes the database. Blocks. What is asked of
    /// clones afterwards is answered by `Closed`.
    pub fn close(self) {
        match &self.database {
            Database::Sqlite(store) => store.close(),
            #[cfg(feature = "postgres")]
            Database::Postgres(store) => store.close(),
        }
    }
}
