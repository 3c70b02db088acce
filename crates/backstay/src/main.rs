//! The program `backstay`.

use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For how long freed memory stays the process's. Answers are large buffers that come and go: with mimalloc's second, those of
/// all callers add up.
const KEPT: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    backstay_meter::return_memory_after(KEPT);
    backstay::main()
}
