/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Read, all from one snapshot if it is in a transaction.
    Read,
    /// Write, too.
    Write,
    /// Write, too, and serialize what it reads with others that do.
    Serializable,
}
