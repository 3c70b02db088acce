use std::fmt::Write as _;

use super::Config;
use super::keys::keys;
use super::value::Applies;

/// All keys of `backstay.toml` as Markdown, one table per section, as docs/configuration.md contains them.
pub fn reference() -> String {
    let (mut text, mut section) = (String::new(), "");
    let defaults = Config::default();
    for key in keys() {
        if key.section != section {
            section = key.section;
            let between = if text.is_empty() { "" } else { "\n" };
            let _ = write!(text, "{between}### `[{section}]`\n\n");
            text.push_str("| key | value | default | what it does | environment variable |\n|---|---|---|---|---|\n");
        }
        let (name, value, default) = (key.name, key.kind.words(), (key.show)(&defaults));
        let (about, variable) = (key.about, key.variable());
        let applies = match key.applies {
            Applies::Reload => "",
            Applies::Start => " Changes need a restart.",
        };
        let _ = writeln!(text, "| `{name}` | {value} | `{default}` | {about}{applies} | `{variable}` |");
    }
    text
}
