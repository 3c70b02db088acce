use std::collections::BTreeMap;

use tokio_postgres::types::FromSql;
use tokio_postgres::{Client, Row};

use super::super::error::plain;
use super::catalog::{COLUMNS, CONSTRAINTS, ENUMS, INDEXES, TABLES, VIEWS};
use crate::StoreError;
use crate::adopt::{
    Deletion, FoundCheck, FoundColumn, FoundEnum, FoundIndex, FoundReference, FoundTable, FoundUnique, RowSecurity,
    Survey, TableKind, TypeFamily, ValuesOf,
};

type Tables = BTreeMap<String, FoundTable>;

/// What there is in the schema.
pub(super) async fn read(client: &Client) -> Result<Survey, StoreError> {
    let schema = client.query_one("SELECT current_schema()::text", &[]).await.map_err(plain)?;
    let mut tables = Tables::new();
    for row in rows(client, TABLES).await? {
        let table = table(&row)?;
        tables.insert(table.name.clone(), table);
    }
    for row in rows(client, COLUMNS).await? {
        let column = column(&row)?;
        within(&mut tables, &row, |table| table.columns.push(column))?;
    }
    for row in rows(client, CONSTRAINTS).await? {
        constraint(&mut tables, &row)?;
    }
    for row in rows(client, INDEXES).await? {
        index(&mut tables, &row)?;
    }
    let enums: Result<_, _> = rows(client, ENUMS).await?.iter().map(enumeration).collect();
    let views: Result<_, _> = rows(client, VIEWS).await?.iter().map(|row| get(row, 0)).collect();
    Ok(Survey { schema: get(&schema, 0)?, tables: tables.into_values().collect(), enums: enums?, views: views? })
}

async fn rows(client: &Client, text: &str) -> Result<Vec<Row>, StoreError> {
    client.query(text, &[]).await.map_err(plain)
}

fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(plain)
}

/// Does something with the table that a row begins with. Those of extensions aren't there.
fn within(tables: &mut Tables, row: &Row, work: impl FnOnce(&mut FoundTable)) -> Result<(), StoreError> {
    if let Some(table) = tables.get_mut(get::<&str>(row, 0)?) {
        work(table);
    }
    Ok(())
}

fn table(row: &Row) -> Result<FoundTable, StoreError> {
    let (kind, is_partition, inherits): (&str, bool, bool) = (get(row, 1)?, get(row, 2)?, get(row, 3)?);
    let kind = match kind {
        _ if is_partition => TableKind::Partition,
        "p" => TableKind::Partitioned,
        "f" => TableKind::Foreign,
        "u" => TableKind::Unlogged,
        _ if inherits => TableKind::Inherited,
        _ => TableKind::Plain,
    };
    let row_security = match (get(row, 6)?, get(row, 7)?) {
        (false, _) => RowSecurity::Off,
        (true, false) => RowSecurity::Others,
        (true, true) => RowSecurity::Everybody,
    };
    Ok(FoundTable {
        name: get(row, 0)?,
        kind,
        comment: get(row, 4)?,
        is_owned: get(row, 5)?,
        row_security,
        rules: get(row, 8)?,
        triggers: get(row, 9)?,
        fills_rows: get(row, 10)?,
        columns: Vec::new(),
        key: None,
        uniques: Vec::new(),
        references: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        indexes: Vec::new(),
    })
}

fn column(row: &Row) -> Result<FoundColumn, StoreError> {
    Ok(FoundColumn {
        name: get(row, 1)?,
        comment: get(row, 2)?,
        ty: get(row, 3)?,
        family: match (get(row, 4)?, get(row, 5)?) {
            (true, _) => TypeFamily::Enum,
            (false, true) => TypeFamily::BuiltIn,
            (false, false) => TypeFamily::Other,
        },
        declared: get(row, 6)?,
        modifier: get(row, 7)?,
        not_null: get(row, 8)?,
        default: get(row, 9)?,
        values: match get(row, 10)? {
            "formula" => ValuesOf::Formula,
            "counter" => ValuesOf::Counter,
            _ => ValuesOf::Writers,
        },
        is_bytewise: get(row, 11)?,
        domain_checks: get(row, 12)?,
        held_by: get(row, 13)?,
    })
}

fn constraint(tables: &mut Tables, row: &Row) -> Result<(), StoreError> {
    let (name, columns): (String, Vec<String>) = (get(row, 1)?, get(row, 5)?);
    let (is_deferrable, is_valid): (bool, bool) = (get(row, 3)?, get(row, 4)?);
    let (target, target_columns, deletion): (String, Vec<String>, &str) = (get(row, 6)?, get(row, 7)?, get(row, 8)?);
    let (kind, expression): (&str, String) = (get(row, 2)?, get(row, 9)?);
    within(tables, row, |table| match kind {
        "p" => table.key = Some((name, columns)),
        "f" => {
            let on_delete = match deletion {
                "c" => Deletion::Cascades,
                "n" => Deletion::Nulls,
                "d" => Deletion::Defaults,
                _ => Deletion::Refused,
            };
            let reference =
                FoundReference { name, columns, target, target_columns, on_delete, is_deferrable, is_valid };
            table.references.push(reference);
        }
        "c" => table.checks.push(FoundCheck { name, expression, is_valid }),
        _ => table.exclusions.push(name),
    })
}

fn index(tables: &mut Tables, row: &Row) -> Result<(), StoreError> {
    let (name, is_unique, is_plain): (String, bool, bool) = (get(row, 1)?, get(row, 2)?, get(row, 6)?);
    let columns: Vec<String> = get(row, 7)?;
    let columns = is_plain.then_some(columns);
    let definition: String = get(row, 8)?;
    if !is_unique {
        return within(tables, row, |table| table.indexes.push(FoundIndex { name, columns, definition }));
    }
    let (is_constraint, is_referenced, nulls_same) = (get(row, 3)?, get(row, 4)?, get(row, 5)?);
    let unique = FoundUnique { name, is_constraint, is_referenced, nulls_same, columns, definition };
    within(tables, row, |table| table.uniques.push(unique))
}

fn enumeration(row: &Row) -> Result<FoundEnum, StoreError> {
    Ok(FoundEnum {
        name: get(row, 0)?,
        comment: get(row, 1)?,
        is_owned: get(row, 2)?,
        values: get(row, 3)?,
        converts: get(row, 4)?,
    })
}
