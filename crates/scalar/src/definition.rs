use crate::{Part, Problem, Schema, Storage, Token, Value, ValueRef, json};

/// Appends a stored value as JSON.
pub type Writer = fn(&mut Vec<u8>, ValueRef<'_>);

/// In which case the letters of a scalar's texts are. A part of such a text is looked for in the same case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// In either.
    Mixed,
    /// All lower.
    Lower,
    /// All upper.
    Upper,
}

/// Everything that is known of one scalar. Each scalar implements it once, in its family's file below `scalar/`.
pub(crate) trait Definition {
    /// The name in model files.
    fn name(&self) -> &'static str;

    /// What is expected, with an example, as the end of a sentence.
    fn expected(&self) -> &'static str;

    /// The value that a token stands for, in normal form.
    fn read(&self, token: Token<'_>) -> Result<Value, Problem>;

    /// A typed value in this scalar's normal form. `fit(fit(v)) == fit(v)`.
    fn fit(&self, value: Value) -> Result<Value, Problem>;

    /// What its column holds; of several the first.
    fn storage(&self) -> Storage;

    /// Its columns, in order.
    fn columns(&self) -> Vec<(Part, Storage)> {
        vec![(Part::Main, self.storage())]
    }

    /// The value that these columns hold; none where the database holds something else.
    fn load(&self, columns: &[ValueRef<'_>]) -> Option<Value> {
        columns.first().map(|column| Value::from(*column))
    }

    /// Appends the first column's value as JSON.
    fn writer(&self) -> Writer {
        json::write_stored
    }

    /// In which case the letters of its texts are.
    fn letters(&self) -> Letters {
        Letters::Mixed
    }

    /// The most characters that a text of it can have, where a model can ask for fewer.
    fn max_chars(&self) -> Option<usize> {
        match self.schema() {
            Schema::Text { max, .. } => max,
            Schema::Integer | Schema::Number | Schema::Boolean | Schema::Money | Schema::Any => None,
        }
    }

    /// Whether lists can be sorted by it and indexes hold it: its values are short and have an order.
    fn is_sortable(&self) -> bool {
        true
    }

    /// Whether a list is narrowed to one value of it by `field=value`.
    fn is_equatable(&self) -> bool {
        true
    }

    /// Whether a list field can hold it.
    fn is_listable(&self) -> bool {
        true
    }

    /// What an OpenAPI document says of it.
    fn schema(&self) -> Schema;
}
