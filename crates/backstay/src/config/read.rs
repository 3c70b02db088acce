use std::collections::HashMap;
use std::ops::Range;

use backstay_http::Cors;
use backstay_model::Severity;
use toml::de::{DeTable, DeValue};

use super::foreign::key;
use super::keys::keys;
use super::problem::ConfigPlace;
use super::remedy::{PREFIX, belonging, instead, meant_variable, remedy, suggestion};
use super::syntax::mistake;
use super::value::{Given, Key, Wrong, as_written, from_text, from_toml};
use super::{Config, ConfigError, ConfigProblem, ConfigProblems};

pub(super) fn read(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let mut reader = Reader { config: Config::default(), places: HashMap::new(), problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => reader.file(table.get_ref()),
        Err(error) => {
            // An error without a place is about the whole file.
            let span = error.span().unwrap_or(0..text.len());
            match mistake(text, span.start) {
                Some(mistake) => reader.problem(place(mistake.place), mistake.message, Some(mistake.help)),
                None => reader.problem(place(span), error.message().to_owned(), None),
            }
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

/// Where a value is, and where the items of a list in the file are.
struct Places {
    value: ConfigPlace,
    items: Vec<ConfigPlace>,
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
            let known = keys().any(|key| key.section == name);
            match content.get_ref() {
                DeValue::Table(table) if known => self.section(name, table),
                DeValue::Table(_) => {
                    let help = instead(name, None).unwrap_or_else(|| suggestion(name, keys().map(|key| key.section)));
                    self.problem(place(section.span()), format!("unknown table [{name}]"), Some(help));
                }
                value if known => {
                    let help = instead(name, as_written(value).as_ref());
                    self.problem(place(content.span()), format!("[{name}] must be a table"), help);
                }
                value => {
                    let help = keys().find(|key| key.name == name).map(belonging);
                    let help = help.or_else(|| instead(name, as_written(value).as_ref()));
                    let help = help.unwrap_or_else(|| suggestion(name, keys().map(|key| key.section)));
                    self.problem(place(section.span()), format!("unknown key `{name}` outside of a table"), Some(help));
                }
            }
        }
    }

    fn section(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let written = name.get_ref().as_ref();
            if let Some(key) = keys().find(|key| key.section == section && key.name == written) {
                let items = value.get_ref().as_array().into_iter().flatten();
                let places =
                    Places { value: place(value.span()), items: items.map(|item| place(item.span())).collect() };
                match from_toml(key.kind, value) {
                    Some(given) => self.give(key, &given, places),
                    None => self.expected(key, as_written(value.get_ref()).as_ref(), places.value),
                }
            } else {
                let names = keys().filter(|key| key.section == section).map(|key| key.name);
                let help = keys().find(|key| key.name == written).map(belonging);
                let help = help.or_else(|| instead(written, as_written(value.get_ref()).as_ref()));
                let help = help.unwrap_or_else(|| suggestion(written, names));
                self.problem(place(name.span()), format!("unknown key `{written}` in [{section}]"), Some(help));
            }
        }
    }

    fn variable(&mut self, name: &str, value: &str) {
        let place = ConfigPlace::Environment(name.to_owned());
        if let Some(key) = keys().find(|key| key.variable() == name) {
            match from_text(key.kind, value) {
                Some(given) => self.give(key, &given, Places { value: place, items: Vec::new() }),
                None => self.expected(key, Some(&Given::Text(value.to_owned())), place),
            }
        } else {
            let help = Some(meant_variable(name, value));
            let message = "there is no such setting".to_owned();
            self.problems.push(ConfigProblem { severity: Severity::Warning, message, place, help });
        }
    }

    fn give(&mut self, key: &Key, given: &Given, places: Places) {
        match (key.set)(&mut self.config, given.clone()) {
            Ok(()) => {
                self.places.insert((key.section, key.name), places.value);
            }
            Err(Wrong::Value(wrong)) => {
                let help = remedy(key, Some(given), &places.value);
                self.wrong(key, places.value, &format!(": {wrong}"), help);
            }
            Err(Wrong::Items(wrong)) => {
                for (index, words) in wrong {
                    let place = places.items.get(index).unwrap_or(&places.value);
                    self.wrong(key, place.clone(), &format!(": {words}"), None);
                }
            }
        }
    }

    /// Checks values that are valid alone but may not be together.
    fn together(&mut self) {
        let server = &self.config.server;
        if let Some(place) = self.places.get(&("server", "cors_credentials"))
            && let Err(wrong) = Cors::new(&server.cors_origins, server.cors_credentials, 0)
        {
            let (words, place) = (format!(": {wrong}"), place.clone());
            if let Some(key) = key("server", "cors_credentials") {
                self.wrong(key, place, &words, None);
            }
        }
    }

    fn expected(&mut self, key: &Key, written: Option<&Given>, place: ConfigPlace) {
        let words = key.kind.words().replace('`', "");
        let help = remedy(key, written, &place);
        self.wrong(key, place, &format!(" must be {words}"), help);
    }

    /// A problem with the value of a key. `words` follow its name; a variable's place already names it.
    fn wrong(&mut self, key: &Key, place: ConfigPlace, words: &str, help: Option<String>) {
        let message = match place {
            ConfigPlace::File { .. } => format!("{}.{}{words}", key.section, key.name),
            ConfigPlace::Environment(_) => words.trim_start_matches([':', ' ']).to_owned(),
        };
        self.problem(place, message, help);
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
            "BACKSTAY_SERVER_SECURE_COOKIES: must be true or false; write `BACKSTAY_SERVER_SECURE_COOKIES=true`",
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
        check("log = 3", &[], "backstay.toml:1:7: [log] must be a table; use `level` in [log]");
        check(
            "[server]\ncors_origins = ['*', 'https://a.example']",
            &[],
            "backstay.toml:2:16: server.cors_origins: `*` allows every origin; remove it or the other origins",
        );
        check(
            "[server]\ncors_origins = ['https://*preview.example.org']",
            &[],
            "backstay.toml:2:17: server.cors_origins: `https://*preview.example.org` is not a wildcard that Backstay \
             supports; `*` can only replace the first label of a domain, with https: https://*.preview.example.org",
        );
        check("[server]\nlisten = '::1:80", &[], "backstay.toml:2:17: invalid literal string, expected `'`");
        check("[log]\nlevel = 'info'\nlevel = 'warn'", &[], "backstay.toml:3:1: duplicate key");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let words = "`*` cannot be combined with credentials; list the origins";
        let in_file = format!("backstay.toml:2:20: server.cors_credentials: {words}");
        check("[server]\ncors_credentials = true\ncors_origins = ['*']", &[], &in_file);
        check(
            "[server]\ncors_origins = ['*']",
            &[("BACKSTAY_SERVER_CORS_CREDENTIALS", "true")],
            &format!("BACKSTAY_SERVER_CORS_CREDENTIALS: {words}"),
        );
        check("[server]\ncors_credentials = true", &[("BACKSTAY_SERVER_CORS_ORIGINS", "*")], &in_file);
    }

    #[test]
    fn a_value_that_was_meant_is_written_out() {
        let check_in = |section: &str, line: &str, expected: &str| {
            let told = Config::read(&format!("[{section}]\n{line}"), []).expect_err(line).to_string();
            assert!(told.ends_with(expected), "{line}: {told}");
        };
        for typed in ["8080", "'8080'", "':8080'", "'localhost'", "'localhost:8080'"] {
            let expected = "; write `listen = \"127.0.0.1:8080\"`";
            check_in("server", &format!("listen = {typed}"), expected);
        }
        check_in("server", "listen = 0.0.0.0:8080", "; put the value in quotes: `listen = \"0.0.0.0:8080\"`");
        check_in(
            "server",
            "listen = :80 # all",
            "`:80` is not a TOML value; put the value in quotes: `listen = \"127.0.0.1:80\"`",
        );
        check_in("server", "listen: 0.0.0.0:80", "expected `=` after `listen`; write `listen = \"0.0.0.0:80\"`");
        check_in("server", "listen", "`listen` has no value; write a value, such as `listen = \"127.0.0.1:8080\"`");
        check_in("server", "listen =", "`listen` has no value; write a value, such as `listen = \"127.0.0.1:8080\"`");
        check_in("server", "cors_origins = [\n  a.example,\n]", "must be quoted, expected literal string");
        check_in("server", "port =", "`port` has no value; write a value, such as `listen = \"127.0.0.1:8080\"`");
        check_in("server", "a.listen = ::", "; put the value in quotes: `a.listen = \"[::]:8080\"`");
        check_in("server", "name = a b", "; put the value in quotes: `name = \"a b\"`");
        check_in("server", "secure_cookies = yes", "; write `secure_cookies = true`");
        check_in("server", "secure_cookies = 'on'", "; write `secure_cookies = true`");
        check_in(
            "server",
            "cors_origins = 'https://app.example'",
            "; write `cors_origins = [\"https://app.example\"]`",
        );
        check_in("server", "cors_origins = 'app.example'", "; write `cors_origins = [\"https://app.example\"]`");
        check_in("server", "public_url = 'news.example/a'", "; write `public_url = \"https://news.example\"`");
        check_in("accounts", "sign_up = true", "; write `sign_up = \"open\"`");
        check_in("accounts", "sign_up = Open", "; put the value in quotes: `sign_up = \"open\"`");
        check_in("accounts", "session_days = '2 weeks'", "; write `session_days = 14`");
        check_in("log", "level = 'warning'", "; write `level = \"warn\"`");
        check_in("log", "level = 'INFO'", "; write `level = \"info\"`");
        check_in("limits", "body_bytes = '8MB'", "; write `body_bytes = 8388608`");
        check_in("limits", "body_bytes = 8MB", "; write `body_bytes = 8388608`");
        check_in("limits", "body_bytes = '16MB'", "must be a whole number from 1024 to 8388608");
        check_in("limits", "request_seconds = '1m'", "; write `request_seconds = 60`");
    }

    #[test]
    fn names_of_other_systems_lead_to_ours() {
        check(
            "port = 3000\n[server]\nhost = '0.0.0.0'\nallow_registration = true\n[cors]\n[auth]\n[database]\n",
            &[],
            "backstay.toml:1:1: unknown key `port` outside of a table; use `listen` in [server]: \
             `listen = \"127.0.0.1:3000\"`\n\
             backstay.toml:3:1: unknown key `host` in [server]; use `listen` in [server]: `listen = \"0.0.0.0:8080\"`\n\
             backstay.toml:4:1: unknown key `allow_registration` in [server]; use `sign_up` in [accounts]: \
             `sign_up = \"open\"`\n\
             backstay.toml:5:2: unknown table [cors]; use `cors_origins` in [server]\n\
             backstay.toml:6:2: unknown table [auth]; use [accounts]\n\
             backstay.toml:7:2: unknown table [database]; Backstay stores its data in SQLite, in the directory that \
             `dir` in [data] names; there is no other database to configure",
        );
        check(
            "log = 'debug'",
            &[],
            "backstay.toml:1:7: [log] must be a table; use `level` in [log]: `level = \"debug\"`",
        );
    }

    #[test]
    fn every_wrong_item_of_a_list_is_told_with_its_place() {
        check(
            "[server]\ncors_origins = ['app.example', 'https://b.example',\n  'localhost:3000']",
            &[],
            "backstay.toml:2:17: server.cors_origins: `app.example` is not an origin; write `https://app.example`\n\
             backstay.toml:3:3: server.cors_origins: `localhost:3000` is not an origin; write `http://localhost:3000`",
        );
        check(
            "[server]\ntrusted_proxies = ['10.0.0.0/8', 'nginx']\ncors_headers = ['X One', 'X-Two']",
            &[],
            "backstay.toml:2:34: server.trusted_proxies: `nginx` is not an address or a network, such as 127.0.0.1 or \
             10.0.0.0/8\n\
             backstay.toml:3:17: server.cors_headers: `X One` is not the name of a header; list names, such as \
             X-Requested-With",
        );
        check(
            "",
            &[("BACKSTAY_SERVER_CORS_ORIGINS", "app.example,https://b.example/x")],
            "BACKSTAY_SERVER_CORS_ORIGINS: `app.example` is not an origin; write `https://app.example`\n\
             BACKSTAY_SERVER_CORS_ORIGINS: `https://b.example/x` is not an origin; remove `/x`",
        );
    }

    #[test]
    fn defaults_are_what_the_keys_take() {
        let written: Vec<String> =
            keys().map(|key| format!("{}.{} = {}", key.section, key.name, (key.show)(&Config::default()))).collect();
        assert_eq!(Config::read(&written.join("\n"), []).ok(), Some(Config::default()));
    }
}
