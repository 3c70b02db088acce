//! What to write instead of a setting that is wrong.

use backstay_base::nearest;

use super::foreign::{Foreign, foreign, key};
use super::keys::keys;
use super::meant::meant;
use super::problem::ConfigPlace;
use super::value::{Given, Key, Kind};

/// The prefix of all variables.
pub(super) const PREFIX: &str = "BACKSTAY_";

/// Says in which table a key belongs.
pub(super) fn belonging(key: &Key) -> String {
    format!("it belongs in [{}]", key.section)
}

/// What to write instead of a value that a key does not take.
pub(super) fn remedy(key: &Key, written: Option<&Given>, place: &ConfigPlace) -> Option<String> {
    let value = written.and_then(|written| meant(key, written));
    match place {
        ConfigPlace::File { .. } => Some(format!("write `{} = {}`", key.name, value?.in_file())),
        ConfigPlace::Environment(name) if matches!(key.kind, Kind::Texts) => {
            let example = value.map_or(String::new(), |value| format!(": `{name}={}`", value.in_variable()));
            Some(format!("separate with commas, without brackets or quotes{example}"))
        }
        ConfigPlace::Environment(name) => Some(format!("write `{name}={}`", value?.in_variable())),
        ConfigPlace::Beside(_) | ConfigPlace::Modules => None,
    }
}

/// What Backstay has instead of another system's key in a table.
pub(super) fn instead_in(section: &str, name: &str, written: Option<&Given>) -> Option<String> {
    instead(&format!("{section}.{name}"), written).or_else(|| instead(name, written))
}

/// What Backstay has instead of another system's setting or table.
pub(super) fn instead(name: &str, written: Option<&Given>) -> Option<String> {
    Some(match foreign(name)? {
        Foreign::Key(section, name) => {
            let value = written.and_then(|written| meant(key(section, name)?, written));
            let example = value.map_or(String::new(), |value| format!(": `{name} = {}`", value.in_file()));
            format!("use `{name}` in [{section}]{example}")
        }
        Foreign::Table(section) => format!("use [{section}]"),
        Foreign::Advice(advice) => advice.to_owned(),
    })
}

/// Says which variable was probably meant: a misspelt one, one without its section, or another system's name.
pub(super) fn meant_variable(name: &str, value: &str) -> String {
    let short = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
    let mut sections: Vec<&str> = keys().map(|key| key.section).collect();
    sections.dedup();
    let in_section = sections.iter().find_map(|section| short.strip_prefix(section)?.strip_prefix('_'));
    let names = [Some(short.as_str()), in_section];
    let exact = names.iter().flatten().find_map(|name| keys().find(|key| key.name == *name));
    if let Some(key) = exact {
        return format!("did you mean `{}`?", key.variable());
    }
    match names.iter().flatten().find_map(|name| foreign(name)) {
        Some(Foreign::Key(section, name)) if let Some(key) = key(section, name) => {
            let value = meant(key, &Given::Text(value.to_owned()));
            let value = value.map_or(String::new(), |value| format!("={}", value.in_variable()));
            return format!("did you mean `{}{value}`?", key.variable());
        }
        Some(Foreign::Advice(advice)) => return advice.to_owned(),
        Some(Foreign::Key(..) | Foreign::Table(_)) | None => {}
    }
    let variables: Vec<String> = keys().map(Key::variable).collect();
    let by_name = || keys().find(|key| nearest(&short, [key.name]).is_some()).map(Key::variable);
    let near = nearest(name, variables.iter().map(String::as_str)).map(str::to_owned).or_else(by_name);
    near.map_or_else(
        || "docs/configuration.md lists the variables".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

/// Suggests the name that was probably meant, or lists all names. `what` they are is in the plural.
pub(super) fn suggestion<'a>(what: &str, written: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    match nearest(written, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known {what}: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::foreign::STORED;
    use super::*;

    #[test]
    fn a_variable_that_is_no_setting_leads_to_the_one_that_is_meant() {
        let check =
            |name: &str, value: &str, expected: &str| assert_eq!(meant_variable(name, value), expected, "{name}");
        check("BACKSTAY_SERVER_LISTN", "x", "did you mean `BACKSTAY_SERVER_LISTEN`?");
        check("BACKSTAY_LISTEN", "x", "did you mean `BACKSTAY_SERVER_LISTEN`?");
        check("BACKSTAY_SIGN_UP", "open", "did you mean `BACKSTAY_ACCOUNTS_SIGN_UP`?");
        check("BACKSTAY_PORT", "3000", "did you mean `BACKSTAY_SERVER_LISTEN=127.0.0.1:3000`?");
        check("BACKSTAY_SERVER_PORT", "x", "did you mean `BACKSTAY_SERVER_LISTEN`?");
        check("BACKSTAY_LOG", "debug", "did you mean `BACKSTAY_LOG_LEVEL=debug`?");
        check("BACKSTAY_DATA", "/var", "did you mean `BACKSTAY_DATA_DIR=/var`?");
        check("BACKSTAY_LISTN", "x", "did you mean `BACKSTAY_SERVER_LISTEN`?");
        check("BACKSTAY_DATABASE_URL", "postgres://u:secret@db/x", "did you mean `BACKSTAY_DATA_URL`?");
        check("BACKSTAY_DATABASE", "sqlite", STORED);
        check("BACKSTAY_COLOUR", "x", "docs/configuration.md lists the variables");
    }
}
