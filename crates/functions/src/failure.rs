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
    #[error("a request was refused")]
    Request(#[source] Error),
    /// It threw something else.
    #[error("{message}\n{stack}")]
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
    #[error("the function returned or asked more than {} MiB", crate::limits::TEXT_BYTES / (1024 * 1024))]
    TooLarge,
    /// Too many calls are running.
    #[error("too many functions are running")]
    Busy,
    /// The engine failed.
    #[error("the engine of functions failed: {0}")]
    Engine(String),
}
