//! Functions that make texts of texts, and patterns. What is called here are the store's own functions, on both databases.

use backstay_expr::Expr;
use backstay_scalar::{Casing, Pattern, Storage, Value, WHITE_SPACE};
use sea_query::Expr as Sql;

use crate::lower::Lowering;
use crate::operand::{Form, Val};
use crate::tree::{call, word};
use crate::{Dialect, Slot};

/// A function of the store's.
#[derive(Debug, Clone, Copy)]
enum Own {
    Cased(Casing),
    Replace,
    Matches,
}

impl Lowering<'_, '_, '_> {
    pub(crate) fn cased(&mut self, of: &Expr, casing: Casing) -> Val {
        self.of_text(of, |dialect, text| dialect.own(Own::Cased(casing), vec![text]))
    }

    /// `replace(text, part, by)`: null where the result is too long.
    pub(crate) fn replaced(&mut self, operands: [&Expr; 3]) -> Val {
        let (mut texts, mut guards) = (Vec::new(), Vec::new());
        for operand in operands {
            let value = self.value(operand);
            if value.is_null() {
                return value;
            }
            texts.push(value.sql);
            guards.extend(value.guards);
        }
        Val { sql: self.builder.dialect.own(Own::Replace, texts), guards, form: Form::Column }
    }

    /// `text.matches('pattern')`: null where the text is too long.
    pub(crate) fn matches(&mut self, of: &Expr, pattern: &Pattern) -> Val {
        let value = self.value(of);
        if value.is_null() {
            return value;
        }
        let dialect = self.builder.dialect;
        let written =
            dialect.pattern(pattern).expect("a checked expression has only patterns that every database reads");
        let written = self.builder.slot(Slot::Constant(Value::text(written)), Storage::Text);
        Val { sql: dialect.own(Own::Matches, vec![value.sql, written]), guards: value.guards, form: Form::Column }
    }
}

impl Dialect {
    /// A call of a function of the store's.
    fn own(self, function: Own, arguments: Vec<Sql>) -> Sql {
        let name = match (self, function) {
            (Self::Sqlite, Own::Cased(Casing::Lower)) => "text_lower",
            (Self::Sqlite, Own::Cased(Casing::Upper)) => "text_upper",
            (Self::Sqlite, Own::Cased(Casing::Fold)) => "text_fold",
            (Self::Sqlite, Own::Replace) => "text_replace",
            (Self::Sqlite, Own::Matches) => "text_matches",
            (Self::Postgres, Own::Cased(Casing::Lower)) => "backstay_lower",
            (Self::Postgres, Own::Cased(Casing::Upper)) => "backstay_upper",
            (Self::Postgres, Own::Cased(Casing::Fold)) => "backstay_fold",
            (Self::Postgres, Own::Replace) => "backstay_replace",
            (Self::Postgres, Own::Matches) => "backstay_matches",
        };
        call(name, arguments)
    }

    /// A text without white space at both ends.
    pub(crate) fn trimmed(self, text: Sql) -> Sql {
        match self {
            Self::Sqlite => call("text_trim", [text]),
            Self::Postgres => call("btrim", [text, word(WHITE_SPACE)]),
        }
    }

    /// A pattern as the database reads it.
    fn pattern(self, pattern: &Pattern) -> Option<&str> {
        match self {
            Self::Sqlite => Some(pattern.text()),
            Self::Postgres => pattern.portable(),
        }
    }
}
