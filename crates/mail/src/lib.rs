//! Mail: the templates of an application in its languages, and handing messages to a server. Must never hold the queue, access rules
//! or the model: what is sent to whom is decided elsewhere.

mod content;
mod delivery;
mod error;
mod files;
mod letter;
mod problem;
mod sender;
mod server;
mod target;
mod templates;

pub use content::Content;
pub use delivery::{Delivery, Outbox, Receipt, Sent};
pub use error::{RenderError, SendError};
pub use files::{DIRECTORY, is_language, is_template};
pub use letter::{Letter, Mail};
pub use problem::Problem;
pub use sender::{NoAddress, Sender};
pub use target::{Encryption, NoTarget, Target};
pub use templates::Templates;
