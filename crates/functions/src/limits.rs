//! What functions may use.

use std::time::Duration;

/// Bytes of all files of `functions/` together.
pub(crate) const SOURCE_BYTES: usize = 8 * 1024 * 1024;
/// Files in `functions/`.
pub(crate) const SOURCE_FILES: usize = 1000;
/// Memory of one call.
pub(crate) const CALL_BYTES: usize = 64 * 1024 * 1024;
/// Of the stack of a thread, what JavaScript may use.
pub(crate) const STACK_BYTES: usize = 512 * 1024;
/// The stack of a thread that runs JavaScript: what the engine checks, and room for what it calls in between.
pub(crate) const THREAD_STACK_BYTES: usize = 4 * 1024 * 1024;
/// Processor time of one call.
pub(crate) const CALL_CPU: Duration = Duration::from_secs(1);
/// The longest a call may run between two requests, including the time that it waits for a processor.
pub(crate) const STEP_TIME: Duration = Duration::from_secs(8);
/// How long to wait for a call that has no time left. A loop in the engine's own code can't be interrupted: its thread is then
/// given up.
pub(crate) const CALL_GRACE: Duration = Duration::from_secs(2);
/// The longest a call may take, whatever it waits for.
pub(crate) const CALL_TIME: Duration = Duration::from_secs(30);
/// Requests of one call.
pub(crate) const CALL_REQUESTS: usize = 1000;
/// Calls that run at the same time, so that their memory is bounded: 1 GiB. Others wait.
pub(crate) const RUNNING_CALLS: usize = 16;
/// Calls that wait for that; more are refused.
pub(crate) const WAITING_CALLS: usize = 1000;
/// Bytes of the arguments of a call, of one request, and of one answer.
pub(crate) const TEXT_BYTES: usize = 16 * 1024 * 1024;
/// Lines that one call writes to the log.
pub(crate) const LOG_LINES: usize = 200;
/// Bytes of one of them.
pub(crate) const LOG_LINE_BYTES: usize = 8 * 1024;
/// Isolates that are ready before a call needs them.
pub(crate) const WARM_ISOLATES: usize = 8;
/// Threads that loops in the engine keep for ever, before no more are started in their place.
pub(crate) const LOST_THREADS: usize = 8;
