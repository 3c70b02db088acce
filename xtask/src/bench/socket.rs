use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connects from one of the addresses of this machine. Connecting, each write and each read may take this long.
pub(crate) fn connect_from(source: Ipv4Addr, server: SocketAddrV4, patience: Duration) -> Result<TcpStream> {
    open(source, server, patience, None)
}

/// Connects from one of the addresses of this machine, as a client that has room for this many bytes that it has not
/// read yet.
pub(crate) fn connect_narrow(
    source: Ipv4Addr,
    server: SocketAddrV4,
    patience: Duration,
    bytes: usize,
) -> Result<TcpStream> {
    open(source, server, patience, Some(bytes))
}

fn open(source: Ipv4Addr, server: SocketAddrV4, patience: Duration, receive: Option<usize>) -> Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    if let Some(bytes) = receive {
        set_socket_recv_buffer_size(&socket, bytes)?;
    }
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(patience))?;
    bind(&socket, &SocketAddrV4::new(source, 0)).with_context(|| format!("cannot use the address {source}"))?;
    connect(&socket, &server).with_context(|| format!("cannot connect to {server}"))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Raises the limit of open files as far as the operating system allows, and returns how many there may be.
pub(crate) fn raise_open_files() -> Result<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context("cannot raise the limit of open files")?;
    Ok(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}
