//! The model in the making.

use std::fmt;

use backstay_engine::{
    AdoptedColumn, AdoptedLink, AdoptedTable, Adoption, CountedMisfits, Misfit, Retyped, Survey, TypeFamily,
};

/// A model, and what is left out of it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) enums: Vec<DraftEnum>,
    pub(super) types: Vec<DraftType>,
    pub(super) links: Vec<AdoptedLink>,
    pub(super) left: Vec<Left>,
}

/// Something that stays as it is, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) remedy: String,
}

#[derive(Debug)]
pub(super) struct DraftEnum {
    pub(super) ty: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) values: Vec<String>,
}

#[derive(Debug)]
pub(super) struct DraftType {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) path: Option<String>,
    pub(super) description: Option<String>,
    /// The column of the key, and `@key` if there is one.
    pub(super) key: (String, Option<&'static str>),
    /// Whether a record can be created: columns that stay don't keep it from that.
    pub(super) creates: bool,
    pub(super) fields: Vec<DraftField>,
    /// Fields without columns of their own.
    pub(super) lists: Vec<String>,
    /// Names of these, and of fields.
    pub(super) names: Vec<String>,
    pub(super) directives: Vec<String>,
    pub(super) checks: Vec<DraftCheck>,
    pub(super) moved: Vec<(String, String)>,
    pub(super) references: Vec<String>,
    pub(super) replaced: Vec<String>,
    questions: Vec<Question>,
}

#[derive(Debug)]
pub(super) struct DraftField {
    pub(super) column: String,
    pub(super) name: String,
    pub(super) kind: FieldType,
    pub(super) required: bool,
    pub(super) description: Option<String>,
    pub(super) directives: Vec<String>,
    pub(super) retyped: Option<Retyped>,
    pub(super) default: Option<String>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FieldType {
    /// One of the fields that every record has.
    Standard,
    /// A scalar other than a text, or an enum.
    Plain(String),
    /// A text that can be sorted by and has an index.
    Line,
    /// One that can't.
    Long,
    /// A record.
    Record(String),
}

#[derive(Debug, Clone)]
pub(super) struct DraftCheck {
    pub(super) name: String,
    pub(super) rule: String,
}

/// A question about stored values, and what follows if some aren't as they should be.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) column: String,
    pub(super) misfit: Misfit,
}

/// Characters of the longest text that is a line.
pub(super) const LINE: u32 = 1000;

impl DraftType {
    pub(super) fn new(table: &str, name: String, key: (String, Option<&'static str>)) -> Self {
        Self {
            table: table.to_owned(),
            path: super::names::plural_path(&name),
            name,
            description: None,
            key,
            creates: true,
            fields: Vec::new(),
            lists: Vec::new(),
            names: Vec::new(),
            directives: Vec::new(),
            checks: Vec::new(),
            moved: Vec::new(),
            references: Vec::new(),
            replaced: Vec::new(),
            questions: Vec::new(),
        }
    }

    pub(super) fn ask(&mut self, column: &str, misfit: Misfit) {
        self.questions.push(Question { column: column.to_owned(), misfit });
    }

    pub(super) fn field_of(&self, column: &str) -> Option<&DraftField> {
        self.fields.iter().find(|field| field.column == column)
    }

    /// Gives a field without a column a name that is free, and says which.
    pub(super) fn add_list(&mut self, wanted: &str, rest: &str) -> Option<String> {
        let name = super::names::of_field(wanted, |name| !self.names.iter().any(|taken| taken == name))?;
        self.names.push(name.clone());
        self.lists.push(format!("{name}: {rest}"));
        Some(name)
    }
}

impl DraftField {
    /// Whether it can be part of an index.
    pub(super) fn is_indexable(&self) -> bool {
        match &self.kind {
            FieldType::Standard | FieldType::Line | FieldType::Record(_) => true,
            FieldType::Plain(ty) => !matches!(ty.as_str(), "JSON" | "Bytes"),
            FieldType::Long => false,
        }
    }
}

impl Draft {
    /// The type that a table becomes.
    pub(super) fn of_table(&self, table: &str) -> Option<&DraftType> {
        self.types.iter().find(|of| of.table == table)
    }

    pub(super) fn type_mut(&mut self, table: &str) -> Option<&mut DraftType> {
        self.types.iter_mut().find(|of| of.table == table)
    }

    pub(super) fn leave(&mut self, what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) {
        self.left.push(Left { what: what.into(), why: why.into(), remedy: remedy.into() });
    }

    /// What to ask about stored values, table by table.
    pub(super) fn questions(&self) -> Vec<(String, Vec<(String, Misfit)>)> {
        let of = |of: &DraftType| of.questions.iter().map(|one| (one.column.clone(), one.misfit)).collect();
        self.types.iter().filter(|of| !of.questions.is_empty()).map(|ty| (ty.table.clone(), of(ty))).collect()
    }

    /// Draws the conclusions from the answers.
    pub(super) fn settle(&mut self, counts: &[CountedMisfits]) {
        let mut counts = counts.iter();
        let mut kept = Vec::new();
        for mut of in std::mem::take(&mut self.types) {
            let questions = std::mem::take(&mut of.questions);
            let found = if questions.is_empty() { &[][..] } else { counts.next().map_or(&[][..], |of| &of.rows[..]) };
            let wrong = questions.iter().zip(found).filter(|(_, count)| **count > 0);
            let wrong: Vec<(&Question, i64)> = wrong.map(|(question, count)| (question, *count)).collect();
            let is_kept = wrong.into_iter().all(|(question, count)| self.conclude(&mut of, question, count));
            if !is_kept {
                continue;
            }
            match of.fields.iter().all(|field| field.kind == FieldType::Standard) {
                true => self.leave(
                    format!("table {}", of.table),
                    "none of its columns but the key becomes a field",
                    "add a column that can be one",
                ),
                false => kept.push(of),
            }
        }
        self.types = kept;
    }

    /// `false`: the table can't be a type.
    fn conclude(&mut self, of: &mut DraftType, question: &Question, count: i64) -> bool {
        let column = &question.column;
        let rows = crate::answer::Count(count.unsigned_abs(), "row");
        let why = match question.misfit {
            Misfit::Longer(_) => {
                for field in of.fields.iter_mut().filter(|field| field.column == *column) {
                    field.kind = FieldType::Long;
                }
                return true;
            }
            Misfit::KeyNumber => format!("{rows} with a key that isn't a number from 1 to 999999999999998"),
            Misfit::KeyText => format!(
                "{rows} with a key that isn't 1 to 64 bytes in Unicode's form C without `/`, control characters and white space \
                 around it"
            ),
            Misfit::Moment | Misfit::Day => format!("{rows} with a value outside of the years 1 to 9999"),
            Misfit::NotFinite => format!("{rows} with a value that isn't a finite number"),
        };
        if *column == of.key.0 {
            self.leave(format!("table {}", of.table), why, "change these keys, then run the command again");
            return false;
        }
        if of.field_of(column).is_some_and(|field| field.kind == FieldType::Standard) {
            of.moved.push((column.clone(), format!("{column}_before")));
        }
        let required = of.field_of(column).is_some_and(|field| field.required && field.default.is_none());
        of.creates &= !required;
        of.fields.retain(|field| field.column != *column);
        self.leave(format!("column {}.{column}", of.table), why, "change these values, then run the command again");
        true
    }

    /// Takes all defaults back.
    pub(super) fn drop_defaults(&mut self) {
        for of in &mut self.types {
            for field in &mut of.fields {
                let Some(default) = field.default.take() else { continue };
                self.left.push(Left {
                    what: format!("default of {}.{}", of.table, field.column),
                    why: format!("`{default}` or another default doesn't fit its field"),
                    remedy: "write a `@default` that does".to_owned(),
                });
            }
        }
    }

    /// What of the schema becomes what.
    pub(super) fn adoption(&self, survey: &Survey, counted: Vec<CountedMisfits>) -> Adoption {
        let column = |field: &DraftField| AdoptedColumn {
            column: field.column.clone(),
            field: field.name.clone(),
            retyped: field.retyped,
        };
        let table = |of: &DraftType| AdoptedTable {
            table: of.table.clone(),
            collection: of.name.clone(),
            columns: of.fields.iter().map(column).collect(),
            moved: of.moved.clone(),
            references: of.references.clone(),
            replaced: of.replaced.clone(),
        };
        let is_used = |name: &str| {
            let columns =
                self.types.iter().flat_map(|of| of.fields.iter().map(move |field| (&of.table, &field.column)));
            let found = columns.filter_map(|(table, column)| survey.table(table)?.column(column));
            found.into_iter().any(|column| column.family == TypeFamily::Enum && column.ty == name)
        };
        let enums = survey.enums.iter().filter(|found| !found.converts && is_used(&found.name));
        Adoption {
            tables: self.types.iter().map(table).collect(),
            links: self.links.clone(),
            enums: enums.map(|found| found.name.clone()).collect(),
            counted,
        }
    }
}

impl Left {
    /// A check that isn't a rule.
    pub(super) fn check(table: &str, name: &str) -> Self {
        Self {
            what: format!("check {name} of {table}"),
            why: "it can't be written as a rule".to_owned(),
            remedy: "the database goes on enforcing it; a `@check` that refuses the same can say more than its name"
                .to_owned(),
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "\n    help: {}", self.remedy) }
    }
}
