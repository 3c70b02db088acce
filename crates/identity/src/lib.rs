//! Who is calling: accounts, operators, services, their credentials, sessions and keys, and how tokens are recognised.
//! Everything is stored through the engine's operations; no statement, no HTTP and no cookie is found here.

mod account_ref;
mod accounts;
mod attempts;
mod body;
mod claims;
mod credential;
mod edit;
mod email;
mod error;
mod grants;
mod hashing;
mod identity;
mod invitations;
mod keys;
mod known;
mod lookup;
mod me;
mod operators;
mod password;
mod schema;
mod sessions;
mod settings;
mod sign_in;
mod sign_up;
mod system;
mod token;
mod writable;

pub use account_ref::AccountRef;
pub use accounts::AccountInfo;
pub use credential::NewCredential;
pub use error::StartError;
pub use identity::{Identity, SignedIn};
pub use invitations::{Invited, OpenInvitation};
pub use keys::{IssuedKey, KeyInfo, NewKey};
pub use schema::check;
pub use settings::{HashingCost, Settings, SignUp};
pub use system::system_model;
