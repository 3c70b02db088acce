//! OpenAPI Generator and the libraries of what it makes in Java, from Maven Central.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::succeeds;
use crate::commands::root;
use crate::needs;
use crate::python::install;

/// Only what clients need.
const PARTS: &str =
    "--global-property=apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false";

/// The directory with what `clients/java/pom.xml` names, made anew if that has changed.
pub(super) fn installed() -> Result<PathBuf> {
    let wanted_by = root().join("clients/java/pom.xml");
    let wanted = fs::read_to_string(&wanted_by).with_context(|| format!("cannot read {}", wanted_by.display()))?;
    let place = root().join("target/client-java");
    let made = place.join("pom.xml");
    for program in ["java", "mvn"] {
        ensure!(needs::has(program), "there is no `{program}`");
    }
    if fs::read_to_string(&made).is_ok_and(|made| made == wanted) {
        return Ok(place);
    }
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode", "dependency:copy-dependencies", "--file"]).arg(&wanted_by);
    install(maven.arg(format!("-DoutputDirectory={}", place.display()))).context("Maven Central can't be reached")?;
    fs::write(&made, wanted).with_context(|| format!("cannot write {}", made.display()))?;
    Ok(place)
}

/// Makes a client from the document of a server.
pub(super) fn generate(libraries: &Path, options: &[&str], (url, client): (&str, &Path)) -> Result<()> {
    let (generator, _) = jars(libraries)?;
    let mut generate = Command::new("java");
    generate.arg("-jar").arg(generator).arg("generate").arg(PARTS).args(options);
    succeeds(generate.arg(format!("--input-spec={url}/openapi.json")).arg("--output").arg(client))
}

/// The generator, and the libraries of the client in Java.
pub(super) fn jars(libraries: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    let mut jars = Vec::new();
    for entry in fs::read_dir(libraries).with_context(|| format!("cannot read {}", libraries.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jar") {
            jars.push(path);
        }
    }
    let name =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("openapi-generator"));
    let (generator, others): (Vec<PathBuf>, Vec<PathBuf>) = jars.into_iter().partition(name);
    Ok((generator.into_iter().next().context("OpenAPI Generator is missing")?, others))
}
