use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use backstay_base::{Secret, limits};

use crate::arguments::PasswordFrom;
use crate::terminal::Terminal;

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Standard input or the terminal cannot be read.
    #[error("cannot read the password: {0}")]
    Input(#[source] io::Error),
    /// There is no terminal to ask for it.
    #[error("cannot ask for the password without a terminal; use --password-file or --password-stdin")]
    NoTerminal,
    /// It was typed differently the second time.
    #[error("the passwords do not match")]
    Differ,
    /// It is empty.
    #[error("the password is empty")]
    Empty,
    /// It is too long.
    #[error("the password is longer than {} characters", limits::PASSWORD_CHARS_MAX)]
    TooLong,
}

/// Reads a new password from a file, from standard input or, twice and without showing it, from the terminal.
pub(crate) fn new_password(from: &PasswordFrom) -> Result<Secret, SecretError> {
    if let Some(given) = given_password(from)? {
        return Ok(given);
    }
    let terminal = Terminal::interactive().ok_or(SecretError::NoTerminal)?;
    let ask = |prompt: &str| terminal.ask_secretly(prompt).map(Typed).map_err(SecretError::Input);
    let first = ask("Password: ")?.check()?;
    let second = ask("Repeat password: ")?.check()?;
    if first == second { Ok(first) } else { Err(SecretError::Differ) }
}

/// Reads a new password from a file or from standard input, if the options say so.
pub(crate) fn given_password(from: &PasswordFrom) -> Result<Option<Secret>, SecretError> {
    if let Some(path) = &from.password_file {
        let unreadable = |source| SecretError::File { path: path.clone(), source };
        let file = File::open(path).map_err(unreadable)?;
        return first_line(file).map_err(unreadable)?.check().map(Some);
    }
    if from.password_stdin {
        return first_line(io::stdin().lock()).map_err(SecretError::Input)?.check().map(Some);
    }
    Ok(None)
}

/// A text that was given as a password.
struct Typed(String);

impl Typed {
    fn check(self) -> Result<Secret, SecretError> {
        let secret = Secret::new(self.0);
        match secret.expose().chars().count() {
            0 => Err(SecretError::Empty),
            count if count > limits::PASSWORD_CHARS_MAX => Err(SecretError::TooLong),
            _ => Ok(secret),
        }
    }
}

/// The first line, without its end and without the byte-order mark that some editors begin a file with. Reads only so
/// much that a longer line is known to be too long.
fn first_line(from: impl Read) -> io::Result<Typed> {
    let mut line = String::new();
    let most = limits::PASSWORD_CHARS_MAX as u64 * 4 + 6;
    BufReader::new(from.take(most)).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.starts_with('\u{feff}') {
        line.remove(0);
    }
    Ok(Typed(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line() {
        let check = |bytes: &[u8], expected: Result<&str, &str>| {
            let got = first_line(bytes).map_err(SecretError::Input).and_then(Typed::check);
            let got = got.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string());
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned));
        };
        check(b"correct horse\n", Ok("correct horse"));
        check(b" two words \r\nand another line", Ok(" two words "));
        check(b"\xef\xbb\xbfcorrect horse\r\n", Ok("correct horse"));
        check(b"", Err("the password is empty"));
        check(b"\n", Err("the password is empty"));
        check(&[b'x'; 2000], Err("the password is longer than 256 characters"));
        check(b"\xff\xfe", Err("cannot read the password: stream did not contain valid UTF-8"));
    }
}
