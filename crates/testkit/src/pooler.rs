use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::Cluster;
use crate::postgres::{as_root, command, give_away};

/// Where Debian installs it.
const INSTALLED: &str = "/usr/sbin";
/// Attempts to reach it before giving up, a tenth of a second apart.
const START_ATTEMPTS: u32 = 300;

/// `PgBouncer` in transaction mode between a server and its clients, stopped when dropped.
#[derive(Debug)]
pub struct Pooler {
    process: Child,
    directory: TempDir,
}

impl Pooler {
    /// Starts one with further settings, such as `ignore_startup_parameters = options`.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    pub fn before(cluster: &Cluster, settings: &str) -> Self {
        let program = Path::new(INSTALLED).join("pgbouncer");
        assert!(program.exists(), "no {}; install it, on Debian with `apt install pgbouncer`", program.display());
        let directory = TempDir::with_prefix("backstay-pooler-").expect("a temporary directory can be made");
        let at = directory.path();
        let as_root = as_root(at).expect("the directory has an owner");
        let (own, server) = (at.display(), cluster.file(""));
        let text = format!(
            "[databases]\n* = host={}\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {own}\n\
             auth_type = trust\nauth_file = {own}/users\npool_mode = transaction\ndefault_pool_size = 2\n{settings}\n",
            server.display()
        );
        fs::write(at.join("settings"), text).expect("a file can be written");
        fs::write(at.join("users"), "\"postgres\" \"\"\n").expect("a file can be written");
        if as_root {
            give_away(at).expect("the directory can be given away");
        }
        let log = fs::File::create(at.join("log")).expect("a file can be written");
        let mut pooler = command(Path::new(INSTALLED), "pgbouncer", as_root);
        let pooler = pooler.arg(at.join("settings")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let started = Self { process: pooler.spawn().expect("it starts"), directory };
        let answers = (0..START_ATTEMPTS).any(|_| {
            let answers = started.socket().exists();
            if !answers {
                thread::sleep(Duration::from_millis(100));
            }
            answers
        });
        // If the log can't be read, its absence is all there is to show.
        let log = || fs::read_to_string(started.directory.path().join("log")).unwrap_or_default();
        assert!(answers, "the pooler does not respond; its log says:\n{}", log());
        started
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join(".s.PGSQL.6432")
    }

    /// The URL of a database of the server, of which this is the URL.
    pub fn url(&self, database: &str) -> String {
        let name = database.rsplit_once('/').map_or(database, |(_, name)| name);
        let directory = self.directory.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{directory}:6432/{name}")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
