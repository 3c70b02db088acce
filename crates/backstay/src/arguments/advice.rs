//! Answers to words and options that other programs have.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::rewritten::rewritten;
use crate::config::meant_address;

/// Words or options of other programs after a command (`""` is any), and what to do instead.
type Table = &'static [(&'static str, &'static [&'static str], &'static str)];

/// Words that aren't subcommands, with the command before them (`""` if there is none).
const WORDS: Table = &[
    (
        "",
        &["superuser", "superusers", "createsuperuser", "admin", "admins", "operators"],
        "operators run the server: use `backstay operator add ada@news.example`",
    ),
    (
        "",
        &["user", "users", "accounts", "createuser"],
        "use `backstay account add EMAIL` or `backstay account list`; people also sign up themselves if the setting \
         accounts.sign_up allows it",
    ),
    ("", &["init", "create", "generate", "scaffold"], "use `backstay new DIR`"),
    ("", &["start", "run", "up", "server", "launch"], "use `backstay serve`"),
    ("", &["develop", "watch"], "use `backstay dev`"),
    ("", &["validate", "lint"], "use `backstay check`"),
    ("", &["db", "database", "migration", "migrations"], "use `backstay migrate plan` and `backstay migrate apply`"),
    ("", &["roles", "grant"], "use `backstay role grant ACCOUNT ROLE`"),
    ("", &["keys", "token", "tokens", "apikey", "api-key"], "use `backstay key add NAME`"),
    ("", &["invitation", "invitations"], "use `backstay invite list`"),
    (
        "",
        &["load", "ingest"],
        "use `backstay import TYPE FILE`, or put records into seed/TYPE.jsonl and use `backstay seed`",
    ),
    ("", &["version"], "use `backstay --version`"),
    ("", &["backups", "dump", "snapshot"], "use `backstay backup FILE`"),
    ("", &["unload"], "use `backstay export TYPE FILE`; `backstay backup FILE` copies the database"),
    ("", &["openapi", "swagger", "schema", "docs"], "a running server describes its API at GET /openapi.json"),
    ("", &["config", "settings", "configure"], "settings are in backstay.toml; check them with `backstay check`"),
    (
        "",
        &["clean", "drop", "destroy", "wipe"],
        "`backstay reset DIR` deletes the database, so that the next start creates it again",
    ),
    ("", &["status", "health"], "ask a running server: GET /readyz"),
    ("operator", &["create", "new", "invite"], "use `backstay operator add EMAIL`"),
    ("operator", &["delete", "rm", "del"], "use `backstay operator remove OPERATOR`"),
    ("operator", &["passwd", "set-password", "reset-password"], "use `backstay operator password OPERATOR`"),
    ("account", &["create", "new", "register", "invite"], "use `backstay account add EMAIL`"),
    ("account", &["ls", "all"], "use `backstay account list`"),
    (
        "account",
        &["delete", "remove", "rm"],
        "use `backstay account disable ACCOUNT`, or delete its record through the API",
    ),
    ("account", &["lock", "ban", "block", "suspend"], "use `backstay account disable ACCOUNT`"),
    ("account", &["unlock", "unban", "unblock"], "use `backstay account enable ACCOUNT`"),
    ("account", &["passwd", "set-password", "reset-password"], "use `backstay account password ACCOUNT`"),
    ("role", &["add", "give", "set", "assign"], "use `backstay role grant ACCOUNT ROLE`"),
    ("role", &["remove", "delete", "rm", "unassign"], "use `backstay role revoke ACCOUNT ROLE`"),
    (
        "role",
        &["create", "new", "define"],
        "declare roles in the model, in an enum with @roles; `backstay role grant ACCOUNT ROLE` gives one to an account",
    ),
    ("key", &["create", "new", "issue", "generate"], "use `backstay key add NAME`"),
    ("key", &["delete", "remove", "rm"], "use `backstay key revoke KEY`"),
    ("key", &["show", "get", "info"], "use `backstay key list`; a key's secret is shown only when it is created"),
    ("operator", &["show", "info", "ls"], "use `backstay operator list`"),
    ("role", &["show", "ls"], "use `backstay role list ACCOUNT`"),
    ("migrate", &["up", "run", "deploy", "latest", "push"], "use `backstay migrate apply`"),
    (
        "migrate",
        &["down", "rollback", "revert", "undo", "reset"],
        "Backstay can't undo a migration, because that would delete what was stored since; restore a backup from before it",
    ),
    ("migrate", &["status", "list", "show", "diff", "info"], "use `backstay migrate plan`"),
    (
        "migrate",
        &["new", "create", "make", "generate", "add"],
        "there are no migration files: change the model, then use `backstay migrate plan`",
    ),
];

/// Options that a command does not have. `ADDRESS` stands for the address that was meant.
const OPTIONS: Table = &[
    (
        "serve",
        &["--host", "-H", "--http", "--bind", "-b", "--address", "--addr", "--hostname"],
        "use `--listen ADDRESS`",
    ),
    ("dev", &["--host", "-H", "--http", "--bind", "-b", "--address", "--addr", "--hostname"], "use `--listen ADDRESS`"),
    ("serve", &["--data-dir", "--datadir", "--dir", "-d"], "use `--data DIR`"),
    ("dev", &["--data-dir", "--datadir", "--dir", "-d"], "use `--data DIR`"),
    (
        "serve",
        &["--log-level", "--verbose", "-v", "--debug", "--quiet", "-q"],
        "set `level` in [log], or BACKSTAY_LOG_LEVEL=debug",
    ),
    ("serve", &["--json", "--format"], "use `--log-format json`"),
    ("check", &["--data"], "`backstay check` does not read stored data; use `backstay migrate plan` for that"),
    (
        "operator",
        &["--password", "-p", "--pass"],
        "use `--password-file FILE` or `--password-stdin`: other users of the machine can see arguments",
    ),
    (
        "account",
        &["--password", "-p", "--pass"],
        "use `--password-file FILE` or `--password-stdin`: other users of the machine can see arguments",
    ),
    ("operator", &["--email", "--user", "--username"], "write the email address without an option"),
    ("account", &["--email", "--user", "--username"], "write the email address without an option"),
    ("account", &["--name", "--field", "--set"], "write fields as FIELD=VALUE, such as name=Ben"),
    ("reset", &["--force", "-f", "-y"], "use `--yes`"),
    ("dev", &["--force", "-f", "-y", "--allow-data-loss"], "use `--yes`"),
    (
        "migrate",
        &["--force", "-f", "--yes", "-y", "--accept-data-loss"],
        "if stored values can go, use `--allow-data-loss`",
    ),
    ("role", &["--email", "--user", "--account", "--role"], "write the account and then the role, without options"),
    ("invite", &["--email", "--user"], "write the email address without an option"),
    ("key", &["--name"], "write the name without an option"),
    ("explain", &["--user", "--caller", "--account", "-u"], "use `--as CALLER`"),
    ("explain", &["--data-raw", "-d", "--json"], "use `--body JSON`"),
    ("", &["--config", "-c", "--settings"], "settings are in backstay.toml in the application's directory"),
    ("", &["--json"], "use `--format json`"),
];

/// The error with an answer of ours instead of a guess, if there is one. `arguments` are those after the program's name.
pub(super) fn advise(mut error: clap::Error, arguments: &[String]) -> clap::Error {
    suppress_escape(&mut error);
    let (kind, table) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, OPTIONS),
        // `invite add a@b.example`: the word is taken for an address, and the address for a subcommand.
        ErrorKind::InvalidSubcommand | ErrorKind::ArgumentConflict => (ContextKind::InvalidSubcommand, WORDS),
        _ => return error,
    };
    let Some(ContextValue::String(typed)) = error.get(kind) else { return error };
    let typed = typed.split('=').next().unwrap_or(typed);
    let command = arguments.first().map(String::as_str).filter(|first| *first != typed).unwrap_or("");
    let of_command = |of: &str| of == command || (of.is_empty() && table == OPTIONS);
    let listed = table.iter().find(|(of, words, _)| of_command(of) && words.contains(&typed));
    let answer = match listed {
        Some((_, _, answer)) => answer.replace("ADDRESS", &address_after(typed, arguments)),
        None => match rewritten(command, typed, arguments) {
            Some(answer) => answer,
            None => return error,
        },
    };
    for guess in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        error.remove(guess);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(answer)]));
    error
}

/// Removes the suggestion to pass an unknown long option as a value: no value of ours looks like one.
fn suppress_escape(error: &mut clap::Error) {
    let option =
        matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(typed)) if typed.starts_with("--"));
    let escapes = |tip: &StyledStr| tip.to_string().contains("as a value");
    if option
        && matches!(error.get(ContextKind::Suggested), Some(ContextValue::StyledStrs(tips)) if tips.iter().any(escapes))
    {
        error.remove(ContextKind::Suggested);
    }
}

/// The value of an option, in either form.
fn value_of<'a>(option: &str, arguments: &'a [String]) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument.split('=').next() == Some(option))?;
    match arguments[at].split_once('=') {
        Some((_, value)) => Some(value),
        None => arguments.get(at + 1).map(String::as_str),
    }
}

/// The address that the value of an option means.
fn address_after(option: &str, arguments: &[String]) -> String {
    value_of(option, arguments)
        .and_then(meant_address)
        .map_or("127.0.0.1:8080".to_owned(), |address| address.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Arguments;
    use super::*;

    /// The tips for a wrong command line.
    fn check(line: &str, expected: &str) {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let words = std::iter::once("backstay").chain(line.split(' '));
        let error = advise(Arguments::try_parse_from(words).expect_err("a wrong line"), &arguments);
        let text = error.render().to_string();
        let tips: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).collect();
        assert_eq!((tips.join("\n").as_str(), error.exit_code()), (expected, 2), "{line}: {text}");
    }

    #[test]
    fn words_of_other_programs_lead_to_ours() {
        check("superuser create a@b.example", "operators run the server: use `backstay operator add ada@news.example`");
        check("init", "use `backstay new DIR`");
        check("create blog", "use `backstay new DIR`");
        check("account create a@b.example", "use `backstay account add EMAIL`");
        check("account ls", "use `backstay account list`");
        check("start", "use `backstay serve`");
        check("run .", "use `backstay serve`");
        check("operator create a@b.example", "use `backstay operator add EMAIL`");
        check("migrate up", "use `backstay migrate apply`");
        check(
            "migrate down",
            "Backstay can't undo a migration, because that would delete what was stored since; restore a backup from \
             before it",
        );
        check("role add a@b.example ADMIN", "use `backstay role grant ACCOUNT ROLE`");
        check("dump", "use `backstay backup FILE`");
        check("openapi", "a running server describes its API at GET /openapi.json");
        check("config", "settings are in backstay.toml; check them with `backstay check`");
        check("key show importer", "use `backstay key list`; a key's secret is shown only when it is created");
        check("srve", "a similar subcommand exists: 'serve'");
    }

    #[test]
    fn options_of_other_programs_lead_to_ours() {
        check("serve --host 0.0.0.0", "use `--listen 0.0.0.0:8080`");
        check("serve --http", "use `--listen 127.0.0.1:8080`");
        check("serve --http=0.0.0.0:80", "use `--listen 0.0.0.0:80`");
        check("invite --email a@b.example", "write the email address without an option");
        check("key list --json", "use `--format json`");
        check("dev --host 0.0.0.0:80", "use `--listen 0.0.0.0:80`");
        check("dev . --force", "use `--yes`");
        check("migrate apply --force", "if stored values can go, use `--allow-data-loss`");
        check("serve --lisen 127.0.0.1:80", "a similar argument exists: '--listen'");
    }

    #[test]
    fn what_was_typed_is_rewritten() {
        check("explain GET /api/posts", "put the request in quotes: 'GET /api/posts'");
        check("explain --as a@b.example post /api/posts?x", "put the request in quotes: 'post /api/posts?x'");
        check("migrate .", "use `backstay migrate plan .`");
        check("migrate examples/newsroom", "use `backstay migrate plan examples/newsroom`");
        check("examples/newsroom", "use `backstay serve examples/newsroom`");
        check("invite add x@example.org", "use `backstay invite x@example.org`");
        check("invite delete x@example.org", "use `backstay invite revoke x@example.org`");
        check("operator x@example.org", "use `backstay operator add x@example.org`");
        check("account x@example.org", "use `backstay account show x@example.org`");
        check("role x@example.org EDITOR", "use `backstay role grant x@example.org EDITOR`");
        check("role x@example.org", "use `backstay role list x@example.org`");
        check(
            "key add k --only posts:read tags:read users:get",
            "separate them with commas: `--only posts:read,tags:read,users:get`",
        );
        check("key add k tags:read", "");
    }

    #[test]
    fn no_answer_is_for_what_is_allowed() {
        for (command, words, _) in WORDS {
            for word in *words {
                let line = ["backstay", command, word].into_iter().filter(|word| !word.is_empty());
                let error = Arguments::try_parse_from(line).expect_err(word);
                assert_eq!(error.kind(), ErrorKind::InvalidSubcommand, "{command} {word}");
            }
        }
    }
}
