use backstay_model::CollectionId;
use backstay_sql::{Origin, Statement, Succession};

use super::{Action, Planned, Route, mentions, searches};
use crate::StoreError;
use crate::own::int;
use crate::session::{OwnRow, SchemaSession};
use crate::step::{OnProgress, Progress};

/// Rows that are copied by one statement: often enough to tell how far it has come.
const ROWS_AT_ONCE: i64 = 20_000;

/// Carries out steps that nothing stands in the way of, within a transaction.
pub(crate) async fn carry_out(
    session: &mut dyn SchemaSession,
    route: &Route<'_>,
    planned: &[Planned],
    on_progress: &OnProgress,
) -> Result<(), StoreError> {
    let steps = planned.len();
    for (step, planned) in (1..).zip(planned) {
        let progress = Progress { words: &planned.step.words, step, steps, done: 0, total: 0 };
        for action in &planned.actions {
            match action {
                Action::Run(statement) => {
                    on_progress(&progress);
                    session.execute(statement).await?;
                }
                Action::Mentions(collection, mention) => {
                    on_progress(&progress);
                    let collection = route.models.new.collection(*collection);
                    mentions::fill(session, route.models, (collection, mention)).await?;
                }
                Action::Search(collection) => {
                    on_progress(&progress);
                    let collection = route.models.new.collection(*collection);
                    searches::fill(session, (route.models.new, route.models.dialect), collection).await?;
                }
                Action::Copy(collection) => {
                    copy(session, &route.carried, *collection, (&progress, on_progress)).await?;
                }
            }
        }
    }
    remove_converted(session, route).await
}

/// Fills the next table of a collection. Rows of SQLite are numbered, so that it can be done in parts.
async fn copy(
    session: &mut dyn SchemaSession,
    succession: &Succession<'_>,
    collection: CollectionId,
    (progress, on_progress): (&Progress<'_>, &OnProgress),
) -> Result<(), StoreError> {
    let Some(last) = succession.last_row(collection) else {
        on_progress(progress);
        return session.execute(&succession.copy(collection, None)).await.map(|_| ());
    };
    let last = number(session, &last).await?;
    let mut after = 0;
    while after < last {
        let to = after.saturating_add(ROWS_AT_ONCE).min(last);
        let (done, total) = (after.unsigned_abs(), last.unsigned_abs());
        on_progress(&Progress { done, total, ..*progress });
        session.execute(&succession.copy(collection, Some((after, to)))).await?;
        after = to;
    }
    Ok(())
}

/// Removes the temporary tables of converted values, and of slugs and numbers that were made.
async fn remove_converted(session: &mut dyn SchemaSession, route: &Route<'_>) -> Result<(), StoreError> {
    let Route { models, succession, .. } = route;
    for collection in &models.new.collections {
        for field in collection.stored_fields() {
            if matches!(succession.origin(collection.id, field.id), Origin::Converted(_)) {
                session.execute(&succession.drop_converted(collection.id, field.id)).await?;
            }
            if succession.is_made(collection.id, field.id) {
                session.execute(&succession.drop_made(collection.id, field.id)).await?;
            }
        }
    }
    Ok(())
}

async fn number(session: &mut dyn SchemaSession, statement: &Statement) -> Result<i64, StoreError> {
    let mut number = 0;
    let visit = &mut |row: &dyn OwnRow| {
        number = int(row, 0)?;
        Ok(())
    };
    session.query(statement, visit).await?;
    Ok(number)
}
