use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::copy::Copy;
use super::report::{Compared, Report};
use super::server::Server;
use super::{Workshop, dataset};

/// Loads the seed files of `bench` with Backstay, and the same rows into the same tables and indexes with `.import` in the
/// `sqlite3` shell.
pub(crate) fn measure(workshop: &Workshop, report: &mut Report) -> Result<()> {
    let application = dataset::prepare(&workshop.root, &workshop.scratch)?;
    eprintln!("xtask: loading seed files");
    let data = workshop.scratch.join("seeded");
    let server = Server::backstay(workshop, &application, &data)?;
    let ours = server.ready_after;
    server.stop()?;

    let copy = Copy::of(workshop, &database_in(&data)?, &types(&application)?)?;
    eprintln!("xtask: importing the same rows with sqlite3");
    let theirs = copy.import(&workshop.scratch.join("import.db"))?;
    let rate = |elapsed: Duration| f64::from(copy.rows) / elapsed.as_secs_f64();
    report.compare(
        "seeding",
        "rows per second",
        &[Compared {
            work: format!("loading {} rows", copy.rows),
            measured: rate(ours),
            control: rate(theirs),
            floor: Some(0.3),
            remark: format!("{:.1} s; control {:.1} s", ours.as_secs_f64(), theirs.as_secs_f64()),
        }],
    );
    Ok(())
}

/// The tables of the types that have seed files.
fn types(application: &Path) -> Result<Vec<String>> {
    let seeds = fs::read_dir(application.join("seed"))?.flatten().map(|file| file.path());
    let seeds = seeds.filter(|path| path.extension() == Some(OsStr::new("jsonl")));
    Ok(seeds.filter_map(|path| Some(path.file_stem()?.to_string_lossy().to_lowercase())).collect())
}

/// The database file in Backstay's data directory.
pub(crate) fn database_in(data: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(data).context("cannot read the data directory")?.flatten().map(|file| file.path());
    files.find(|path| path.extension() == Some(OsStr::new("db"))).context("the data directory has no database")
}
