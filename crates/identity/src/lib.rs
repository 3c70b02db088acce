//! Who is calling: accounts, operators and API keys, their credentials and sessions, and the tokens that name them.
//! Everything is stored through the engine's transactions; no statement, no HTTP and no cookie belongs here.

mod account_ref;
mod administration;
mod attempts;
mod authenticator;
mod claims;
mod credential;
mod directory;
mod email;
mod error;
mod grants;
mod hashing;
mod identity;
mod keys;
mod known;
mod links;
mod operator;
mod own_account;
mod password;
mod roles;
mod schema;
mod sessions;
mod set_up;
mod settings;
mod sign_in;
mod sign_up;
mod sign_up_policy;
mod signed_in;
mod system;
mod token;

pub use account_ref::AccountRef;
pub use administration::{
    AccountInfo, AddAccount, AddedAccount, Administration, Invited, IssuedKey, KeyInfo, ListedAccount, NewCredential,
    NewKey, NewPassword, OpenInvitation, OperatorInfo,
};
pub use error::StartError;
pub use identity::Identity;
pub use links::MadeLink;
pub use own_account::{EmailChange, Me, OwnKey, PasswordChange};
pub use schema::check;
pub use settings::{HashingCost, Settings, SignUp};
pub use sign_in::{Credentials, SignInAs};
pub use sign_up::{FirstOperator, NewAccount};
pub use signed_in::SignedIn;
pub use system::system_model;
