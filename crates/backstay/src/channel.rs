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
    /// A channel for commands of which this is the first. If no server is running, opens the database; only `serve` and
    /// `migrate apply` migrate it.
    pub(crate) fn open(place: &'p Place, first: &Command) -> Result<Self, Failure> {
        if Running::find(place)?.is_some() {
            return Ok(Self::Server(place));
        }
        let compiled = compile(&place.directory)?;
        // What can be known to fail is reported before anything is created.
        first.check_possible(place.config.accounts.sign_up)?;
        if !first.can_begin() {
            place.require_database()?;
        }
        let options = OpenOptions { migration: Migration::Refuse, ..place.options(tell_fatal) };
        match place.open(compiled.application, &options) {
            Err(Failure::Open(OpenError::Migration { .. })) => {
                let steps = place.plan(&compile(&place.directory)?.application)?;
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
