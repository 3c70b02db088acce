//! The client in PHP, and the tour through it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{generator, newsroom, succeeds};
use crate::commands::root;

/// What the generator is asked for.
const OPTIONS: &[&str] = &["--generator-name=php", "--additional-properties=invokerPackage=Newsroom"];

/// The directory with the generator.
pub(super) fn installed() -> Result<PathBuf> {
    succeeds(
        Command::new("php")
            .args(["-r", "exit((include 'GuzzleHttp/autoload.php') && extension_loaded('curl') ? 0 : 1);"]),
    )
    .context("PHP with Guzzle and curl isn't installed")?;
    generator::installed()
}

/// Makes the client with the program that was built, and runs `clients/php/tour.php`.
pub(super) fn check(libraries: &Path) -> Result<()> {
    newsroom("PHP", |url, place| {
        generator::generate(libraries, OPTIONS, (url, &place.join("client")))
            .context("the client in PHP can't be made")?;
        fs::copy(root().join("clients/php/tour.php"), place.join("tour.php")).context("cannot copy the tour")?;
        succeeds(Command::new("php").args(["tour.php", url]).current_dir(place)).context("the tour in PHP failed")
    })
}
