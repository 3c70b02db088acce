//! Measures the release build and its controls, alternating within one run.

mod actions;
mod api;
mod barrier;
mod callgrind;
pub(crate) mod client;
mod copy;
mod cost;
mod dataset;
mod doors;
mod hostile;
mod language;
mod load;
mod migrate;
mod report;
mod rounds;
mod seeding;
pub(crate) mod server;
mod shell;
mod socket;
mod start;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::commands::{cargo, root, run as run_command};
use crate::needs;
use report::Report;

/// The options of the command line.
#[derive(Debug)]
struct Options {
    parts: Vec<Part>,
    build: bool,
    callgrind: bool,
    seconds: u32,
    rounds: usize,
    attacks: Attacks,
    /// Records of the table whose model changes, messages to list, or sales to add up and export.
    rows: u32,
    write: bool,
}

/// How attacks are carried out.
#[derive(Debug, Default)]
struct Attacks {
    /// These alone; all of them if there are none.
    only: Vec<String>,
    /// On one server, and then all of them at once.
    soak: bool,
}

/// A group of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Http,
    Start,
    Seeding,
    Hostile,
    Migrate,
    Language,
    Api,
    Transfer,
    Actions,
    Barrier,
}

/// Where the built programs and the files of a run are.
#[derive(Debug)]
pub(crate) struct Workshop {
    root: PathBuf,
    /// Emptied at the beginning of a run.
    scratch: PathBuf,
}

impl Workshop {
    fn open() -> Result<Self> {
        let root = root();
        let scratch = root.join("target/bench");
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch).context("cannot empty target/bench")?;
        }
        std::fs::create_dir_all(&scratch).context("cannot create target/bench")?;
        Ok(Self { root, scratch })
    }

    /// A program of the release build.
    fn program(&self, name: &str) -> PathBuf {
        self.root.join("target/release").join(name)
    }
}

/// Builds, measures, prints the results and, with `--write`, stores them.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = options(arguments)?;
    needs::ensure(needs::OF_BENCH)?;
    if options.build {
        run_command(cargo().args(["build", "--release", "--package", "backstay", "--package", "backstay-bench"]))?;
    }
    let workshop = Workshop::open()?;
    let mut report = Report::new();
    if options.callgrind {
        callgrind::measure(&workshop, &mut report)?;
    } else {
        for part in &options.parts {
            match part {
                Part::Start => start::measure(&workshop, &mut report)?,
                Part::Http => doors::measure(&workshop, &options, &mut report)?,
                Part::Seeding => seeding::measure(&workshop, &mut report)?,
                Part::Hostile => hostile::measure(&workshop, &options, &mut report)?,
                Part::Migrate => migrate::measure(&workshop, &options, &mut report)?,
                Part::Language => language::measure(&workshop, &options, &mut report)?,
                Part::Api => api::measure(&workshop, &options, &mut report)?,
                Part::Transfer => transfer::measure(&workshop, &options, &mut report)?,
                Part::Actions => actions::measure(&workshop, &options, &mut report)?,
                Part::Barrier => barrier::measure(&workshop, &mut report)?,
            }
        }
    }
    report.print()?;
    if options.write {
        report.write(&workshop.root.join("docs/benchmarks.md"))?;
    }
    report.verdict()?;
    Ok(ExitCode::SUCCESS)
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        parts: Vec::new(),
        build: true,
        callgrind: false,
        seconds: 10,
        rounds: 3,
        attacks: Attacks::default(),
        rows: 1_000_000,
        write: false,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = |what: &str| arguments.next().with_context(|| format!("{argument} needs {what}"));
        match argument.as_str() {
            "http" => options.parts.push(Part::Http),
            "start" => options.parts.push(Part::Start),
            "seeding" => options.parts.push(Part::Seeding),
            "hostile" => options.parts.push(Part::Hostile),
            "migrate" => options.parts.push(Part::Migrate),
            "language" => options.parts.push(Part::Language),
            "api" => options.parts.push(Part::Api),
            "transfer" => options.parts.push(Part::Transfer),
            "actions" => options.parts.push(Part::Actions),
            "barrier" => options.parts.push(Part::Barrier),
            "--no-build" => options.build = false,
            "--callgrind" => options.callgrind = true,
            "--soak" => options.attacks.soak = true,
            "--write" => options.write = true,
            "--only" => options.attacks.only.push(value("the name of an attack")?.clone()),
            "--seconds" => options.seconds = value("a number")?.parse().context("--seconds needs a number")?,
            "--rows" => options.rows = value("a number")?.parse().context("--rows needs a number")?,
            "--rounds" => options.rounds = value("a number")?.parse().context("--rounds needs a number")?,
            other => bail!("unknown part or option: {other}; run `cargo xtask` for help"),
        }
    }
    if options.parts.contains(&Part::Api) && options.rows < api::FEW {
        bail!("api needs --rows {} or more", api::FEW);
    }
    if options.seconds == 0 || options.rounds == 0 || options.rows == 0 {
        bail!("--seconds, --rounds and --rows must be at least 1");
    }
    if !options.attacks.only.is_empty() && options.parts != [Part::Hostile] {
        bail!("--only is for the part hostile alone");
    }
    if options.attacks.soak && options.parts != [Part::Hostile] {
        bail!("--soak is for the part hostile alone");
    }
    if !options.attacks.only.is_empty() && options.write {
        bail!("--write needs every attack; leave out --only");
    }
    hostile::chosen(&options.attacks.only)?;
    if options.parts.is_empty() {
        options.parts = vec![
            Part::Start,
            Part::Http,
            Part::Seeding,
            Part::Hostile,
            Part::Migrate,
            Part::Language,
            Part::Api,
            Part::Transfer,
            Part::Actions,
            Part::Barrier,
        ];
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Options> {
        options(&words.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn attacks_are_chosen_by_name() {
        let options = read("hostile --only idle --only arrays --seconds 3").expect("options");
        let Attacks { only, soak } = options.attacks;
        assert_eq!((options.parts, only, soak), (vec![Part::Hostile], vec!["idle".into(), "arrays".into()], false));
        assert!(read("hostile --soak").expect("options").attacks.soak);
    }

    #[test]
    fn options_that_mean_nothing_are_refused() {
        let check = |words, expected: &str| {
            let error = read(words).expect_err(words).to_string();
            assert!(error.starts_with(expected), "{words}: {error}");
        };
        check("start --only idle", "--only is for the part hostile alone");
        check("--soak", "--soak is for the part hostile alone");
        check("hostile --only idle --write", "--write needs every attack");
        check("hostile --only idol", "there is no attack \"idol\"; there are equalities, ");
        check("hostile --only", "--only needs the name of an attack");
        check("api --rows 9999", "api needs --rows 10000 or more");
        check("hostile --seconds 0", "--seconds, --rounds and --rows must be at least 1");
    }
}
