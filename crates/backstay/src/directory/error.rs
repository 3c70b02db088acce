use std::io;
use std::path::{Path, PathBuf};

use backstay_model::Position;

use super::{CONFIG_FILE, TEXT_BYTES};
use crate::failure::words_of;

/// Why an application's directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// There is nothing at the path.
    #[error("{path} does not exist")]
    Missing {
        /// The path that was given.
        path: PathBuf,
    },
    /// The path is a file.
    #[error("{path} is not a directory")]
    NotDirectory {
        /// The path that was given.
        path: PathBuf,
    },
    /// It has no `model` directory.
    #[error("{path} is not an application: there is no `model` directory")]
    NoModel {
        /// The application's directory.
        path: PathBuf,
    },
    /// `model` contains no model file.
    #[error("{path} contains no model files")]
    EmptyModel {
        /// The directory of the model files.
        path: PathBuf,
    },
    /// A file or directory that Backstay would ignore, although it is probably meant to be read.
    #[error("{path} would be ignored: {why}")]
    Stray {
        /// The file or directory.
        path: PathBuf,
        /// Why it would be.
        why: &'static str,
    },
    /// A file or directory whose name resembles one that Backstay reads.
    #[error("{path} would be ignored: Backstay reads `{meant}`")]
    Misnamed {
        /// The file or directory.
        path: PathBuf,
        /// What was probably meant.
        meant: &'static str,
    },
    /// A symbolic link to nothing, or something other than a file, such as a pipe.
    #[error("{path} is not a file{}", if *.link { " but a symbolic link to none" } else { "" })]
    NotFile {
        /// The path.
        path: PathBuf,
        /// Whether it is a symbolic link.
        link: bool,
    },
    /// Larger than any text that people write.
    #[error("{path} is larger than {TEXT_BYTES} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not UTF-8.
    #[error("{path} is not UTF-8: invalid byte on line {}", place.line)]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where the first such byte is.
        place: Position,
    },
    /// The operating system refuses to read it.
    #[error("cannot read {path}: {}", words_of(source))]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DirectoryError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Missing { path } | Self::NotDirectory { path } | Self::NoModel { path }
                if let Some(meant) = application_of(path) =>
            {
                return Some(format!("did you mean `{}`?", meant.display()));
            }
            Self::Missing { .. } | Self::NotDirectory { .. } => {
                "give the directory of an application, such as examples/newsroom"
            }
            Self::NoModel { .. } | Self::EmptyModel { .. } => "write the model in model/*.graphql; see docs/model.md",
            Self::Stray { .. } => "rename it, or move it elsewhere",
            Self::Misnamed { meant, .. } => {
                return Some(format!(
                    "did you mean `{meant}`? if this file isn't for Backstay, give it a less similar name"
                ));
            }
            Self::NotFile { link: true, .. } => "remove it, or replace it by the file itself",
            Self::NotFile { link: false, .. } => "move it away, or replace it by a file",
            Self::TooLarge { path } if path.ends_with(CONFIG_FILE) => "is it the right file? settings are far smaller",
            Self::TooLarge { .. } => "split it into several files",
            Self::NotUtf8 { .. } => "save the file as UTF-8",
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "give the user that runs Backstay read access"
            }
            Self::Unreadable { .. } => return None,
        };
        Some(help.to_owned())
    }

    /// The file or directory that it is about.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::NotDirectory { path }
            | Self::NoModel { path }
            | Self::EmptyModel { path }
            | Self::Stray { path, .. }
            | Self::Misnamed { path, .. }
            | Self::NotFile { path, .. }
            | Self::TooLarge { path }
            | Self::NotUtf8 { path, .. }
            | Self::Unreadable { path, .. } => path,
        }
    }
}

/// The application that a path leads into, such as that of `newsroom/model` or `newsroom/model/news.graphql`.
fn application_of(path: &Path) -> Option<PathBuf> {
    let parents = path.ancestors().skip(1).take(2).map(|parent| match parent.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => parent.to_owned(),
    });
    // The current directory has a parent that its path doesn't name.
    let above = (path == Path::new(".")).then(|| PathBuf::from(".."));
    parents.chain(above).find(|parent| parent.join("model").is_dir())
}
