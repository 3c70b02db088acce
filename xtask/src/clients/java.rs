//! The client in Java, and the tour through it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{generator, newsroom, succeeds, webhooks};
use crate::commands::root;
use crate::needs;

/// What the generator is asked for. Without the mapping, what it makes of lists of URLs that can also be operators doesn't compile.
const OPTIONS: &[&str] = &[
    "--generator-name=java",
    "--library=okhttp-gson",
    "--type-mappings=URI=String",
    "--additional-properties=useSingleRequestParameter=true,openApiNullable=false,\
     invokerPackage=newsroom,apiPackage=newsroom.api,modelPackage=newsroom.model",
];

/// The directory with the generator.
pub(super) fn installed() -> Result<PathBuf> {
    ensure!(needs::has("javac"), "there is no `javac`");
    generator::installed()
}

/// Makes the client with the program that was built, and runs `clients/java/Tour.java`.
pub(super) fn check(libraries: &Path) -> Result<()> {
    newsroom("Java", |url, place| {
        let (_, others) = generator::jars(libraries)?;
        let source = place.join("client");
        generator::generate(libraries, OPTIONS, (url, &source)).context("the client in Java can't be made")?;
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
