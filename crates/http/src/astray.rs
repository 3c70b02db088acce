use backstay_base::nearest;
use backstay_model::{Collection, Model};

use crate::Refusal;

/// Paths that other servers have for what is here, in small letters and without a slash at the end.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["/api/transact", "/batch", "/api/batch", "/$batch", "/transaction", "/transactions"], "/transact"),
    (
        &[
            "/login",
            "/signin",
            "/sign-in",
            "/auth/login",
            "/auth/signin",
            "/auth/token",
            "/api/login",
            "/api/auth/sign-in",
        ],
        "/auth/sign-in",
    ),
    (
        &["/register", "/signup", "/sign-up", "/auth/register", "/auth/signup", "/api/register", "/api/auth/sign-up"],
        "/auth/sign-up",
    ),
    (&["/logout", "/signout", "/sign-out", "/auth/logout", "/auth/signout"], "/auth/sign-out"),
    (&["/me", "/auth/user", "/users/me", "/api/me", "/api/users/me"], "/auth/me"),
    (&["/health", "/api/health", "/ping", "/live", "/livez", "/server/ping"], "/healthz"),
    (&["/ready", "/server/health"], "/readyz"),
    (&["/docs", "/swagger", "/swagger.json", "/api-docs", "/openapi", "/openapi.yaml", "/api/docs"], "/openapi.json"),
];

const NOT_YET: &[(&[&str], &str)] = &[
    (&["/graphql", "/api/graphql", "/v1/graphql"], "GraphQL is not supported yet; the API is REST, see /openapi.json"),
    (&["/_", "/admin"], "there is no admin site yet; use the command line, see `backstay help`"),
    (&["/metrics"], "metrics are not supported yet"),
    (
        &["/auth/reset-password", "/auth/forgot-password", "/auth/password-reset", "/auth/recover"],
        "password reset by mail is not supported yet; an operator sets a new password with `backstay account password`",
    ),
    (&["/auth/refresh", "/auth/token/refresh"], "sessions need no refresh; sign in again when one has expired"),
];

/// The refusal of a path at which there is nothing, with the one that was probably meant: one that other servers have,
/// that of a collection, or the nearest of these.
pub(crate) fn refusal<'p>(model: &Model, path: &str, near: impl Iterator<Item = &'p str>) -> Refusal {
    let plain = path.trim_end_matches('/').to_ascii_lowercase();
    if let Some((_, text)) = NOT_YET.iter().find(|(paths, _)| paths.contains(&&*plain)) {
        return Refusal::NotThereYet(text);
    }
    let known = ELSEWHERE.iter().find(|(paths, _)| paths.contains(&&*plain)).map(|(_, meant)| *meant);
    let hint = known.map(ToOwned::to_owned).or_else(|| collection(model, &plain));
    Refusal::NoSuchPath { hint: hint.or_else(|| nearest(&plain, near).map(ToOwned::to_owned)) }
}

/// The collection whose name or path is in the path: `/posts`, `/api/Post`, `/rest/v1/posts`, `/api/post`.
fn collection(model: &Model, path: &str) -> Option<String> {
    let open = || model.collections.iter().filter(|collection| !collection.system);
    let is_named = |collection: &&Collection, part: &str| {
        let name = collection.name.to_ascii_lowercase();
        part == collection.path || part == name || part.strip_suffix('s') == Some(&name)
    };
    let mut parts = path.split('/').map(|part| part.split(':').next().unwrap_or(part));
    let named = parts.find_map(|part| open().find(|collection| is_named(collection, part)));
    let misspelt = || {
        let name = model.api.below(path)?.split(['/', ':']).next()?.replace('_', "-");
        let paths = open().map(|collection| &*collection.path);
        nearest(&name, paths.chain(model.interfaces.iter().map(|interface| &*interface.path)))
    };
    named.map(|collection| &*collection.path).or_else(misspelt).map(|path| model.api.path_of(path))
}
