//! Which scalar a column's type is.

use backstay_engine::{FoundColumn, Misfit, Retyped, Survey, TypeFamily};

use super::draft::{DraftEnum, FieldType, LINE};

/// What a column becomes.
pub(super) struct Column {
    pub(super) ty: FieldType,
    pub(super) directives: Vec<String>,
    pub(super) retyped: Option<Retyped>,
    pub(super) questions: Vec<Misfit>,
    /// The values of an enum whose names can't be those of a model's.
    pub(super) values: Option<Vec<String>>,
}

impl Column {
    fn plain(ty: &str) -> Self {
        let ty = FieldType::Plain(ty.to_owned());
        Self { ty, directives: Vec::new(), retyped: None, questions: Vec::new(), values: None }
    }

    fn with(mut self, directive: String) -> Self {
        self.directives.push(directive);
        self
    }

    fn asking(mut self, misfit: Misfit) -> Self {
        self.questions.push(misfit);
        self
    }
}

/// What a column becomes, or why it stays as it is and what to do about that.
pub(super) fn field(
    survey: &Survey,
    enums: &[DraftEnum],
    column: &FoundColumn,
    is_key: bool,
) -> Result<Column, (String, &'static str)> {
    if column.is_generated {
        let remedy = "nothing has to be done; to have it in the API, write a `@computed` field";
        return Err(("the database computes it".to_owned(), remedy));
    }
    if column.family == TypeFamily::Enum {
        return enumeration(survey, enums, column);
    }
    let column_of = if column.family == TypeFamily::BuiltIn { scalar(column) } else { None };
    let Some(mut found) = column_of else { return Err(unknown(column)) };
    if is_key {
        found.questions = key_questions(&column.ty);
    }
    if let (true, FieldType::Long, Some(holder)) = (is_key, &found.ty, &column.held_by) {
        let why = format!("it would have to become `text COLLATE \"C\"`, and {holder} depends on its type");
        return Err((why, "drop what depends on it, run the command again, and make it anew afterwards"));
    }
    if found.retyped == Some(Retyped::Moment)
        && let Some(holder) = &column.held_by
    {
        let why = format!("it would have to become `timestamptz`, and {holder} depends on its type");
        return Err((why, "drop what depends on it, run the command again, and make it anew afterwards"));
    }
    Ok(found)
}

fn scalar(column: &FoundColumn) -> Option<Column> {
    Some(match column.ty.as_str() {
        "bool" => Column::plain("Boolean"),
        "int8" => Column::plain("Int"),
        "int4" => Column::plain("Int").with(format!("@range(min: {}, max: {})", i32::MIN, i32::MAX)),
        "int2" => Column::plain("Int").with(format!("@range(min: {}, max: {})", i16::MIN, i16::MAX)),
        "float8" => Column::plain("Float").asking(Misfit::NotFinite),
        "numeric" => {
            let (digits, scale) = precision(column.modifier)?;
            Column::plain("Decimal")
                .with(format!("@precision(digits: {digits}, scale: {scale})"))
                .asking(Misfit::NotFinite)
        }
        "uuid" => Column::plain("ID"),
        "timestamptz" => Column::plain("DateTime").asking(Misfit::Moment),
        "timestamp" => {
            let column = Column::plain("DateTime").asking(Misfit::Moment);
            Column { retyped: Some(Retyped::Moment), ..column }
        }
        "date" => Column::plain("Date").asking(Misfit::Day),
        "json" | "jsonb" => Column::plain("JSON"),
        "bytea" => Column::plain("Bytes"),
        "text" | "varchar" => text(column),
        _ => return None,
    })
}

/// The digits of a `numeric`, and those after the point, if a `Decimal` can have so many.
fn precision(modifier: i64) -> Option<(i64, i64)> {
    let modifier = modifier.checked_sub(4).filter(|modifier| *modifier >= 0)?;
    // The scale has 11 bits with a sign.
    let (digits, scale) = ((modifier >> 16) & 0xffff, modifier & 0x7ff);
    (digits <= 18 && scale <= digits).then_some((digits, scale))
}

fn text(column: &FoundColumn) -> Column {
    const LONGEST: i64 = 10_000;
    // The server counts its own header.
    let most = column.modifier.checked_sub(4).filter(|most| column.ty == "varchar" && *most > 0);
    let mut found = Column::plain("");
    found.ty = match (column.is_bytewise, &column.held_by, most) {
        // Texts that are compared otherwise can't be sorted by.
        (false, Some(_), _) => FieldType::Long,
        (_, _, Some(most)) if most > LONGEST => FieldType::Long,
        (_, _, _) => FieldType::Line,
    };
    if found.ty == FieldType::Line && most.is_none_or(|most| most > i64::from(LINE)) {
        found = found.asking(Misfit::Longer(LINE));
    }
    if let Some(most) = most.filter(|most| *most <= 8_388_608) {
        found = found.with(format!("@length(max: {most})"));
    }
    found.retyped = (!column.is_bytewise && column.held_by.is_none()).then_some(Retyped::Text);
    found
}

fn enumeration(survey: &Survey, enums: &[DraftEnum], column: &FoundColumn) -> Result<Column, (String, &'static str)> {
    let found = survey.enumeration(&column.ty).filter(|found| found.is_owned || found.converts);
    let Some(found) = found else {
        return Err((
            "its enum belongs to another user".to_owned(),
            "make the user its owner (`ALTER TYPE … OWNER TO …`)",
        ));
    };
    if let Some(known) = enums.iter().find(|known| known.ty == found.name) {
        return Ok(Column::plain(&known.name));
    }
    Ok(Column { ty: FieldType::Long, values: Some(found.values.clone()), ..Column::plain("") })
}

/// Why a type isn't a scalar.
fn unknown(column: &FoundColumn) -> (String, &'static str) {
    let remedy = match column.ty.as_str() {
        "bpchar" => "`ALTER TABLE … ALTER COLUMN … TYPE text`, which writes the table anew",
        "float4" => "`ALTER TABLE … ALTER COLUMN … TYPE double precision`, which writes the table anew",
        "numeric" => {
            "say how many digits it has: `ALTER TABLE … ALTER COLUMN … TYPE numeric(18, 4)`, which writes the table anew"
        }
        "money" => "`ALTER TABLE … ALTER COLUMN … TYPE numeric(18, 2)`, which writes the table anew",
        "tsvector" => "nothing has to be done; `@search` makes an index of its own",
        "citext" => "`ALTER TABLE … ALTER COLUMN … TYPE text`; texts then differ by case, too",
        "interval" => "keep whole seconds or microseconds in a bigint column instead",
        ty if ty.starts_with('_') => "make a table of its items, or a jsonb column",
        ty if ty.ends_with("range") => "make two columns of its ends",
        _ => "keep it as a text in a column of its own if clients need it",
    };
    (format!("no scalar is like the type {}", column.declared), remedy)
}

/// What a key must not hold.
fn key_questions(ty: &str) -> Vec<Misfit> {
    match ty {
        "int2" | "int4" | "int8" => vec![Misfit::KeyNumber],
        "text" | "varchar" => vec![Misfit::KeyText],
        _ => Vec::new(),
    }
}
