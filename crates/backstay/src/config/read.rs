use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use backstay_http::Cors;
use backstay_model::Severity;
use toml::de::{DeTable, DeValue};

use super::foreign::key;
use super::keys::keys;
use super::problem::ConfigPlace;
use super::remedy::{PREFIX, belonging, instead, instead_in, meant_variable, remedy, suggestion};
use super::secrets;
use super::syntax::{mistake, repeated};
use super::value::{Given, Key, Kind, Wrong, as_written, from_text, from_toml};
use super::{Config, ConfigError, ConfigProblem, ConfigProblems};

/// The table of secrets, which has no keys of ours.
const SECRETS: &str = "secrets";
/// How the variables with secrets begin.
const SECRET_PREFIX: &str = "BACKSTAY_SECRET_";

pub(super) fn read(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    let mut reader = Reader { config: Config::default(), places: HashMap::new(), problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => {
            reader.file(table.get_ref());
            reader.secrets(table.get_ref(), &environment);
        }
        Err(error) => {
            // An error without a place is about the whole file.
            let span = error.span().unwrap_or(0..text.len());
            match repeated(text, span.start).or_else(|| mistake(text, span.start)) {
                Some(mistake) => reader.problem(place(mistake.place), mistake.message, Some(mistake.help)),
                None => reader.problem(place(span), error.message().to_owned(), None),
            }
        }
    }
    let ours = |name: &str, value: &str| {
        (name.starts_with(PREFIX) && !is_a_platforms(name, value)) || in_capitals(name).is_some()
    };
    for (name, value) in environment.iter().filter(|(name, value)| ours(name, value)) {
        match name.strip_prefix(SECRET_PREFIX) {
            Some(secret) => reader.secret_variable(name, (secret, value)),
            None => reader.variable(name, value),
        }
    }
    reader.together();
    if reader.problems.is_empty() {
        return Ok(reader.config);
    }
    let problems = ConfigProblems::new(&without_passwords(text), reader.problems);
    if problems.has_errors() {
        return Err(ConfigError { problems, log: reader.config.log });
    }
    Ok(Config { warnings: problems, ..reader.config })
}

/// The schemes of addresses that can hold a password.
const SCHEMES: [&str; 4] = ["postgres", "postgresql", "smtp", "smtps"];

/// The file with passwords in addresses made unreadable, each byte by byte: excerpts of the file show its lines.
fn without_passwords(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.find("://") {
            Some(scheme) if SCHEMES.iter().any(|name| line[..scheme].ends_with(name)) => {
                let (before, address) = line.split_at(scheme + 3);
                masked.push_str(before);
                masked.extend(address.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }));
            }
            Some(_) | None => masked.push_str(line),
        }
    }
    masked
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
            if name == SECRETS && content.get_ref().is_table() {
                continue;
            }
            let known = name == SECRETS || keys().any(|key| key.section == name);
            match content.get_ref() {
                DeValue::Table(table) if known => self.section(name, table),
                DeValue::Table(_) => {
                    let help = instead(name, None)
                        .unwrap_or_else(|| suggestion("tables", name, keys().map(|key| key.section).chain([SECRETS])));
                    self.problem(place(section.span()), format!("unknown table [{name}]"), Some(help));
                }
                value if known => {
                    let help = instead(name, as_written(value).as_ref());
                    self.problem(place(content.span()), format!("[{name}] must be a table"), help);
                }
                value => {
                    let help = keys().find(|key| key.name == name).map(belonging);
                    let help = help.or_else(|| instead(name, as_written(value).as_ref()));
                    let help = help
                        .unwrap_or_else(|| suggestion("tables", name, keys().map(|key| key.section).chain([SECRETS])));
                    self.problem(place(section.span()), format!("unknown key `{name}` outside of a table"), Some(help));
                }
            }
        }
    }

    /// The table `[secrets]`, whose keys are the team's own names.
    fn secrets(&mut self, table: &DeTable<'_>, environment: &BTreeMap<String, String>) {
        let entries = table.iter().filter(|(section, _)| section.get_ref() == SECRETS);
        for (name, value) in entries.filter_map(|(_, content)| content.get_ref().as_table()).flatten() {
            let entry = (name.get_ref().as_ref(), value.get_ref());
            if let Err(wrong) = self.config.secrets.entry(entry, environment) {
                self.wrong_secret(place(name.span()), wrong);
            }
        }
    }

    fn secret_variable(&mut self, variable: &str, (name, value): (&str, &str)) {
        if let Err(wrong) = self.config.secrets.variable(name, value) {
            self.wrong_secret(ConfigPlace::Environment(variable.to_owned()), wrong);
        }
    }

    fn wrong_secret(&mut self, place: ConfigPlace, wrong: secrets::Wrong) {
        let (severity, message, help) = match wrong {
            secrets::Wrong::Entry { message, help } => (Severity::Error, message, help),
            secrets::Wrong::Missing { message, help } => (Severity::Warning, message, help),
        };
        self.problems.push(ConfigProblem { severity, message, place, help: Some(help) });
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
                let help = instead_in(section, written, as_written(value.get_ref()).as_ref());
                let help = help.or_else(|| keys().find(|key| key.name == written).map(belonging));
                let help = help.unwrap_or_else(|| suggestion("keys", written, names));
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
            let capitals = in_capitals(name).map(|right| format!("did you mean `{right}`?"));
            let message = match capitals {
                Some(_) => "names of variables are written in capitals",
                None => "there is no such setting",
            };
            let (message, help) = (message.to_owned(), capitals.or_else(|| Some(meant_variable(name, value))));
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
        let words = match (key.kind, &place) {
            (Kind::Texts, ConfigPlace::Environment(_)) => "a comma-separated list".to_owned(),
            (kind, _) => kind.words().replace('`', ""),
        };
        let help = remedy(key, written, &place);
        self.wrong(key, place, &format!(" must be {words}"), help);
    }

    /// A problem with the value of a key. `words` follow its name; a variable's place already names it.
    fn wrong(&mut self, key: &Key, place: ConfigPlace, words: &str, help: Option<String>) {
        let message = match place {
            ConfigPlace::File { .. } => format!("{}.{}{words}", key.section, key.name),
            ConfigPlace::Environment(_) | ConfigPlace::Beside(_) | ConfigPlace::Modules => {
                words.trim_start_matches([':', ' ']).to_owned()
            }
        };
        self.problem(place, message, help);
    }

    fn problem(&mut self, place: ConfigPlace, message: String, help: Option<String>) {
        self.problems.push(ConfigProblem { severity: Severity::Error, message, place, help });
    }
}

/// The variable that a name in small or mixed letters stands for.
fn in_capitals(name: &str) -> Option<String> {
    let capitals = name.to_uppercase();
    (capitals != name && keys().any(|key| key.variable() == capitals)).then_some(capitals)
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
mod tests;
