/// First parts of paths that are Backstay's own, besides that of records.
pub const RESERVED_PATHS: &[&str] = &[
    "admin",
    "auth",
    "changes",
    "dev",
    "do",
    "docs",
    "explain",
    "graphql",
    "healthz",
    "inspect",
    "live",
    "metrics",
    "openapi.json",
    "problems",
    "readyz",
    "transact",
];

/// A path of its own at which an action is called, instead of `/do/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its method. One with `GET` reads, all others may write.
    pub method: RouteMethod,
    /// Its path.
    pub path: RoutePath,
    /// Whose events it receives; `None`: what it takes is up to its function.
    pub inbox: Option<Inbox>,
    /// Whether its function gets the token that a client sends in `Authorization`.
    pub token: bool,
}

/// A method of HTTP that a route can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteMethod {
    /// `GET`, and `HEAD`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

impl RouteMethod {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// Its name in HTTP and in the model.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// The path of a route: paths that have its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePath {
    /// As the model writes it, such as `/articles/{slug}`.
    pub text: String,
    /// What is between its slashes.
    pub parts: Vec<RoutePart>,
}

/// What is between two slashes of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutePart {
    /// This text.
    Literal(String),
    /// Any text but none: the value of the parameter of this name.
    Parameter(String),
}

impl RoutePath {
    /// The path with this text.
    pub(crate) fn of(text: &str) -> Self {
        let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => RoutePart::Parameter(name.to_owned()),
            None => RoutePart::Literal(part.to_owned()),
        };
        let parts = text.strip_prefix('/').unwrap_or(text).split('/').map(part).collect();
        Self { text: text.to_owned(), parts }
    }

    /// Whether each path that is one of these is one of the other's, too.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |pair: (&RoutePart, &RoutePart)| match pair {
            (RoutePart::Literal(one), RoutePart::Literal(other)) => one == other,
            (RoutePart::Parameter(_), RoutePart::Parameter(_)) => true,
            (RoutePart::Literal(_), RoutePart::Parameter(_)) | (RoutePart::Parameter(_), RoutePart::Literal(_)) => {
                false
            }
        };
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(same)
    }
}

/// Receives the events of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// How they are signed.
    pub provider: Provider,
    /// The name of the secret that they are signed with.
    pub secret: String,
}

/// Who sends events, and how they are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Stripe.
    Stripe,
    /// GitHub.
    GitHub,
    /// Everyone who follows Standard Webhooks.
    StandardWebhooks,
}

impl Provider {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "STRIPE" => Some(Self::Stripe),
            "GITHUB" => Some(Self::GitHub),
            "STANDARD_WEBHOOKS" => Some(Self::StandardWebhooks),
            _ => None,
        }
    }
}
