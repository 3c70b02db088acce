//! What functions do with accounts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use backstay_base::{Error, Network, Source};
use backstay_engine::{ActionCall, Context, Engine};
use backstay_identity::Identity;
use backstay_rest::accounts as bodies;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Signs people up and in for functions, as `/auth` does for clients.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) engine: Engine,
    pub(crate) identity: Identity,
}

/// What is asked, with the body that the path of the same name takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Asked {
    SignUp(Box<RawValue>),
    SignIn(Box<RawValue>),
    SignOut {},
    ChangeEmail(Box<RawValue>),
    ChangePassword(Box<RawValue>),
}

impl backstay_functions::Accounts for Accounts {
    fn answer<'a>(&'a self, call: &'a ActionCall, text: &'a str) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move {
            let cx = call.changing()?;
            let asked: Asked = serde_json::from_str(text).map_err(Error::internal)?;
            let answer = self.asked(cx, address(call.flow().source), asked).await.map_err(of_caller)?;
            String::from_utf8(answer.into()).map_err(Error::internal)
        })
    }
}

impl Accounts {
    async fn asked(&self, cx: &Context, from: IpAddr, asked: Asked) -> Result<Bytes, Error> {
        let Self { engine, identity } = self;
        let signed_in = match asked {
            Asked::SignUp(body) => {
                let accounts = engine.model().identity.ok_or(Error::NoAccounts)?;
                let new = bodies::new_account(engine.model(), accounts, body.get().as_bytes())?;
                identity.sign_up(cx, from, new).await?
            }
            Asked::SignIn(body) => identity.sign_in(cx, from, bodies::credentials(body.get().as_bytes())?).await?,
            Asked::ChangePassword(body) => {
                identity.require_session(cx)?;
                let change = bodies::password_change(body.get().as_bytes())?;
                identity.change_password(cx, from, change).await?
            }
            Asked::ChangeEmail(body) => {
                identity.require_session(cx)?;
                let me = identity.change_email(cx, from, bodies::email_change(body.get().as_bytes())?).await?;
                return bodies::me(engine, cx, &me).await;
            }
            Asked::SignOut {} => {
                identity.sign_out(cx).await?;
                return Ok(Bytes::from_static(b"null"));
            }
        };
        bodies::signed_in(engine, cx, &signed_in).await
    }
}

/// What a function passes on is its caller's: a password that is missing isn't a mistake of the function.
fn of_caller(error: Error) -> Error {
    match error {
        Error::Malformed(wrong) => Error::Invalid(wrong),
        error => error,
    }
}

/// An address whose attempts count for the same network.
fn address(source: Source) -> IpAddr {
    match source {
        Source::Network(Network::V4(bytes)) => Ipv4Addr::from(bytes).into(),
        Source::Network(Network::V6(upper)) => {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&upper);
            Ipv6Addr::from(bytes).into()
        }
        Source::System | Source::Local => Ipv4Addr::LOCALHOST.into(),
    }
}
