//! The client in Ruby, and the tour through it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{generator, newsroom, succeeds};
use crate::commands::root;

/// What the generator is asked for. What it makes of a key in a cookie is no Ruby, so this one is a token, too.
const OPTIONS: &[&str] = &[
    "--generator-name=ruby",
    "--openapi-normalizer=SET_BEARER_AUTH_FOR_NAME=cookie",
    "--additional-properties=gemName=newsroom,moduleName=Newsroom",
];

/// The directory with the generator.
pub(super) fn installed() -> Result<PathBuf> {
    succeeds(Command::new("ruby").args(["-r", "typhoeus", "-e", ""])).context("Ruby with Typhoeus isn't installed")?;
    generator::installed()
}

/// Makes the client with the program that was built, and runs `clients/ruby/tour.rb`.
pub(super) fn check(libraries: &Path) -> Result<()> {
    newsroom("Ruby", |url, place| {
        let client = place.join("client");
        generator::generate(libraries, OPTIONS, (url, &client)).context("the client in Ruby can't be made")?;
        let mut tour = Command::new("ruby");
        tour.arg("-I").arg(client.join("lib")).arg(root().join("clients/ruby/tour.rb")).arg(url);
        succeeds(&mut tour).context("the tour in Ruby failed")
    })
}
