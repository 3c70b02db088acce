use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
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
    process: Mutex<Option<Child>>,
    directory: TempDir,
    as_root: bool,
}

impl Pooler {
    /// Starts one with further settings, such as `ignore_startup_parameters = options`. A setting that is written twice has
    /// its last value.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    pub fn before(cluster: &Cluster, settings: &str) -> Self {
        let directory = TempDir::with_prefix("backstay-pooler-").expect("a temporary directory can be made");
        let at = directory.path();
        let as_root = as_root(at).expect("the directory has an owner");
        let (own, server) = (at.display(), cluster.file(""));
        let text = format!(
            "[databases]\n* = host={}\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {own}\n\
             auth_type = trust\nauth_file = {own}/users\npidfile = {own}/pid\npool_mode = transaction\ndefault_pool_size = 2\n\
             {settings}\n",
            server.display()
        );
        fs::write(at.join("settings"), text).expect("a file can be written");
        fs::write(at.join("users"), "\"postgres\" \"\"\n").expect("a file can be written");
        if as_root {
            give_away(at).expect("the directory can be given away");
        }
        let pooler = Self { process: Mutex::default(), directory, as_root };
        pooler.start();
        pooler
    }

    /// Starts it again after `stop`.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    pub fn start(&self) {
        let program = Path::new(INSTALLED).join("pgbouncer");
        assert!(program.exists(), "no {}; install it, on Debian with `apt install pgbouncer`", program.display());
        let at = self.directory.path();
        let log = fs::File::create(at.join("log")).expect("a file can be written");
        let mut pooler = command(Path::new(INSTALLED), "pgbouncer", self.as_root);
        let pooler = pooler.arg(at.join("settings")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let started = pooler.spawn().expect("it starts");
        *self.process.lock().expect("nobody panics with it") = Some(started);
        let answers = (0..START_ATTEMPTS).any(|_| {
            let answers = UnixStream::connect(self.socket()).is_ok() && self.file("pid").exists();
            if !answers {
                thread::sleep(Duration::from_millis(100));
            }
            answers
        });
        // If the log can't be read, its absence is all there is to show.
        let log = || fs::read_to_string(self.file("log")).unwrap_or_default();
        assert!(answers, "the pooler does not respond; its log says:\n{}", log());
    }

    /// Ends it, as a crash does.
    pub fn stop(&self) {
        self.signal("-KILL");
        if let Ok(mut process) = self.process.lock()
            && let Some(mut process) = process.take()
        {
            // It may have ended by itself.
            drop(process.kill());
            drop(process.wait());
        }
        // What it leaves would keep the next one from starting.
        drop(fs::remove_file(self.file("pid")));
    }

    /// Stops it without ending it: it passes nothing on, and its connections stay.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// The opposite of `freeze`.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Sends a signal to the pooler, which another process may have started for its user.
    fn signal(&self, signal: &str) {
        let Ok(process) = fs::read_to_string(self.file("pid")) else { return };
        // If it has ended already, there is nothing to do.
        drop(Command::new("kill").args([signal, process.trim()]).status());
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.file(".s.PGSQL.6432")
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
        self.stop();
    }
}
