use bytes::Bytes;

/// What is asked of another server.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Such as `POST`.
    pub method: &'static str,
    /// Where, such as `https://example.org/hooks?for=orders`.
    pub url: String,
    /// Header names and values, without `Host` and those about the connection.
    pub headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    pub body: Bytes,
}

/// What the other server answers, whatever its status says: a redirect isn't followed.
#[derive(Debug, Clone)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Header names, in lower case, and values; one whose value isn't text is left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}
