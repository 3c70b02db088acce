//! Programs from `PyPI`, in virtual environments of their own below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::commands::root;
use crate::needs;

/// How long an installation may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// The directory with the programs of an environment that has what a file demands, made anew if the file has changed.
pub(crate) fn environment(name: &str, requirements: &str) -> Result<PathBuf> {
    let requirements = root().join(requirements);
    let wanted =
        fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let place = root().join("target").join(name);
    let (made, programs) = (place.join("requirements.txt"), place.join("bin"));
    if programs.is_dir() && fs::read_to_string(&made).is_ok_and(|made| made == wanted) {
        return Ok(programs);
    }
    needs::ensure(needs::OF_PYTHON)?;
    install(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--timeout", "15", "--retries", "1"]);
    install(pip.arg("--requirement").arg(&requirements)).with_context(|| remedy(&place, &requirements))?;
    fs::write(&made, wanted).with_context(|| format!("cannot write {}", made.display()))?;
    Ok(programs)
}

fn remedy(place: &Path, requirements: &Path) -> String {
    let (place, requirements) = (place.display(), requirements.display());
    format!(
        "cannot install it from PyPI; if this machine can't reach it, set PIP_INDEX_URL to a mirror, or install it by hand: \
         `{place}/bin/pip install --requirement {requirements}`, then copy that file to {place}"
    )
}

/// Runs a command that must end in time.
pub(crate) fn install(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().with_context(|| format!("cannot wait for {program}"))? {
            ensure!(status.success(), "{program} failed with {status}");
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            child.kill().and_then(|()| child.wait()).with_context(|| format!("cannot stop {program}"))?;
            bail!("{program} took longer than {} seconds", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(100));
    }
}
