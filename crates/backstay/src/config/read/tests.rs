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
    check(
        "[server]\napi_prefix = '/records'\n[accounts]\ntoken_schemes = ['Token']",
        &[],
        "server.api_prefix = \"/records\"\naccounts.token_schemes = [\"Token\"]",
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
         backstay.toml:2:1: unknown key `lisen` outside of a table; known tables: server, data, accounts, limits, egress, mail, log, secrets\n\
         backstay.toml:4:1: unknown key `session_days` in [log]; it belongs in [accounts]\n\
         backstay.toml:5:2: unknown table [level]; known tables: server, data, accounts, limits, egress, mail, log, secrets",
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
    check(
        "[server]\napi_prefix = '/auth'",
        &[],
        "backstay.toml:2:14: server.api_prefix: paths below it are Backstay's own; begin with another word, such as `/records`",
    );
    check(
        "[accounts]\ntoken_schemes = ['Token', 'Basic']",
        &[],
        "backstay.toml:2:27: accounts.token_schemes: what follows this word isn't a token",
    );
    check(
        "[server]\nlisten = '127.0.0.1:1'\n[log]\n\n[server]\nsecure_cookies = true",
        &[],
        "backstay.toml:5:1: [server] occurs twice; join the two tables",
    );
    check("[server]\nlisten = '::1:80", &[], "backstay.toml:2:17: invalid literal string, expected `'`");
    check(
        "[log]\nlevel = 'info'\nlevel = 'warn'",
        &[],
        "backstay.toml:3:1: `level` occurs twice; remove one of the two lines",
    );
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
    check_in("server", "cors_origins = 'https://app.example'", "; write `cors_origins = [\"https://app.example\"]`");
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
         `dir` in [data] names, or in PostgreSQL, at the address that `url` in [data] names",
    );
    check("log = 'debug'", &[], "backstay.toml:1:7: [log] must be a table; use `level` in [log]: `level = \"debug\"`");
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
        "backstay.toml:2:34: server.trusted_proxies: `nginx` is a name; names aren't supported; write addresses or \
         networks, such as 10.0.0.0/8\n\
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

#[test]
fn a_list_in_a_variable_is_separated_by_commas() {
    let check_in = |name: &str, value: &str, expected: &str| {
        let expected = format!("{name}: must be a comma-separated list; {expected}");
        check("", &[(name, value)], &expected);
    };
    let remedy = "separate with commas, without brackets or quotes";
    let (proxies, headers) = ("BACKSTAY_SERVER_TRUSTED_PROXIES", "BACKSTAY_SERVER_CORS_HEADERS");
    check_in(proxies, "[\"10.0.0.1\"]", &format!("{remedy}: `{proxies}=10.0.0.1`"));
    check_in(proxies, "[10.0.0.1, '10.0.0.2']", &format!("{remedy}: `{proxies}=10.0.0.1,10.0.0.2`"));
    check_in(headers, "'X-One'", &format!("{remedy}: `{headers}=X-One`"));
    check_in(proxies, "[\"nginx\"]", remedy);
}

#[test]
fn a_word_in_a_variable_has_the_remedy_of_the_file() {
    for (word, meant) in
        [("yes", "open"), ("true", "open"), ("1", "open"), ("no", "closed"), ("\"invited\"", "invited")]
    {
        let name = "BACKSTAY_ACCOUNTS_SIGN_UP";
        let expected = format!("{name}: must be one of \"open\", \"invited\", \"closed\"; write `{name}={meant}`");
        check("", &[(name, word)], &expected);
    }
}

#[test]
fn a_variable_in_small_letters_is_a_warning() {
    let config = Config::read("", [("backstay_server_listen".to_owned(), "127.0.0.1:1".to_owned())]).expect("no error");
    let warned: Vec<_> = config.warnings.plain().into_iter().map(|one| (one.message, one.help)).collect();
    let message = "backstay_server_listen is ignored: names of variables are written in capitals".to_owned();
    assert_eq!(warned, [(message, Some("did you mean `BACKSTAY_SERVER_LISTEN`?".to_owned()))]);
    let other = Config::read("", [("backstay_other".to_owned(), "x".to_owned())]).expect("no error");
    assert_eq!(other.warnings.iter().count(), 0);
}

#[test]
fn names_that_mean_something_in_one_table() {
    check(
        "[server]\nmax_body = '1MB'\n[data]\npath = '/var/lib/news'",
        &[],
        "backstay.toml:2:1: unknown key `max_body` in [server]; use `body_bytes` in [limits]: `body_bytes = 1048576`\n\
         backstay.toml:4:1: unknown key `path` in [data]; use `dir` in [data]: `dir = \"/var/lib/news\"`",
    );
    check(
        "[server]\npath = '/api'",
        &[],
        "backstay.toml:2:1: unknown key `path` in [server]; known keys: listen, public_url, trusted_proxies, \
         proxy_header, cors_origins, cors_credentials, cors_headers, cors_exposed_headers, secure_cookies, \
         compression_min_bytes, docs, api_prefix",
    );
}
