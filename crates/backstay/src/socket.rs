//! How a command reaches the running server: through a Unix socket in the data directory, one line of JSON each way.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backstay_engine::{Location, Migration};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::OwnedWriteHalf;

use crate::apply::apply;
use crate::backup::{Progress, Reporter, back_up};
use crate::failure::Refusal;
use crate::serving::Serving;
use crate::{Answer, Command, Failure, Place};

/// Maximum length of a socket's path in bytes: the size of `sun_path` without its final zero (unix(7)).
const PATH_BYTES: usize = 107;

/// Maximum size of a command in bytes: a line of `limits::LINE_BYTES` fits, whatever has to be escaped in it.
const COMMAND_BYTES: u64 = 64 * 1024 * 1024;

/// How long the server waits for a command once a client has connected.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The answer to a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    Done(Answer),
    Refused(Refusal),
    /// How far it is. Another line follows.
    Progress(Progress),
}

/// How often a server looks whether another one still takes the commands.
const TAKE_OVER: Duration = Duration::from_secs(1);

/// The server's end of the socket. Dropping it removes the socket.
#[derive(Debug)]
pub(crate) struct Listening {
    path: PathBuf,
    /// Whether it is this server that takes the commands.
    is_ours: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    /// Listens in the data directory. The caller has locked an embedded database, so an existing socket is a stale one; of the
    /// servers that share another database and the directory, one takes the commands.
    pub(crate) fn start(place: &Place, serving: Serving) -> Result<Self, Failure> {
        let path = path(place)?;
        let is_shared = match place.database {
            Location::Directory(_) => false,
            Location::Url(_) => std::os::unix::net::UnixStream::connect(&path).is_ok(),
        };
        let is_ours = Arc::new(AtomicBool::new(!is_shared));
        let task = if is_shared {
            tokio::spawn(take_over(path.clone(), serving, Arc::clone(&is_ours)))
        } else {
            let (listener, owner) = bind(&path).map_err(|source| Failure::Socket { path: path.clone(), source })?;
            tokio::spawn(listen(listener, owner, serving))
        };
        Ok(Self { path, is_ours, task })
    }

    /// Completes if the socket is no longer served, which only a panic can cause: the server must not go on without it.
    pub(crate) async fn ended(&mut self) -> Failure {
        let ended = (&mut self.task).await;
        let source = ended.map_or_else(io::Error::from, |()| io::ErrorKind::ConnectionAborted.into());
        Failure::Socket { path: self.path.clone(), source }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        if self.is_ours.load(Ordering::Relaxed) {
            // If this fails, the next server removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the socket, and returns whose it is.
fn bind(path: &Path) -> io::Result<(tokio::net::UnixListener, u32)> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    let listener = tokio::net::UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok((listener, fs::metadata(path)?.uid()))
}

/// Listens once the server is gone that takes the commands.
async fn take_over(path: PathBuf, serving: Serving, is_ours: Arc<AtomicBool>) {
    loop {
        match tokio::net::UnixStream::connect(&path).await.map_err(|error| error.kind()) {
            Err(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => break,
            // It is there, or nobody knows: this process may lack file descriptors.
            Ok(_) | Err(_) => tokio::time::sleep(TAKE_OVER).await,
        }
    }
    match bind(&path) {
        Ok((listener, owner)) => {
            is_ours.store(true, Ordering::Relaxed);
            listen(listener, owner, serving).await;
        }
        Err(error) => tracing::error!(%error, "the command socket can't be taken over"),
    }
}

async fn listen(listener: tokio::net::UnixListener, owner: u32, serving: Serving) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, owner, serving.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a command");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: tokio::net::UnixStream, owner: u32, serving: Serving) {
    // Not every system checks the mode of a socket's file.
    let same_user = stream.peer_cred().is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0);
    if !same_user {
        tracing::warn!("refused a command of another user");
        return;
    }
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = tokio::io::BufReader::new(read.take(COMMAND_BYTES));
    let received = tokio::time::timeout(RECEIVE_TIMEOUT, reader.read_until(b'\n', &mut line)).await;
    if !matches!(received, Ok(Ok(1..))) {
        return;
    }
    let reply = match serde_json::from_slice::<Command>(&line) {
        Ok(command) => match run_watched(&serving, command, &mut write).await {
            Ok(answer) => Reply::Done(answer),
            Err(failure) => Reply::Refused(failure.refusal()),
        },
        Err(_) => Reply::Refused(Refusal {
            message: "the running server does not understand this command".to_owned(),
            causes: Vec::new(),
            help: Some("use the server's version of Backstay, or stop the server first".to_owned()),
        }),
    };
    if let Err(error) = send(&mut write, &reply).await {
        tracing::debug!(%error, "cannot send the answer to a command");
    }
}

async fn send(write: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(reply)?;
    bytes.push(b'\n');
    write.write_all(&bytes).await
}

/// Runs a command on what is served, and sends how far it is. If the client is gone, the command may end.
async fn run_watched(serving: &Serving, command: Command, write: &mut OwnedWriteHalf) -> Result<Answer, Failure> {
    let (reporter, mut told) = Reporter::channel();
    let mut running = std::pin::pin!(run(serving, command, reporter));
    loop {
        tokio::select! {
            outcome = &mut running => return outcome,
            Some(progress) = told.recv() => if send(write, &Reply::Progress(progress)).await.is_err() {
                told.close();
            }
        }
    }
}

/// Runs a command on what is served.
async fn run(serving: &Serving, command: Command, reporter: Reporter) -> Result<Answer, Failure> {
    if let Command::ApplyModel { app, allow_data_loss } = command {
        return apply(serving, &app, Migration::Apply { allow_data_loss }).await;
    }
    match (&*serving.served().await, command) {
        (Some(served), Command::BackUp { file }) => back_up(&served.instance.engine, file, reporter).await,
        (Some(served), command) => served.instance.run(command).await,
        (None, _) => Err(serving.nothing_served().await),
    }
}

/// A connection to the running server.
#[derive(Debug)]
pub(crate) struct Running {
    path: PathBuf,
    stream: std::os::unix::net::UnixStream,
}

impl Running {
    /// Connects to the server that uses this data directory for this database, if there is one.
    pub(crate) fn find(place: &Place) -> Result<Option<Self>, Failure> {
        use io::ErrorKind as Kind;
        let path = path(place)?;
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(stream) => Ok(Some(Self { path, stream })),
            // Opening the database reports problems of the directory itself.
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::NotADirectory | Kind::ConnectionRefused) => {
                Ok(None)
            }
            Err(source) => Err(Failure::Socket { path, source }),
        }
    }

    /// Has the server run a command. Blocks.
    pub(crate) fn ask(self, command: &Command) -> Result<Answer, Failure> {
        self.ask_watched(command, &mut |_| ())
    }

    /// The same, and passes on how far it is.
    pub(crate) fn ask_watched(mut self, command: &Command, watch: &mut dyn FnMut(Progress)) -> Result<Answer, Failure> {
        match self.exchange(command, watch) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(refusal)) => Err(Failure::Remote(refusal)),
            Err(source) => Err(Failure::Socket { path: self.path, source }),
        }
    }

    fn exchange(&mut self, command: &Command, watch: &mut dyn FnMut(Progress)) -> io::Result<Result<Answer, Refusal>> {
        let mut bytes = serde_json::to_vec(command)?;
        bytes.push(b'\n');
        self.stream.write_all(&bytes)?;
        for line in BufReader::new(&self.stream).lines() {
            match serde_json::from_str(&line?)? {
                Reply::Done(answer) => return Ok(Ok(answer)),
                Reply::Refused(refusal) => return Ok(Err(refusal)),
                Reply::Progress(progress) => watch(progress),
            }
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"))
    }
}

/// The socket in a data directory. Databases elsewhere have one each.
pub(crate) fn path(place: &Place) -> Result<PathBuf, Failure> {
    let path = match &place.database {
        Location::Directory(_) => place.data.join("backstay.sock"),
        Location::Url(_) => {
            let digest = Sha256::digest(place.database.to_string());
            place
                .data
                .join(format!("backstay-{:02x}{:02x}{:02x}{:02x}.sock", digest[0], digest[1], digest[2], digest[3]))
        }
    };
    let bytes = path.as_os_str().as_bytes().len();
    if bytes > PATH_BYTES {
        return Err(Failure::SocketPath { path, bytes, most: PATH_BYTES });
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_the_task_that_takes_commands_ends_the_server() {
        let task = tokio::spawn(async { panic!("as in a bug") });
        let mut listening = Listening { path: PathBuf::from("backstay.sock"), is_ours: Arc::default(), task };
        assert!(matches!(listening.ended().await, Failure::Socket { .. }));
    }
}
