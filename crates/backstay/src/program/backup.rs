use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use backstay_base::Ambient;
use backstay_engine::{Engine, Location, Restoring};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::spawn_blocking;

use super::{find, show_as};
use crate::answer::{CopiedDatabase, RestoredBackup};
use crate::arguments::{Backup, Copy, Restore};
use crate::backup::{Progress, Stage, answer, name};
use crate::socket::Running;
use crate::{Answer, Command, Failure, Place, compile, open_files};

/// Backs up the database: through its server if one is running.
pub(super) async fn backup(arguments: Backup) -> Result<ExitCode, Failure> {
    let Backup { file, whole, format } = arguments;
    let place = find(whole.app.path(), whole.data.as_ref())?;
    let mut file = std::path::absolute(file)?;
    if file.is_dir() {
        file.push(name(Ambient::system().clock.now()));
    }
    let mut meter = Meter::new();
    let backed_up = match Running::find(&place)? {
        Some(server) => {
            let command = Command::BackUp { file: file.clone() };
            let asked = spawn_blocking(move || server.ask_watched(&command, &mut |progress| meter.show(progress)));
            let answer = asked.await.map_err(io::Error::from)??;
            match file.exists() {
                true => answer,
                false => return Err(Failure::Elsewhere { path: file }),
            }
        }
        None => spawn_blocking(move || closed(&place, &file, &mut meter)).await.map_err(io::Error::from)??,
    };
    show_as(format, &backed_up)
}

fn closed(place: &Place, file: &Path, meter: &mut Meter) -> Result<Answer, Failure> {
    place.require_database()?;
    open_files::raise_limit()?;
    let watch = &mut |progress: backstay_engine::CopyProgress| {
        meter.show(progress.into());
        ControlFlow::Continue(())
    };
    Ok(answer(file, Engine::back_up_closed(&place.options(|_| ()), file, watch)?))
}

/// Makes a backup the database of an application.
pub(super) fn restore(arguments: &Restore) -> Result<ExitCode, Failure> {
    let place = find(arguments.whole.app.path(), arguments.whole.data.as_ref())?;
    place.refuse_linked_data()?;
    if Running::find(&place)?.is_some() {
        return Err(Failure::ServerRuns { place: place.database, what: "restore a backup over" });
    }
    open_files::raise_limit()?;
    let application = if arguments.any_application { None } else { Some(compile(&place)?.application) };
    let expected = application.as_ref().map(|application| application.model().name.clone());
    let file: PathBuf = std::path::absolute(&arguments.file)?;
    let restoring = Restoring { file: &file, application: expected.as_deref(), moment: Ambient::system().clock.now() };
    let mut meter = Meter::new();
    let watch = &mut |progress: backstay_engine::CopyProgress| {
        meter.show(progress.into());
        ControlFlow::Continue(())
    };
    let restored = Engine::restore(&place.options(|_| ()), &restoring, watch)?;
    drop(meter);
    // It is restored, whatever may be wrong with what comes next.
    let steps = application.and_then(|application| place.plan(&application).ok()).map(|steps| steps.len() as u64);
    let (change, moment) =
        restored.checked.last.map_or((0, None), |(change, moment)| (change, Some(moment.to_string())));
    let answer = Answer::Restored(RestoredBackup {
        file: file.display().to_string(),
        application: restored.checked.application,
        records: restored.checked.records,
        change,
        moment,
        kept: restored.kept.map(|kept| kept.display().to_string()),
        steps,
    });
    show_as(arguments.format, &answer)
}

/// Copies a database to another place.
pub(super) fn copy(arguments: &Copy) -> Result<ExitCode, Failure> {
    let Copy { from, to, format } = arguments;
    open_files::raise_limit()?;
    let (source, target) = (absolute(from)?, absolute(to)?);
    let mut meter = Meter::new();
    let watch = &mut |progress: backstay_engine::CopyProgress| {
        meter.show(progress.into());
        ControlFlow::Continue(())
    };
    let copied = Engine::copy(&source, &target, watch)?;
    drop(meter);
    show_as(*format, &Answer::Copied(CopiedDatabase::of(copied, (&source, &target))))
}

/// The same place, whatever the current directory is. Refuses the directory of an application, which holds more than data.
fn absolute(location: &Location) -> Result<Location, Failure> {
    let directory = match location {
        Location::Url(url) => return Ok(Location::Url(url.clone())),
        Location::Directory(directory) => std::path::absolute(directory)?,
    };
    if directory.join("model").is_dir() {
        return Err(Failure::ApplicationDirectory { path: directory });
    }
    Ok(Location::Directory(directory))
}

/// Shows on a terminal how far a command is.
struct Meter {
    bar: ProgressBar,
    stage: Option<Stage>,
}

impl Meter {
    fn new() -> Self {
        if !console::user_attended_stderr() {
            return Self { bar: ProgressBar::hidden(), stage: None };
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  {msg:8} {bar:32} {percent:>3} %");
        bar.set_style(style.expect("the template is valid"));
        Self { bar, stage: None }
    }

    fn show(&mut self, Progress { stage, done, total }: Progress) {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.bar.set_message(match stage {
                Stage::Copy => "copying",
                Stage::Check => "checking",
            });
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
