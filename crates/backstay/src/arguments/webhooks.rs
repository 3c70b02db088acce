use clap::Subcommand;

use super::Within;
use super::callers::{Lifetime, lifetime};

#[derive(Debug, Subcommand)]
pub(crate) enum Webhook {
    /// Add an endpoint, and show once what its messages are signed with
    #[command(after_help = ADD)]
    Add {
        /// What the endpoint is called
        name: String,
        /// Where messages are sent
        url: String,
        /// Whose rights decide what is sent: email address or id of an account, or name or id of a key
        #[arg(long = "as", value_name = "CALLER")]
        caller: String,
        /// Collections whose changes are sent, separated by commas; all by default
        #[arg(long, value_name = "COLLECTION", value_delimiter = ',')]
        of: Vec<String>,
        #[command(flatten)]
        within: Within,
    },
    /// List all endpoints, without their secrets
    List(Within),
    /// Show an endpoint and the messages that were given up
    Show {
        /// Name of the endpoint
        name: String,
        #[command(flatten)]
        within: Within,
    },
    /// Send a message to an endpoint now, and show how it answers
    Test {
        /// Name of the endpoint
        name: String,
        #[command(flatten)]
        within: Within,
    },
    /// Give an endpoint a new secret, and sign with both for a while
    Rotate {
        /// Name of the endpoint
        name: String,
        /// For how long messages are signed with the previous secret as well, such as 24h or 7d
        #[arg(long, value_name = "TIME", value_parser = lifetime, default_value = "24h")]
        keep: Lifetime,
        #[command(flatten)]
        within: Within,
    },
    /// Send messages again that were given up
    #[command(after_help = "Example:\n  backstay webhook replay partner")]
    Replay {
        /// Name of the endpoint
        name: String,
        /// Id of the message; all that were given up by default
        message: Option<String>,
        #[command(flatten)]
        within: Within,
    },
    /// Send nothing to an endpoint from now on
    Disable {
        /// Name of the endpoint
        name: String,
        #[command(flatten)]
        within: Within,
    },
    /// Send to a disabled endpoint again
    Enable {
        /// Name of the endpoint
        name: String,
        /// Send only what changes from now on
        #[arg(long)]
        skip: bool,
        #[command(flatten)]
        within: Within,
    },
    /// Remove an endpoint and everything that waits for it
    Remove {
        /// Name of the endpoint
        name: String,
        #[command(flatten)]
        within: Within,
    },
}

const ADD: &str = "\
Examples:
  backstay key add partner --role READER
  backstay webhook add partner https://partner.example/hooks --as partner
  backstay webhook add search https://search.example/changes --as indexer --of posts,sections

An endpoint receives the changes that its caller may see, from now on. See docs/webhooks.md.";
