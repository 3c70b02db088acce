//! `@job`, and what queues jobs.

use backstay_model::{Diagnostics, SourceFile, load};

/// The first error of a model with these parts and its remedy; nothing if it loads.
fn first_error(on: &str, to: &str, mutation: &str) -> String {
    let model = format!(
        "extend schema @app(name: \"Test\")\n\
         enum Role @roles {{ BILLING }}\n\
         enum State {{ OPEN @initial @to(state: \"PAID\", when: \"true\"{to}) PAID }}\n\
         type Order @allow(read: \"true\") {on} {{ state: State! }}\n\
         type Mutation {{ noted(id: ID!, event: String!, changed: [String!]!): Boolean @function @job\n{mutation} }}\n"
    );
    match load(vec![SourceFile::app("model.graphql", model)]) {
        Ok(_) => String::new(),
        Err(diagnostics) => first(&diagnostics),
    }
}

fn first(diagnostics: &Diagnostics) -> String {
    let plain = diagnostics.plain();
    let one = plain.first().expect("an error");
    format!("{} / {}", one.message, one.help.as_deref().unwrap_or_default())
}

#[test]
fn what_queues_jobs_names_jobs_that_take_what_it_gives() {
    let check = |on: &str, to: &str, mutation: &str, expected: &str| {
        assert_eq!(first_error(on, to, mutation), expected, "{on} {to} {mutation}");
    };
    check("", "", "", "");
    check(r#"@on(event: CREATE, run: "noted")"#, r#", run: "noted""#, "", "");
    check(r#"@on(event: [CREATE, DELETE], run: "noted", when: "old.state != new.state")"#, "", "", "");
    check("", "", r#"send(order: ID!): Boolean @function @job(retries: 0, concurrency: 9, roles: ["BILLING"])"#, "");
    check("", "", r#"send(order: ID!): Boolean @function @job @allow(call: "true")"#, "");
    check("", "", r#"send(order: ID!): Boolean @function @job(timeout: "30m")"#, "");
    for timeout in ["", "0s", "2h", "soon"] {
        check(
            "",
            "",
            &format!(r#"send(order: ID!): Boolean @function @job(timeout: "{timeout}")"#),
            "`timeout:` of `@job` is a time from 1 second to 60 minutes / write seconds or minutes: `timeout: \"90s\"`, \
             `timeout: \"30m\"`",
        );
    }

    check(r#"@on(event: CREATE, run: "note")"#, "", "", "there is no job `note` / did you mean `noted`?");
    check(
        "",
        r#", run: "send""#,
        r#"send: Boolean @function @allow(call: "true")"#,
        "there is no job `send` / mark `send` with `@job`, so that it can be queued",
    );
    check(
        r#"@on(event: CREATE, run: "send")"#,
        "",
        "send(order: ID!): Boolean @function @job",
        "a hook doesn't give `send` its argument `order` / a hook gives `id: ID!`, `event: String!` and \
         `changed: [String!]!`; the job takes those that it needs",
    );
    check(
        r#"@on(event: CREATE, run: "noted", phase: BEFORE)"#,
        "",
        "",
        "`noted` is the function of an action, which is called with other arguments / give the hook a function of its own, \
         which takes `{ event, stored, proposed, sent }`",
    );
    check(r#"@on(event: [CREATE, UPDATE], run: "priced", phase: BEFORE, when: "old == null")"#, "", "", "");
    check(
        r#"@on(event: CREATE, run: "", phase: BEFORE)"#,
        "",
        "",
        "`run:` names a function / write the name of a function that a file in `functions/` exports: `run: \"priceLine\"`",
    );
}

#[test]
fn notifications_name_an_account() {
    let check = |on_type: &str, expected: &str| assert_eq!(first_error(on_type, "", ""), expected, "{on_type}");
    check(
        r#"@notify(on: CREATE, to: "customer", channel: MAIL, template: "opened")"#,
        "`customer` can't lead to an account: no type is marked `@identity` / mark the type of the accounts with `@identity`",
    );
    check(
        r#"@notify(on: [CREATE, DELETE], to: "customer", channel: MAIL, template: "opened")"#,
        "nobody can be notified of a deletion: what the template needs can't be read any more / write \
         `on: [CREATE, UPDATE]`, or have a job send the mail: `@on(event: DELETE, run: \"…\")`",
    );
    let with_accounts = |to: &str| {
        let model = format!(
            "extend schema @app(name: \"Test\")\n\
             type Person @identity @allow(read: \"true\") {{ email: Email! @unique orders: [Order!] @inverse(field: \"buyer\") }}\n\
             type Watch @allow(read: \"true\") {{ order: Order! person: Person! }}\n\
             type Order @allow(read: \"true\") @notify(on: CREATE, to: {to}, channel: MAIL, template: \"a\") {{\n\
               buyer: Person title: String others: [Person!] watches: [Watch!] @inverse(field: \"order\") }}\n"
        );
        load(vec![SourceFile::app("model.graphql", model)]).map_or_else(|wrong| first(&wrong), |_| String::new())
    };
    for fine in [r#""buyer""#, r#""others""#, r#""watches.person""#, r#"["buyer", "watches.person", "others"]"#] {
        assert_eq!(with_accounts(fine), "", "{fine}");
    }
    let wrong = |to: &str, expected: &str| assert_eq!(with_accounts(to), expected, "{to}");
    wrong(r#""byer""#, "`byer` is not a relation of Order / did you mean `buyer`?");
    wrong(r#"["buyer", "watches.persn"]"#, "`persn` is not a relation of Watch / did you mean `person`?");
    wrong(
        r#""watches""#,
        "`watches` leads to Watch, which isn't the type of accounts / go on to the account: `watches.person`",
    );
    wrong(
        r#""buyer.orders.buyer.orders.buyer""#,
        "`buyer.orders.buyer.orders.buyer` has more than 4 steps / have a job find the accounts, with `@on`",
    );
    assert!(with_accounts(r#""title""#).starts_with("`title` is not a relation of Order / "));
}

#[test]
fn notifications_in_the_application_become_records() {
    let model = |notify: &str, notice: &str| {
        let model = format!(
            "extend schema @app(name: \"Test\")\n\
             enum Kind {{ OPENED CLOSED }}\n\
             type Person @identity @allow(read: \"true\") {{ email: Email! @unique }}\n\
             type Order @allow(read: \"true\") @notify(on: CREATE, to: \"buyer\", channel: {notify}) {{ buyer: Person }}\n\
             type Notice @allow(read: \"this.to == auth.id\") {{ {notice} }}\n"
        );
        load(vec![SourceFile::app("model.graphql", model)]).map_or_else(|wrong| first(&wrong), |_| String::new())
    };
    let whole = "to: Person! order: Order event: String! kind: Kind! readAt: DateTime";
    let inbox = r#"INBOX, into: "Notice", kind: "OPENED""#;
    assert_eq!(model(inbox, "to: Person! kind: String!"), "");
    assert_eq!(model(inbox, whole), "");
    let check = |notify: &str, notice: &str, expected: &str| assert_eq!(model(notify, notice), expected, "{notify}");
    check("MAIL", "to: Person!", "a mail needs a template / name the template in `mail/`: `template: \"order-paid\"`");
    check(
        r#"MAIL, template: "a", into: "Notice""#,
        "to: Person!",
        "a mail has no `into:` / leave it out, or write `channel: INBOX`",
    );
    check(
        "INBOX",
        "to: Person!",
        "a notification in the application becomes a record / name the type of its records: `into: \"Notice\"`",
    );
    check(r#"INBOX, into: "Notise""#, "to: Person!", "the model has no type `Notise` / did you mean `Notice`?");
    check(
        r#"INBOX, into: "Notice""#,
        "account: Person!",
        "Notice has no field `to` that refers to one account / add `to`, whose type is that of the accounts",
    );
    check(
        r#"INBOX, into: "Notice""#,
        "to: Person! title: String!",
        "Notice.title must have a value, and a notification gives it none / let it be empty, or give it a `@default`; a \
         notification gives `to`, `event`, `kind` and the record",
    );
    check(
        r#"INBOX, into: "Notice""#,
        "to: Person! order: Order other: Order",
        "Notice has several fields that refer to Order / leave `order` or `other` to another type",
    );
    check(
        r#"INBOX, into: "Notice", kind: "OPENED""#,
        "to: Person!",
        "Notice has no field `kind` for it / add `kind: String`, or an enum of the kinds",
    );
    check(
        r#"INBOX, into: "Notice", kind: "OPEND""#,
        "to: Person! kind: Kind",
        "Notice.kind has no value `OPEND` / did you mean `OPENED`?",
    );
    check(
        r#"INBOX, into: "Notice", template: "a""#,
        "to: Person!",
        "a notification in the application has no template / leave it out: clients write the text, in their language, \
         from the record that it refers to",
    );
}

#[test]
fn jobs_say_what_can_be_done() {
    let check = |mutation: &str, expected: &str| assert_eq!(first_error("", "", mutation), expected, "{mutation}");
    let number = "write another number, or leave it out";
    check(
        "send: Boolean @function @job(retries: 31)",
        &format!("`retries:` of `@job` is a number from 0 to 30 / {number}"),
    );
    check(
        "send: Boolean @function @job(concurrency: 0)",
        &format!("`concurrency:` of `@job` is a number from 1 to 1000 / {number}"),
    );
    check(
        r#"send: Boolean @function @job(retries: "many")"#,
        &format!("`retries:` of `@job` is a number from 0 to 30 / {number}"),
    );
    check("send: Boolean @function @job(tries: 3)", "`@job` has no argument `tries` / did you mean `retries`?");
    check(
        r#"send: Boolean @function @job(roles: ["BILING"])"#,
        "the job `send` runs with the role BILING, which doesn't exist / did you mean `BILLING`?",
    );
    check(
        "send: Boolean @function @job(roles: [BILLING])",
        "`roles:` of `@job` is a list of strings / write names of roles in double quotes: `roles: [\"BILLING\"]`",
    );
}

#[test]
fn schedules_say_when() {
    let check = |schedule: &str, expected: &str| {
        let model = format!(
            "extend schema @app(name: \"Test\") @schedule({schedule})\n\
             type Mutation {{ close(at: DateTime!, left: Int): Boolean @function @job\n\
             count(n: Int!): Boolean @function @job\n\
             look: Boolean @function @allow(call: \"true\") }}\n"
        );
        let found = match load(vec![SourceFile::app("model.graphql", model)]) {
            Ok(_) => String::new(),
            Err(diagnostics) => first(&diagnostics),
        };
        assert_eq!(found, expected, "{schedule}");
    };
    check(r#"cron: "0 3 * * *", run: "close""#, "");
    check(r#"cron: "@daily", run: "close", zone: "Europe/Zurich", missed: SKIP"#, "");
    check(
        r#"cron: "0 25 * * *", run: "close""#,
        "`0 25 * * *` is not a cron expression: `25` isn't an hour (0 to 23) / write `*`, a number, a range such as `9-17`, a \
         list such as `0,30`, or a step such as `*/15`",
    );
    check(
        r#"cron: "0 0 3 * * *", run: "close""#,
        "`0 0 3 * * *` is not a cron expression: a cron expression has 5 fields, and this one has 6 / write minute, hour, day of \
         the month, month and day of the week, such as \"0 3 * * MON-FRI\"",
    );
    check(
        r#"cron: "0 0 31 2 *", run: "close""#,
        "`0 0 31 2 *` is not a cron expression: no day is ever like this / write a day that exists; `L` is the last day of a month",
    );
    check(
        r#"cron: "@nightly", run: "close""#,
        "`@nightly` is not a cron expression: there is no `@nightly` / write \"@hourly\", \"@daily\", \"@weekly\", \
         \"@monthly\" or \"@yearly\", or five fields",
    );
    check(
        r#"cron: "0 3 * * *", run: "close", zone: "Zurich""#,
        "there is no time zone `Zurich` / write a name of the IANA time zone database, such as \"Europe/Zurich\"",
    );
    check(r#"cron: "0 3 * * *", run: "closes""#, "there is no job `closes` / did you mean `close`?");
    check(
        r#"cron: "0 3 * * *", run: "look""#,
        "there is no job `look` / mark `look` with `@job`, so that it can be queued",
    );
    check(
        r#"cron: "0 3 * * *", run: "count""#,
        "a schedule doesn't give `count` its argument `n` / a schedule gives `at: DateTime!`, the time that the job is for, and \
         nothing else",
    );
}
