use std::sync::mpsc;
use std::thread::{self, available_parallelism};

use crate::Failure;

/// Runtimes of a server: the one that it runs on, and one for the connections of heavy networks.
const RUNTIMES: usize = 2;

/// Fails if the operating system does not let the process start as many threads as the runtimes need, which would
/// panic.
pub(crate) fn require() -> Result<(), Failure> {
    let needed = RUNTIMES * available_parallelism().map_or(1, usize::from);
    let mut started = Vec::new();
    for _ in 0..needed {
        let (sender, receiver) = mpsc::channel::<()>();
        // It ends once its sender is dropped.
        let thread = thread::Builder::new().spawn(move || receiver.recv());
        started.push((sender, thread.map_err(|source| Failure::Threads { needed, source })?));
    }
    for (sender, thread) in started {
        drop(sender);
        // Its outcome is that the sender was dropped.
        let _ = thread.join();
    }
    Ok(())
}
