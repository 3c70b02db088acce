//! Values in JSON fields, which can be anything: each function gives what a value is read as, and null where it is something
//! else, by the rules of `backstay_scalar::Reading`. PostgreSQL's own casts fail there, and with them the statement.

use super::function;

/// How a value is read.
struct Read {
    /// The function of one value, and that of the elements of an array, without what all begin with.
    names: (&'static str, &'static str),
    returns: &'static str,
    body: String,
    /// What a value `v` is as an element of a stored list.
    element: &'static str,
}

/// The statements that make the functions.
pub(super) fn statements() -> Vec<String> {
    let mut made = vec![
        of("(json)", "json", "CASE WHEN json_typeof($1) <> 'null' THEN $1 END"),
        of(
            "_list(json)",
            "jsonb",
            // Only its size is asked for. Numbers that `jsonb` doesn't hold are left out of it.
            "CASE WHEN json_typeof($1) = 'array' THEN (SELECT coalesce(jsonb_agg(NULL::text), '[]'::jsonb) \
             FROM json_array_elements($1)) END",
        ),
        of("_lexeme(json)", "text", &lexeme()),
    ];
    for Read { names: (one, each), returns, body, element } in reads() {
        made.push(of(&format!("_{one}(json)"), returns, &body));
        let elements = format!(
            "CASE WHEN json_typeof($1) = 'array' THEN (SELECT coalesce(jsonb_agg({element} ORDER BY n) FILTER \
             (WHERE v IS NOT NULL), '[]'::jsonb) FROM (SELECT backstay_json_{one}(e) AS v, n FROM \
             json_array_elements($1) WITH ORDINALITY AS each(e, n)) AS read) END"
        );
        made.push(of(&format!("_{each}(json)"), "jsonb", &elements));
    }
    made
}

fn of(head: &str, returns: &str, body: &str) -> String {
    function(&format!("backstay_json{head}"), returns, body)
}

/// A number as it is written, if it is short enough.
fn lexeme() -> String {
    "CASE WHEN json_typeof($1) = 'number' AND octet_length($1 #>> '{}') <= 100 \
     AND ($1 #>> '{}') ~ '^[^eE]*([eE][+-]?[0-9]{1,3})?$' THEN $1 #>> '{}' END"
        .to_owned()
}

const DATE: &str = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";

/// Whether the text, which has the form of a date, begins with one that there is.
const IS_DAY: &str = "substr(t, 1, 4) <> '0000' AND substr(t, 9, 2)::int <= extract(day FROM make_date(substr(t, 1, 4)::int, \
                      substr(t, 6, 2)::int, 1) + interval '1 month' - interval '1 day')::int";

const DAY: &str = "make_date(substr(t, 1, 4)::int, substr(t, 6, 2)::int, substr(t, 9, 2)::int)";

fn reads() -> Vec<Read> {
    let text = "(CASE WHEN json_typeof($1) = 'string' THEN $1 #>> '{}' END)";
    let clock = "([01][0-9]|2[0-3]):[0-5][0-9]";
    let as_it_is = "to_jsonb(v)";
    // Digits after the microsecond are cut off.
    let seconds =
        "(substr(t, 18, 2) || '.' || rpad(substr(coalesce(substring(t FROM '\\.([0-9]+)'), ''), 1, 6), 6, '0'))";
    let offset = "CASE WHEN t ~ '[Zz]$' THEN interval '0' ELSE (substr(right(t, 6), 1, 1) || '1')::int * \
                  make_interval(hours => substr(right(t, 6), 2, 2)::int, mins => right(t, 2)::int) END";
    let moment = format!(
        "(SELECT CASE WHEN m BETWEEN '0001-01-01T00:00:00Z'::timestamptz AND '9999-12-30T22:00:00.999999Z'::timestamptz \
         THEN m END FROM (SELECT CASE WHEN t ~ '^{DATE}[Tt ]{clock}:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-]{clock})$' THEN \
         CASE WHEN {IS_DAY} THEN (make_timestamp(substr(t, 1, 4)::int, substr(t, 6, 2)::int, substr(t, 9, 2)::int, \
         substr(t, 12, 2)::int, substr(t, 15, 2)::int, {seconds}::double precision) AT TIME ZONE 'UTC') - ({offset}) \
         END END AS m FROM (SELECT {text} AS t) AS read) AS made)"
    );
    let day = format!(
        "(SELECT CASE WHEN t ~ '^{DATE}$' THEN CASE WHEN {IS_DAY} THEN {DAY} END END FROM (SELECT {text} AS t) AS read)"
    );
    let number = "(SELECT CASE WHEN min_scale(x) <= 28 AND abs(x) < power(10::numeric, 28 - min_scale(x)) THEN x END \
                  FROM (SELECT backstay_json_lexeme($1)::numeric AS x) AS read)";
    let float = "(SELECT CASE WHEN x = 0 THEN 0 WHEN f BETWEEN 1e-300 AND 1.7e308 OR f BETWEEN -1.7e308 AND -1e-300 THEN f \
                 END FROM (SELECT x, CASE WHEN abs(x) BETWEEN 1e-305 AND 1.79e308 THEN backstay_json_lexeme($1)::double \
                 precision END AS f FROM (SELECT backstay_json_lexeme($1)::numeric AS x) AS read) AS rounded)";
    let int = "(SELECT CASE WHEN x = trunc(x) AND x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN x::bigint END \
               FROM (SELECT backstay_json_number($1) AS x) AS read)";
    let hex = |digits: u8| format!("[0-9a-fA-F]{{{digits}}}");
    let uuid = [8, 4, 4, 4, 12].map(hex).join("-");
    let id = format!("(SELECT CASE WHEN t ~ '^{uuid}$' THEN t::uuid END FROM (SELECT {text} AS t) AS read)");
    let boolean = "CASE WHEN json_typeof($1) = 'boolean' THEN ($1 #>> '{}')::boolean END";
    let read = |names, returns, body: &str| Read { names, returns, body: body.to_owned(), element: as_it_is };
    vec![
        read(("text", "texts"), "text", text),
        read(("number", "numbers"), "numeric", number),
        read(("int", "ints"), "bigint", int),
        read(("float", "floats"), "double precision", float),
        read(("boolean", "booleans"), "boolean", boolean),
        Read {
            element: "to_jsonb((extract(epoch FROM v) * 1000000)::bigint)",
            ..read(("moment", "moments"), "timestamptz", &moment)
        },
        read(("date", "dates"), "date", &day),
        read(("id", "ids"), "uuid", &id),
    ]
}
