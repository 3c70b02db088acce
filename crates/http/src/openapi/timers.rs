use backstay_model::{Collection, Field, TimedAct, Timer};
use serde_json::{Value, json};

/// Says what happens at the moment that a field holds.
pub(super) fn describe(collection: &Collection, field: &Field, schema: &mut Value) {
    let words = |timer: &Timer| match &timer.act {
        TimedAct::Transition { states, to, .. } => {
            let states = &collection.field(*states).name;
            format!("At this moment, `{states}` becomes {to}, if the transition is possible.")
        }
        TimedAct::Delete => "At this moment, the record is deleted.".to_owned(),
    };
    let timers = collection.timers.iter().filter(|timer| timer.field == field.id).map(words);
    let limits = schema.get("description").and_then(Value::as_str).map(str::to_owned);
    let described: Vec<String> = limits.into_iter().chain(timers).collect();
    if !described.is_empty() {
        schema["description"] = json!(described.join(" "));
    }
}
