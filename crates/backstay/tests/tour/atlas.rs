//! Runs the questions of `examples/atlas` from its README, if npm is available to fetch the data.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::walkthrough;

#[test]
fn the_atlas_answers_as_its_readme_says() {
    if Command::new("npm").arg("--version").output().is_err() {
        eprintln!("npm is not installed; the atlas is not tested");
        return;
    }
    walkthrough::walk_example("atlas", walkthrough::Database::Sqlite, |application| {
        walkthrough::copy(&data(), &application.join("data"));
    });
}

/// The fetched files, cached per version of the script that fetches them.
fn data() -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/atlas");
    let script = fs::read(example.join("fetch")).expect("the script");
    let version = script.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("atlas-{version:08x}"));
    if !kept.is_dir() {
        let fresh = kept.with_extension("new");
        let status = Command::new(example.join("fetch")).arg(&fresh).status().expect("node runs the script");
        assert!(status.success(), "the data cannot be fetched: {status}");
        fs::rename(&fresh, &kept).expect("the data can be kept");
    }
    kept
}
