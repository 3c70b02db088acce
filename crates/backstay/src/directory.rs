mod error;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use backstay_base::nearest;
use backstay_mail::{DIRECTORY as MAIL, is_template};
use backstay_model::{Position, SourceFile};

pub use error::DirectoryError;

use crate::functions::FUNCTIONS;
use crate::instance::environment;
use crate::seed::{PACKS, SEED, SeedPath};
use crate::{Config, Failure};

/// Maximum size in bytes of a model file or `backstay.toml`.
pub(crate) const TEXT_BYTES: u64 = 4 * 1024 * 1024;

/// The file with the settings.
pub(crate) const CONFIG_FILE: &str = "backstay.toml";

/// The directives and scalars of the model language, for editors.
pub(crate) const DIRECTIVES_FILE: &str = "directives.graphql";

/// What an application has at its root.
const KNOWN: [&str; 6] = [CONFIG_FILE, "model", PACKS, SEED, FUNCTIONS, MAIL];

/// Files of a data directory whose names resemble that of the settings. It can be the application's own directory.
const DATA_FILES: [&str; 2] = ["backstay.lock", "backstay.sock"];

/// The directory of an application: `model/*.graphql` and, optionally, `packs/*/*.graphql`, `packs/*/seed/*.jsonl`,
/// `backstay.toml` and `seed/*.jsonl`.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

/// Whether a misspelt path has the content that the intended name would have.
fn holds_what_is_meant(path: &Path, meant: &str) -> bool {
    let inner = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let ending = match meant {
        PACKS => return inner(path).any(|pack| pack.is_dir() && holds_what_is_meant(&pack, "model")),
        "model" => "graphql",
        "seed" => "jsonl",
        FUNCTIONS => "ts",
        MAIL => {
            return inner(path).any(|file| file.file_name().is_some_and(|name| is_template(&name.to_string_lossy())));
        }
        _ => return path.is_file(),
    };
    inner(path).any(|file| file.extension().is_some_and(|found| found == ending))
}

/// The files of a directory, and everything that is wrong with others.
#[derive(Debug)]
pub(crate) struct Found<F> {
    pub(crate) files: Vec<F>,
    pub(crate) wrong: Vec<DirectoryError>,
}

impl<F> Found<F> {
    fn from_results(results: impl IntoIterator<Item = Result<F, DirectoryError>>) -> Self {
        let mut found = Self { files: Vec::new(), wrong: Vec::new() };
        for result in results {
            match result {
                Ok(file) => found.files.push(file),
                Err(error) => found.wrong.push(error),
            }
        }
        found
    }

    /// These and others.
    fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.wrong.extend(other.wrong);
        self
    }

    /// The files, or the first error.
    pub(crate) fn all(self) -> Result<Vec<F>, DirectoryError> {
        match self.wrong.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.files),
        }
    }
}

impl Directory {
    /// An existing directory. Its content is read when it is needed.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self { root: path.to_owned() }),
            Ok(_) => Err(DirectoryError::NotDirectory { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(DirectoryError::Missing { path: path.to_owned() })
            }
            Err(source) => Err(DirectoryError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings, with warnings about what is ignored.
    pub(crate) fn settings(&self) -> Result<Config, Failure> {
        let mut config = Config::read(&self.config()?, environment())?;
        for file in self.models_beside()? {
            let help = "move it to `model/`, or give its name another ending";
            config.warnings.warn_unread(file, "model files are read from `model/` only", help);
        }
        Ok(config)
    }

    /// The text of `backstay.toml`; empty if there is none.
    pub(crate) fn config(&self) -> Result<String, DirectoryError> {
        let path = self.root.join(CONFIG_FILE);
        if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(String::new());
        }
        read_text(&path)
    }

    /// Everything at the root with a misspelt name. A directory counts only if it contains what the intended one would:
    /// others may be named `feed` or `module` for good reason.
    pub(crate) fn misnamed(&self) -> Vec<DirectoryError> {
        let entries = match entries(&self.root) {
            Ok(entries) => entries,
            Err(error) => return vec![error],
        };
        let misnamed = entries.into_iter().filter_map(|(name, path)| {
            let ours = KNOWN.contains(&name.as_str()) || DATA_FILES.contains(&name.as_str());
            let meant = nearest(&name, KNOWN).filter(|meant| !ours && holds_what_is_meant(&path, meant))?;
            Some(DirectoryError::Misnamed { path, meant })
        });
        misnamed.collect()
    }

    /// Everything that an application is read from, as far as it can be listed: the settings, model files, those of packs, seed files,
    /// functions, and templates of mail.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        let within = |name: &str| entries(&self.root.join(name)).unwrap_or_default().into_iter().map(|(_, path)| path);
        let settings = self.root.join(CONFIG_FILE);
        let packs = within(PACKS).flat_map(|pack| entries(&pack).unwrap_or_default()).map(|(_, path)| path);
        let of_packs = within(PACKS).flat_map(|pack| entries(&pack.join(SEED)).unwrap_or_default());
        let seeds = of_packs.map(|(_, path)| path).chain(within(SEED));
        let settings = settings.exists().then_some(settings);
        let functions = all_within(&self.root.join(FUNCTIONS));
        let mail = fs::read_dir(self.root.join(MAIL)).into_iter().flatten().flatten().map(|entry| entry.path());
        let all = settings.into_iter().chain(within("model")).chain(packs).chain(seeds).chain(functions);
        all.chain(mail).collect()
    }

    /// Files at the root that would be model files in `model`, without the one that is for editors.
    pub(crate) fn models_beside(&self) -> Result<Vec<String>, DirectoryError> {
        if !self.root.join("model").is_dir() {
            return Ok(Vec::new());
        }
        let files = entries(&self.root)?.into_iter().filter(|(_, path)| path.is_file());
        Ok(files.map(|(name, _)| name).filter(|name| name.ends_with(".graphql") && name != DIRECTIVES_FILE).collect())
    }

    /// The model files, ordered by name, then those of all packs.
    pub(crate) fn model_files(&self) -> Found<SourceFile> {
        let directory = self.root.join("model");
        if !directory.is_dir() {
            return Found::from_results([Err(DirectoryError::NoModel { path: self.root.clone() })]);
        }
        let read = |found: Result<(String, PathBuf), DirectoryError>| {
            let (name, path) = found?;
            Ok(SourceFile { name: format!("model/{name}"), text: read_text(&path)?.into(), system: false })
        };
        let found =
            Found::from_results(listing(&directory, "graphql", "names of model files end in .graphql").map(read));
        match found.files.is_empty() && found.wrong.is_empty() {
            true => Found::from_results([Err(DirectoryError::EmptyModel { path: directory })]),
            false => found.and(self.pack_files()),
        }
    }

    /// The files of the packs in `packs`, whether the model includes them or not.
    fn pack_files(&self) -> Found<SourceFile> {
        let of_pack = |(pack, path): (String, PathBuf)| {
            let read = |found: Result<(String, PathBuf), DirectoryError>| {
                let (name, path) = found?;
                Ok(SourceFile::app(format!("{PACKS}/{pack}/{name}"), read_text(&path)?))
            };
            let found = listing(&path, "graphql", "names of model files end in .graphql");
            Found::from_results(found.filter(|found| !is_seed(found)).map(read))
        };
        let packs = match self.packs() {
            Ok(packs) => packs,
            Err(error) => return Found::from_results([Err(error)]),
        };
        let (packs, stray): (Vec<_>, Vec<_>) = packs.into_iter().partition(|(_, path)| path.is_dir());
        let why = "`packs` has one directory for each pack";
        let stray = stray.into_iter().map(|(_, path)| Err(DirectoryError::Stray { path, why }));
        packs.into_iter().map(of_pack).fold(Found::from_results(stray), Found::and)
    }

    /// What is in `packs`.
    fn packs(&self) -> Result<Vec<(String, PathBuf)>, DirectoryError> {
        let directory = self.root.join(PACKS);
        if directory.exists() { entries(&directory) } else { Ok(Vec::new()) }
    }

    /// The seed files, ordered by name (`Post.jsonl`), after those of the packs in `packs`, whether the model includes them or
    /// not.
    pub(crate) fn seed_files(&self) -> Found<SeedPath> {
        let packs = match self.packs() {
            Ok(packs) => packs.into_iter().filter(|(_, path)| path.is_dir()),
            Err(error) => return Found::from_results([Err(error)]),
        };
        let of_packs = packs.map(|(pack, path)| seeds_in(&path.join(SEED), Some(&pack)));
        of_packs.fold(Found::from_results([]), Found::and).and(seeds_in(&self.root.join(SEED), None))
    }
}

/// Whether a pack's directory of seed files was found where model files are looked for.
fn is_seed(found: &Result<(String, PathBuf), DirectoryError>) -> bool {
    matches!(found, Err(DirectoryError::Stray { path, .. }) if path.is_dir() && path.ends_with(SEED))
}

/// The seed files in this directory, if there is one.
fn seeds_in(directory: &Path, pack: Option<&str>) -> Found<SeedPath> {
    if !directory.is_dir() {
        let why = "`seed` must be a directory";
        let stray = directory.exists().then(|| Err(DirectoryError::Stray { path: directory.to_owned(), why }));
        return Found::from_results(stray);
    }
    let rule = "seed files are named after their type, such as Post.jsonl";
    let check = |found: Result<(String, PathBuf), DirectoryError>| {
        let (file, path) = found?;
        require_file(&path).map(|_| SeedPath { pack: pack.map(str::to_owned), file, path })
    };
    Found::from_results(listing(directory, "jsonl", rule).map(check))
}

/// The files of a directory with this extension, ordered by name. Other files are errors: they were probably meant to
/// be read.
fn listing(
    directory: &Path,
    ending: &'static str,
    rule: &'static str,
) -> impl Iterator<Item = Result<(String, PathBuf), DirectoryError>> {
    let (entries, error) = match entries(directory) {
        Ok(entries) => (entries, None),
        Err(error) => (Vec::new(), Some(Err(error))),
    };
    let checked = entries.into_iter().map(move |(name, path)| {
        if path.is_dir() {
            return Err(DirectoryError::Stray { path, why: "subdirectories are not read" });
        }
        match path.extension().is_some_and(|extension| extension == ending) {
            true => Ok((name, path)),
            false => Err(DirectoryError::Stray { path, why: rule }),
        }
    });
    error.into_iter().chain(checked)
}

/// What is in a directory, ordered by name, without hidden files, backups, what editors save on their own, and documents.
fn entries(directory: &Path) -> Result<Vec<(String, PathBuf)>, DirectoryError> {
    let unreadable = |source| DirectoryError::Unreadable { path: directory.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let document = path.extension().is_some_and(|extension| extension == "md" || extension == "txt")
            || name.starts_with("LICENSE");
        if !(name.starts_with(['.', '#']) || name.ends_with('~') || document) {
            entries.push((name, path));
        }
    }
    entries.sort();
    Ok(entries)
}

/// The files of a directory and of those in it, without those of packages.
fn all_within(directory: &Path) -> Vec<PathBuf> {
    let is_directory = |path: &Path| fs::symlink_metadata(path).is_ok_and(|about| about.is_dir());
    let each = entries(directory).unwrap_or_default().into_iter().filter(|(name, _)| name != "node_modules");
    each.flat_map(|(_, path)| if is_directory(&path) { all_within(&path) } else { vec![path] }).collect()
}

/// Fails unless the path leads to a file: reading a pipe would never end.
fn require_file(path: &Path) -> Result<fs::Metadata, DirectoryError> {
    let link = || fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(metadata),
        Ok(_) => Err(DirectoryError::NotFile { path: path.to_owned(), link: link() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(DirectoryError::NotFile { path: path.to_owned(), link: link() })
        }
        Err(source) => Err(DirectoryError::Unreadable { path: path.to_owned(), source }),
    }
}

fn read_text(path: &Path) -> Result<String, DirectoryError> {
    if require_file(path)?.len() > TEXT_BYTES {
        return Err(DirectoryError::TooLarge { path: path.to_owned() });
    }
    let bytes = fs::read(path).map_err(|source| DirectoryError::Unreadable { path: path.to_owned(), source })?;
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        DirectoryError::NotUtf8 { path: path.to_owned(), place: end_of(&before) }
    })?;
    // Some editors begin a file with a byte-order mark.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// The position after the last character of a text.
pub(crate) fn end_of(text: &str) -> Position {
    let number = |count: usize| u32::try_from(count).expect("texts are limited to TEXT_BYTES");
    let last = text.rsplit_once('\n').map_or(text, |(_, last)| last);
    Position { line: number(text.matches('\n').count() + 1), column: number(last.chars().count() + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An application with a good model file and whatever `prepare` adds.
    fn check(prepare: impl Fn(&Path), expected: &str) {
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path();
        fs::create_dir(root.join("model")).expect("model/");
        fs::write(root.join("model/a.graphql"), "type A { x: Int }").expect("a model file");
        prepare(root);
        let read = Directory::open(root).and_then(|app| {
            app.config()?;
            let models = app.model_files().all()?.into_iter().map(|file| file.name);
            let seeds = app.seed_files().all()?.into_iter().map(|seed| seed.name());
            Ok(models.chain(seeds).collect::<Vec<_>>().join(" "))
        });
        let text = read.unwrap_or_else(|error| error.to_string());
        assert_eq!(text.replace(&root.display().to_string(), "APP"), expected);
    }

    #[test]
    fn what_is_read() {
        check(|_| (), "model/a.graphql");
        check(
            |root| {
                fs::write(root.join("model/b.graphql"), "").expect("a file");
                fs::write(root.join("model/README.md"), "").expect("a file");
                fs::write(root.join("model/.a.swp"), [0xff]).expect("a file");
                fs::write(root.join("model/#a.graphql#"), "").expect("a file");
                fs::create_dir(root.join("seed")).expect("seed/");
                fs::write(root.join("seed/A.jsonl"), "").expect("a file");
            },
            "model/a.graphql model/b.graphql A.jsonl",
        );
        check(
            |root| {
                for file in ["b/b.graphql", "a/z.graphql", "a/a.graphql", "a/README.md", "a/LICENSE", "a/seed/A.jsonl"]
                {
                    let path = root.join("packs").join(file);
                    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
                    fs::write(path, "").expect("a file");
                }
            },
            "model/a.graphql packs/a/a.graphql packs/a/z.graphql packs/b/b.graphql packs/a/seed/A.jsonl",
        );
        check(
            |root| {
                fs::write(root.join("elsewhere"), "type B { y: Int }").expect("a file");
                std::os::unix::fs::symlink(root.join("elsewhere"), root.join("model/b.graphql")).expect("a link");
            },
            "model/a.graphql model/b.graphql",
        );
    }

    #[test]
    fn what_is_almost_named_right_is_told_with_what_was_meant() {
        let misnamed = |names: &[&str]| {
            let place = tempfile::tempdir().expect("a temporary directory");
            for name in names {
                let path = place.path().join(name);
                fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
                fs::write(path, "").expect("a file");
            }
            let told = Directory::open(place.path()).expect("a directory").misnamed();
            let told = told.iter().map(|error| match error {
                DirectoryError::Misnamed { path, meant } => {
                    format!("{} {meant}", path.file_name().unwrap_or_default().display())
                }
                other => other.to_string(),
            });
            told.collect::<Vec<_>>()
        };
        assert_eq!(
            misnamed(&[
                "backstay.tml",
                "Backstay.toml",
                "models/a.graphql",
                "pack/a/a.graphql",
                "sead/A.jsonl",
                "Seeds/A.jsonl",
            ]),
            [
                "Backstay.toml backstay.toml",
                "Seeds seed",
                "backstay.tml backstay.toml",
                "models model",
                "pack packs",
                "sead seed"
            ]
        );
        let fine = [
            "backstay.toml",
            "feed/news.xml",
            "module/a.js",
            "models",
            "sead",
            "Dockerfile",
            "src",
            "data",
            "assets",
            "package.json",
            "web",
        ];
        assert_eq!(misnamed(&fine), [""; 0]);
        let passed_over = ["backstay.lock", "backstay.sock", "backstay.db", "models.md", ".models", "backstay.toml~"];
        assert_eq!(misnamed(&passed_over), [""; 0]);
    }

    #[test]
    fn what_is_refused() {
        let write = |name: &'static str, bytes: &'static [u8]| {
            move |root: &Path| {
                fs::create_dir_all(root.join(name).parent().expect("a directory")).expect("a directory");
                fs::write(root.join(name), bytes).expect("a file");
            }
        };
        check(write("model/b.gql", b""), "APP/model/b.gql would be ignored: names of model files end in .graphql");
        check(
            write("seed/A.json", b""),
            "APP/seed/A.json would be ignored: seed files are named after their type, such as Post.jsonl",
        );
        check(
            write("packs/a.graphql", b""),
            "APP/packs/a.graphql would be ignored: `packs` has one directory for each pack",
        );
        check(write("packs/a/b/c.graphql", b""), "APP/packs/a/b would be ignored: subdirectories are not read");
        check(write("seed", b""), "APP/seed would be ignored: `seed` must be a directory");
        check(
            write("model/b.graphql", b"type B {\n  x: \xff }"),
            "APP/model/b.graphql is not UTF-8: invalid byte on line 2",
        );
        check(
            |root| fs::create_dir(root.join("model/more")).expect("a directory"),
            "APP/model/more would be ignored: subdirectories are not read",
        );
        check(
            |root| std::os::unix::fs::symlink("nowhere", root.join("model/b.graphql")).expect("a link"),
            "APP/model/b.graphql is not a file but a symbolic link to none",
        );
        check(
            |root| fs::remove_file(root.join("model/a.graphql")).expect("a file"),
            "APP/model contains no model files",
        );
        check(
            |root| fs::remove_dir_all(root.join("model")).expect("a directory"),
            "APP is not an application: there is no `model` directory",
        );
        check(|root| fs::remove_dir_all(root).expect("a directory"), "APP does not exist");
    }
}
