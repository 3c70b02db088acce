use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `Boolean`: `true` or `false`.
pub(crate) struct Boolean;

const EXPECTED: &str = "true or false";

impl Definition for Boolean {
    fn name(&self) -> &'static str {
        "Boolean"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        token.truth().map(Value::Bool).ok_or(Problem::Expected(EXPECTED))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Bool(_) => Ok(value),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Bool
    }

    fn schema(&self) -> Schema {
        Schema::Boolean
    }
}
