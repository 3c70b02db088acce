//! The memory of a process of its own, which nobody else uses: each test that measures it has one.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use backstay_http::{Doorway, serve};
use backstay_testkit::TestApp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const MODEL: &str = r#"
extend schema @app(name: "Memory")
type User @identity @allow(read: "false") { email: Email! @unique name: String! }
type Note @allow(read: "true", create: "true") { body: Text @length(max: 8000000) }
"#;
pub(crate) const MIB: usize = 1024 * 1024;
/// Guards against hanging only.
pub(crate) const LONG: Duration = Duration::from_mins(5);

/// Serves an application at an address of its own.
pub(crate) async fn served(app: &TestApp) -> (SocketAddr, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let (doorway, settings) = (Doorway::open(app.services.clone()), app.services.settings.clone());
    (address, tokio::spawn(serve(listener, doorway, settings, std::future::pending())))
}

/// The most memory that the process has had since this was last reset, in bytes.
pub(crate) fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

pub(crate) fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux resets it");
}

/// A connection on which the answer is left with the server.
async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(address).await.expect("the server listens")
}

/// Sends a request and reads the status of the answer.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> (TcpStream, u16) {
    let mut stream = connect(address).await;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.expect("it is taken");
    let mut start = [0; 12];
    tokio::time::timeout(LONG, stream.read_exact(&mut start)).await.expect("nobody hangs").expect("an answer");
    let status = String::from_utf8_lossy(&start[9..]).parse().expect("a status");
    (stream, status)
}
