use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::OpenError;

/// The database's file in the data directory.
const DATABASE: &str = "backstay.db";
/// The file that is locked while a process uses the directory.
const LOCK: &str = "backstay.lock";
/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A file that is written to find out why others cannot be.
const PROBE: &str = "backstay.probe";
/// Bytes that are written to it: more than SQLite needs at once when it opens a database.
const PROBE_BYTES: usize = 256 * 1024;

/// The database's file in this data directory.
pub(super) fn database(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// The data directory of this database's file.
pub(super) fn directory(path: &Path) -> &Path {
    // Only the root directory has no parent, and `database` never returns that.
    path.parent().unwrap_or(path)
}

/// Creates the directory if it does not exist, accessible to its owner alone. Warns if other users may write to it: they
/// could replace the database.
pub(super) fn make_directory(directory: &Path) -> Result<(), OpenError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|source| unusable(directory, source))?;
    #[cfg(unix)]
    if fs::metadata(directory).is_ok_and(|metadata| others_may_write(metadata.mode())) {
        let directory = directory.display();
        tracing::warn!(%directory, "other users may write to the data directory; take that right away (`chmod go-w`)");
    }
    Ok(())
}

#[cfg(unix)]
fn others_may_write(mode: u32) -> bool {
    mode & 0o022 != 0
}

/// Tries to write a file in the directory, and to have this many files open at the same time. SQLite doesn't report why
/// it failed; this does.
pub(super) fn probe(directory: &Path, files: usize) -> io::Result<()> {
    let path = directory.join(PROBE);
    let written = write_probe(&path, files);
    // It does not exist if it could not be created.
    drop(fs::remove_file(&path));
    written
}

fn write_probe(path: &Path, files: usize) -> io::Result<()> {
    let mut file = owned_by_one().create(true).truncate(true).open(path)?;
    file.write_all(&vec![0; PROBE_BYTES])?;
    file.sync_all()?;
    (1..files).map(|_| File::open(path)).collect::<io::Result<Vec<_>>>().map(|_| ())
}

/// Whether files in the directory cannot grow because the disk is full or the user's quota is used up.
pub(super) fn is_full(directory: &Path) -> bool {
    probe(directory, 1).is_err_and(|error| is_out_of_space(&error))
}

fn is_out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Whether this process, or the whole system, has as many files open as it may.
fn is_out_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// Takes the directory for this process until the file is dropped.
pub(super) fn lock(directory: &Path) -> Result<File, OpenError> {
    let file = open(&directory.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(directory, source)),
    }
}

/// Creates the database's file if it does not exist; refuses one that cannot be a database of Backstay.
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    if path.is_symlink() {
        // The lock is in the directory of the link and does not protect the file that it leads to.
        return Err(OpenError::Link { path: path.to_owned() });
    }
    let file = open(path)?;
    let metadata = file.metadata().map_err(|source| unusable(path, source))?;
    if metadata.permissions().readonly() {
        return Err(unusable(path, io::Error::from(ErrorKind::PermissionDenied)));
    }
    let mut head = Vec::new();
    (&file).take(MAGIC.len() as u64).read_to_end(&mut head).map_err(|source| unusable(path, source))?;
    if head.is_empty() || head == MAGIC {
        return Ok(());
    }
    let source = Arc::new(io::Error::from(ErrorKind::InvalidData));
    Err(OpenError::Corrupt { path: path.to_owned(), source })
}

/// Opens a file to read and write; creates it if it does not exist.
fn open(path: &Path) -> Result<File, OpenError> {
    owned_by_one().create(true).truncate(false).open(path).map_err(|source| unusable(path, source))
}

/// Files that are created are accessible to their owner alone.
fn owned_by_one() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Distinguishes a file from another with its name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// The identity of the file that has this name now. On systems other than Unix an open file keeps its name.
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    return Ok(Identity(metadata.dev(), metadata.ino()));
    #[cfg(not(unix))]
    return Ok(Identity(0, u64::from(metadata.is_file())));
}

/// What an error of the operating system means for the database.
pub(super) fn unusable(path: &Path, source: io::Error) -> OpenError {
    match is_out_of_files(&source) {
        true => OpenError::OpenFiles(source),
        false => OpenError::Unwritable { path: path.to_owned(), source },
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// The numbers are those of Linux.
    #[cfg(target_os = "linux")]
    #[test]
    fn errors_of_the_operating_system_name_their_cause() {
        let of = |errno: i32| unusable(Path::new("data"), io::Error::from_raw_os_error(errno));
        let (eacces, enfile, emfile, enospc, erofs, edquot, eio) = (13, 23, 24, 28, 30, 122, 5);
        for errno in [enfile, emfile] {
            assert!(matches!(of(errno), OpenError::OpenFiles(_)), "{errno}");
        }
        for errno in [eacces, enospc, erofs, edquot, eio] {
            let error = of(errno);
            let OpenError::Unwritable { source, .. } = &error else { panic!("{error:?}") };
            assert_eq!(source.raw_os_error(), Some(errno));
        }
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_noticed() {
        for (mode, expected) in [(0o700, false), (0o755, false), (0o775, true), (0o757, true), (0o1777, true)] {
            assert_eq!(others_may_write(mode), expected, "{mode:o}");
        }
    }

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let directory = tempfile::TempDir::new().expect("a directory");
        probe(directory.path(), 8).expect("it can be written");
        assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);
        let missing = directory.path().join("missing");
        assert_eq!(probe(&missing, 1).expect_err("no directory").kind(), ErrorKind::NotFound);
        assert!(!is_full(&missing));
    }
}
