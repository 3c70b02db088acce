use std::thread::available_parallelism;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Failure;

/// Files that stay open besides connections: the database, its log and readers, listeners, the standard streams.
const RESERVED: u64 = 128;

/// Files that the program opens before it does anything, without those of the database's reading threads.
const BASE: u64 = 32;

/// Raises the limit of open files as far as the operating system allows. Fails if that is not enough to open a
/// database: SQLite would name another cause.
pub(crate) fn raise_limit() -> Result<(), Failure> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // macOS may refuse the maximum that it reports; then the limit stays as it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let needed = BASE + 2 * available_parallelism().map_or(1, |cores| cores.get() as u64);
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < needed => Err(Failure::OpenFiles { limit, needed }),
        _ => Ok(()),
    }
}

/// How many of the wanted connections fit within the limit of open files.
pub(crate) fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let held = fitting(wanted, limit);
    if held < wanted {
        tracing::warn!(
            wanted,
            held,
            open_files = limit,
            "limits.connections exceeds the limit of open files (`ulimit -n`); fewer connections are accepted at a time"
        );
    }
    held
}

/// How many connections fit within a limit of open files; at least one.
fn fitting(wanted: usize, open_files: Option<u64>) -> usize {
    let Some(most) = open_files.map(|limit| limit.saturating_sub(RESERVED).max(1)) else { return wanted };
    usize::try_from(most).map_or(wanted, |most| wanted.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files() {
        let check = |wanted: usize, open_files: Option<u64>, expected: usize| {
            assert_eq!(fitting(wanted, open_files), expected, "{wanted} of {open_files:?}");
        };
        check(10_000, Some(1024), 896);
        check(10_000, Some(10_127), 9_999);
        check(10_000, Some(10_128), 10_000);
        check(10_000, Some(1_048_576), 10_000);
        check(10_000, None, 10_000);
        check(7, Some(1024), 7);
        check(7, Some(128), 1);
        check(7, Some(64), 1);
        check(usize::MAX, Some(u64::MAX), usize::try_from(u64::MAX - 128).unwrap_or(usize::MAX));
    }
}
