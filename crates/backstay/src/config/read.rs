use std::collections::HashMap;
use std::ops::Range;

use backstay_base::nearest;
use backstay_http::Cors;
use backstay_model::Severity;
use toml::de::{DeTable, DeValue};

use super::keys::keys;
use super::problem::ConfigPlace;
use super::value::{Given, Key, from_text, from_toml};
use super::{Config, ConfigError, ConfigProblem, ConfigProblems};

/// The prefix of all variables.
const PREFIX: &str = "BACKSTAY_";

pub(super) fn read(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let mut reader = Reader { config: Config::default(), places: HashMap::new(), problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => reader.file(table.get_ref()),
        Err(error) => {
            // An error without a place is about the whole file.
            let place = place(error.span().unwrap_or(0..text.len()));
            reader.problem(place, error.message().to_owned(), None);
        }
    }
    let ours = |name: &str, value: &str| name.starts_with(PREFIX) && !is_a_platforms(name, value);
    let mut variables: Vec<_> = environment.into_iter().filter(|(name, value)| ours(name, value)).collect();
    variables.sort();
    for (name, value) in variables {
        reader.variable(&name, &value);
    }
    reader.together();
    if reader.problems.is_empty() {
        return Ok(reader.config);
    }
    let problems = ConfigProblems::new(text, reader.problems);
    if problems.has_errors() {
        return Err(ConfigError { problems, log: reader.config.log });
    }
    Ok(Config { warnings: problems, ..reader.config })
}

struct Reader {
    config: Config,
    /// Where each value was set, by section and name of its key.
    places: HashMap<(&'static str, &'static str), ConfigPlace>,
    problems: Vec<ConfigProblem>,
}

impl Reader {
    fn file(&mut self, table: &DeTable<'_>) {
        for (section, content) in table {
            let name = section.get_ref().as_ref();
            if !keys().any(|key| key.section == name) {
                let (what, help) = match (content.get_ref(), keys().find(|key| key.name == name)) {
                    (DeValue::Table(_), _) => (format!("unknown table [{name}]"), None),
                    (_, belongs) => (format!("unknown key `{name}` outside of a table"), belongs.map(belonging)),
                };
                let help = help.unwrap_or_else(|| suggestion(name, keys().map(|key| key.section)));
                self.problem(place(section.span()), what, Some(help));
                continue;
            }
            match content.get_ref() {
                DeValue::Table(table) => self.section(name, table),
                _ => self.problem(place(content.span()), format!("[{name}] must be a table"), None),
            }
        }
    }

    fn section(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let written = name.get_ref().as_ref();
            if let Some(key) = keys().find(|key| key.section == section && key.name == written) {
                match from_toml(key.kind, value) {
                    Some(given) => self.give(key, given, place(value.span())),
                    None => self.expected(key, place(value.span())),
                }
            } else {
                let names = keys().filter(|key| key.section == section).map(|key| key.name);
                let elsewhere = keys().find(|key| key.name == written).map(belonging);
                let help = elsewhere.unwrap_or_else(|| suggestion(written, names));
                self.problem(place(name.span()), format!("unknown key `{written}` in [{section}]"), Some(help));
            }
        }
    }

    fn variable(&mut self, name: &str, value: &str) {
        let place = ConfigPlace::Environment(name.to_owned());
        if let Some(key) = keys().find(|key| key.variable() == name) {
            match from_text(key.kind, value) {
                Some(given) => self.give(key, given, place),
                None => self.expected(key, place),
            }
        } else {
            let names: Vec<String> = keys().map(Key::variable).collect();
            let help = suggestion(name, names.iter().map(String::as_str));
            let message = "there is no such setting".to_owned();
            self.problems.push(ConfigProblem { severity: Severity::Warning, message, place, help: Some(help) });
        }
    }

    fn give(&mut self, key: &Key, given: Given, place: ConfigPlace) {
        match (key.set)(&mut self.config, given) {
            Ok(()) => {
                self.places.insert((key.section, key.name), place);
            }
            Err(wrong) => self.problem(place, format!("{}.{}: {wrong}", key.section, key.name), None),
        }
    }

    /// Checks values that are valid alone but may not be together.
    fn together(&mut self) {
        let server = &self.config.server;
        if let Some(place) = self.places.get(&("server", "cors_credentials"))
            && let Err(wrong) = Cors::new(&server.cors_origins, server.cors_credentials, 0)
        {
            self.problem(place.clone(), format!("server.cors_credentials: {wrong}"), None);
        }
    }

    fn expected(&mut self, key: &Key, place: ConfigPlace) {
        let words = key.kind.words().replace('`', "");
        self.problem(place, format!("{}.{} must be {words}", key.section, key.name), None);
    }

    fn problem(&mut self, place: ConfigPlace, message: String, help: Option<String>) {
        self.problems.push(ConfigProblem { severity: Severity::Error, message, place, help });
    }
}

/// Whether Kubernetes or Docker sets the variable for a service whose name starts with `backstay`:
/// `BACKSTAY_SERVICE_HOST`, `BACKSTAY_SERVICE_PORT` and `_PORT_<name>`, `BACKSTAY_PORT=tcp://…`,
/// `BACKSTAY_PORT_<number>_TCP` and its `_PROTO`, `_PORT` and `_ADDR`.
fn is_a_platforms(name: &str, value: &str) -> bool {
    const TRANSPORTS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    let is_a_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    if name.ends_with("_PORT") && TRANSPORTS.iter().any(|one| value.starts_with(&format!("{}://", one.to_lowercase())))
    {
        return true;
    }
    let mut parts: Vec<&str> = name.split('_').collect();
    parts.pop_if(|last| matches!(*last, "PROTO" | "PORT" | "ADDR"));
    matches!(parts[..], [_, .., "PORT", number, transport] if is_a_number(number) && TRANSPORTS.contains(&transport))
}

fn place(span: Range<usize>) -> ConfigPlace {
    ConfigPlace::File { start: span.start, end: span.end }
}

/// Says in which table a key belongs.
fn belonging(key: &Key) -> String {
    format!("it belongs in [{}]", key.section)
}

/// Suggests the name that was probably meant, or lists all names.
fn suggestion<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    match nearest(written, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known names: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, environment: &[(&str, &str)], expected: &str) {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let got = match Config::read(text, environment) {
            Ok(config) => {
                let changed = keys().filter(|key| (key.show)(&config) != (key.show)(&Config::default()));
                changed.map(|key| format!("{}.{} = {}", key.section, key.name, (key.show)(&config))).collect::<Vec<_>>()
            }
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        };
        assert_eq!(got.join("\n"), expected);
    }

    #[test]
    fn settings_are_read() {
        check("", &[("HOME", "/root")], "");
        check("[server]\nlisten = '0.0.0.0:80'", &[], "server.listen = \"0.0.0.0:80\"");
        check(
            "[accounts]\nsign_up = \"open\"\nsession_days = 0x10",
            &[],
            "accounts.sign_up = \"open\"\naccounts.session_days = 16",
        );
        check(
            "[server]\ntrusted_proxies = ['::1/64']\nsecure_cookies = true",
            &[],
            "server.trusted_proxies = [\"::1/64\"]\nserver.secure_cookies = true",
        );
        check("server.public_url = 'https://news.example/'", &[], "server.public_url = \"https://news.example\"");
        check(
            "[server]\ncors_credentials = true\ncors_origins = ['https://a.example']",
            &[],
            "server.cors_origins = [\"https://a.example\"]\nserver.cors_credentials = true",
        );
    }

    #[test]
    fn the_environment_counts_more() {
        check("[log]\nlevel = 'warn'", &[("BACKSTAY_LOG_LEVEL", "debug")], "log.level = \"debug\"");
        check(
            "",
            &[("BACKSTAY_SERVER_CORS_ORIGINS", "https://a.example, https://b.example")],
            "server.cors_origins = [\"https://a.example\", \"https://b.example\"]",
        );
        check(
            "",
            &[("BACKSTAY_SERVER_SECURE_COOKIES", "yes")],
            "BACKSTAY_SERVER_SECURE_COOKIES: server.secure_cookies must be true or false",
        );
    }

    #[test]
    fn variables_that_are_no_settings_are_warnings_unless_a_platform_sets_them() {
        let warnings = |name: &str, value: &str| {
            let config = Config::read("", [(name.to_owned(), value.to_owned())]).expect("no error");
            config.warnings.plain().into_iter().map(|one| one.message).collect::<Vec<_>>().join("\n")
        };
        for (name, value) in [
            ("BACKSTAY_SERVER_LISTN", "0.0.0.0:80"),
            ("BACKSTAY_PORT", "8080"),
            ("BACKSTAY_PORT_X_TCP", "1"),
            ("BACKSTAY_PORT_80", "1"),
            ("BACKSTAY_SERVICE", "1"),
        ] {
            assert_eq!(warnings(name, value), format!("{name} is ignored: there is no such setting"));
        }
        for (name, value) in [
            ("BACKSTAY_PORT", "tcp://10.0.0.1:80"),
            ("BACKSTAY_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("BACKSTAY_DB_PORT_80_SCTP_PORT", "80"),
            ("BACKSTAY_SERVICE_HOST", "10.0.0.1"),
            ("BACKSTAY_A_B_SERVICE_PORT_HTTP", "80"),
        ] {
            assert_eq!(warnings(name, value), "", "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        check(
            "[server]\nlisten = 'here'\nlisen = 1\n[acounts]\n",
            &[],
            "backstay.toml:2:10: server.listen: expected an address and a port, such as 127.0.0.1:8080\n\
             backstay.toml:3:1: unknown key `lisen` in [server]; did you mean `listen`?\n\
             backstay.toml:4:2: unknown table [acounts]; did you mean `accounts`?",
        );
        check(
            "listen = '127.0.0.1:80'\nlisen = 1\n[log]\nsession_days = 3\n[level]",
            &[],
            "backstay.toml:1:1: unknown key `listen` outside of a table; it belongs in [server]\n\
             backstay.toml:2:1: unknown key `lisen` outside of a table; known names: server, data, accounts, limits, log\n\
             backstay.toml:4:1: unknown key `session_days` in [log]; it belongs in [accounts]\n\
             backstay.toml:5:2: unknown table [level]; known names: server, data, accounts, limits, log",
        );
        check(
            "[log]\nlevel = 'loud'",
            &[],
            "backstay.toml:2:9: log.level must be one of \"error\", \"warn\", \"info\", \"debug\", \"trace\"",
        );
        check(
            "[accounts]\nsession_days = 0",
            &[],
            "backstay.toml:2:16: accounts.session_days must be a whole number from 1 to 3650",
        );
        check("log = 3", &[], "backstay.toml:1:7: [log] must be a table");
        check(
            "[server]\ncors_origins = ['*', 'https://a.example']",
            &[],
            "backstay.toml:2:16: server.cors_origins: `*` allows every origin; remove it or the other origins",
        );
        check(
            "[server]\ncors_origins = ['https://*preview.example.org']",
            &[],
            "backstay.toml:2:16: server.cors_origins: `https://*preview.example.org` is not a wildcard that Backstay \
             supports; `*` can only replace the first label of a domain, with https: https://*.preview.example.org",
        );
        check("[server]\nlisten = '::1:80", &[], "backstay.toml:2:17: invalid literal string, expected `'`");
        check("[log]\nlevel = 'info'\nlevel = 'warn'", &[], "backstay.toml:3:1: duplicate key");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let words = "server.cors_credentials: `*` cannot be combined with credentials; list the origins";
        check("[server]\ncors_credentials = true\ncors_origins = ['*']", &[], &format!("backstay.toml:2:20: {words}"));
        check(
            "[server]\ncors_origins = ['*']",
            &[("BACKSTAY_SERVER_CORS_CREDENTIALS", "true")],
            &format!("BACKSTAY_SERVER_CORS_CREDENTIALS: {words}"),
        );
        check(
            "[server]\ncors_credentials = true",
            &[("BACKSTAY_SERVER_CORS_ORIGINS", "*")],
            &format!("backstay.toml:2:20: {words}"),
        );
    }

    #[test]
    fn defaults_are_what_the_keys_take() {
        let written: Vec<String> =
            keys().map(|key| format!("{}.{} = {}", key.section, key.name, (key.show)(&Config::default()))).collect();
        assert_eq!(Config::read(&written.join("\n"), []).ok(), Some(Config::default()));
    }
}
