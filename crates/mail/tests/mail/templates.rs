use std::fs;

use backstay_mail::{Content, Mail, Templates};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An application with these files in `mail/`.
pub(crate) fn application(files: &[(&str, &str)]) -> TempDir {
    let application = tempfile::tempdir().expect("a directory");
    fs::create_dir(application.path().join("mail")).expect("a directory");
    for (name, text) in files {
        fs::write(application.path().join("mail").join(name), text).expect("a file");
    }
    application
}

fn templates(files: &[(&str, &str)]) -> Templates {
    let application = application(files);
    Templates::read(application.path(), "en").unwrap_or_else(|problems| unreachable!("{problems:?}"))
}

fn mail(template: &str, language: Option<&str>, values: &Value) -> Mail {
    Mail {
        to: "ann@example.org".to_owned(),
        template: template.to_owned(),
        language: language.map(str::to_owned),
        values: values.as_object().cloned().unwrap_or_default(),
    }
}

/// Compares what these files make of these values, or why they don't.
fn check(files: &[(&str, &str)], (language, values): (Option<&str>, Value), expected: &str) {
    let made = match templates(files).render(&mail("a", language, &values)) {
        Ok(Content { subject, text, html, .. }) => format!("{subject}|{text}|{}", html.unwrap_or_default()),
        Err(error) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            let source = source.split(" (in").next().unwrap_or_default().to_owned();
            format!("{error}{source}; {}", error.remedy())
        }
    };
    assert_eq!(made, expected);
}

#[test]
fn a_template_has_a_subject_a_text_and_html() {
    check(
        &[
            ("a.en.txt", "Subject: Order {{ number }}\n\nDear {{ name }},\nthank you.\n"),
            ("a.en.html", "<p>Dear {{ name }}</p>"),
        ],
        (None, json!({ "number": 7, "name": "Ann & <b>Ben</b>" })),
        "Order 7|Dear Ann & <b>Ben</b>,\nthank you.|<p>Dear Ann &amp; &lt;b&gt;Ben&lt;&#x2f;b&gt;</p>",
    );
}

#[test]
fn templates_share_parts() {
    check(
        &[
            ("_layout.html", "<body>{% block main %}{% endblock %}</body>"),
            ("_footer.txt", "-- \n{{ shop }}"),
            ("a.en.txt", "Subject: Hello\n\nHello\n{% include \"_footer.txt\" %}"),
            ("a.en.html", "{% extends \"_layout.html\" %}{% block main %}{{ shop }}{% endblock %}"),
        ],
        (None, json!({ "shop": "Tea & Co" })),
        "Hello|Hello\n-- \nTea & Co|<body>Tea &amp; Co</body>",
    );
}

#[test]
fn parts_of_html_are_html() {
    let files = [
        ("_footer.txt", "{{ shop }}"),
        ("a.en.txt", "Subject: Hello\n\nHello"),
        ("a.en.html", "<p>{% include \"_footer.txt\" %}</p>"),
    ];
    let rendered = templates(&files).render(&mail("a", None, &json!({ "shop": "<b>Tea</b>" })));
    assert!(rendered.is_err(), "nothing that isn't escaped becomes HTML: {rendered:?}");
}

#[test]
fn null_prints_nothing() {
    let files = [("a.en.txt", "Subject: Hello {{ name }}!\n\n{{ name }}.")];
    check(&files, (None, json!({ "name": null })), "Hello !|.|");
}

#[test]
fn the_language_is_the_nearest_one() {
    let files = [
        ("a.en.txt", "Subject: English\n\n"),
        ("a.de.txt", "Subject: Deutsch\n\n"),
        ("a.de-CH.txt", "Subject: Schweiz\n\n"),
    ];
    check(&files, (None, json!({})), "English||");
    check(&files, (Some("de"), json!({})), "Deutsch||");
    check(&files, (Some("de-AT"), json!({})), "Deutsch||");
    check(&files, (Some("DE-ch"), json!({})), "Schweiz||");
    check(&files, (Some("fr"), json!({})), "English||");
}

#[test]
fn a_value_that_is_missing_is_an_error() {
    let files = [("a.en.txt", "Subject: Order {{ number }}\n\n{{ order.title }} {% if note %}{{ note }}{% endif %}\n")];
    check(
        &files,
        (None, json!({ "order": { "title": "tea" }, "note": null })),
        "the mail template mail/a.en.txt needs `number`; pass it, or null where there is no value",
    );
    check(
        &files,
        (None, json!({ "number": 1 })),
        "the mail template mail/a.en.txt needs `note`, `order`; pass it, or null where there is no value",
    );
    check(
        &files,
        (None, json!({ "number": 1, "order": { "titel": "tea" }, "note": null })),
        "the mail template mail/a.en.txt, line 3, fails: undefined value; correct the template, or pass other values",
    );
    check(&files, (None, json!({ "number": 1, "order": { "title": "tea" }, "note": null })), "Order 1|tea |");
}

#[test]
fn a_subject_is_one_line() {
    let files = [("a.en.txt", "Subject: Hello {{ name }}\n\nHello\n")];
    check(
        &files,
        (None, json!({ "name": "Ann\r\nBcc: eve@example.org\r\n\r\nbody" })),
        "Hello Ann Bcc: eve@example.org body|Hello|",
    );
    let long = "x".repeat(1000);
    let rendered = templates(&files).render(&mail("a", None, &json!({ "name": long }))).expect("a mail");
    assert_eq!(rendered.subject.chars().count(), 301);
}

#[test]
fn templates_are_bounded() {
    check(
        &[("a.en.txt", "Subject: a\n\n{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}")],
        (None, json!({})),
        "the mail template mail/a.en.txt, line 3, fails: engine ran out of fuel; correct the template, or pass other values",
    );
    check(
        &[("a.en.txt", "Subject: a\n\n{% for a in range(1000) %}{{ text }}{% endfor %}")],
        (None, json!({ "text": "x".repeat(10_000) })),
        "the mail of the template mail/a.en.txt would be larger than 1048576 bytes; shorten it",
    );
}

#[test]
fn a_name_that_is_almost_right_is_told() {
    let templates = templates(&[("welcome.en.txt", "Subject: Hello\n\nHello\n")]);
    let error = templates.render(&mail("welcom", None, &json!({}))).expect_err("there is no such template");
    assert_eq!(format!("{error}; {}", error.remedy()), "there is no mail template `welcom`; did you mean `welcome`?");
}

#[test]
fn the_values_of_a_template_are_known() {
    let templates = templates(&[
        ("a.en.txt", "Subject: {{ number }}\n\n{% for item in items %}{{ item.title }}{{ loop.index }}{% endfor %}"),
        ("a.de.txt", "Subject: {{ nummer }}\n\n{% set x = 1 %}{{ x }} {{ range(3) }}"),
    ]);
    let all: Vec<String> = templates.names().map(|(name, values)| format!("{name} {values:?}")).collect();
    assert_eq!(all, [r#"a {"items", "number", "nummer"}"#]);
}

#[test]
fn what_is_wrong_with_files_is_told() {
    let problems = |files: &[(&str, &str)]| -> Vec<String> {
        let application = application(files);
        let problems = Templates::read(application.path(), "en").expect_err("they are wrong");
        problems.iter().map(ToString::to_string).collect()
    };
    let good = ("a.en.txt", "Subject: a\n\na");
    assert_eq!(
        problems(&[good, ("b.en.txt", "Subject: b\n\nb\n{% if x %}\n{{ y")]),
        ["mail/b.en.txt:5: unexpected end of input, expected end of variable block"]
    );
    assert_eq!(
        problems(&[good, ("b.de.txt", "Subject: b\n\n")]),
        ["mail/b.en.txt: `b` isn't there in `en`, the language of whoever has no other (`mail.language`)"]
    );
    assert_eq!(
        problems(&[good, ("a.en.html", "a"), ("a.de.html", "a")]),
        ["mail/a.de.html: the HTML has no text; write `a.de.txt`, which also has the subject"]
    );
    assert_eq!(
        problems(&[good, ("readme.txt", "")]),
        [
            "mail/readme.txt: the name of the file has no language; name it like `order-paid.en.txt`, `order-paid.en.html` or, for what \
          others include, `_layout.html`"
        ]
    );
    assert!(Templates::read(application(&[]).path(), "en").expect("nothing is wrong").is_empty());
    let nowhere = tempfile::tempdir().expect("a directory");
    assert!(Templates::read(nowhere.path(), "en").expect("nothing is wrong").is_empty());
}
