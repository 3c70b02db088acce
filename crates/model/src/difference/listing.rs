/// How many of several things are named.
const NAMED: usize = 6;

/// Things in words, as one.
pub(super) fn listed(things: &[String]) -> String {
    let more = match things.len().saturating_sub(NAMED) {
        0 => None,
        more => Some(format!("{more} more")),
    };
    let named: Vec<&str> = things.iter().take(NAMED).map(String::as_str).chain(more.as_deref()).collect();
    match named.as_slice() {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => named.concat(),
    }
}
