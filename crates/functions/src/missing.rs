//! What other runtimes have and functions don't, with what to use instead.

/// Each by the name that the engine says isn't defined.
const INSTEAD: [(&str, &str); 15] = [
    ("process", "settings and keys are secrets: `secrets.get(\"NAME\")`, from a function's second argument"),
    ("require", "import what is needed at the top of the file: `import { name } from \"./lib/name.js\"`"),
    ("module", "export functions by their names: `export async function name(…)`"),
    ("exports", "export functions by their names: `export async function name(…)`"),
    ("setTimeout", "there are no timers; queue work for later with `jobs.add(name, input, { delay: seconds })`"),
    ("setInterval", "there are no timers; queue work for later with `jobs.add(name, input, { delay: seconds })`"),
    ("setImmediate", "there are no timers; use `queueMicrotask`, or `await null`"),
    ("Buffer", "bytes are `Uint8Array`s; `TextEncoder`, `btoa` and `atob` convert them"),
    ("global", "the global object is `globalThis`"),
    ("window", "the global object is `globalThis`"),
    ("self", "the global object is `globalThis`"),
    ("XMLHttpRequest", "call other servers with `fetch`"),
    ("AbortController", "a `fetch` ends by itself when the time of the call is over"),
    ("AbortSignal", "a `fetch` ends by itself when the time of the call is over"),
    ("localStorage", "nothing is kept between calls but records: `db`, from a function's second argument"),
];

/// The message of an error with what to use instead, if it says that something isn't defined that other runtimes have.
pub(crate) fn explained(message: String) -> String {
    let undefined = message.strip_suffix(" is not defined").map(|start| start.rsplit(' ').next().unwrap_or(start));
    let instead = undefined.and_then(|name| INSTEAD.iter().find(|(known, _)| *known == name));
    match instead {
        Some((_, instead)) => format!("{message}; {instead}"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_runtimes_have_is_explained() {
        let check = |message: &str, expected: &str| assert_eq!(explained(message.to_owned()), expected);
        check(
            "ReferenceError: global is not defined",
            "ReferenceError: global is not defined; the global object is `globalThis`",
        );
        check("self is not defined", "self is not defined; the global object is `globalThis`");
        check("ReferenceError: pots is not defined", "ReferenceError: pots is not defined");
        check("Error: what is not defined by law", "Error: what is not defined by law");
    }
}
