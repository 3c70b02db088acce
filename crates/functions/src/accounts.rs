use std::fmt;

use backstay_base::Error;
use backstay_engine::ActionCall;
use futures_util::future::BoxFuture;

/// Signs people up and in.
pub trait Accounts: fmt::Debug + Send + Sync {
    /// Does what a function asks with `auth`, in the name of this call, and answers as JSON. `text` has one member, such as `signIn`,
    /// which holds what the path `/auth/sign-in` takes.
    fn answer<'a>(&'a self, call: &'a ActionCall, text: &'a str) -> BoxFuture<'a, Result<String, Error>>;
}
