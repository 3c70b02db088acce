//! Makes applications from templates.

mod error;
mod staging;
mod template;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use error::NewError;
pub(crate) use template::Template;

use crate::Failure;
use staging::Staging;

/// Maximum length of an application's name in characters, as the model checks it.
const NAME_CHARS: usize = 80;

/// A directory in which an application can be made: it doesn't exist, or is empty.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    exists: bool,
}

impl Target {
    /// Fails if an application cannot be made at this path.
    pub(crate) fn find(path: &Path) -> Result<Self, NewError> {
        let path: PathBuf = path.components().collect();
        match fs::read_dir(&path) {
            Ok(entries) => {
                let mut names: Vec<String> =
                    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
                names.sort();
                if names.is_empty() { Ok(Self { path, exists: true }) } else { Err(NewError::NotEmpty { path, names }) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                match parent.is_dir() {
                    true => Ok(Self { path, exists: false }),
                    false => Err(NewError::NoParent { parent: parent.to_owned() }),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory && path.exists() => {
                Err(NewError::NotDirectory { path })
            }
            Err(source) => Err(NewError::Unreadable { path, source }),
        }
    }

    /// A name that fits the directory: `my-shop` becomes `My shop`. `None` if there is none.
    pub(crate) fn name(&self) -> Option<String> {
        let full = self.path.canonicalize();
        let path = full.as_deref().unwrap_or(&self.path);
        let words = path.file_name()?.to_str()?.replace(['-', '_', '.'], " ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut letters = words.chars();
        let name: String = letters.next()?.to_uppercase().chain(letters).collect();
        check_name(&name).is_ok().then_some(name)
    }

    /// Makes an application of this name. If that fails, everything is as before.
    pub(crate) fn make(&self, template: Template, name: &str) -> Result<(), Failure> {
        check_name(name)?;
        let staging = Staging::beside(&self.path, self.exists)?;
        for (file, text) in template.files() {
            staging.write(file, &text.replace("{{name}}", name))?;
        }
        staging.finish()
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Refuses a name that an application cannot have, or that would have to be escaped in the model.
pub(crate) fn check_name(name: &str) -> Result<(), NewError> {
    let chars = name.chars().count();
    let plain = |letter: char| !(letter.is_control() || matches!(letter, '"' | '\\'));
    let trimmed = name.trim() == name;
    match (1..=NAME_CHARS).contains(&chars) && name.chars().all(plain) && trimmed {
        true => Ok(()),
        false => Err(NewError::Name { name: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_the_directory() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let check = |directory: &str, expected: Option<&str>| {
            let target = Target::find(&place.path().join(directory)).expect("a directory to make");
            assert_eq!(target.name().as_deref(), expected, "{directory}");
        };
        check("blog", Some("Blog"));
        check("my-new_shop", Some("My new shop"));
        check("état", Some("État"));
        check("--", None);
        check("a\"b", None);
    }

    #[test]
    fn names() {
        for good in ["A", "Ada's blog", "Blog & Co. <3", &"x".repeat(80)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", " ", " A", "A\n", "say \"A\"", "a\\b", &"x".repeat(81)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
