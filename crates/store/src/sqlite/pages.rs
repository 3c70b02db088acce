//! Sizes of a database in SQLite's pages.

/// Bytes of a page, as SQLite creates databases.
pub(super) const PAGE_BYTES: u64 = 4096;
/// Pages from which on the write-ahead log is restarted, which briefly blocks the writer: 128 MiB.
pub(super) const RESTART_PAGES: u32 = 32_768;
/// Bytes to which SQLite cuts the log's file when the log begins anew beside a busy writer (`journal_size_limit`).
pub(super) const LARGEST_KEPT_LOG_BYTES: u64 = RESTART_PAGES as u64 * PAGE_BYTES;
