use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// Where Debian installs the servers, by version.
const INSTALLED: &str = "/usr/lib/postgresql";
/// The user that the server runs as if the tests run as root, which it refuses to run as.
const USER: &str = "postgres";
/// Attempts to reach the server before giving up, a tenth of a second apart.
const START_ATTEMPTS: u32 = 300;

/// A PostgreSQL server for the tests of one process: on a socket in a temporary directory, without fsync, stopped and
/// removed when dropped.
#[derive(Debug)]
pub struct Cluster {
    server: Mutex<Child>,
    directory: TempDir,
    bin: PathBuf,
    as_root: bool,
    port: String,
    settings: Vec<String>,
    databases: AtomicU32,
}

impl Cluster {
    /// Creates and starts a server of the newest PostgreSQL that is installed.
    ///
    /// # Panics
    /// If there is none, or it does not start; the message says what to do.
    #[expect(clippy::panic, reason = "a test without its database fails and says why")]
    pub fn start() -> Self {
        Self::try_start(&[]).unwrap_or_else(|error| panic!("no PostgreSQL for the tests: {error}"))
    }

    /// The same on this port of 127.0.0.1, too, where the server admits only TLS connections with a password. Its certificate
    /// (`server.crt`) is for `localhost`; an authority (`ca.crt`) has signed it.
    ///
    /// # Panics
    /// As `start`.
    #[expect(clippy::panic, reason = "a test without its database fails and says why")]
    pub fn encrypted(port: u16) -> Self {
        let listen = ["listen_addresses=127.0.0.1".to_owned(), format!("port={port}"), "ssl=on".to_owned()];
        let files = ["ssl_cert_file=../server.crt", "ssl_key_file=../server.key"].map(str::to_owned);
        let admitted = "hba_file=DIRECTORY/hba".to_owned();
        let settings = listen.into_iter().chain(files).chain([admitted]).collect::<Vec<_>>();
        Self::try_start(&settings).unwrap_or_else(|error| panic!("no PostgreSQL for the tests: {error}"))
    }

    /// A file of the server, such as its certificate.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn try_start(settings: &[String]) -> io::Result<Self> {
        let bin = newest()?;
        let directory = TempDir::with_prefix("backstay-pg-")?;
        let as_root = as_root(directory.path())?;
        if as_root {
            give_away(directory.path())?;
        }
        let mut init = command(&bin, "initdb", as_root);
        init.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata"]);
        succeed(&init.arg(directory.path().join("data")).output()?)?;
        if !settings.is_empty() {
            certify(directory.path(), as_root)?;
        }
        Self::launch((bin, as_root), directory, settings)
    }

    /// Starts a server on the data in a directory.
    fn launch((bin, as_root): (PathBuf, bool), directory: TempDir, settings: &[String]) -> io::Result<Self> {
        let port = settings.iter().find_map(|setting| setting.strip_prefix("port=")).unwrap_or("5432").to_owned();
        let server = Mutex::new(Self::spawn((&bin, as_root), directory.path(), settings)?);
        let (settings, databases) = (settings.to_vec(), AtomicU32::new(0));
        let cluster = Self { server, directory, bin, as_root, port, settings, databases };
        cluster.wait()?;
        Ok(cluster)
    }

    fn spawn((bin, as_root): (&Path, bool), directory: &Path, settings: &[String]) -> io::Result<Child> {
        let (data, log) = (directory.join("data"), directory.join("log"));
        let mut server = command(bin, "postgres", as_root);
        server.arg("-D").arg(&data).arg("-k").arg(directory);
        for setting in ["listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=200"] {
            server.args(["-c", setting]);
        }
        let place = directory.display().to_string();
        for setting in settings {
            server.args(["-c", &setting.replace("DIRECTORY", &place)]);
        }
        let log = fs::File::create(log)?;
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()
    }

    /// A standby that follows this server, on a socket of its own, until it is promoted.
    ///
    /// # Panics
    /// If it does not start; the message says why.
    #[must_use]
    #[expect(clippy::panic, reason = "a test without its database fails and says why")]
    pub fn standby(&self) -> Self {
        self.try_standby().unwrap_or_else(|error| panic!("no standby for the tests: {error}"))
    }

    fn try_standby(&self) -> io::Result<Self> {
        let directory = TempDir::with_prefix("backstay-pg-")?;
        if self.as_root {
            give_away(directory.path())?;
        }
        let mut copy = self.client("pg_basebackup");
        copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--pgdata"]);
        succeed(&copy.arg(directory.path().join("data")).output()?)?;
        Self::launch((self.bin.clone(), self.as_root), directory, &[])
    }

    /// Ends the server, as a crash does.
    pub fn stop(&self) {
        let data = self.directory.path().join("data");
        let mut stop = command(&self.bin, "pg_ctl", self.as_root);
        // If it has ended already, there is nothing to do.
        drop(stop.args(["stop", "--mode=immediate", "--silent", "--pgdata"]).arg(data).output());
    }

    /// Starts the server again after `stop`.
    ///
    /// # Panics
    /// If it does not start; the message says why.
    #[expect(clippy::panic, reason = "a test without its database fails and says why")]
    pub fn start_again(&self) {
        let spawned = Self::spawn((&self.bin, self.as_root), self.directory.path(), &self.settings);
        let started = spawned.and_then(|server| {
            if let Ok(mut before) = self.server.lock() {
                before.wait()?;
                *before = server;
            }
            self.wait()
        });
        started.unwrap_or_else(|error| panic!("the server doesn't start again: {error}"));
    }

    /// Stops the server without ending it: it answers nothing, and its connections stay.
    ///
    /// # Panics
    /// If it can't be stopped.
    pub fn freeze(&self) {
        assert!(self.signal_all("STOP"), "the server gets no signal");
    }

    /// The opposite of `freeze`.
    ///
    /// # Panics
    /// If it can't go on.
    pub fn thaw(&self) {
        assert!(self.signal_all("CONT"), "the server gets no signal");
    }

    /// Sends a signal to the server's processes, which are those that have its directory as their own, and to the one that has
    /// started them, which stops with them. Returns whether it reached all of them.
    fn signal_all(&self, signal: &str) -> bool {
        const SIGNAL: &str = "for each in /proc/[0-9]*; do \
             [ \"$(readlink \"$each/cwd\")\" = \"$0\" ] && kill -\"$1\" \"${each#/proc/}\"; done; kill -\"$1\" \"$2\"";
        let data = self.directory.path().join("data");
        let Ok(starter) = self.server.lock().map(|server| server.id().to_string()) else { return false };
        let sent = Command::new("sh").args(["-c", SIGNAL]).arg(data).args([signal, &starter]).status();
        sent.is_ok_and(|status| status.success())
    }

    /// The server that all tests of this process share. It ends with the process.
    ///
    /// # Panics
    /// As `start`.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<(Cluster, ChildStdin)> = OnceLock::new();
        &SHARED.get_or_init(|| Self::start().until_the_process_ends()).0
    }

    /// A static value is never dropped, so a shell waits for the end of the process and removes the server.
    #[expect(clippy::panic, reason = "a test without its database fails and says why")]
    fn until_the_process_ends(self) -> (Self, ChildStdin) {
        const REMOVE: &str = "cat; kill -QUIT \"$(head -n 1 \"$0/data/postmaster.pid\")\"; sleep 1; rm -rf \"$0\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", REMOVE]).arg(self.directory.path()).current_dir("/");
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let pipe = shell.unwrap_or_else(|error| panic!("no shell for the end of the tests: {error}")).stdin.take();
        (self, pipe.unwrap_or_else(|| panic!("the shell has no standard input")))
    }

    /// Creates an empty database and returns how to connect to it (a libpq connection string).
    ///
    /// # Panics
    /// If the server refuses.
    pub fn database(&self) -> String {
        format!("host={} user={USER} dbname={}", self.directory.path().display(), self.new_database())
    }

    /// Creates an empty schema, which takes less time and space than a database, and returns how to connect to it.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn schema(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run(USER, &format!("CREATE SCHEMA {name}"));
        let place = self.directory.path().display();
        format!("host={place} user={USER} dbname={USER} options='-c search_path={name}'")
    }

    /// Creates an empty database and returns its URL.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server_url(), self.new_database())
    }

    /// The URL of the server, without a database.
    pub fn server_url(&self) -> String {
        format!("postgres://{USER}@{}", self.directory.path().display().to_string().replace('/', "%2F"))
    }

    #[expect(clippy::panic, reason = "a test without its database fails and says why")]
    fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = self.client("createdb").arg(&name).output().and_then(|output| succeed(&output));
        made.unwrap_or_else(|error| panic!("PostgreSQL cannot create a database: {error}"));
        name
    }

    /// Runs statements in a database, and returns what they answer, as `psql -At` writes it.
    ///
    /// # Panics
    /// If one of them fails.
    #[expect(clippy::panic, reason = "a test without its database fails and says why")]
    pub fn run(&self, database: &str, statements: &str) -> String {
        self.try_run(database, statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    /// The same; the error is what `psql` says.
    ///
    /// # Errors
    /// If one of the statements fails, or the connection ends.
    pub fn try_run(&self, database: &str, statements: &str) -> io::Result<String> {
        let mut psql = self.client("psql");
        let ran = psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statements]).output()?;
        succeed(&ran)?;
        Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
    }

    fn wait(&self) -> io::Result<()> {
        for _ in 0..START_ATTEMPTS {
            if self.client("pg_isready").output()?.status.success() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        // If the log cannot be read, its absence is all there is to show.
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        Err(io::Error::other(format!("the server does not respond; its log says:\n{log}")))
    }

    fn client(&self, program: &str) -> Command {
        let mut client = command(&self.bin, program, self.as_root);
        client.arg("-h").arg(self.directory.path()).args(["-p", &self.port, "-U", USER]);
        client
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A test that fails leaves it frozen, and it would never end.
        self.signal_all("CONT");
        let data = self.directory.path().join("data");
        let mut stop = command(&self.bin, "pg_ctl", self.as_root);
        let stopped = stop.args(["stop", "--mode=immediate", "--silent", "--pgdata"]).arg(data).output();
        if let Ok(server) = self.server.get_mut() {
            if stopped.is_err() {
                // If even that fails, nothing else can be done.
                drop(server.kill());
            }
            drop(server.wait());
        }
    }
}

/// Makes the certificates of an encrypted server, and the file that says whom it admits.
pub(crate) fn certify(directory: &Path, as_root: bool) -> io::Result<()> {
    const CERTIFY: &str = "cd \"$0\" && exec 2>openssl.log \
        && key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes' \
        && openssl req -x509 $key -days 2 -subj /CN=authority -keyout ca.key -out ca.crt \
        && openssl req -new $key -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr \
        && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copyall \
            -out server.crt \
        && chmod 600 server.key && chmod 644 ca.crt server.crt \
        && printf 'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n' >hba";
    let mut shell = command(Path::new("/bin"), "sh", as_root);
    let output = shell.args(["-c", CERTIFY]).arg(directory).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "openssl makes no certificate: {}",
        fs::read_to_string(directory.join("openssl.log"))?
    )))
}

fn newest() -> io::Result<PathBuf> {
    let hint =
        || io::Error::other(format!("nothing in {INSTALLED}; install it, on Debian with `apt install postgresql`"));
    let versions = fs::read_dir(INSTALLED).map_err(|_| hint())?.flatten();
    let with_number =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let newest = with_number.filter(|(_, path)| path.join("bin/initdb").exists()).max_by_key(|(number, _)| *number);
    newest.map(|(_, path)| path.join("bin")).ok_or_else(hint)
}

/// Whether a directory that was just made is root's, so that the tests run as root.
pub(crate) fn as_root(directory: &Path) -> io::Result<bool> {
    Ok(directory.metadata().map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata))? == 0)
}

/// Gives the directory to the server's user, because the server refuses to run as root.
pub(crate) fn give_away(directory: &Path) -> io::Result<()> {
    let id = |flag| -> io::Result<u32> {
        let output = Command::new("id").args([flag, USER]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        text.parse().map_err(|_| io::Error::other(format!("there is no user '{USER}' to run the server as")))
    };
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    chown(directory, Some(id("-u")?), Some(id("-g")?))
}

pub(crate) fn command(bin: &Path, program: &str, as_root: bool) -> Command {
    if !as_root {
        return Command::new(bin.join(program));
    }
    let mut command = Command::new("runuser");
    command.args(["-u", USER, "--"]).arg(bin.join(program)).current_dir("/");
    command
}

fn succeed(output: &Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
