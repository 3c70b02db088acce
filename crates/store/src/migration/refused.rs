use backstay_base::RecordId;
use backstay_model::{Collection, Field};
use backstay_scalar::Value;
use backstay_sql::{PROBED_IDS, Succession};

use super::texts::bare;
use super::unconvertible::Unconvertible;
use crate::step::Finding;

/// Characters of a value that a message shows.
const SHOWN_CHARS: usize = 40;

/// Records whose values are not those of a field of the new model.
#[derive(Default)]
pub(super) struct Refused {
    records: u64,
    ids: Vec<RecordId>,
    /// Of the first: the value, and why it is refused.
    example: Option<(String, Unconvertible)>,
}

impl Refused {
    pub(super) fn add(&mut self, id: &Value, value: &Value, why: Unconvertible) {
        self.records += 1;
        if let Value::Id(id) = id
            && self.ids.len() < PROBED_IDS
        {
            self.ids.push(*id);
        }
        self.example.get_or_insert_with(|| (shown(value), why));
    }

    /// What stands in the way of a field's values; none if nothing was added. The verb is in its two forms.
    pub(super) fn finding(
        self,
        succession: &Succession<'_>,
        (collection, field): (&Collection, &Field),
        ([one, several], remedy): ([&str; 2], &str),
    ) -> Option<Finding> {
        let (value, why) = self.example?;
        let (values, such_as, verb) = match self.records {
            1 => ("1 value".to_owned(), "", one),
            records => (format!("{records} values"), "such as ", several),
        };
        let is_classified = succession.is_classified(collection.id, field.id);
        let example = if is_classified { String::new() } else { format!(", {such_as}{value},") };
        Some(Finding {
            words: format!("{values} of {}.{}{example} {verb} ({why})", collection.name, field.name),
            records: self.records,
            ids: self.ids,
            remedy: remedy.to_owned(),
            is_obstacle: true,
        })
    }
}

fn shown(value: &Value) -> String {
    let text = bare(value);
    let text = match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    };
    if matches!(value, Value::List(_)) { text } else { format!("\"{text}\"") }
}
