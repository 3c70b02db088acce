use backstay_base::nearest;

use super::CorsError;
use crate::origin;

/// Schemes whose pages have no origin of their own, or that no page has. For the former browsers send `null`.
const WITHOUT_ORIGIN: &[&str] = &["about", "blob", "data", "file", "ftp", "javascript", "ws", "wss"];

/// Origins that may call, in the form in which browsers send them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Such as `https://app.example.org` or `capacitor://localhost`.
    One(String),
    /// `https://*.preview.example.org`: every origin with TLS on a subdomain, however deep.
    Subdomains {
        /// What follows the wildcard: `.preview.example.org`, and a port if it isn't 443.
        suffix: String,
    },
}

impl Allowed {
    /// Reads one item of the list. `*` alone is none of them.
    pub(super) fn parse(text: &str) -> Result<Self, CorsError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("null") {
            return Err(CorsError::Null);
        }
        let wrong = || CorsError::Origin(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let scheme = scheme.to_ascii_lowercase();
        if rest.contains('*') || scheme.contains('*') {
            return subdomains(&scheme, rest).ok_or_else(|| CorsError::Wildcard(text.to_owned()));
        }
        if matches!(scheme.as_str(), "http" | "https") {
            return origin::normalized(text).map(Self::One).ok_or_else(wrong);
        }
        if !is_scheme(&scheme) {
            return Err(wrong());
        }
        if WITHOUT_ORIGIN.contains(&scheme.as_str()) {
            return Err(CorsError::WithoutOrigin { origin: text.to_owned(), scheme });
        }
        if let Some(meant) = nearest(&scheme, ["https", "http"]) {
            return Err(CorsError::Scheme { origin: text.to_owned(), scheme, meant });
        }
        let host = rest.strip_suffix('/').unwrap_or(rest);
        is_host_of_app(host).then(|| Self::One(format!("{scheme}://{host}"))).ok_or_else(wrong)
    }

    /// Whether it is, or includes, the origin that a browser sent.
    pub(super) fn includes(&self, sent: &[u8]) -> bool {
        match self {
            Self::One(origin) => origin.as_bytes().eq_ignore_ascii_case(sent),
            Self::Subdomains { suffix } => {
                let host = sent.split_at_checked(HTTPS.len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(HTTPS));
                let labels = host.and_then(|(_, host)| {
                    let (labels, end) = host.split_at_checked(host.len().checked_sub(suffix.len())?)?;
                    end.eq_ignore_ascii_case(suffix.as_bytes()).then_some(labels)
                });
                labels.is_some_and(|labels| labels.split(|byte| *byte == b'.').all(is_label))
            }
        }
    }
}

/// The error for a text that is not an origin, with the origin that was probably meant.
pub(super) fn not_an_origin(text: &str) -> String {
    let remedy = match meant(text) {
        Some(origin) => match text.strip_prefix(&origin) {
            Some(rest) => format!("remove `{rest}`"),
            None => format!("write `{origin}`"),
        },
        None => "write its scheme and host, and a port if it has one, such as https://app.example.org".to_owned(),
    };
    format!("`{text}` is not an origin; {remedy}")
}

/// The origin that a text lacks the scheme of, or that it has a path after.
pub(super) fn meant(text: &str) -> Option<String> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text.trim_start_matches('/')),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let local = host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]";
    if scheme.is_none() && !local && !host.contains('.') {
        return None;
    }
    let origin = format!("{}://{authority}", scheme.unwrap_or(if local { "http" } else { "https" }));
    (origin != text && Allowed::parse(&origin).is_ok()).then_some(origin)
}

const HTTPS: &[u8] = b"https://";

/// The subdomains of a domain of at least two labels: of one label they would be those of everyone. Only with TLS,
/// because without it whoever controls the network can answer for every subdomain.
fn subdomains(scheme: &str, rest: &str) -> Option<Allowed> {
    let domain = rest.strip_prefix("*.").filter(|_| scheme == "https")?;
    let origin = origin::normalized(&format!("https://{domain}"))?;
    let authority = origin.strip_prefix("https://")?;
    let host = authority.split(':').next()?.trim_end_matches('.');
    let is_domain = host.contains('.') && !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err();
    is_domain.then(|| Allowed::Subdomains { suffix: format!(".{authority}") })
}

/// A label of a host as browsers send it.
fn is_label(label: &[u8]) -> bool {
    !label.is_empty() && label.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// RFC 3986, section 3.1.
fn is_scheme(scheme: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(rest)
}

/// What an app has for a host: `localhost`, `.` or an identifier, and perhaps a port.
fn is_host_of_app(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    is_host && port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, CorsError>) {
        let got = Allowed::parse(text).map(|allowed| match allowed {
            Allowed::One(origin) => origin,
            Allowed::Subdomains { suffix } => format!("any {suffix}"),
        });
        assert_eq!(got, expected.map(ToOwned::to_owned), "{text}");
    }

    #[test]
    fn items_are_origins_or_the_subdomains_of_a_domain() {
        check("https://A.example:443/", Ok("https://a.example"));
        check("http://localhost:3000", Ok("http://localhost:3000"));
        check("capacitor://localhost", Ok("capacitor://localhost"));
        check("ionic://localhost", Ok("ionic://localhost"));
        check("Tauri://localhost/", Ok("tauri://localhost"));
        check("app://.", Ok("app://."));
        check("app://obsidian.md", Ok("app://obsidian.md"));
        check("org.example.app://localhost:8100", Ok("org.example.app://localhost:8100"));
        check(
            "chrome-extension://aapocclcgogkmnckokdopfmhonfmgoek",
            Ok("chrome-extension://aapocclcgogkmnckokdopfmhonfmgoek"),
        );
        check(
            "moz-extension://d0f1c7ac-5f3c-4f0e-9b0b-3b1d0a4fbb11",
            Ok("moz-extension://d0f1c7ac-5f3c-4f0e-9b0b-3b1d0a4fbb11"),
        );
        check("https://*.Preview.example.org/", Ok("any .preview.example.org"));
        check("https://*.example.org:8443", Ok("any .example.org:8443"));
        check("https://*.example.org:443", Ok("any .example.org"));
        check("https://*.b\u{fc}cher.example", Ok("any .xn--bcher-kva.example"));
    }

    #[test]
    fn what_is_neither_is_refused_with_its_reason() {
        check("null", Err(CorsError::Null));
        for bad in [
            "",
            "a.example",
            "://localhost",
            "1app://localhost",
            "a_b://localhost",
            "https://",
            "https://a.example/x",
            "capacitor://",
            "capacitor:localhost",
            "capacitor://localhost/x",
            "capacitor://localhost?x",
            "capacitor://u@localhost",
            "capacitor://local host",
            "capacitor://localhost:",
            "capacitor://localhost:65536",
            "capacitor://localhost:+1",
            "capacitor://[::1]",
        ] {
            check(bad, Err(CorsError::Origin(bad.to_owned())));
        }
        for bad in [
            "https://*",
            "https://*.",
            "https://*.org",
            "https://*.org.",
            "https://*.localhost:8443",
            "https://*preview.example.org",
            "https://a*.example.org",
            "https://a.*.example.org",
            "https://*.*.example.org",
            "https://**.example.org",
            "https://*.example.*",
            "https://*.example.org:*",
            "https://*.example.org/x",
            "https://*.10.0.0.1",
            "https://*.0.1",
            "https://*.[::1]",
            "https://*.example..org",
            "http://*.example.org",
            "*://example.org",
            "*://*.example.org",
            "capacitor://*",
            "chrome-extension://*",
            "app://*.example.org",
        ] {
            check(bad, Err(CorsError::Wildcard(bad.to_owned())));
        }
        for (bad, scheme) in [("file://localhost", "file"), ("file:///x.html", "file"), ("WSS://a.example", "wss")] {
            let (origin, scheme) = (bad.to_owned(), scheme.to_owned());
            check(bad, Err(CorsError::WithoutOrigin { origin, scheme }));
        }
        for (bad, scheme, meant) in [
            ("htps://a.example", "htps", "https"),
            ("hhtp://a.example", "hhtp", "http"),
            ("httpss://a.example", "httpss", "https"),
        ] {
            let (origin, scheme) = (bad.to_owned(), scheme.to_owned());
            check(bad, Err(CorsError::Scheme { origin, scheme, meant }));
        }
    }

    #[test]
    fn a_wildcard_stands_for_whole_labels_at_the_start() {
        let check = |item: &str, sent: &str, expected: bool| {
            let allowed = Allowed::parse(item).expect("a good item");
            assert_eq!(allowed.includes(sent.as_bytes()), expected, "{item} {sent}");
        };
        let preview = "https://*.preview.example.org";
        check(preview, "https://a.preview.example.org", true);
        check(preview, "HTTPS://A.Preview.example.org", true);
        check(preview, "https://a-1_b.c.preview.example.org", true);
        check(preview, "https://xn--bcher-kva.preview.example.org", true);
        for other in [
            "",
            "null",
            "https://",
            "https://preview.example.org",
            "https://.preview.example.org",
            "https://a..preview.example.org",
            "https://.a.preview.example.org",
            "https://evilpreview.example.org",
            "https://evil.example/.preview.example.org",
            "https://evil.example#.preview.example.org",
            "https://evil.example?.preview.example.org",
            "https://evil.example:443.preview.example.org",
            "https://evil.example@a.preview.example.org",
            "https://evil.example\\.preview.example.org",
            "https://*.preview.example.org",
            "https://a.preview.example.org.evil.example",
            "https://a.preview.example.org.",
            "https://a.preview.example.org/",
            "https://a.preview.example.org:8443",
            "http://a.preview.example.org",
            "capacitor://a.preview.example.org",
            "https://a b.preview.example.org",
            "https://\u{e9}.preview.example.org",
        ] {
            check(preview, other, false);
        }
        check("https://*.example.org:8443", "https://a.example.org:8443", true);
        check("https://*.example.org:8443", "https://a.example.org", false);
        check("https://*.example.org:8443", "https://a.example.org:18443", false);
        check("capacitor://localhost", "capacitor://localhost", true);
        check("capacitor://localhost", "ionic://localhost", false);
        check("capacitor://localhost", "capacitor://localhost.evil.example", false);
        check("app://.", "app://.", true);
        check("app://.", "app://evil", false);
    }
}
