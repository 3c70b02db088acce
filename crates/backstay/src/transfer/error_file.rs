use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Done, RefusedRow};
use crate::Failure;

/// The file that lists which rows are refused. What is appended is durable before the import goes on.
#[derive(Debug)]
pub(super) struct ErrorFile {
    path: PathBuf,
    file: File,
    /// Whether it has any row.
    has_rows: bool,
}

impl ErrorFile {
    /// Begins one, in place of that of an earlier import.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path);
        let file = file.and_then(|file| is_durable(sync_directory(path)).map(|()| file));
        let file = file.map_err(|source| Failure::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, has_rows: false })
    }

    /// Goes on with that of an import that was interrupted: appends what it may not have yet, once. Returns how many rows of
    /// the earlier run it lacks, because it is another file or was changed.
    pub(super) fn resume(path: &Path, done: &Done) -> Result<(Self, u64), Failure> {
        let listed = done.refused.saturating_sub(done.unlisted.len() as u64);
        if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            let mut file = Self::create(path)?;
            file.append(&done.unlisted)?;
            return Ok((file, listed));
        }
        let cut = || {
            let (end, found) = end_of_lines(path, listed)?;
            let file = OpenOptions::new().append(true).open(path)?;
            file.set_len(end)?;
            Ok((file, found))
        };
        let (file, found) = cut().map_err(|source| Failure::Write { path: path.to_owned(), source })?;
        let mut file = Self { path: path.to_owned(), file, has_rows: found > 0 };
        file.append(&done.unlisted)?;
        Ok((file, listed - found))
    }

    /// Appends rows.
    pub(super) fn append(&mut self, rows: &[RefusedRow]) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        self.has_rows = true;
        let lines: String = rows.iter().map(RefusedRow::line).collect();
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| is_durable(self.file.sync_data()));
        written.map_err(|source| Failure::Write { path: self.path.clone(), source })
    }

    /// The import has ended. A file without rows is of no use.
    pub(super) fn end(self) {
        if !self.has_rows && self.file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            // It is empty, whether or not it can be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Terminals and pipes have nothing that could be made durable.
fn is_durable(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

/// Makes the name of a new file durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Where the first lines of a file end, of at most so many, and how many there are.
fn end_of_lines(path: &Path, most: u64) -> io::Result<(u64, u64)> {
    let (mut reader, mut line) = (BufReader::new(File::open(path)?), Vec::new());
    let (mut end, mut found) = (0, 0);
    while found < most {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            break;
        }
        end += read as u64;
        found += 1;
    }
    Ok((end, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64) -> RefusedRow {
        RefusedRow { error: "no".to_owned(), line }
    }

    /// What a file with these lines has after an import goes on that is past `refused` refused rows, of which it may lack
    /// the last ones.
    fn check(before: Option<&str>, (refused, unlisted): (u64, &[u64]), expected: (&str, u64)) {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("errors");
        if let Some(before) = before {
            fs::write(&path, before).expect("a file");
        }
        let unlisted = unlisted.iter().copied().map(row).collect();
        let done = Done { rows: 9, digest: String::new(), refused, unlisted };
        let (mut file, lacks) = ErrorFile::resume(&path, &done).expect("goes on");
        file.append(&[row(9)]).expect("appends");
        let found = fs::read_to_string(&path).expect("the file");
        let found = found.replace("{\"error\":\"no\",\"line\":", "").replace("}\n", " ");
        assert_eq!((found.trim_end(), lacks), expected, "{before:?}");
    }

    #[test]
    fn each_refused_row_is_listed_once() {
        let lines = |lines: &[u64]| lines.iter().map(|line| row(*line).line()).collect::<String>();
        let (one, all) = (lines(&[1]), lines(&[1, 2, 3]));
        let torn = format!("{all}{{\"err");
        check(None, (0, &[]), ("9", 0));
        check(Some(&one), (3, &[2, 3]), ("1 2 3 9", 0));
        check(Some(&all), (3, &[2, 3]), ("1 2 3 9", 0));
        check(Some(&all), (3, &[]), ("1 2 3 9", 0));
        check(Some(&torn), (4, &[4]), ("1 2 3 4 9", 0));
        check(Some(&one), (3, &[3]), ("1 3 9", 1));
        check(None, (3, &[3]), ("3 9", 2));
    }

    #[test]
    fn a_file_without_rows_is_removed() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("errors");
        ErrorFile::create(&path).expect("a file").end();
        assert!(!path.exists());
        let mut file = ErrorFile::create(&path).expect("a file");
        file.append(&[row(1)]).expect("appends");
        file.end();
        assert!(path.exists());
    }
}
