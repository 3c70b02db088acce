//! The client in Java: OpenAPI Generator and the libraries of what it makes, from Maven Central, and the tour through it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{newsroom, succeeds, webhooks};
use crate::commands::root;
use crate::needs;
use crate::python::install;

/// What the generator is asked for. Without the mapping, what it makes of lists of URLs that can also be operators doesn't compile.
const OPTIONS: &[&str] = &[
    "generate",
    "--generator-name=java",
    "--library=okhttp-gson",
    "--type-mappings=URI=String",
    "--global-property=apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false",
    "--additional-properties=useSingleRequestParameter=true,openApiNullable=false,\
     invokerPackage=newsroom,apiPackage=newsroom.api,modelPackage=newsroom.model",
];

/// The directory with what `clients/java/pom.xml` names, made anew if that has changed.
pub(super) fn installed() -> Result<PathBuf> {
    let wanted_by = root().join("clients/java/pom.xml");
    let wanted = fs::read_to_string(&wanted_by).with_context(|| format!("cannot read {}", wanted_by.display()))?;
    let place = root().join("target/client-java");
    let made = place.join("pom.xml");
    for program in ["javac", "mvn"] {
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

/// Makes the client with the program that was built, and runs `clients/java/Tour.java`.
pub(super) fn check(libraries: &Path) -> Result<()> {
    newsroom("Java", |url, place| {
        let (generator, others) = jars(libraries)?;
        let source = place.join("client");
        let mut generate = Command::new("java");
        generate.arg("-jar").arg(generator).args(OPTIONS).arg(format!("--input-spec={url}/openapi.json"));
        succeeds(generate.arg("--output").arg(&source)).context("the client in Java can't be made")?;
        let (classes, tour) = (place.join("classes"), root().join("clients/java/Tour.java"));
        let path = std::env::join_paths(std::iter::once(&source.join("src/main/java")).chain(&others))?;
        let mut compile = Command::new("javac");
        compile.args(["-nowarn", "-implicit:class", "--class-path"]).arg(path).arg("-d").arg(&classes).arg(tour);
        succeeds(&mut compile).context("the client in Java doesn't compile")?;
        let path = std::env::join_paths(std::iter::once(&classes).chain(&others))?;
        succeeds(Command::new("java").arg("--class-path").arg(&path).args(["Tour", url]))
            .context("the tour in Java failed")?;
        let verify = root().join("clients/webhooks/Verify.java");
        let message = webhooks::received(url, place)?;
        succeeds(Command::new("java").arg("--class-path").arg(path).arg(verify).arg(message))
            .context("the library for Java refuses a webhook")
    })
}

/// The generator, and the libraries of the client.
fn jars(libraries: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
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
