//! What other programs have on tables that are written anew: it would go with the old table.

use std::collections::HashSet;

use backstay_model::Collection;
use backstay_sql::schema;

use super::{Action, Planned, Route};
use crate::StoreError;
use crate::session::{Object, SchemaSession};
use crate::step::Finding;

/// Things that a finding names at most.
const NAMED: usize = 10;

/// Keeps tables from being written anew that hold, or carry, what isn't of the model.
pub(super) async fn find(
    session: &mut dyn SchemaSession,
    route: &Route<'_>,
    planned: &mut [Planned],
) -> Result<(), StoreError> {
    if !planned.iter().any(|step| copied(step, route).is_some()) {
        return Ok(());
    }
    let expected = schema::expected(route.models.old, route.models.dialect);
    let found = session.objects().await?;
    for step in planned {
        let Some(before) = copied(step, route) else { continue };
        let Some(known) = expected.iter().find(|table| table.name == before.table) else { continue };
        let tables: HashSet<&str> = expected.iter().map(|table| table.name.as_str()).collect();
        let mut others: Vec<String> = found
            .iter()
            .filter_map(|object| match object {
                Object::Column(table, column) if *table == before.table && !known.columns.contains(column) => {
                    Some(format!("the column {column}"))
                }
                Object::Reference(table, by) if *table == before.table && !tables.contains(by.as_str()) => {
                    Some(format!("a foreign key of {by}"))
                }
                Object::Dependent(table, what) if *table == before.table => Some(what.clone()),
                Object::Column(..)
                | Object::Reference(..)
                | Object::Dependent(..)
                | Object::Table(_)
                | Object::Index(_) => None,
            })
            .collect();
        others.sort();
        others.truncate(NAMED);
        if !others.is_empty() {
            let words = format!("the table {} would lose {}", before.table, others.join(", "));
            let remedy =
                "remove it first, and make it anew afterwards, or change the model without a new table".to_owned();
            step.step.findings.push(Finding { words, records: 0, ids: Vec::new(), remedy, is_obstacle: true });
        }
    }
    Ok(())
}

/// The collection of the old model whose records a step copies, if it isn't Backstay's own.
fn copied<'r>(step: &Planned, route: &Route<'r>) -> Option<&'r Collection> {
    let collection = step.actions.iter().find_map(|action| match action {
        Action::Copy(collection) => Some(*collection),
        Action::Run(_) | Action::Mentions(..) | Action::Search(_) => None,
    })?;
    let before = route.models.old.collection(route.models.pairing.collection(collection)?);
    (!before.system).then_some(before)
}
