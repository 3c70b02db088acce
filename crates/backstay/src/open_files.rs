use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open besides connections: the database with its log and readers, the listeners, the standard streams.
const OTHERS: u64 = 128;

/// Lets the process open as many files as it may, and answers how many connections of those that are wanted it can hold.
pub(crate) fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused (macOS knows a smaller limit that it does not tell) the limit is what it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let limit = getrlimit(Resource::Nofile).current;
    let held = fitting(wanted, limit);
    if held < wanted {
        tracing::warn!(
            wanted,
            held,
            open_files = limit,
            "limits.connections is more than the operating system lets this process open; fewer are held at one time"
        );
    }
    held
}

/// How many connections fit within a limit of open files; one at least.
fn fitting(wanted: usize, open_files: Option<u64>) -> usize {
    let Some(most) = open_files.map(|limit| limit.saturating_sub(OTHERS).max(1)) else { return wanted };
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
