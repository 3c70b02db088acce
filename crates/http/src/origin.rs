//! Origins of web pages as browsers send them: the serialization that the URL and HTML standards define.

use std::net::{Ipv4Addr, Ipv6Addr};

use unicode_normalization::UnicodeNormalization;

/// The origin that a text names, as browsers send it: scheme and host in lower case, the host in ASCII, no port if it is
/// the scheme's own, no slash at the end. `None` if the text is more or less than an origin of a web page.
pub(crate) fn normalized(text: &str) -> Option<String> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => "http",
        "https" => "https",
        _ => return None,
    };
    let (host, port) = split_port(rest.strip_suffix('/').unwrap_or(rest))?;
    let host = normalized_host(host)?;
    Some(match port.filter(|port| *port != default_port(scheme)) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// Whether two authorities name the same host and port for this scheme.
pub(crate) fn same_authority(scheme: &str, one: &str, other: &str) -> bool {
    let port = if scheme == "https" { ":443" } else { ":80" };
    let bare = |authority: &'_ str| authority.len() - if authority.ends_with(port) { port.len() } else { 0 };
    one[..bare(one)].eq_ignore_ascii_case(&other[..bare(other)])
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// A host and its port. A colon without digits after it isn't a port.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[end_of_host..].find(':') {
        None => Some((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at(end_of_host + colon);
            match &port[1..] {
                "" => Some((host, None)),
                digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(digits.parse().ok()?))),
                _ => None,
            }
        }
    }
}

fn normalized_host(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let host = ascii_domain(host)?;
    let last = host.trim_end_matches('.').rsplit('.').next()?;
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(host.parse::<Ipv4Addr>().ok()?.to_string());
    }
    Some(host)
}

/// A domain in ASCII: mapped to lower case and compatibility form, then each label that is not ASCII in Punycode
/// (UTS #46 without its checks: a name that they would refuse is never sent by a browser, so it never matches).
fn ascii_domain(domain: &str) -> Option<String> {
    let mapped: String =
        domain.chars().flat_map(char::to_lowercase).nfkc().flat_map(char::to_lowercase).nfc().collect();
    let mapped = mapped.replace('\u{3002}', ".");
    let mut labels = Vec::new();
    for label in mapped.strip_suffix('.').unwrap_or(&mapped).split('.') {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        match label.is_ascii() {
            true if plain && !label.is_empty() => labels.push(label.to_owned()),
            true => return None,
            false => labels.push(format!("xn--{}", punycode(label)?)),
        }
    }
    Some(labels.join(".") + if mapped.ends_with('.') { "." } else { "" })
}

/// Encodes a label in Punycode (RFC 3492, section 6.3).
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let mut output: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(output.len()).ok()?;
    if !output.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    let total = u32::try_from(label.chars().count()).ok()?;
    if basic > 0 {
        output.push('-');
    }
    let (mut next, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < total {
        let least = label.chars().map(u32::from).filter(|code| *code >= next).min()?;
        delta = delta.checked_add((least - next).checked_mul(handled + 1)?)?;
        next = least;
        for code in label.chars().map(u32::from) {
            if code < next {
                delta = delta.checked_add(1)?;
            }
            if code != next {
                continue;
            }
            let (mut rest, mut weight) = (delta, BASE);
            loop {
                let threshold = weight.saturating_sub(bias).clamp(T_MIN, T_MAX);
                if rest < threshold {
                    break;
                }
                output.push(digit(threshold + (rest - threshold) % (BASE - threshold))?);
                rest = (rest - threshold) / (BASE - threshold);
                weight += BASE;
            }
            output.push(digit(rest)?);
            bias = adapt(delta, handled + 1, handled == basic);
            delta = 0;
            handled += 1;
        }
        (delta, next) = (delta.checked_add(1)?, next + 1);
    }
    Some(output)
}

/// The bias after a delta (RFC 3492, section 6.1).
fn adapt(delta: u32, handled: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / handled;
    let mut bias = 0;
    while delta > 455 {
        delta /= 35;
        bias += 36;
    }
    bias + 36 * delta / (delta + 38)
}

/// A digit of Punycode: `a` to `z`, then `0` to `9`.
fn digit(value: u32) -> Option<char> {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, 36)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(normalized(text).as_deref(), expected, "{text}");
        };
        check("https://a.example", Some("https://a.example"));
        check(" HTTPS://A.Example/ ", Some("https://a.example"));
        check("https://a.example:443", Some("https://a.example"));
        check("https://a.example:0443/", Some("https://a.example"));
        check("https://a.example:", Some("https://a.example"));
        check("https://a.example:80", Some("https://a.example:80"));
        check("http://a.example:80", Some("http://a.example"));
        check("http://localhost:3000", Some("http://localhost:3000"));
        check("https://a_b.example.", Some("https://a_b.example."));
        check("http://127.0.0.1:80", Some("http://127.0.0.1"));
        check("http://[0:0::1]:8080", Some("http://[::1]:8080"));
        check("https://b\u{fc}cher.example", Some("https://xn--bcher-kva.example"));
        check("https://BU\u{308}CHER.example", Some("https://xn--bcher-kva.example"));
        check("https://\u{ff21}.example", Some("https://a.example"));
        check("https://\u{65e5}\u{672c}\u{8a9e}\u{3002}jp", Some("https://xn--wgv71a119e.jp"));
        check("https://fa\u{df}.de", Some("https://xn--fa-hia.de"));
        check("https://xn--bcher-kva.example", Some("https://xn--bcher-kva.example"));
        for bad in [
            "",
            "null",
            "a.example",
            "https://",
            "https://a.example/x",
            "https://a.example//",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "https://a b.example",
            "https://a..example",
            "https://a.example:x",
            "https://a.example:65536",
            "https://[::1",
            "https://1.2.3",
            "ftp://a.example",
            "*",
            "https://*.example",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn an_authority_has_the_port_of_its_scheme() {
        let check = |scheme: &str, one: &str, other: &str, expected: bool| {
            assert_eq!(same_authority(scheme, one, other), expected, "{scheme} {one} {other}");
        };
        check("https", "a.example", "A.example:443", true);
        check("https", "a.example:443", "a.example", true);
        check("http", "a.example", "a.example:80", true);
        check("http", "a.example", "a.example:443", false);
        check("https", "a.example", "b.example", false);
        check("http", "[::1]", "[::1]:80", true);
    }
}
