use std::ffi::c_long;
use std::time::Duration;

use libmimalloc_sys::{mi_option_set_default, mi_option_t};

/// `mi_option_purge_delay` of mimalloc 3, in milliseconds, which the bindings have no name for.
const PURGE_DELAY: mi_option_t = 15;

/// Has mimalloc return memory to the operating system when nothing has used it for this long. Without this, it is a second; the
/// environment variable `MIMALLOC_PURGE_DELAY` comes first.
pub fn return_memory_after(delay: Duration) {
    let millis = c_long::try_from(delay.as_millis()).unwrap_or(c_long::MAX);
    // SAFETY: the option exists, and mimalloc reads and writes the values of options atomically.
    unsafe { mi_option_set_default(PURGE_DELAY, millis) };
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::mi_option_get;

    use super::*;

    fn delay() -> c_long {
        // SAFETY: the option exists.
        unsafe { mi_option_get(PURGE_DELAY) }
    }

    #[test]
    fn the_number_is_that_of_the_option() {
        assert_eq!(delay(), 1_000, "the default of mimalloc 3");
        return_memory_after(Duration::from_millis(10));
        assert_eq!(delay(), 10);
    }
}
