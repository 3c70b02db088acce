#![expect(clippy::panic, reason = "a server that does not start fails the test, and is to show why")]
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use backstay_testkit::Cluster;
use tempfile::TempDir;

/// The address in READMEs.
const WRITTEN: &str = "http://localhost:8080";
/// How long the first start of a debug build may take, including seeding.
const PATIENCE: Duration = Duration::from_mins(10);

/// The setting that says where the database is.
const DATA_URL: &str = "BACKSTAY_DATA_URL";

/// Where an application keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// An application with a running server.
pub(crate) struct Served {
    place: TempDir,
    /// The directory in which scripts run.
    within: PathBuf,
    child: Child,
    port: u16,
    /// The address of its database; empty for the one in its data directory.
    url: String,
}

impl Served {
    /// Serves an application that is somewhere in a temporary directory, in which a log is kept too. Scripts run in the
    /// directory `within`.
    pub(crate) fn start(place: TempDir, (application, within): (&Path, &Path), database: Database) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let log = File::create(place.path().join("log")).expect("a log");
        let url = match database {
            Database::Sqlite => String::new(),
            Database::Postgres => Cluster::shared().url(),
        };
        let child = Command::new(env!("CARGO_BIN_EXE_backstay"))
            .arg("serve")
            .env(DATA_URL, &url)
            .arg(application)
            .args(["--port", &port.to_string()])
            .current_dir(within)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("backstay starts");
        let mut served = Self { place, within: within.to_owned(), child, port, url };
        served.wait();
        served
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs the scripts one after the other in one shell, and returns the output of each.
    pub(crate) fn run(&self, scripts: &[&str]) -> Vec<String> {
        let mut script = String::from("set -u\n");
        for (index, step) in scripts.iter().enumerate() {
            let step = step.replace(WRITTEN, &format!("http://127.0.0.1:{}", self.port));
            let (out, err) = (self.output(index, "out"), self.output(index, "err"));
            script.extend([format!("{{\n{step}\n}} >{out} 2>{err}\n")]);
        }
        script.push_str("exit 0\n");
        let tools = Path::new(env!("CARGO_BIN_EXE_backstay")).parent().expect("a directory");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path));
        let status = Command::new("bash")
            .arg("-c")
            .arg(&script)
            .current_dir(&self.within)
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .env(DATA_URL, &self.url)
            .stdin(Stdio::null())
            .status()
            .expect("bash, curl and jq are installed");
        assert!(status.success(), "the shell ended with {status}: {}", self.last_words(scripts.len()));
        let read = |index| fs::read_to_string(self.output(index, "out")).expect("what a step wrote");
        (0..scripts.len()).map(read).collect()
    }

    /// Whether its database is in its data directory.
    pub(crate) fn is_embedded(&self) -> bool {
        self.url.is_empty()
    }

    fn output(&self, index: usize, ending: &str) -> String {
        self.place.path().join(format!("{index}.{ending}")).display().to_string()
    }

    /// What the last step wrote to standard error.
    fn last_words(&self, steps: usize) -> String {
        (0..steps).rev().find_map(|index| fs::read_to_string(self.output(index, "err")).ok()).unwrap_or_default()
    }

    fn wait(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if ready(self.port) {
                return;
            }
            let ended = self.child.try_wait().expect("the process can be asked");
            assert!(ended.is_none(), "backstay ended with {ended:?}:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
        panic!("backstay is not ready after {PATIENCE:?}:\n{}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

/// Copies everything but hidden files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    let entries: Vec<PathBuf> = fs::read_dir(from).expect("an example").flatten().map(|entry| entry.path()).collect();
    for path in entries {
        let name = path.file_name().expect("a name");
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}
