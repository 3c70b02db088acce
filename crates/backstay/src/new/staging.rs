use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;

/// Files that appear at their place all together, or not at all. They are written to a temporary directory, which is
/// deleted if they aren't finished.
#[derive(Debug)]
pub(super) struct Staging {
    target: PathBuf,
    /// Whether the target exists, so that the files are moved into it one by one.
    exists: bool,
    temporary: PathBuf,
}

impl Staging {
    /// Files for this directory. The temporary directory is in the same file system: beside the target or, if that exists,
    /// in it.
    pub(super) fn beside(target: &Path, exists: bool) -> Result<Self, Failure> {
        let name = format!(".backstay-new-{}", std::process::id());
        let temporary = if exists { target.join(name) } else { target.with_file_name(name) };
        fs::create_dir(&temporary).map_err(|source| failed(target, source))?;
        Ok(Self { target: target.to_owned(), exists, temporary })
    }

    /// Writes a file. `name` is its path in the directory.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.temporary.join(name);
        let parent = path.parent().unwrap_or(&self.temporary);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        written.map_err(|source| failed(&self.target.join(name), source))
    }

    /// Moves the files to their place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let wrong = |source| failed(&self.target, source);
        if !self.exists {
            return fs::rename(&self.temporary, &self.target).map_err(wrong);
        }
        let mut moved: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(&self.temporary).map_err(wrong)?.flatten() {
            let to = self.target.join(entry.file_name());
            if let Err(source) = fs::rename(entry.path(), &to) {
                for path in &moved {
                    remove(path);
                }
                return Err(failed(&to, source));
            }
            moved.push(to);
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        remove(&self.temporary);
    }
}

/// Removes what was just made. If that fails too, it stays.
fn remove(path: &Path) {
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

fn failed(path: &Path, source: std::io::Error) -> Failure {
    Failure::Write { path: path.to_owned(), source }
}
