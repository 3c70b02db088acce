use lettre::message::Mailbox;

/// Who sends the mail of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

/// A text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as `Shop <shop@example.org>`")]
pub struct NoAddress;

impl Sender {
    /// Reads `shop@example.org` or `Shop <shop@example.org>`.
    pub fn parse(text: &str) -> Result<Self, NoAddress> {
        if text.chars().any(char::is_control) {
            return Err(NoAddress);
        }
        text.parse().map(Self).map_err(|_| NoAddress)
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.0
    }

    /// The domain of its address.
    pub(crate) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}
