use std::error::Error;
use std::fmt::Write as _;

/// An error and its causes on one line, the outermost first.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing into a text can't fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
