use super::value::{Applies, Key, Kind, Wrong, list, quoted};

/// Sign-up, sessions and limits on attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Who may sign up.
    pub sign_up: SignUp,
    /// Lifetime of a session in days.
    pub session_days: u32,
    /// Minimum length of a password in characters.
    pub password_min: u8,
    /// Failed sign-ins per account and network address before further attempts must wait.
    pub attempts_per_account: u32,
    /// Sign-in attempts per network address before further attempts must wait.
    pub attempts_per_address: u32,
    /// Sign-up attempts per network address before further attempts must wait.
    pub sign_ups_per_address: u32,
    /// Minutes until the limits above are fully restored.
    pub attempt_minutes: u32,
    /// Words before the token in `Authorization`, besides `Bearer`.
    pub token_schemes: Vec<String>,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Everyone.
    Open,
    /// People with an invitation.
    Invited,
    /// Nobody.
    Closed,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            sign_up: SignUp::Closed,
            session_days: 30,
            password_min: 10,
            attempts_per_account: 10,
            attempts_per_address: 50,
            sign_ups_per_address: 20,
            attempt_minutes: 15,
            token_schemes: Vec::new(),
        }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "accounts",
        name: "sign_up",
        applies: Applies::Reload,
        kind: Kind::Choice(&["open", "invited", "closed"]),
        about: "Who may sign up: everyone, people with an invitation (`backstay invite`), or nobody.",
        set: |config, given| {
            config.accounts.sign_up = match given.text()?.as_str() {
                "open" => SignUp::Open,
                "invited" => SignUp::Invited,
                _ => SignUp::Closed,
            };
            Ok(())
        },
        show: |config| {
            quoted(match config.accounts.sign_up {
                SignUp::Open => "open",
                SignUp::Invited => "invited",
                SignUp::Closed => "closed",
            })
        },
    },
    Key {
        section: "accounts",
        name: "session_days",
        applies: Applies::Reload,
        kind: Kind::Number(1, 3650),
        about: "Days after which a session expires.",
        set: |config, given| {
            config.accounts.session_days = given.number()?;
            Ok(())
        },
        show: |config| config.accounts.session_days.to_string(),
    },
    Key {
        section: "accounts",
        name: "password_min",
        applies: Applies::Reload,
        kind: Kind::Number(8, 128),
        about: "Minimum length of a password in characters.",
        set: |config, given| {
            config.accounts.password_min = given.number()?;
            Ok(())
        },
        show: |config| config.accounts.password_min.to_string(),
    },
    Key {
        section: "accounts",
        name: "attempts_per_account",
        applies: Applies::Reload,
        kind: Kind::Number(1, 36_500),
        about: "Failed sign-ins per account and network address before further attempts must wait; ten times as many \
                for all addresses together from which nobody has signed in to the account.",
        set: |config, given| {
            config.accounts.attempts_per_account = given.number()?;
            Ok(())
        },
        show: |config| config.accounts.attempts_per_account.to_string(),
    },
    Key {
        section: "accounts",
        name: "attempts_per_address",
        applies: Applies::Reload,
        kind: Kind::Number(1, 36_500),
        about: "Sign-in attempts per network address (IPv6: per /64 network) before further attempts must wait.",
        set: |config, given| {
            config.accounts.attempts_per_address = given.number()?;
            Ok(())
        },
        show: |config| config.accounts.attempts_per_address.to_string(),
    },
    Key {
        section: "accounts",
        name: "sign_ups_per_address",
        applies: Applies::Reload,
        kind: Kind::Number(1, 36_500),
        about: "Sign-up attempts per network address before further attempts must wait.",
        set: |config, given| {
            config.accounts.sign_ups_per_address = given.number()?;
            Ok(())
        },
        show: |config| config.accounts.sign_ups_per_address.to_string(),
    },
    Key {
        section: "accounts",
        name: "attempt_minutes",
        applies: Applies::Reload,
        kind: Kind::Number(1, 1440),
        about: "Minutes until the limits above are fully restored; attempts are restored gradually.",
        set: |config, given| {
            config.accounts.attempt_minutes = given.number()?;
            Ok(())
        },
        show: |config| config.accounts.attempt_minutes.to_string(),
    },
    Key {
        section: "accounts",
        name: "token_schemes",
        applies: Applies::Reload,
        kind: Kind::Texts,
        about: "Words that clients may write before the token in `Authorization` instead of `Bearer`, such as `\"Token\"`: for \
                clients of an API that exists already.",
        set: |config, given| {
            let schemes = given.texts()?;
            Wrong::in_items(&schemes, |scheme| token_scheme(scheme))?;
            config.accounts.token_schemes = schemes;
            Ok(())
        },
        show: |config| list(&config.accounts.token_schemes),
    },
];

/// Checks the name of a scheme (RFC 9110, section 11.1).
fn token_scheme(scheme: &str) -> Result<(), &'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let has_credentials = ["basic", "digest", "negotiate"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    match scheme {
        "" => Err("empty"),
        text if !text.bytes().all(is_token) => Err("expected one word, such as Token"),
        _ if has_credentials => Err("what follows this word isn't a token"),
        _ => Ok(()),
    }
}
