use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::Request;
use super::copy::Copy;
use super::report::{Compared, Report};
use super::rounds::alternate;
use super::server::Server;
use super::{Options, Workshop, shell};
use crate::commands::run;

/// What an import reaches at least of `.import`.
const IMPORT: f64 = 0.4;
/// What an export reaches at least of `.dump`.
const EXPORT: f64 = 0.5;
/// What searches reach at least of the same ones in the `sqlite3` shell.
const SEARCH: f64 = 0.5;

/// The files that are imported before the places, in order, with the type of their records.
const BEFORE: [(&str, &str); 6] = [
    ("regions", "regions.csv"),
    ("subregions", "subregions.csv"),
    ("currencies", "currencies.csv"),
    ("languages", "languages.csv"),
    ("countries", "countries.ndjson"),
    ("divisions", "divisions.csv"),
];

/// What is searched for, as a value of `search` and of FTS5.
const SEARCHES: [(&str, &str); 6] = [
    ("san", "san"),
    ("york", "york"),
    ("new%20york", "new york"),
    ("saint*", "saint*"),
    ("%22santa%20maria%22", "\"santa maria\""),
    ("bad%20OR%20los", "bad OR los"),
];

/// How often each search is carried out in a round.
const TIMES: usize = 10;
/// Places that a search answers.
const PAGE: u32 = 20;

/// Imports, exports and searches the places of `examples/atlas`, and does the same with the `sqlite3` shell.
pub(crate) fn measure(workshop: &Workshop, options: &Options, report: &mut Report) -> Result<()> {
    let atlas = Atlas::prepare(workshop)?;
    eprintln!("xtask: importing places");
    let whole = atlas.copy("whole")?;
    atlas.import(&whole, ("places", "places.csv"))?;
    let copy = Copy::of(workshop, &whole.join("backstay.db"), &["place".to_owned()])?;
    let rows = [atlas.imports(&copy, options)?, atlas.exports(&whole, &copy, options)?];
    report.compare("transfer", "rows per second", &rows);
    report.compare("search", "per second", &[atlas.searches(&whole, copy.rows, options)?]);
    Ok(())
}

/// The application, with a database that has everything but places.
struct Atlas<'w> {
    workshop: &'w Workshop,
    application: PathBuf,
    files: PathBuf,
    base: PathBuf,
}

impl<'w> Atlas<'w> {
    fn prepare(workshop: &'w Workshop) -> Result<Self> {
        let example = workshop.root.join("examples/atlas");
        let (application, base) = (workshop.scratch.join("atlas"), workshop.scratch.join("atlas-base"));
        let files = workshop.scratch.join("atlas-files");
        eprintln!("xtask: fetching the atlas");
        run(Command::new(example.join("fetch")).arg(&files))?;
        fs::create_dir_all(application.join("model"))?;
        for file in ["backstay.toml", "model/atlas.graphql", "model/travellers.graphql"] {
            fs::copy(example.join(file), application.join(file)).with_context(|| format!("copying {file}"))?;
        }
        let atlas = Self { workshop, application, files, base };
        for of in BEFORE {
            atlas.import(&atlas.base, of)?;
        }
        Ok(atlas)
    }

    /// A copy of the database without places.
    fn copy(&self, name: &str) -> Result<PathBuf> {
        let data = self.workshop.scratch.join(name);
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(&data)?;
        let database = data.join("backstay.db");
        fs::copy(self.base.join("backstay.db"), &database).context("copying the database")?;
        fs::File::open(&database)?.sync_all()?;
        Ok(data)
    }

    fn import(&self, data: &Path, (collection, file): (&str, &str)) -> Result<Duration> {
        self.run(&["import", collection, &self.files.join(file).display().to_string()], data)
    }

    fn run(&self, words: &[&str], data: &Path) -> Result<Duration> {
        let mut command = Command::new(self.workshop.program("backstay"));
        command.args(words).arg("--app").arg(&self.application).arg("--data").arg(data);
        let begin = Instant::now();
        run(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        Ok(begin.elapsed())
    }

    fn imports(&self, copy: &Copy, options: &Options) -> Result<Compared> {
        let rate = |elapsed: Duration| f64::from(copy.rows) / elapsed.as_secs_f64();
        let copied = self.workshop.scratch.join("import.db");
        let theirs = || {
            for file in ["import.db", "import.db-wal", "import.db-shm"] {
                // Only the first one is always there.
                let _ = fs::remove_file(self.workshop.scratch.join(file));
            }
            copy.import(&copied).map(rate)
        };
        let ours = || self.import(&self.copy("imported")?, ("places", "places.csv")).map(rate);
        let (measured, control) = alternate(options.rounds, ours, theirs)?;
        Ok(Compared {
            work: format!("import of {} places, with rules, checks, search and log; control: `.import`", copy.rows),
            measured,
            control,
            floor: Some(IMPORT),
            remark: String::new(),
        })
    }

    fn exports(&self, data: &Path, copy: &Copy, options: &Options) -> Result<Compared> {
        eprintln!("xtask: exporting places");
        let rate = |elapsed: Duration| f64::from(copy.rows) / elapsed.as_secs_f64();
        let (file, dump) = (self.workshop.scratch.join("places.ndjson"), self.workshop.scratch.join("places.sql"));
        let database = data.join("backstay.db");
        let (measured, control) = alternate(
            options.rounds,
            || self.run(&["export", "places", &file.display().to_string()], data).map(rate),
            || shell::into_file(&database, ".dump place", &dump).map(rate),
        )?;
        let lines = fs::read_to_string(&file)?.lines().count();
        ensure!(lines == copy.rows as usize, "the export has {lines} records");
        Ok(Compared {
            work: format!("export of {} places; control: `.dump`", copy.rows),
            measured,
            control,
            floor: Some(EXPORT),
            remark: String::new(),
        })
    }

    fn searches(&self, data: &Path, places: u32, options: &Options) -> Result<Compared> {
        eprintln!("xtask: searching places");
        let server = Server::backstay(self.workshop, &self.application, data)?;
        let mut client = server.client()?;
        let request = |(search, _): &(&str, &str)| {
            Request::get(format!("/api/places?search={search}&limit={PAGE}&select=name,latitude,longitude"))
        };
        let requests: Vec<Request> = SEARCHES.iter().map(request).collect();
        let by_hand = |(_, search): &(&str, &str)| {
            format!(
                "SELECT p.id, p.name, p.latitude, p.longitude FROM place__search_words AS w CROSS JOIN place__search AS s \
                 CROSS JOIN place AS p WHERE s.doc = w.rowid AND p.id = s.record AND place__search_words MATCH '{search}' \
                 ORDER BY w.rank LIMIT {PAGE};\n"
            )
        };
        let script = SEARCHES.iter().map(by_hand).collect::<String>().repeat(TIMES);
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let rate = |elapsed: Duration| (SEARCHES.len() * TIMES) as f64 / elapsed.as_secs_f64();
        let database = data.join("backstay.db");
        let ours = || {
            let begin = Instant::now();
            for request in requests.iter().cycle().take(SEARCHES.len() * TIMES) {
                client.ask(request)?;
            }
            Ok(rate(begin.elapsed()))
        };
        let (measured, control) = alternate(options.rounds, ours, || shell::script(&database, &script).map(rate))?;
        server.stop()?;
        Ok(Compared {
            work: format!("search in {places} places, {PAGE} of those found; control: FTS5 in the `sqlite3` shell"),
            measured,
            control,
            floor: Some(SEARCH),
            remark: String::new(),
        })
    }
}
