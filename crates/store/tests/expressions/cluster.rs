//! A temporary PostgreSQL cluster on a Unix socket.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Stopped and removed when dropped.
pub struct Cluster {
    directory: tempfile::TempDir,
    root: bool,
}

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

impl Cluster {
    pub fn start() -> Self {
        let programs = Path::new(PROGRAMS);
        assert!(programs.join("initdb").exists(), "PostgreSQL 15 is not installed: there is no {PROGRAMS}/initdb");
        let directory = tempfile::tempdir().expect("a directory");
        let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
        if root {
            run(Command::new("chown").arg("postgres").arg(directory.path()));
        }
        let this = Self { directory, root };
        run(this
            .program("initdb")
            .args(["--auth=trust", "--username=postgres", "--no-sync", "-E", "UTF8", "-D"])
            .arg(this.data()));
        let options = format!("-k {} -c listen_addresses= -c fsync=off", this.directory.path().display());
        run(this
            .program("pg_ctl")
            .args(["--wait", "-o", &options, "-l"])
            .arg(this.data().join("log"))
            .arg("-D")
            .arg(this.data())
            .arg("start"));
        this
    }

    /// How to reach it.
    pub fn options(&self) -> String {
        format!("host={} user=postgres dbname=postgres", self.directory.path().display())
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let path = Path::new(PROGRAMS).join(name);
        let mut command = if self.root { Command::new("runuser") } else { Command::new(&path) };
        if self.root {
            command.args(["-u", "postgres", "--"]).arg(path);
        }
        command.current_dir(self.directory.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stop = self
            .program("pg_ctl")
            .args(["--mode=immediate", "stop", "-D"])
            .arg(self.data())
            .stdout(Stdio::null())
            .status();
        drop(stop);
    }
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
}
