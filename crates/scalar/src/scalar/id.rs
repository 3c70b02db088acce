use backstay_base::RecordId;

use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `ID` and references: a UUID in its hyphenated form (RFC 9562, section 4), in either case.
pub(crate) struct Id;

/// The id that a text is, as `Scalar::Id` reads it; `None` if it is something else.
pub fn read_id(text: &str) -> Option<RecordId> {
    text.parse().ok()
}

const EXPECTED: &str = "an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"";

impl Definition for Id {
    fn name(&self) -> &'static str {
        "ID"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(EXPECTED))?;
        read_id(&text).map(Value::Id).ok_or(Problem::Expected(EXPECTED))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Id(_) => Ok(value),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Id
    }

    fn schema(&self) -> Schema {
        Schema::format("uuid")
    }
}
