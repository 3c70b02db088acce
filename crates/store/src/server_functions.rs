//! The functions of the expression language on PostgreSQL that it doesn't have itself, or has in a form that depends on
//! its locale and version. They are made anew whenever a database is opened.

// Tests read this file by its path.
#[path = "server_functions/json.rs"]
mod json;

use std::sync::LazyLock;

use backstay_base::limits;
use backstay_scalar::{Casing, CasingTable};

/// The statements that make them.
pub(crate) static STATEMENTS: LazyLock<Vec<String>> = LazyLock::new(statements);

fn statements() -> Vec<String> {
    let (changed, parts) = (limits::CHANGED_TEXT_BYTES, limits::LIST_ITEMS);
    let found = "(octet_length($1) - octet_length(replace($1, $2, ''))) / octet_length($2)";
    let of_texts = vec![
        cased("backstay_lower", "lower", Casing::Lower),
        cased("backstay_upper", "upper", Casing::Upper),
        cased("backstay_fold", "lower", Casing::Fold),
        function(
            "backstay_replace(text, text, text)",
            "text",
            &format!(
                "CASE WHEN octet_length($2) = 0 THEN CASE WHEN octet_length($1) <= {changed} THEN $1 END \
                 WHEN octet_length($1) + {found}::bigint * (octet_length($3) - octet_length($2)) <= {changed} \
                 THEN replace($1, $2, $3) END"
            ),
        ),
        function(
            "backstay_concat(text, text)",
            "text",
            &format!("CASE WHEN octet_length($1) + octet_length($2) <= {changed} THEN $1 || $2 END"),
        ),
        function(
            "backstay_split(text, text)",
            "jsonb",
            &format!(
                "CASE WHEN octet_length($1) > {changed} THEN NULL \
                 WHEN octet_length($1) = 0 OR octet_length($2) = 0 THEN to_jsonb(ARRAY[$1]) \
                 WHEN {found} < {parts} THEN to_jsonb(string_to_array($1, $2)) END"
            ),
        ),
        function(
            "backstay_join(jsonb, text)",
            "text",
            &format!(
                "CASE WHEN (SELECT coalesce(sum(octet_length(e)), 0) + greatest(count(*) - 1, 0) * octet_length($2) \
                 FROM jsonb_array_elements_text($1) AS e) <= {changed} \
                 THEN (SELECT coalesce(string_agg(e, $2 ORDER BY n), '') \
                 FROM jsonb_array_elements_text($1) WITH ORDINALITY AS x(e, n)) END"
            ),
        ),
        function("backstay_years(date, date)", "bigint", &years()),
        // A length of time as documents have it (ISO 8601), in microseconds.
        function(
            "backstay_duration(text)",
            "bigint",
            "CASE WHEN $1 LIKE '-%' THEN -(extract(epoch FROM substr($1, 2)::interval) * 1000000)::bigint \
             ELSE (extract(epoch FROM $1::interval) * 1000000)::bigint END",
        ),
        function(
            "backstay_matches(text, text, bigint)",
            "boolean",
            "CASE WHEN octet_length($1) <= $3 THEN $1 ~ $2 END",
        ),
    ];
    of_texts.into_iter().chain(json::statements()).chain([too_large()]).collect()
}

/// The SQLSTATE of a nested list that is too large.
pub(crate) const TOO_LARGE: &str = "BK002";

/// The function that ends a statement because of a nested list.
fn too_large() -> String {
    format!(
        "CREATE OR REPLACE FUNCTION backstay_too_large() RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $body$ \
         BEGIN RAISE EXCEPTION USING ERRCODE = '{TOO_LARGE}', MESSAGE = 'a nested list is too large'; END $body$"
    )
}

/// A function that changes letters. PostgreSQL's own is right about texts in ASCII, in the collation `C`.
fn cased(name: &str, ascii: &str, casing: Casing) -> String {
    let CasingTable { from, to, several } = casing.table();
    let mut other = format!("translate($1, {}, {})", quoted(&from), quoted(&to));
    for (character, becomes) in several {
        other = format!("replace({other}, {}, {})", quoted(&character.to_string()), quoted(&becomes));
    }
    let longest = limits::CHANGED_TEXT_BYTES;
    let body = format!(
        "CASE WHEN octet_length($1) > {longest} THEN NULL WHEN octet_length($1) = char_length($1) THEN {ascii}($1 COLLATE \"C\") ELSE {other} END"
    );
    function(&format!("{name}(text)"), "text", &body)
}

/// Of two days, the whole years from the earlier one to the later one, negative if that is the first.
fn years() -> String {
    let part = |name: &str, day: &str| format!("date_part('{name}', {day})::bigint");
    let of_year = |day: &str| format!("({} * 100 + {})", part("month", day), part("day", day));
    let between = |from: &str, to: &str| {
        format!("{} - {} - ({} < {})::integer", part("year", to), part("year", from), of_year(to), of_year(from))
    };
    format!("CASE WHEN $1 <= $2 THEN {} ELSE -({}) END", between("$1", "$2"), between("$2", "$1"))
}

fn function(head: &str, returns: &str, body: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION {head} RETURNS {returns} LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE \
         AS $body$ SELECT {body} $body$"
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
