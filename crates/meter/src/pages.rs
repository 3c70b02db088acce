use std::ffi::c_int;
use std::ptr;

use rusqlite::{Connection, ffi};

/// SQLite's handle of a connection, for as long as that is open.
#[derive(Clone, Copy)]
struct Handle(*mut ffi::sqlite3);

// SAFETY: it is used by the thread that uses the connection alone, and a connection may move between threads.
unsafe impl Send for Handle {}

/// The pages that the connection has used since it was opened, in its cache or not. The number is 32 bits wide and begins
/// anew: compare two with `wrapping_sub`.
///
/// A value that is long enough to fill pages of its own uses those on the way to what stands behind it. The pages of one
/// that is itself read count only if they are in the cache or in the write-ahead log.
pub fn used(db: &Connection) -> u32 {
    // SAFETY: the handle is used for reading counters alone, while the connection is borrowed.
    let handle = Handle(unsafe { db.handle() });
    // SAFETY: the connection is open, and this thread uses it.
    unsafe { handle.pages() }
}

/// Has this called after every so many steps of the connection's virtual machine, with the pages that it has `used` by then;
/// if it returns `true`, the statement is interrupted. It replaces the connection's progress handler.
pub fn on_progress(
    db: &mut Connection,
    steps: c_int,
    mut handler: impl FnMut(u32) -> bool + Send + 'static,
) -> rusqlite::Result<()> {
    // SAFETY: the handle is used for reading counters alone, by a function that the connection owns.
    let handle = Handle(unsafe { db.handle() });
    let call = move || {
        // The whole of it, which may be sent to another thread, and not the pointer in it.
        let handle: Handle = handle;
        // SAFETY: SQLite calls its progress handler within a call of this connection, on the thread that uses it.
        let pages = unsafe { handle.pages() };
        handler(pages)
    };
    db.progress_handler(steps, Some(call))
}

impl Handle {
    /// # Safety
    /// The connection must be open, and used by this thread.
    unsafe fn pages(self) -> u32 {
        // SAFETY: as the caller promises.
        let hits = unsafe { self.counter(ffi::SQLITE_DBSTATUS_CACHE_HIT) };
        // SAFETY: as the caller promises.
        let misses = unsafe { self.counter(ffi::SQLITE_DBSTATUS_CACHE_MISS) };
        hits.wrapping_add(misses)
    }

    /// # Safety
    /// The connection must be open, and used by this thread.
    unsafe fn counter(self, operation: c_int) -> u32 {
        let (mut current, mut highest): (c_int, c_int) = (0, 0);
        // SAFETY: the connection is open, as the caller promises, and the two numbers outlive the call.
        let code = unsafe {
            ffi::sqlite3_db_status(self.0, operation, ptr::from_mut(&mut current), ptr::from_mut(&mut highest), 0)
        };
        debug_assert_eq!(code, ffi::SQLITE_OK, "SQLite knows the counter");
        current.cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    /// 20 records whose number stands behind a value of 100 pages.
    fn records(directory: &TempDir) -> Connection {
        let db = Connection::open(directory.path().join("pages.db")).expect("a database");
        let table = "CREATE TABLE t (body BLOB, n INTEGER);
            WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20)
            INSERT INTO t SELECT zeroblob(100 * 4092), n FROM i;";
        db.execute_batch(table).expect("records");
        db
    }

    const BEHIND: &str = "SELECT count(*) FROM t WHERE n < 0";

    #[test]
    fn what_stands_behind_a_long_value_uses_its_pages() {
        let directory = TempDir::new().expect("a directory");
        let db = records(&directory);
        let pages = |text: &str| {
            let before = used(&db);
            db.query_row(text, [], |row| row.get::<_, i64>(0)).expect("a count");
            used(&db).wrapping_sub(before)
        };
        assert!((1_900..2_200).contains(&pages(BEHIND)));
        // It is the same again, from the cache.
        assert!((1_900..2_200).contains(&pages(BEHIND)));
        assert!(pages("SELECT count(*) FROM t WHERE rowid < 0") < 10);
    }

    #[test]
    fn the_handler_is_told_of_them_and_ends_the_statement() {
        let directory = TempDir::new().expect("a directory");
        let mut db = records(&directory);
        let (before, seen) = (used(&db), Arc::new(AtomicU32::new(0)));
        let told = Arc::clone(&seen);
        let handler = move |pages: u32| {
            told.store(pages, Ordering::Relaxed);
            pages.wrapping_sub(before) > 1_000
        };
        on_progress(&mut db, 10, handler).expect("a handler");
        let ended = db.query_row(BEHIND, [], |row| row.get::<_, i64>(0));
        assert_eq!(
            ended.map_err(|error| error.sqlite_error_code()),
            Err(Some(rusqlite::ErrorCode::OperationInterrupted))
        );
        assert!((1_000..1_500).contains(&seen.load(Ordering::Relaxed).wrapping_sub(before)));
    }
}
