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
    use_small_pages();
    backstay::main()
}

/// Asks Linux for pages of 4 KiB: with huge ones, which make nothing here faster, an idle server keeps twice the memory.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
