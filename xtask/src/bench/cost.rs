use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::server::memory_mib;

/// What a run of a program took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) elapsed: Duration,
    /// The most memory that was resident.
    pub(crate) memory_mib: f64,
}

impl Cost {
    /// Runs a command, with its output in a file, and watches how much memory it takes.
    pub(crate) fn of(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let begin = Instant::now();
        let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let mut memory = 0.0_f64;
        let status = loop {
            // It may have ended in between.
            memory = memory.max(memory_mib(child.id(), "VmHWM:").unwrap_or(0.0));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(Duration::from_millis(1));
        };
        let elapsed = begin.elapsed();
        ensure!(status.success(), "{command:?} failed; see {}", log.display());
        Ok(Self { elapsed, memory_mib: memory })
    }
}
