use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
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
const PROBE_BYTES: u64 = 256 * 1024;
/// Bytes that are written to it to find out why a write failed: more than a commit writes at once, or what is left of a
/// quota would do for the probe.
const FULL_PROBE_BYTES: u64 = 64 * 1024 * 1024;

/// What keeps other processes away from a database until it is dropped: its directory's lock file, and the database's own
/// file.
#[derive(Debug)]
pub(super) struct Locks {
    directory: File,
    file: File,
}

impl Locks {
    pub(super) fn new(directory: File, file: File) -> Self {
        Self { directory, file }
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        for file in [&self.file, &self.directory] {
            // Closing the files isn't enough: a program that this process is starting has them open, too, for a moment.
            if let Err(error) = file.unlock() {
                tracing::debug!(%error, "the lock ends when the file is closed");
            }
        }
    }
}

/// The database's file in this data directory.
pub(super) fn database(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// The write-ahead log of this database's file.
pub(super) fn write_ahead_log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The index of the write-ahead log of this database's file.
pub(super) fn write_ahead_log_index(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-shm");
    name.into()
}

/// The data directory of this database's file.
pub(super) fn directory(path: &Path) -> &Path {
    // Only the root directory has no parent, and `database` never returns that.
    path.parent().unwrap_or(path)
}

/// Creates the directory if it does not exist, accessible to its owner alone. Warns if other users may write to it: they
/// could replace the database. It is not refused, because some volumes show this mode and cannot have another, such as
/// an `emptyDir` of Kubernetes.
pub(super) fn make_directory(directory: &Path) -> Result<(), OpenError> {
    directory_of_one().recursive(true).create(directory).map_err(|source| unusable(directory, source))?;
    #[cfg(unix)]
    if fs::metadata(directory).is_ok_and(|metadata| others_may_write(metadata.mode())) {
        let directory = directory.display();
        tracing::warn!(
            %directory,
            "other users may write to the data directory and replace the database; take that right away (`chmod go-w`)"
        );
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
    probe_with(directory, |file, path| {
        write_zeros(file, PROBE_BYTES)?;
        (1..files).map(|_| File::open(path)).collect::<io::Result<Vec<_>>>().map(|_| ())
    })
}

/// Tries something with a file of its own in the directory.
fn probe_with(directory: &Path, try_it: impl FnOnce(&File, &Path) -> io::Result<()>) -> io::Result<()> {
    let path = directory.join(PROBE);
    let file = owned_by_one().create(true).truncate(true).open(&path);
    let tried = file.and_then(|file| try_it(&file, &path));
    // It does not exist if it could not be created.
    drop(fs::remove_file(&path));
    tried
}

fn write_zeros(mut file: &File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(bytes), &mut file)?;
    file.sync_all()
}

/// Whether files in the directory cannot grow because the disk is full or the user's quota is used up.
pub(super) fn is_full(directory: &Path) -> bool {
    probe_with(directory, |file, _| write_zeros(file, FULL_PROBE_BYTES)).is_err_and(|error| is_out_of_space(&error))
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

/// Creates the database's file if it does not exist; refuses one that cannot be a database of Backstay, or that has
/// another name. As long as connections are open, the file must be kept open: closing it would end the locks that SQLite
/// has on it in this process.
pub(super) fn check(path: &Path) -> Result<File, OpenError> {
    if path.is_symlink() {
        // The lock is in the directory of the link and does not protect the file that it leads to.
        return Err(OpenError::Link { path: path.to_owned() });
    }
    let file = open(path)?;
    let metadata = file.metadata().map_err(|source| unusable(path, source))?;
    if metadata.permissions().readonly() {
        return Err(unusable(path, io::Error::from(ErrorKind::PermissionDenied)));
    }
    #[cfg(unix)]
    check_inode(path, &metadata)?;
    let mut head = Vec::new();
    (&file).take(MAGIC.len() as u64).read_to_end(&mut head).map_err(|source| unusable(path, source))?;
    if head.is_empty() || head == MAGIC {
        return Ok(file);
    }
    let source = Arc::new(io::Error::from(ErrorKind::InvalidData));
    Err(OpenError::Corrupt { path: path.to_owned(), source })
}

/// Refuses a file with several names, each of which would have a write-ahead log of its own: what is committed under one
/// name would be missing under the other. Warns if other users may write to the file.
#[cfg(unix)]
fn check_inode(path: &Path, metadata: &fs::Metadata) -> Result<(), OpenError> {
    if metadata.nlink() > 1 {
        return Err(OpenError::HardLink { path: path.to_owned(), names: metadata.nlink() });
    }
    if others_may_write(metadata.mode()) {
        let file = path.display();
        tracing::warn!(%file, "other users may write to the database's file; take that right away (`chmod go-w`)");
    }
    Ok(())
}

/// Takes the database's file itself for this process until it is dropped: the lock of its directory doesn't cover a
/// second mount of the file alone. On Linux such a lock (`flock`) is independent of SQLite's own; elsewhere it can exclude
/// them, so there is none.
pub(super) fn lock_database(file: &File, path: &Path) -> Result<(), OpenError> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::LockedElsewhere { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(path, source)),
    }
}

/// Deletes the database's file, and then its write-ahead log with the index of that, which SQLite ignores without the
/// file.
pub(super) fn delete(path: &Path) -> Result<(), OpenError> {
    for path in [path.to_owned(), write_ahead_log(path), write_ahead_log_index(path)] {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(unusable(&path, source)),
            Ok(()) | Err(_) => (),
        }
    }
    Ok(())
}

/// Opens a file to read and write; creates it if it does not exist.
fn open(path: &Path) -> Result<File, OpenError> {
    owned_by_one().create(true).truncate(false).open(path).map_err(|source| unusable(path, source))
}

/// Directories that are created are accessible to their owner alone.
pub(super) fn directory_of_one() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Makes the names of files durable in the directory of this one.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = match directory(path) {
        // The directory of a name alone is the current one.
        empty if empty.as_os_str().is_empty() => Path::new("."),
        directory => directory,
    };
    File::open(directory)?.sync_all()
}

/// Files that are created are accessible to their owner alone.
pub(super) fn owned_by_one() -> OpenOptions {
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
    Ok(identified(&fs::metadata(path)?))
}

/// The identity of an open file.
pub(super) fn identity_of(file: &File) -> io::Result<Identity> {
    Ok(identified(&file.metadata()?))
}

fn identified(metadata: &fs::Metadata) -> Identity {
    #[cfg(unix)]
    return Identity(metadata.dev(), metadata.ino());
    #[cfg(not(unix))]
    return Identity(0, u64::from(metadata.is_file()));
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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_used_up_quota_counts_as_a_full_disk() {
        let (edquot, enospc, eio, efbig) = (122, 28, 5, 27);
        for (errno, expected) in [(edquot, true), (enospc, true), (eio, false), (efbig, false)] {
            assert_eq!(is_out_of_space(&io::Error::from_raw_os_error(errno)), expected, "{errno}");
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

    /// A program that the process starts has its files, too, until it runs.
    #[test]
    fn a_file_that_a_child_has_inherited_keeps_nobody_away() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = database(place.path());
        let (directory, file) = (lock(place.path()).expect("it is free"), check(&path).expect("a new file"));
        lock_database(&file, &path).expect("it is free");
        let inherited = [&directory, &file].map(|file| file.try_clone().expect("another descriptor"));
        drop(Locks::new(directory, file));
        let again = lock(place.path()).and_then(|_| lock_database(&check(&path)?, &path));
        assert!(again.is_ok(), "{again:?}");
        drop(inherited);
    }
}
