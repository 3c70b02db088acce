//! What the operating system refuses, in words, and what to do about it.

use std::io;

/// What to do if too few threads can be started.
pub(super) const MORE_THREADS: &str = "raise the limit of processes (`ulimit -u 4096` in the shell, `TasksMax=4096` for systemd, `--pids-limit 4096` for \
     Docker), or give it more memory";

/// What to do if too few files can be opened.
pub(super) const MORE_FILES: &str = "raise the limit of open files: `ulimit -n 4096` in the shell, `LimitNOFILE=4096` for systemd, `--ulimit \
     nofile=4096` for Docker";

/// An error of the operating system, without its number if the words say it all.
pub(crate) fn words_of(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a directory".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory, not a file".to_owned(),
        _ => source.to_string(),
    }
}

/// Why a directory or file cannot be made or written.
pub(super) fn writing(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "its file system is mounted read-only".to_owned(),
        io::ErrorKind::FileTooLarge => "a file would exceed the size limit".to_owned(),
        io::ErrorKind::AlreadyExists => "there is a file, or a symbolic link to nothing, at this path".to_owned(),
        _ => words_of(source),
    }
}

/// What to do about it.
pub(super) fn writing_help(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or choose another data directory with --data"
        }
        io::ErrorKind::ReadOnlyFilesystem => "remount it for writing, or choose another data directory with --data",
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (`ulimit -f`)",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            "move it away, or choose another data directory with --data"
        }
        _ => "give the user that runs Backstay write access, or choose another data directory with --data",
    }
}

/// Why the server cannot listen on its address.
pub(super) fn listening(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => "the address is already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        _ => words_of(source),
    }
}

/// What to do about it.
pub(super) fn listening_help(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => "stop the other program, or choose another port with --listen",
        io::ErrorKind::PermissionDenied => {
            "choose a port of 1024 or above with --listen, or grant the privilege for lower ones"
        }
        _ => "choose an address of this machine with --listen, such as 127.0.0.1:8080",
    }
}

/// What to do if the socket for commands cannot be used.
pub(super) fn socket_help(source: &io::Error) -> Option<&'static str> {
    match source.kind() {
        io::ErrorKind::IsADirectory => Some("move it away, or choose another data directory with --data"),
        io::ErrorKind::PermissionDenied => Some("run the command as the user that runs the server"),
        io::ErrorKind::Unsupported => {
            Some("choose a data directory on a file system that supports sockets with --data")
        }
        _ => None,
    }
}
