//! The order of the columns of a table. A database reads a record from its beginning, and SQLite one that is longer than a
//! page along a chain of pages: a value costs what stands before it. So what is small comes first.

use backstay_model::{Collection, Column, ColumnStorage, Field, FieldKind};
use backstay_scalar::Storage;

/// How large the values of a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    /// Some bytes, or a word that the model or Backstay chooses.
    Few,
    /// As many as a line of text has.
    Line,
    /// Any number.
    Any,
}

/// The columns of a collection in the order in which a new table has them: among those of one size, that of the fields.
pub(crate) fn column_order(collection: &Collection) -> Vec<(&Field, &Column)> {
    let fields = collection.fields.iter();
    let mut columns: Vec<(&Field, &Column)> =
        fields.flat_map(|field| field.columns.iter().map(move |column| (field, column))).collect();
    // Backstay's own records are small, and the form of their tables stays.
    if !collection.system || collection.versions.is_some() {
        columns.sort_by_key(|(field, column)| size(collection, field, column));
    }
    columns
}

fn size(collection: &Collection, field: &Field, column: &Column) -> Size {
    // What Backstay itself says of a version is asked of every one.
    if collection.versions.as_ref().is_some_and(|versions| field.id >= versions.record) {
        return Size::Few;
    }
    match column.storage {
        _ if field.is_large() => Size::Any,
        ColumnStorage::One(Storage::Text) if !matches!(field.kind, FieldKind::Enum(_)) => Size::Line,
        ColumnStorage::One(_) | ColumnStorage::List(_) => Size::Few,
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::SourceFile;

    use super::*;

    const MODEL: &str = r#"
        extend schema @app(name: "Order")
        enum Kind { A B }
        type Note @allow(read: "true") @history(read: "true") {
          body: Text
          tags: [String!]
          title: String!
          about: Note
          any: JSON
          kind: Kind
          done: Boolean
          price: Money
        }
    "#;

    #[test]
    fn small_columns_come_first() {
        let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", MODEL)]).expect("a model");
        let check = |collection: &str, expected: &str| {
            let collection = loaded.model.collections.iter().find(|one| one.name == collection).expect("a type");
            let names: Vec<&str> =
                column_order(collection).into_iter().map(|(_, column)| column.name.as_str()).collect();
            assert_eq!(names.join(" "), expected, "{}", collection.name);
        };
        check("Note", "id created_at updated_at version about_id kind done price title price_currency body tags any");
        check(
            "Note history",
            "id created_at updated_at version about_id kind done price history__record history__from history__until \
             history__ended history__change history__by_kind history__by title price_currency body tags any",
        );
    }
}
