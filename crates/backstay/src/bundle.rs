//! Bundles the packages that functions import into files of `functions/packages/`, with the application's own esbuild.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backstay_functions::{ImportedPackage, PACKAGES, imported_packages, package_name};
use serde_json::Value;

use crate::{Directory, Failure};

/// The first words of each file that is made, so that others are left alone.
const MADE: &str = "// Made by `backstay bundle`";
/// Where npm puts the program, below the directory of the application or one that it is in.
const ESBUILD: &str = "node_modules/.bin/esbuild";

/// What it has done.
#[derive(Debug, Default)]
pub(crate) struct Bundled {
    /// The files that are made, and how large each is.
    pub(crate) made: Vec<(String, usize)>,
    /// Files of packages that nothing imports any more.
    pub(crate) removed: Vec<String>,
}

/// Why a package isn't bundled.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// There is no esbuild.
    #[error("there is no `{ESBUILD}` in {root} or any directory above it")]
    NoEsbuild {
        /// The directory of the application.
        root: PathBuf,
    },
    /// It can't be run.
    #[error("cannot run {program}")]
    Run {
        /// Its path.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something that this didn't make is where a package goes.
    #[error("`{file}` wasn't made by `backstay bundle`, so it isn't overwritten")]
    NotMade {
        /// The file.
        file: String,
    },
    /// It can't bundle a package.
    #[error("cannot bundle `{package}`:\n{words}")]
    Refused {
        /// The package.
        package: String,
        /// What esbuild says.
        words: String,
    },
}

impl BundleError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoEsbuild { .. } => {
                Some("install it in the directory of the application: `npm install --save-dev esbuild`")
            }
            Self::Refused { .. } => Some(
                "install the package with npm; one that needs Node.js (`fs`, `net`) or native code can't run in functions",
            ),
            Self::NotMade { .. } => Some(
                "move it out of `functions/packages` and import it by its path, or delete it to have the package bundled",
            ),
            Self::Run { .. } => None,
        }
    }
}

/// Makes a file of each package that functions or tests import, and removes those that it made before of others.
pub(crate) fn bundle(directory: &Directory) -> Result<Bundled, Failure> {
    let root = directory.root();
    let packages = imported_packages(root).map_err(Failure::Functions)?;
    let mut bundled = Bundled::default();
    if !packages.is_empty() {
        let esbuild = esbuild(root)?;
        for package in &packages {
            require_made(root, package.file())?;
        }
        let each = packages.iter().map(|package| Ok((package.file(), of_package(&esbuild, root, package)?)));
        // Nothing is written if one of them can't be bundled.
        let texts: Vec<(String, String)> = each.collect::<Result<_, BundleError>>()?;
        let staged: Vec<Staged> =
            texts.iter().map(|(file, text)| Staged::write(&root.join(file), text)).collect::<Result<_, _>>()?;
        for one in staged {
            one.replace()?;
        }
        bundled.made = texts.into_iter().map(|(file, text)| (file, text.len())).collect();
    }
    let current: BTreeSet<PathBuf> = bundled.made.iter().map(|(file, _)| root.join(file)).collect();
    for path in made_before(&root.join(PACKAGES))? {
        if !current.contains(&path) {
            fs::remove_file(&path).map_err(|source| Failure::Write { path: path.clone(), source })?;
            bundled.removed.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
        }
    }
    Ok(bundled)
}

fn esbuild(root: &Path) -> Result<PathBuf, BundleError> {
    let missing = || BundleError::NoEsbuild { root: root.to_owned() };
    let absolute = std::path::absolute(root).map_err(|_| missing())?;
    absolute.ancestors().map(|above| above.join(ESBUILD)).find(|program| program.is_file()).ok_or_else(missing)
}

/// The text of the file for a package: what functions import of it, in one module.
fn of_package(esbuild: &Path, root: &Path, package: &ImportedPackage) -> Result<String, BundleError> {
    let failed = |source| BundleError::Run { program: esbuild.to_owned(), source };
    let mut child = Command::new(esbuild)
        .args(["--bundle", "--format=esm", "--platform=browser", "--target=es2022", "--charset=utf8"])
        .args(["--define:process.env.NODE_ENV=\"production\"", "--log-level=error", "--color=false"])
        .arg("--legal-comments=eof")
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    // It reads the entry, a line or two, before it does anything else.
    child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(package.entry().as_bytes())).map_err(failed)?;
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(BundleError::Refused { package: package.specifier.clone(), words });
    }
    let version = version(root, &package.specifier).map_or_else(String::new, |version| format!(" {version}"));
    let head = format!("{MADE} of {}{version}; run it again to change this.\n", package.specifier);
    Ok(head + &String::from_utf8_lossy(&output.stdout))
}

/// The version of the package that is installed.
fn version(root: &Path, specifier: &str) -> Option<String> {
    let about = Path::new("node_modules").join(package_name(specifier)).join("package.json");
    let absolute = std::path::absolute(root).ok()?;
    let text = absolute.ancestors().find_map(|above| fs::read(above.join(&about)).ok())?;
    Some(serde_json::from_slice::<Value>(&text).ok()?["version"].as_str()?.to_owned())
}

/// Refuses to write over what somebody else has put where a package goes.
fn require_made(root: &Path, file: String) -> Result<(), Failure> {
    let path = root.join(&file);
    match fs::read(&path) {
        Ok(text) if text.starts_with(MADE.as_bytes()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(BundleError::NotMade { file }.into()),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => Err(BundleError::NotMade { file }.into()),
        Err(source) => Err(Failure::Write { path, source }),
    }
}

/// A new file beside the one that it replaces. Unless it does, it is deleted.
#[derive(Debug)]
struct Staged {
    beside: PathBuf,
    path: PathBuf,
}

impl Staged {
    fn write(path: &Path, text: &str) -> Result<Self, Failure> {
        // Functions aren't read from hidden files.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let staged = Self { beside: path.with_file_name(format!(".{name}.new")), path: path.to_owned() };
        let directory = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = directory.and_then(|()| fs::write(&staged.beside, text));
        written.map(|()| staged).map_err(|source| Failure::Write { path: path.to_owned(), source })
    }

    fn replace(self) -> Result<(), Failure> {
        fs::rename(&self.beside, &self.path).map_err(|source| Failure::Write { path: self.path.clone(), source })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the replacement, there is none.
        let _ = fs::remove_file(&self.beside);
    }
}

/// The files in a directory and those within that were made by this command.
fn made_before(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |source| Failure::Write { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.extend(made_before(&path)?);
        } else if fs::read(&path).map_err(unreadable)?.starts_with(MADE.as_bytes()) {
            found.push(path);
        }
    }
    Ok(found)
}
