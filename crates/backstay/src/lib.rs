//! Backstay as a program and as a library: settings, wiring, command line. Knows no rule, no statement and no HTTP
//! message: what it starts does.

mod config;
mod directory;

pub use config::{Config, ConfigError, ConfigPlace, ConfigProblem};
pub use directory::{Directory, DirectoryError};
