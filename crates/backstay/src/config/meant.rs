//! What was probably meant by a value that a key does not take.

use backstay_base::nearest;
use backstay_http::Cors;

use super::Config;
use super::address::meant_address;
use super::value::{Given, Key, Kind};

/// Words that others use for the words of a key.
const WORDS: &[(&str, &[(&str, &str)])] = &[
    (
        "sign_up",
        &[
            ("true", "open"),
            ("yes", "open"),
            ("on", "open"),
            ("1", "open"),
            ("enabled", "open"),
            ("public", "open"),
            ("everyone", "open"),
            ("invite", "invited"),
            ("invitation", "invited"),
            ("invite-only", "invited"),
            ("false", "closed"),
            ("no", "closed"),
            ("off", "closed"),
            ("0", "closed"),
            ("disabled", "closed"),
            ("none", "closed"),
            ("nobody", "closed"),
        ],
    ),
    (
        "level",
        &[("warning", "warn"), ("err", "error"), ("fatal", "error"), ("critical", "error"), ("verbose", "debug")],
    ),
    ("format", &[("plain", "text"), ("pretty", "text"), ("human", "text")]),
    ("proxy_header", &[("x-forwarded-for", "x-forwarded"), ("rfc7239", "forwarded")]),
];

/// The value that was probably meant, or the value itself if the key takes it.
pub(super) fn meant(key: &Key, written: &Given) -> Option<Given> {
    let words = match written {
        Given::Texts(texts) => texts.clone(),
        Given::Text(text) => vec![text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'').to_owned()],
        Given::Number(_) | Given::Truth(_) => vec![written.in_variable()],
    };
    let value = match (key.kind, &words[..]) {
        // They may hold passwords, as those that `text_for` leaves out.
        (Kind::Texts, _) if key.name == "replicas" => return None,
        (Kind::Texts, texts) => {
            let texts =
                texts.iter().flat_map(|text| text.trim().trim_start_matches('[').trim_end_matches(']').split(','));
            let texts = texts.map(|text| text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\''));
            let texts = texts.filter(|text| !text.is_empty());
            Given::Texts(texts.map(|text| item(key.name, text)).collect())
        }
        (Kind::Text, [text]) => Given::Text(text_for(key.name, text)?),
        (Kind::Truth, [text]) => Given::Truth(truth(text)?),
        (Kind::Number(least, most), [text]) => {
            Given::Number(number(key.name, text).filter(|number| (least..=most).contains(number))?)
        }
        (Kind::Choice(choices), [text]) => Given::Text(choice(key.name, choices, text)?.to_owned()),
        _ => return None,
    };
    ((key.set)(&mut Config::default(), value.clone()).is_ok()).then_some(value)
}

fn item(key: &str, text: &str) -> String {
    let meant = if key == "cors_origins" { Cors::meant_origin(text) } else { None };
    meant.unwrap_or_else(|| text.to_owned())
}

fn text_for(key: &str, text: &str) -> Option<String> {
    match key {
        "listen" => meant_address(text).map(|address| address.to_string()),
        "public_url" => Cors::meant_origin(text),
        // None of them is repeated: addresses may hold a password, and a file's name may be one.
        "url" | "pooler" | "password_file" => None,
        _ => Some(text.to_owned()),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "enabled" => Some(true),
        "false" | "no" | "off" | "0" | "disabled" => Some(false),
        _ => None,
    }
}

fn choice<'c>(key: &str, choices: &'c [&'c str], text: &str) -> Option<&'c str> {
    let text = text.to_ascii_lowercase();
    let synonyms = WORDS.iter().find(|(name, _)| *name == key).map_or(&[][..], |(_, words)| words);
    let synonym = synonyms.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant);
    synonym.or_else(|| nearest(&text, choices.iter().copied()))
}

/// A number with a unit, in the unit that the key's name ends with. Sizes are powers of 1024, as they are for the
/// other servers whose settings have units.
fn number(key: &str, text: &str) -> Option<i64> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let (amount, unit) = (digits.parse::<i64>().ok()?, unit.trim());
    let factor = match key.rsplit('_').next()? {
        _ if unit.is_empty() => 1,
        "bytes" => match unit {
            "b" => 1,
            "k" | "kb" | "kib" => 1024,
            "m" | "mb" | "mib" => 1024 * 1024,
            "g" | "gb" | "gib" => 1024 * 1024 * 1024,
            _ => return None,
        },
        named @ ("seconds" | "minutes" | "days") => {
            let (wanted, amount) = (seconds_in(named)?, amount.checked_mul(seconds_in(unit)?)?);
            return (amount % wanted == 0).then_some(amount / wanted);
        }
        _ => return None,
    };
    amount.checked_mul(factor)
}

fn seconds_in(unit: &str) -> Option<i64> {
    match unit {
        "s" | "sec" | "second" | "seconds" => Some(1),
        "m" | "min" | "minute" | "minutes" => Some(60),
        "h" | "hour" | "hours" => Some(3600),
        "d" | "day" | "days" => Some(86_400),
        "w" | "week" | "weeks" => Some(7 * 86_400),
        _ => None,
    }
}
