use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::TransferError;
use crate::Failure;

/// A file that is being written, under a name of its own beside the one that it gets when it is complete. It is removed if
/// that never happens: it is of no use, and the disk may be full.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: BufWriter<File>,
    path: PathBuf,
    is_complete: bool,
}

impl Part {
    /// Begins a file that only its owner may read: records may be secret. What an export that was killed has left there is
    /// replaced; what another one writes is not.
    pub(super) fn begin(whole: &Path) -> Result<Self, Failure> {
        let mut name = whole.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
        name.push(".part");
        let path = whole.with_file_name(name);
        let fail = |source: io::Error| match source.kind() {
            ErrorKind::ResourceBusy => TransferError::Shared { path: whole.to_owned() }.into(),
            _ => Failure::Write { path: whole.to_owned(), source },
        };
        let file = match create(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                lock(&File::open(&path).map_err(fail)?).map_err(fail)?;
                fs::remove_file(&path).and_then(|()| create(&path))
            }
            created => created,
        };
        let file = BufWriter::with_capacity(1 << 18, file.map_err(fail)?);
        Ok(Self { file, path, is_complete: false })
    }

    /// Makes what was written durable, under the name of the whole.
    pub(super) fn complete(mut self, whole: &Path) -> io::Result<()> {
        self.file.get_ref().sync_all()?;
        fs::rename(&self.path, whole)?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_complete {
            // The next export replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A new file, which is locked while it is open.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    lock(&file)?;
    Ok(file)
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ErrorKind::ResourceBusy.into()),
        // Some network file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_appears_when_it_is_complete_and_leaves_nothing_else() {
        let place = tempfile::tempdir().expect("a directory");
        let (whole, part) = (place.path().join("a.csv"), place.path().join("a.csv.part"));
        drop(Part::begin(&whole).expect("begins"));
        assert!(!part.exists() && !whole.exists());

        fs::write(&part, "left by one that was killed").expect("a file");
        let mut one = Part::begin(&whole).expect("replaces it");
        let other = Part::begin(&whole).expect_err("one is writing");
        assert_eq!(other.to_string(), format!("another export is writing {}", whole.display()));
        one.file.write_all(b"x").and_then(|()| one.file.flush()).expect("writes");
        one.complete(&whole).expect("completes");
        assert_eq!(fs::read_to_string(&whole).expect("the file"), "x");
        assert!(!part.exists());
    }
}
