use std::collections::HashSet;

use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};

use super::sequencer::Sequencer;
use super::session::PostgresSession;
use crate::StoreError;
use crate::own::{array, int, own, text};
use crate::session::{Answer, Contents, Object, OwnRow, SchemaSession, Session, later};

/// The columns of all tables, then all tables and indexes, and what refers to or depends on tables: kind, name, column.
const OBJECTS: &str = "SELECT 'column', table_name::text, column_name::text FROM information_schema.columns \
                       WHERE table_schema = current_schema() UNION ALL \
                       SELECT 'table', tablename::text, '' FROM pg_tables WHERE schemaname = current_schema() UNION ALL \
                       SELECT 'index', indexname::text, '' FROM pg_indexes WHERE schemaname = current_schema() UNION \
                       SELECT 'reference', t.relname::text, c.relname::text FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid \
                       JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f' AND k.connamespace = CAST(quote_ident(current_schema()) AS regnamespace) \
                       UNION SELECT 'dependent', t.relname::text, 'the view ' || v.relname FROM pg_depend d \
                       JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class t ON t.oid = d.refobjid \
                       WHERE d.classid = CAST('pg_rewrite' AS regclass) AND d.refclassid = CAST('pg_class' AS regclass) AND v.oid <> t.oid \
                       AND t.relnamespace = CAST(quote_ident(current_schema()) AS regnamespace) AND t.relkind = 'r' UNION \
                       SELECT 'dependent', t.relname::text, 'the trigger ' || g.tgname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid \
                       WHERE NOT g.tgisinternal AND t.relnamespace = CAST(quote_ident(current_schema()) AS regnamespace)";

/// How many tables there are, and how many of them Backstay recognizes its databases by.
const CONTENTS: &str = "SELECT count(*), count(*) FILTER (WHERE tablename = 'backstay_meta') FROM pg_tables \
                        WHERE schemaname = current_schema()";

/// The advisory lock held while the schema is read in order to change it: "`BkSt`", "sch".
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(1114329972, 7562088)";

impl SchemaSession for PostgresSession {
    fn contents(&mut self) -> Answer<'_, Contents> {
        later(contents(self))
    }

    fn set_format(&mut self, format: i64) -> Answer<'_, ()> {
        later(async move {
            let statement = own(
                "INSERT INTO backstay_meta (name, value) VALUES ('format', $1) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                vec![Param::Bytes(format.to_be_bytes().as_slice().into())],
                &[],
            );
            self.execute(&statement).await.map(|_| ())
        })
    }

    fn settle_log(&mut self) -> Answer<'_, ()> {
        later(async move {
            self.ensure_begun().await?;
            Sequencer::settle(self.client()).await
        })
    }

    fn objects(&mut self) -> Answer<'_, HashSet<Object>> {
        later(objects(self))
    }

    fn begin(&mut self) -> Answer<'_, ()> {
        later(async move {
            self.ensure_begun().await?;
            if self.only_reads() {
                return Ok(());
            }
            self.execute(&own(SCHEMA_LOCK, vec![], &[])).await.map(|_| ())
        })
    }

    fn commit(&mut self) -> Answer<'_, ()> {
        later(self.commit_with(Vec::new()))
    }

    fn roll_back(&mut self) -> Answer<'_, ()> {
        later(async move {
            PostgresSession::roll_back(self).await;
            Ok(())
        })
    }
}

async fn contents(session: &mut PostgresSession) -> Result<Contents, StoreError> {
    let tables = own(CONTENTS, vec![], &[Storage::Int, Storage::Int]);
    let mut counts = (0, 0);
    let visit = &mut |row: &dyn OwnRow| {
        counts = (int(row, 0)?, int(row, 1)?);
        Ok(())
    };
    session.read(&tables, visit).await?;
    match counts {
        (0, _) => return Ok(Contents::Nothing),
        (_, 0) => return Ok(Contents::Foreign),
        (_, _) => {}
    }
    let format = own("SELECT value FROM backstay_meta WHERE name = 'format'", vec![], &[Storage::Bytes]);
    let mut found = None;
    let visit = &mut |row: &dyn OwnRow| {
        found = Some(i64::from_be_bytes(array(row, 0)?));
        Ok(())
    };
    session.read(&format, visit).await?;
    found.map(Contents::of_format).ok_or(StoreError::Catalog("backstay_meta"))
}

async fn objects(session: &mut PostgresSession) -> Result<HashSet<Object>, StoreError> {
    let statement: Statement = own(OBJECTS, vec![], &[Storage::Text, Storage::Text, Storage::Text]);
    let mut found = HashSet::new();
    let visit = &mut |row: &dyn OwnRow| {
        let name = text(row, 1)?.to_owned();
        found.insert(match text(row, 0)? {
            "column" => Object::Column(name, text(row, 2)?.to_owned()),
            "index" => Object::Index(name),
            "reference" => Object::Reference(name, text(row, 2)?.to_owned()),
            "dependent" => Object::Dependent(name, text(row, 2)?.to_owned()),
            _ => Object::Table(name),
        });
        Ok(())
    };
    session.read(&statement, visit).await?;
    Ok(found)
}
