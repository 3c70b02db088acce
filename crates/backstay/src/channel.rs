use std::io;

use backstay_engine::{Migration, OpenError, OpenOptions};

use crate::socket::Running;
use crate::{Answer, Command, Failure, Instance, Place, compile, logging};

/// Where a command line's commands are run: by the server that is running, or by an instance of its own, which it keeps until
/// the last one.
pub(crate) enum Channel<'p> {
    Server(&'p Place),
    Own(Box<Instance>),
}

impl<'p> Channel<'p> {
    /// A channel for commands of which this is the first.
    pub(crate) fn open(place: &'p Place, first: &Command) -> Result<Self, Failure> {
        Self::connect(place, || {
            first.check_possible(place.config.accounts.sign_up)?;
            if first.can_begin() { Ok(()) } else { place.require_database() }
        })
    }

    /// A channel for an import, which makes sense on an empty database, and so may create one.
    pub(crate) fn to_import(place: &'p Place) -> Result<Self, Failure> {
        Self::connect(place, || Ok(()))
    }

    /// A channel for an export.
    pub(crate) fn to_export(place: &'p Place) -> Result<Self, Failure> {
        Self::connect(place, || place.require_database())
    }

    /// If no server is running, opens the database, if `may_open` agrees: what can be known to fail is reported before
    /// anything is created. Only `serve` and `migrate apply` migrate it.
    fn connect(place: &'p Place, may_open: impl FnOnce() -> Result<(), Failure>) -> Result<Self, Failure> {
        if Running::find(place)?.is_some() {
            return Ok(Self::Server(place));
        }
        let compiled = compile(place)?;
        may_open()?;
        let options = OpenOptions { migration: Migration::Refuse, ..place.options(tell_fatal) };
        match place.open(compiled.application, &options) {
            Err(Failure::Open(OpenError::Migration { .. })) => {
                let steps = place.plan(&compile(place)?.application)?;
                Err(Failure::Differs { steps })
            }
            opened => Ok(Self::Own(Box::new(opened?.0))),
        }
    }

    /// Has a command run.
    pub(crate) async fn ask(&self, command: Command) -> Result<Answer, Failure> {
        match self {
            Self::Server(place) => {
                let server = Running::find(place)?.ok_or_else(|| Failure::ServerEnded)?;
                tokio::task::spawn_blocking(move || server.ask(&command)).await.map_err(io::Error::from)?
            }
            Self::Own(instance) => match command {
                Command::Seed {} => instance.seed(true).await.map(|seeded| Answer::Seeded { seeded }),
                command => instance.run(command).await,
            },
        }
    }

    /// Closes the database, if this process has opened it.
    pub(crate) fn close(self) {
        if let Self::Own(instance) = self {
            instance.engine.close();
        }
    }
}

fn tell_fatal(words: &str) {
    logging::tell(&format!("error: the database failed: {words}\n"));
    logging::abort();
}
