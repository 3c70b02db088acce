//! Runs the tests that a team writes beside its functions, each against an application of its own in a temporary directory.

mod clock;
mod host;

use std::sync::Arc;

use backstay_base::{Ambient, SystemEntropy};
use backstay_egress::{Client as Egress, Settings};
use backstay_engine::{Location, OpenOptions};
use backstay_functions::{Answers, Call, CalledBy, Failure as Thrown, Functions, Outside, Secrets, Test, Tests};
use backstay_mail::{Outbox, Templates};

use crate::mail::Purpose;
use crate::procedures::processors;
use crate::serving::Serving;
use crate::{Backstay, Directory, Failure, Place, compile, functions};
use clock::MovedClock;
use host::TestHost;

/// The tests of an application, ready to be run.
#[derive(Debug)]
pub(crate) struct Suite {
    directory: Directory,
    functions: Arc<Functions>,
    /// All tests, by files and in their order there.
    pub(crate) tests: Vec<Test>,
    seeded: bool,
}

impl Suite {
    /// Reads the tests of the application in this place. `seeded`: each of them finds what the seed files say.
    pub(crate) fn read(place: &Place, seeded: bool) -> Result<Self, Failure> {
        let directory = place.directory.clone();
        let compiled = compile(place)?;
        let Tests { program, all } = functions::tests(&directory, compiled.application.model())?;
        let egress = Egress::new(Settings::default()).map_err(backstay_base::Error::internal)?;
        let outside = (Outside::Servers(egress), Secrets::default());
        let started = Functions::start(program, processors(), outside, Arc::new(Templates::none()));
        let functions = started.map_err(|source| Failure::Threads { needed: processors(), source })?;
        Ok(Self { directory, functions, tests: all, seeded })
    }

    /// Runs a test; why it failed, if it did.
    pub(crate) async fn run(&self, test: &Test) -> Result<Option<String>, Failure> {
        let data = tempfile::tempdir().map_err(|source| Failure::Write { path: std::env::temp_dir(), source })?;
        let location = Location::Directory(data.path().to_owned());
        let (answers, outbox) = (Answers::default(), Outbox::default());
        let purpose = Purpose::Testing(outbox.clone(), answers.clone());
        let place = Place { purpose, ..Place::find(self.directory.root(), Some(&location))? };
        let clock = MovedClock::default();
        let ambient = Ambient { clock: Arc::new(clock.clone()), entropy: Arc::new(SystemEntropy) };
        let (place, application) = Backstay::at(place)?.into_parts();
        place.procedures.require_all(&application)?;
        let options = OpenOptions::new(location);
        let opened = tokio::task::block_in_place(|| place.open_at(application, &options, ambient.clone()));
        let (instance, _) = opened?;
        if self.seeded {
            instance.seed(false).await?;
        }
        let serving = Serving::open(place, instance)?;
        let host = TestHost::new(serving.clone(), clock, (answers, outbox));
        let call = Call {
            by: CalledBy::Action,
            function: test.function.clone(),
            arguments: "{}".to_owned(),
            auth: "{}".to_owned(),
            ambient,
            flow: backstay_base::Flow::SYSTEM,
            deadline: None,
            longest: std::time::Duration::from_secs(backstay_base::limits::FUNCTION_SECONDS),
        };
        let ended = self.functions.call(call, &host).await;
        serving.close().await;
        Ok(ended.err().map(|why| described(&why)))
    }
}

/// Why a test failed, with the places in the team's own files.
fn described(why: &Thrown) -> String {
    let (message, stack) = match why {
        Thrown::Thrown { message, stack } => (message.clone(), stack.as_str()),
        Thrown::Request { what, stack, error } => {
            (format!("`{what}` was refused: {}", backstay_base::with_causes(error)), stack.as_str())
        }
        Thrown::Refused { message, .. } => (format!("refused: {message}"), ""),
        Thrown::NeverSettles
        | Thrown::Spent
        | Thrown::Inexact { .. }
        | Thrown::TooLarge
        | Thrown::Busy
        | Thrown::Share
        | Thrown::Engine(_) => (why.to_string(), ""),
    };
    let message = message.strip_prefix("AssertionError: ").unwrap_or(&message);
    let own = stack.lines().map(str::trim).filter(|line| line.contains("functions/"));
    std::iter::once(message).chain(own).collect::<Vec<_>>().join("\n")
}
