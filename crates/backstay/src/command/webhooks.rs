use serde::{Deserialize, Serialize};

/// What is done about the endpoints of webhooks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum WebhookVerb {
    /// Add one.
    Add {
        /// What it is called.
        name: String,
        /// Where messages are sent.
        url: String,
        /// Whose rights decide what is sent: email address or id of an account, or name or id of a key.
        caller: String,
        /// The collections whose changes are sent; all without them.
        of: Vec<String>,
    },
    /// List all.
    List {},
    /// Show one with the messages that were given up.
    Show {
        /// Its name.
        name: String,
    },
    /// Send a message to one, to see whether it answers.
    Test {
        /// Its name.
        name: String,
    },
    /// Give one a new secret.
    Rotate {
        /// Its name.
        name: String,
        /// For how many seconds messages are signed with the one before as well.
        seconds: u32,
    },
    /// Send messages again that were given up.
    Replay {
        /// Its name.
        name: String,
        /// The id of the message; all without it.
        message: Option<String>,
    },
    /// Send nothing to one from now on.
    Disable {
        /// Its name.
        name: String,
    },
    /// Send to it again.
    Enable {
        /// Its name.
        name: String,
        /// Whether what has changed in between isn't sent.
        skip: bool,
    },
    /// Remove one.
    Remove {
        /// Its name.
        name: String,
    },
}
