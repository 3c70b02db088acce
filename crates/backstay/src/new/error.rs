use std::io;
use std::path::PathBuf;

use crate::answer::Count;
use crate::failure::words_of;

/// Why an application cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The directory is not empty.
    #[error("{path} is not empty: it contains {}", listed(names))]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// What is in it.
        names: Vec<String>,
    },
    /// There is a file at the path.
    #[error("{path} is not a directory")]
    NotDirectory {
        /// The path.
        path: PathBuf,
    },
    /// The directory that it would be in does not exist.
    #[error("there is no directory {parent}")]
    NoParent {
        /// The directory.
        parent: PathBuf,
    },
    /// The path cannot be examined.
    #[error("cannot read {path}: {}", words_of(source))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The name cannot be an application's.
    #[error("`{}` can't be the application's name", name.escape_debug())]
    Name {
        /// The name.
        name: String,
    },
    /// No name can be made of the directory's.
    #[error("the application needs a name, and none can be made of the directory's")]
    NoName,
    /// There is no such template.
    #[error("there is no template `{}`", name.escape_debug())]
    Template {
        /// What was typed.
        name: String,
        /// The one that was probably meant.
        meant: Option<String>,
        /// Those that there are.
        known: Vec<&'static str>,
    },
}

impl NewError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NotEmpty { .. } | Self::NotDirectory { .. } => {
                "choose a directory that doesn't exist or is empty".to_owned()
            }
            Self::NoParent { .. } => "create it first, or choose another place".to_owned(),
            Self::Unreadable { .. } => "choose another place".to_owned(),
            Self::Name { .. } => {
                "a name has 1 to 80 characters, without quotes, backslashes and line breaks; give one with --name"
                    .to_owned()
            }
            Self::NoName => "give one with --name".to_owned(),
            Self::Template { meant: Some(meant), .. } => format!("did you mean `{meant}`?"),
            Self::Template { known, .. } => format!("choose from {}", known.join(", ")),
        }
    }
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {}", Count(more as u64, "more file")),
    }
}
