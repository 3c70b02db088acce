use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use backstay_base::{Secret, limits};
use toml::de::{DeTable, DeValue};

use crate::Failure;

/// How a secret is named in `backstay.toml`.
const EXAMPLE: &str =
    "write `STRIPE_KEY = { env = \"STRIPE_KEY\" }` or `STRIPE_KEY = { file = \"/run/secrets/stripe\" }`";

/// `[secrets]`: values that functions read, and nobody else sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Source>);

/// Where the value of a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Value(Secret),
    File(PathBuf),
}

/// Something that is wrong with an entry of `[secrets]`.
pub(super) enum Wrong {
    /// It can't be understood.
    Entry { message: String, help: String },
    /// The variable with its value isn't set.
    Missing { message: String, help: String },
}

impl Secrets {
    /// Takes an entry of the file.
    pub(super) fn entry(
        &mut self,
        (name, value): (&str, &DeValue<'_>),
        environment: &BTreeMap<String, String>,
    ) -> Result<(), Wrong> {
        require_name(name)?;
        let source = match value {
            DeValue::Table(table) => source(name, table, environment)?,
            DeValue::String(_) => {
                let message = format!("the value of the secret `{name}` is written in the file");
                return Err(Wrong::Entry {
                    message,
                    help: format!("keep it where only the server can read it: {EXAMPLE}"),
                });
            }
            _ => return Err(not_a_source(name)),
        };
        self.0.insert(name.to_owned(), source);
        Ok(())
    }

    /// Takes the value of a variable `BACKSTAY_SECRET_…`.
    pub(super) fn variable(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        require_name(name)?;
        require_short(name, value)?;
        self.0.insert(name.to_owned(), Source::Value(Secret::new(value.to_owned())));
        Ok(())
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The values, with those in files; paths are relative to the application.
    pub(crate) fn read<S: FromIterator<(String, Secret)>>(&self, application: &Path) -> Result<S, Failure> {
        let value = |(name, source): (&String, &Source)| {
            let secret = match source {
                Source::Value(secret) => secret.clone(),
                Source::File(file) => from_file(&application.join(file))?,
            };
            Ok((name.clone(), secret))
        };
        self.0.iter().map(value).collect()
    }
}

/// Where an entry says that the value is.
fn source(name: &str, table: &DeTable<'_>, environment: &BTreeMap<String, String>) -> Result<Source, Wrong> {
    let mut members = table.iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref()));
    match (members.next(), members.next()) {
        (Some(("env", DeValue::String(variable))), None) => {
            let variable = variable.as_ref();
            let value = environment.get(variable).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| Wrong::Missing {
                message: format!("the secret `{name}` has no value: the environment variable `{variable}` isn't set"),
                help: "set it for the server; until then, `secrets.get` fails".to_owned(),
            })?;
            require_short(name, value)?;
            Ok(Source::Value(Secret::new(value.clone())))
        }
        (Some(("file", DeValue::String(path))), None) => Ok(Source::File(PathBuf::from(path.as_ref()))),
        _ => Err(not_a_source(name)),
    }
}

/// The text of a file without its last line break.
pub(crate) fn from_file(path: &Path) -> Result<Secret, Failure> {
    let failed = |source| Failure::Read { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map(Secret::new).map_err(failed)?;
    let value = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    let value = value.strip_suffix('\r').unwrap_or(value);
    match value.len() {
        1..=limits::SECRET_BYTES => Ok(Secret::new(value.to_owned())),
        0 => Err(failed(io::Error::new(io::ErrorKind::InvalidData, "the file is empty"))),
        _ => Err(failed(io::ErrorKind::FileTooLarge.into())),
    }
}

fn require_name(name: &str) -> Result<(), Wrong> {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= limits::SECRET_NAME_CHARS;
    if is_name {
        return Ok(());
    }
    let message = format!("`{name}` can't be the name of a secret");
    let help = format!(
        "use letters, digits and `_`, with a letter first, and at most {} of them: `STRIPE_KEY`",
        limits::SECRET_NAME_CHARS
    );
    Err(Wrong::Entry { message, help })
}

fn require_short(name: &str, value: &str) -> Result<(), Wrong> {
    if value.len() <= limits::SECRET_BYTES {
        return Ok(());
    }
    let message = format!("the secret `{name}` is longer than {} bytes", limits::SECRET_BYTES);
    Err(Wrong::Entry { message, help: "keep large values in a file or a record".to_owned() })
}

fn not_a_source(name: &str) -> Wrong {
    Wrong::Entry { message: format!("`{name}` doesn't say where its value is"), help: EXAMPLE.to_owned() }
}
