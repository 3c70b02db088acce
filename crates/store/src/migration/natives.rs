//! Columns of adopted tables whose type is an enum of the database: it takes no value that it doesn't have itself.

use backstay_model::{Collection, Field, FieldKind};
use backstay_sql::{Dialect, Models, Origin, Param, Succession};

use super::finder::Finder;
use crate::StoreError;
use crate::own::{own, text};
use crate::session::OwnRow;
use crate::step::Finding;

/// The enum that is the type of a column, if it lacks a value.
const LACKING: &str = "SELECT t.typname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid \
    WHERE c.relnamespace = CAST(quote_ident(current_schema()) AS regnamespace) AND c.relname = CAST($1 AS text) \
    AND a.attname = CAST($2 AS text) AND t.typtype = 'e' \
    AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = t.oid AND e.enumlabel = CAST($3 AS text))";

/// How the database is to get a value.
pub(super) enum Arrival<'v> {
    /// It is new.
    Added(&'v str),
    /// It had another name.
    Renamed(&'v str, &'v str),
}

impl Arrival<'_> {
    fn value(&self) -> &str {
        let (Self::Added(value) | Self::Renamed(_, value)) = self;
        value
    }

    fn remedy(&self, ty: &str) -> String {
        let ty = ty.replace('"', "\"\"");
        match self {
            Self::Added(value) => format!("run `ALTER TYPE \"{ty}\" ADD VALUE '{value}'` first"),
            Self::Renamed(from, to) => format!("run `ALTER TYPE \"{ty}\" RENAME VALUE '{from}' TO '{to}'` first"),
        }
    }
}

impl Finder<'_> {
    /// Enums of the database that lack these values of an enum of the model.
    pub(super) async fn lacking_values(
        &mut self,
        name: &str,
        arrivals: &[Arrival<'_>],
    ) -> Result<Vec<Finding>, StoreError> {
        let mut found = Vec::new();
        if self.models.dialect != Dialect::Postgres {
            return Ok(found);
        }
        for (collection, field) in kept_columns((self.models, self.succession), name) {
            for arrival in arrivals {
                let params = [&*collection.table, &*field.columns[0].name, arrival.value()];
                let params = params.map(|param| Param::Text(param.into())).to_vec();
                let mut lacking = None;
                let visit = &mut |row: &dyn OwnRow| {
                    lacking = Some(text(row, 0)?.to_owned());
                    Ok(())
                };
                let statement = own(LACKING, params, &[backstay_scalar::Storage::Text]);
                self.session.query(&statement, visit).await?;
                found.extend(lacking.map(|ty| Finding {
                    words: format!(
                        "{} of {}.{} isn't a value of the database's enum {ty}",
                        arrival.value(),
                        collection.name,
                        field.name
                    ),
                    records: 0,
                    ids: Vec::new(),
                    remedy: arrival.remedy(&ty),
                    is_obstacle: true,
                }));
            }
        }
        Ok(found)
    }
}

/// The columns of fields with an enum of the new model, as they are before the migration.
fn kept_columns<'m>(
    (models, succession): (Models<'m>, &Succession<'_>),
    name: &str,
) -> Vec<(&'m Collection, &'m Field)> {
    let Models { old, new, pairing, .. } = models;
    let mut kept = Vec::new();
    for after in &new.collections {
        let Some(before) = pairing.collection(after.id).map(|before| old.collection(before)) else { continue };
        for field in &after.fields {
            let FieldKind::Enum(id) = field.kind else { continue };
            if new.enumeration(id).name == name
                && let Origin::Kept(was) = succession.origin(after.id, field.id)
                && !before.field(was).columns.is_empty()
            {
                kept.push((before, before.field(was)));
            }
        }
    }
    kept
}
