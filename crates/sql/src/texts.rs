//! Functions that make texts of texts, and patterns. What is called here are the store's own functions, on both databases.

use backstay_base::KeyForm;
use backstay_expr::{Expr, Function, Type};
use backstay_scalar::{Casing, Pattern, Storage, Value, WHITE_SPACE};
use sea_query::Expr as Sql;

use crate::dialect::collate_c;
use crate::lower::Lowering;
use crate::operand::{Form, Val};
use crate::tree::{call, cast, integer, word};
use crate::{Dialect, Slot};

/// A function of the store's.
#[derive(Debug, Clone, Copy)]
enum Own {
    Cased(Casing),
    Replace,
    Concat,
    Split,
    Join,
    Matches,
}

impl Lowering<'_, '_, '_> {
    pub(crate) fn cased(&mut self, of: &Expr, casing: Casing) -> Val {
        self.of_text(of, |dialect, text| dialect.own(Own::Cased(casing), vec![text]))
    }

    /// A function of several texts: null where one of them is, and where the result is too long.
    pub(crate) fn of_texts(&mut self, function: Function, operands: &[Expr]) -> Val {
        let function = match function {
            Function::Replace => Own::Replace,
            Function::Concat => Own::Concat,
            Function::Split => Own::Split,
            _ => Own::Join,
        };
        let (mut texts, mut guards) = (Vec::new(), Vec::new());
        for operand in operands {
            let value = self.value(operand);
            if value.is_null() {
                return value;
            }
            texts.push(value.sql);
            guards.extend(value.guards);
        }
        Val { sql: self.builder.dialect.own(function, texts), guards, form: Form::Column }
    }

    /// `text(x)`: what `backstay_scalar::plain_text` writes.
    pub(crate) fn written_text(&mut self, of: &Expr) -> Val {
        let value = self.value(of);
        let value = if of.ty == Type::Decimal { self.keyed(value) } else { value.moment() };
        if value.is_null() {
            return value;
        }
        let sql = match of.ty {
            Type::Bool => self.builder.dialect.choice(value.sql, (word("true"), word("false"))),
            _ => self.builder.dialect.plain_text(value.sql, &of.ty),
        };
        let sql = match self.builder.dialect {
            Dialect::Sqlite => sql,
            Dialect::Postgres => collate_c(sql),
        };
        Val { sql, guards: value.guards, form: Form::Column }
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
        let mut arguments = vec![value.sql, written];
        // On SQLite, the pattern itself knows.
        if dialect == Dialect::Postgres {
            let longest = i64::try_from(pattern.longest()).expect("a text in memory has fewer bytes");
            arguments.push(integer(longest));
        }
        Val { sql: dialect.own(Own::Matches, arguments), guards: value.guards, form: Form::Column }
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
            (Self::Sqlite, Own::Concat) => "text_concat",
            (Self::Sqlite, Own::Split) => "text_split",
            (Self::Sqlite, Own::Join) => "text_join",
            (Self::Sqlite, Own::Matches) => "text_matches",
            (Self::Postgres, Own::Cased(Casing::Lower)) => "backstay_lower",
            (Self::Postgres, Own::Cased(Casing::Upper)) => "backstay_upper",
            (Self::Postgres, Own::Cased(Casing::Fold)) => "backstay_fold",
            (Self::Postgres, Own::Replace) => "backstay_replace",
            (Self::Postgres, Own::Concat) => "backstay_concat",
            (Self::Postgres, Own::Split) => "backstay_split",
            (Self::Postgres, Own::Join) => "backstay_join",
            (Self::Postgres, Own::Matches) => "backstay_matches",
        };
        call(name, arguments)
    }

    /// The text that a value of this type is written as.
    fn plain_text(self, value: Sql, ty: &Type) -> Sql {
        match (self, ty) {
            (Self::Sqlite, Type::Decimal) => call("number_text", [value]),
            (Self::Sqlite, Type::Id(KeyForm::Uuid) | Type::Record(_, KeyForm::Uuid)) => call("id_text", [value]),
            (_, Type::Id(KeyForm::Text) | Type::Record(_, KeyForm::Text)) => value,
            (Self::Sqlite, Type::Timestamp) => call("moment_text", [value]),
            (Self::Postgres, Type::Decimal) => cast(call("trim_scale", [value]), "text"),
            (Self::Postgres, Type::Timestamp) => {
                let utc = call("timezone", [word("UTC"), value]);
                call("to_char", [utc, word("YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"")])
            }
            (Self::Postgres, Type::Date) => call("to_char", [cast(value, "timestamp"), word("YYYY-MM-DD")]),
            (_, Type::Int | Type::Id(_) | Type::Record(..)) => cast(value, "text"),
            // They are texts already.
            (Self::Sqlite | Self::Postgres, _) => value,
        }
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
