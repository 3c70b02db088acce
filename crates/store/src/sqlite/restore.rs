use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::check;
use super::connection::Mode;
use super::error::store_error;
use super::file;
use super::recognized::recognized;
use crate::backup::{CopyError, CopyProgress, CopyStage, Restored, Restoring, Watch};
use crate::{OpenError, StoreError};

/// The name of the file that becomes the database.
const NEXT: &str = "backstay.db.restoring";
/// Bytes that are copied at a time.
const BYTES_AT_ONCE: usize = 1024 * 1024;

/// Makes a backup the database of a directory that no process uses, and keeps the database before in a directory below it.
/// The backup is copied and checked before anything changes.
pub(crate) fn restore(
    directory: &Path,
    restoring: &Restoring<'_>,
    watch: &mut Watch<'_>,
) -> Result<Restored, CopyError> {
    file::make_directory(directory)?;
    let _lock = file::lock(directory)?;
    let present = file::database(directory);
    let source = Source::open(restoring.file, &present)?;
    let next = directory.join(NEXT);
    let prepared = (|| {
        source.copy(&next, watch)?;
        settle(&next).map_err(|error| check::damage(&next, error))?;
        let checked = check::check(&next, watch)?;
        match restoring.application {
            Some(expected) if expected != checked.application => Err(CopyError::OtherApplication {
                path: restoring.file.to_owned(),
                found: checked.application,
                expected: expected.to_owned(),
            }),
            _ => Ok(checked),
        }
    })();
    let exchanged = prepared.and_then(|checked| {
        sync(&next)?;
        // If it can be opened, it needs its write-ahead log no longer.
        if is_there(&present)? {
            drop(settle(&present));
        }
        let kept = keep(directory, &present, restoring)?;
        exchange(&next, &present).inspect_err(|_| {
            if let Some(kept) = &kept {
                give_back(kept, &present);
            }
        })?;
        Ok(Restored { checked, kept })
    });
    exchanged.map_err(|error| {
        remove_all(&next);
        // What was found in the copy is in the backup.
        match error {
            CopyError::Damaged { finding, .. } => CopyError::Damaged { path: restoring.file.to_owned(), finding },
            CopyError::Open(OpenError::Newer { found, known, .. }) => {
                OpenError::Newer { database: restoring.file.display().to_string(), found, known }.into()
            }
            CopyError::Open(OpenError::NotOurs { .. }) => {
                let finding = "it is the database of another program".to_owned();
                CopyError::Damaged { path: restoring.file.to_owned(), finding }
            }
            error => error,
        }
    })
}

/// A backup: one file, or a file with the write-ahead log that a killed process left beside it.
struct Source<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path, present: &Path) -> Result<Self, CopyError> {
        let unreadable = |source| CopyError::Read { path: path.to_owned(), source };
        // Opening a pipe would wait for somebody to write into it, and devices never end.
        let kind = fs::metadata(path).map_err(unreadable)?.file_type();
        if kind.is_dir() {
            return Err(unreadable(ErrorKind::IsADirectory.into()));
        }
        if !kind.is_file() {
            return Err(CopyError::NotAFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(unreadable)?;
        let is_present = is_there(present)?
            && file::identity(present).and_then(|present| Ok(present == file::identity(path)?)).map_err(unreadable)?;
        match file::lock_database(&file, path) {
            Ok(()) if is_present => Err(CopyError::Itself { path: present.to_owned() }),
            Ok(()) => Ok(Self { path, file }),
            Err(OpenError::LockedElsewhere { .. }) => Err(CopyError::InUse { path: path.to_owned() }),
            Err(error) => Err(error.into()),
        }
    }

    fn copy(&self, next: &Path, watch: &mut Watch<'_>) -> Result<(), CopyError> {
        remove_all(next);
        let log = file::write_ahead_log(self.path);
        let total = [self.path, &log].iter().filter_map(|path| fs::metadata(path).ok()).map(|one| one.len()).sum();
        let mut done = 0;
        let mut progress = |bytes: usize| {
            done += bytes as u64;
            watch(CopyProgress { stage: CopyStage::Copy, done, total })
        };
        copy_file((&self.file, self.path), next, &mut progress)?;
        match File::open(&log) {
            Ok(file) => copy_file((&file, &log), &file::write_ahead_log(next), &mut progress),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(source) => Err(CopyError::Read { path: log, source }),
        }
    }
}

fn copy_file(
    (mut from, path): (&File, &Path),
    to: &Path,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<(), CopyError> {
    let unwritable = |source| CopyError::Write { path: to.to_owned(), source };
    let mut target = file::owned_by_one().create_new(true).open(to).map_err(unwritable)?;
    let mut buffer = vec![0; BYTES_AT_ONCE];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(source) => return Err(CopyError::Read { path: path.to_owned(), source }),
        };
        if read == 0 {
            return Ok(());
        }
        target.write_all(&buffer[..read]).map_err(unwritable)?;
        if let ControlFlow::Break(()) = progress(read) {
            return Err(CopyError::Interrupted);
        }
    }
}

/// Writes what is in the write-ahead log of a file, if it has one, into the file.
fn settle(next: &Path) -> Result<(), CopyError> {
    drop(file::check(next).map_err(|error| match error {
        OpenError::Corrupt { path, .. } => {
            CopyError::Damaged { path, finding: "it doesn't begin as a database does".to_owned() }
        }
        error => error.into(),
    })?);
    let (session, _) = recognized(next, Mode::Writer)?;
    let mode: String =
        session.db.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(store_error)?;
    if mode == "delete" { Ok(()) } else { Err(StoreError::Busy.into()) }
}

/// Whether there is a file with this name. If that can't be found out, nothing may be put in its place.
fn is_there(path: &Path) -> Result<bool, CopyError> {
    path.try_exists().map_err(|source| CopyError::Read { path: path.to_owned(), source })
}

/// Moves the database to a directory of its own, as far as it can be done without taking anything away: the files have two
/// names afterwards, or are copied where a file can't have two.
fn keep(directory: &Path, present: &Path, restoring: &Restoring<'_>) -> Result<Option<PathBuf>, CopyError> {
    if !is_there(present)? {
        return Ok(None);
    }
    let kept = new_directory(directory, restoring)?;
    for from in [present.to_owned(), file::write_ahead_log(present)] {
        let Some(name) = from.file_name() else { continue };
        if !is_there(&from)? {
            continue;
        }
        let to = kept.join(name);
        let kept = fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop));
        kept.and_then(|()| File::open(&to)?.sync_all()).map_err(|source| CopyError::Write { path: to, source })?;
    }
    let synced = File::open(&kept).and_then(|directory| directory.sync_all());
    let synced = synced.and_then(|()| file::sync_directory(&kept));
    synced.map_err(|source| CopyError::Write { path: kept.clone(), source })?;
    Ok(Some(kept))
}

/// Makes `before-restore-20261127T130405`, or the same with a number behind it.
fn new_directory(directory: &Path, restoring: &Restoring<'_>) -> Result<PathBuf, CopyError> {
    let moment: String = restoring.moment.to_string().chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    for number in 1_u32.. {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let path = directory.join(format!("before-restore-{moment}{number}"));
        match file::directory_of_one().create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
            Err(source) => return Err(CopyError::Write { path, source }),
        }
    }
    Err(CopyError::Exists { path: directory.to_owned() })
}

/// Puts the file in the place of the database. The write-ahead log of the database before goes first: SQLite would apply
/// it to whatever database it finds beside it.
fn exchange(next: &Path, present: &Path) -> Result<(), CopyError> {
    let unwritable = |path: &Path, source| CopyError::Write { path: path.to_owned(), source };
    for path in [file::write_ahead_log(present), file::write_ahead_log_index(present)] {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(unwritable(&path, source)),
            Ok(()) | Err(_) => (),
        }
    }
    let named = file::sync_directory(present).and_then(|()| fs::rename(next, present));
    named.and_then(|()| file::sync_directory(present)).map_err(|source| unwritable(present, source))
}

/// Undoes `keep`.
fn give_back(kept: &Path, present: &Path) {
    for path in [file::write_ahead_log(present), present.to_owned()] {
        let Some(from) = path.file_name().map(|name| kept.join(name)) else { continue };
        let given = if path.exists() { fs::remove_file(&from) } else { fs::rename(&from, &path) };
        // There may be no write-ahead log.
        drop(given);
    }
    drop(fs::remove_dir(kept));
}

fn sync(path: &Path) -> Result<(), CopyError> {
    let synced: io::Result<()> = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| CopyError::Write { path: path.to_owned(), source })
}

/// Removes a file and what SQLite keeps beside it. What can't be removed is noticed when it is written again.
fn remove_all(path: &Path) {
    for path in [path.to_owned(), file::write_ahead_log(path), file::write_ahead_log_index(path)] {
        drop(fs::remove_file(path));
    }
}
