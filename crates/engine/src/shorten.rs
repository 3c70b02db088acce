/// A name or text that was sent, short enough to repeat in an answer.
pub fn shorten(name: &str) -> String {
    const CHARS: usize = 60;
    match name.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
