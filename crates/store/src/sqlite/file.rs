use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::OpenError;

/// The database's file in the data directory.
const DATABASE: &str = "backstay.db";
/// The file whose lock says that a process uses the directory.
const LOCK: &str = "backstay.lock";
/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The database's file in this data directory.
pub(super) fn database(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// Makes the directory where it is missing, readable for its owner alone.
pub(super) fn make_directory(directory: &Path) -> Result<(), OpenError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|source| unusable(directory, source))
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

/// Makes the database's file where it is missing; refuses one that cannot be a database of Backstay.
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    if path.is_symlink() {
        // The lock stands in the directory of the link, and says nothing of the file's own.
        return Err(OpenError::Link { path: path.to_owned() });
    }
    let mut file = open(path)?;
    let writable = file.metadata().is_ok_and(|metadata| !metadata.permissions().readonly());
    if !writable {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    let mut head = Vec::new();
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head).map_err(|source| unusable(path, source))?;
    if head.is_empty() || head == MAGIC {
        return Ok(());
    }
    let source = Arc::new(std::io::Error::from(ErrorKind::InvalidData));
    Err(OpenError::Corrupt { path: path.to_owned(), source })
}

/// A file to read and write, made for its owner alone where it is missing.
fn open(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| unusable(path, source))
}

/// What tells a file from another that takes its name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// The identity of the file that has this name now. Elsewhere than on Unix a file that is open keeps its name.
pub(super) fn identity(path: &Path) -> std::io::Result<Identity> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    return Ok(Identity(metadata.dev(), metadata.ino()));
    #[cfg(not(unix))]
    return Ok(Identity(0, u64::from(metadata.is_file())));
}

fn unusable(path: &Path, source: std::io::Error) -> OpenError {
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly { path: path.to_owned() },
        _ => OpenError::Directory { path: path.to_owned(), source },
    }
}
