use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{Grant, RecordId};

/// What sort of caller asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// Nobody signed in.
    Anonymous,
    /// A person: `auth.id` is the record of the identity type.
    Account,
    /// A program with an API key: `auth.id` is the key's record.
    Service,
    /// Who runs this Backstay.
    Operator,
    /// Backstay itself (seeding, cascades, sign-up); no rule is asked, every check still holds.
    System,
}

impl CallerKind {
    /// The name that rules, logs and answers use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::Account => "ACCOUNT",
            Self::Service => "SERVICE",
            Self::Operator => "OPERATOR",
            Self::System => "SYSTEM",
        }
    }
}

/// What is known of a caller's own record. This crate knows no values: crate `expr` makes it of them and reads it.
#[derive(Clone)]
pub struct OwnRecord(Arc<dyn Any + Send + Sync>);

impl OwnRecord {
    /// A record of which this is known.
    pub fn new<T: Any + Send + Sync>(known: T) -> Self {
        Self(Arc::new(known))
    }

    /// What is known of it, if it is of this type.
    pub fn known<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for OwnRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnRecord(…)")
    }
}

impl PartialEq for OwnRecord {
    /// Whether it is the same reading of the record.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for OwnRecord {}

/// Who asks, as rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What sort of caller this is.
    pub kind: CallerKind,
    /// `auth.id`; absent for anonymous callers and for Backstay itself.
    pub id: Option<RecordId>,
    /// `auth.roles`: names of values of the model's `@roles` enum.
    pub roles: Arc<[Arc<str>]>,
    /// `auth.claims`: texts by name, set by an operator.
    pub claims: Arc<BTreeMap<String, String>>,
    /// `auth.verified`: whether the address that the account signs in with is known to be its holder's; never of other callers.
    pub verified: bool,
    /// `auth.account`: what rules can ask of the account's own record, as it was when the request began.
    pub account: Option<OwnRecord>,
    /// `auth.link`: the secret link whose token was shown, if any, signed in or not.
    pub link: Option<RecordId>,
    /// `auth.via`: the names of the actions that the request is made in, the outermost first. The engine alone sets it.
    pub via: Arc<[Arc<str>]>,
    /// The session that was shown, if any, so that it can be ended.
    pub session: Option<RecordId>,
    /// What the credential that was shown is limited to; without one, to nothing but the rules.
    pub grant: Option<Arc<Grant>>,
}

impl Caller {
    /// A caller of this kind without an id, roles or claims.
    fn bare(kind: CallerKind) -> Self {
        Self {
            kind,
            id: None,
            roles: Arc::from([]),
            claims: Arc::default(),
            verified: false,
            account: None,
            link: None,
            via: Arc::from([]),
            session: None,
            grant: None,
        }
    }

    /// Nobody signed in.
    pub fn anonymous() -> Self {
        Self::bare(CallerKind::Anonymous)
    }

    /// Backstay itself.
    pub fn system() -> Self {
        Self::bare(CallerKind::System)
    }

    /// An account with these roles, without claims or a session.
    pub fn account(id: RecordId, roles: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        Self { id: Some(id), roles, ..Self::bare(CallerKind::Account) }
    }

    /// The same caller, who shows this link.
    #[must_use]
    pub fn with_link(self, link: RecordId) -> Self {
        Self { link: Some(link), ..self }
    }

    /// Who did what is logged: the account, key or operator, and the link of a caller who is none of these.
    pub fn actor(&self) -> Option<RecordId> {
        self.id.or(self.link)
    }

    /// Whether the caller holds this role.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| &**role == name)
    }
}
