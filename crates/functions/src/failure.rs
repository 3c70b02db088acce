use backstay_base::Error;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The function refused it.
    #[error("{message}")]
    Refused {
        /// The message for its caller.
        message: String,
        /// Such as `sold-out`.
        code: Option<String>,
    },
    /// A request of it was refused, and the function didn't catch that.
    #[error("`{what}` was refused{}", indented(stack))]
    Request {
        /// What was called, such as `db.posts.list`.
        what: String,
        /// Where.
        stack: String,
        /// Why it was refused.
        #[source]
        error: Error,
    },
    /// An argument is an integer that it would see as another one.
    #[error("the argument {number} is beyond ±9007199254740991, and a function can't read it exactly")]
    Inexact {
        /// The integer.
        number: String,
    },
    /// It threw something else.
    #[error("{message}{}", indented(stack))]
    Thrown {
        /// What was thrown.
        message: String,
        /// Where.
        stack: String,
    },
    /// It used all of its time.
    #[error("the function took too long")]
    Spent,
    /// It waits for something that never comes.
    #[error("the function awaits a promise that never settles")]
    NeverSettles,
    /// It returned or asked too much.
    #[error("the function returned or asked more than {} MiB", backstay_base::limits::FUNCTION_TEXT_BYTES / (1024 * 1024))]
    TooLarge,
    /// Too many calls are running.
    #[error("too many functions are running")]
    Busy,
    /// Too many calls of this caller, or of its network, wait.
    #[error("too many calls of this caller or network are waiting")]
    Share,
    /// The engine failed.
    #[error("the engine of functions failed: {0}")]
    Engine(String),
}

/// The lines of a stack, each below the line before.
pub(crate) fn indented(stack: &str) -> String {
    let lines = stack.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| ["\n    ", line]).collect()
}
