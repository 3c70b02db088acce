use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// How nice threads are that do what can take long, from 0 to 19. Beside threads of the usual priority that are always busy,
/// they get a quarter of a processor.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Lowers the priority of the calling thread for good, which may do what takes long from now on: threads that answer at once
/// go first. Elsewhere than on Linux, priorities are those of processes, and nothing happens.
pub fn lower_priority() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        // On Linux, these are about the calling thread. A process may always lower what it has.
        if getpriority_process(None).is_ok_and(|nice| nice < NICE) {
            let _at_the_usual_priority = setpriority_process(None, NICE);
        }
    }
}

/// For how long a thread that gives way works in a row. The operating system would let others wait for milliseconds.
const IN_A_ROW: Duration = Duration::from_micros(250);

thread_local! {
    /// When this thread last gave way.
    static GAVE_WAY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Called again and again by a thread with long work: lets those go first that could run on its processor, if the thread has
/// worked for long enough since it last did.
pub fn give_way() {
    if GAVE_WAY.get().is_none_or(|last| last.elapsed() >= IN_A_ROW) {
        thread::yield_now();
        GAVE_WAY.set(Some(Instant::now()));
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn one_thread_has_a_lower_priority_than_its_process() {
        let before = getpriority_process(None).expect("a priority");
        let lowered = std::thread::spawn(|| {
            lower_priority();
            lower_priority();
            getpriority_process(None).expect("a priority")
        });
        assert_eq!(lowered.join().expect("it has ended"), before.max(NICE));
        assert_eq!(getpriority_process(None).expect("a priority"), before);
    }
}
