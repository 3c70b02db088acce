//! What the web's common interfaces (`crypto`, `TextEncoder`, `URL` …) take from the host. Bytes cross the boundary as texts of the
//! letters U+0000 to U+00FF.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rquickjs::{Ctx, Function};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256, Sha384, Sha512};
use url::{Url, form_urlencoded, quirks};

/// As the standards of the web read it: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Gives the prelude these functions.
pub(crate) fn provide<'js>(
    ctx: &Ctx<'js>,
    function: impl Fn(&str, Function<'js>) -> rquickjs::Result<()>,
) -> rquickjs::Result<()> {
    function("digest", Function::new(ctx.clone(), |hash: String, data: String| text(&digest(&hash, &bytes(&data))))?)?;
    let sign =
        |hash: String, by: String, data: String| text(hmac::sign(&key(&hash, &bytes(&by)), &bytes(&data)).as_ref());
    function("hmac", Function::new(ctx.clone(), sign)?)?;
    let verify = |hash: String, by: String, data: String, signature: String| {
        hmac::verify(&key(&hash, &bytes(&by)), &bytes(&data), &bytes(&signature)).is_ok()
    };
    function("isHmac", Function::new(ctx.clone(), verify)?)?;
    function("encode", Function::new(ctx.clone(), |value: String| text(value.as_bytes()))?)?;
    function("decode", Function::new(ctx.clone(), |data: String, fatal: bool| decoded(&bytes(&data), fatal))?)?;
    function("base64", Function::new(ctx.clone(), |data: String| BASE64.encode(bytes(&data)))?)?;
    function("unbase64", Function::new(ctx.clone(), |data: String| unbase64(&data))?)?;
    function("urlParts", Function::new(ctx.clone(), |href: String, change: String| url(&href, &change))?)?;
    function("readForm", Function::new(ctx.clone(), |data: String| read_form(&data))?)?;
    function("writeForm", Function::new(ctx.clone(), |pairs: String| write_form(&pairs))?)
}

/// The bytes that a text stands for.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    // Other letters don't occur: the prelude makes these texts of bytes.
    text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect()
}

/// The text that stands for bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The prelude knows the names of hashes.
fn digest(hash: &str, data: &[u8]) -> Vec<u8> {
    match hash {
        "SHA-512" => Sha512::digest(data).to_vec(),
        "SHA-384" => Sha384::digest(data).to_vec(),
        _ => Sha256::digest(data).to_vec(),
    }
}

/// A key of HMAC with this hash.
fn key(hash: &str, key: &[u8]) -> hmac::Key {
    let algorithm = match hash {
        "SHA-512" => hmac::HMAC_SHA512,
        "SHA-384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA256,
    };
    hmac::Key::new(algorithm, key)
}

fn decoded(data: &[u8], fatal: bool) -> Option<String> {
    match fatal {
        true => std::str::from_utf8(data).ok().map(str::to_owned),
        false => Some(String::from_utf8_lossy(data).into_owned()),
    }
}

fn unbase64(data: &str) -> Option<String> {
    let data: String = data.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    BASE64.decode(data).ok().map(|bytes| text(&bytes))
}

/// What a URL is relative to, and what of it changes.
#[derive(Deserialize)]
struct Change {
    base: Option<String>,
    part: Option<String>,
    value: Option<String>,
}

/// The parts of a URL as JSON (WHATWG, "URL"); `null` if it isn't one.
fn url(href: &str, change: &str) -> String {
    let parsed = serde_json::from_str::<Change>(change).ok().and_then(|change| changed(href, change));
    let Some(url) = parsed else { return "null".to_owned() };
    json!({
        "href": quirks::href(&url), "origin": quirks::origin(&url), "protocol": quirks::protocol(&url),
        "username": quirks::username(&url), "password": quirks::password(&url), "host": quirks::host(&url),
        "hostname": quirks::hostname(&url), "port": quirks::port(&url), "pathname": quirks::pathname(&url),
        "search": quirks::search(&url), "hash": quirks::hash(&url),
    })
    .to_string()
}

fn changed(href: &str, Change { base, part, value }: Change) -> Option<Url> {
    let base = base.map(|base| Url::parse(&base).ok());
    let mut url = match base {
        Some(base) => base?.join(href).ok()?,
        None => Url::parse(href).ok()?,
    };
    let (Some(part), Some(value)) = (part, value) else { return Some(url) };
    // A part that can't have this value stays what it is.
    match part.as_str() {
        "href" => quirks::set_href(&mut url, &value).ok()?,
        "protocol" => drop(quirks::set_protocol(&mut url, &value)),
        "username" => drop(quirks::set_username(&mut url, &value)),
        "password" => drop(quirks::set_password(&mut url, &value)),
        "host" => drop(quirks::set_host(&mut url, &value)),
        "hostname" => drop(quirks::set_hostname(&mut url, &value)),
        "port" => drop(quirks::set_port(&mut url, &value)),
        "pathname" => quirks::set_pathname(&mut url, &value),
        "search" => quirks::set_search(&mut url, &value),
        _ => quirks::set_hash(&mut url, &value),
    }
    Some(url)
}

fn read_form(data: &str) -> String {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(data.as_bytes()).into_owned().collect();
    json!(pairs).to_string()
}

fn write_form(pairs: &str) -> String {
    let pairs: Vec<(String, String)> = serde_json::from_str(pairs).unwrap_or_default();
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
        bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    #[test]
    fn keyed_hashes_are_those_of_rfc_4231() {
        let check = |key: &[u8], data: &[u8], expected: &str| {
            assert_eq!(hex(hmac::sign(&super::key("SHA-256", key), data).as_ref()), expected);
        };
        check(&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        check(
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
        assert!(
            hex(hmac::sign(&super::key("SHA-512", b"Jefe"), b"what do ya want for nothing?").as_ref())
                .starts_with("164b7a7bfcf819e2e395fbe73b56e0a3")
        );
        assert!(
            hex(hmac::sign(&super::key("SHA-384", b"Jefe"), b"what do ya want for nothing?").as_ref())
                .starts_with("af45d2e376484031617f78d2b58a6b1b")
        );
    }
}
