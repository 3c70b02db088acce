use std::collections::HashMap;

use backstay_base::{FieldNumber, TypeNumber};
use backstay_model::{Collection, CollectionId, FieldId, Model, Pairing};
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};

use crate::StoreError;
use crate::own::{int, own, text};
use crate::session::{OwnRow, SchemaSession};

/// The permanent numbers of the loaded model's types and fields.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// By collection: its number, and those of its fields by index.
    types: Vec<(TypeNumber, Vec<FieldNumber>)>,
    by_number: HashMap<TypeNumber, CollectionId>,
}

impl Catalog {
    /// The number of a collection.
    pub fn type_number(&self, collection: CollectionId) -> TypeNumber {
        self.types[usize::from(collection.0)].0
    }

    /// The number of a field.
    pub fn field_number(&self, collection: CollectionId, field: FieldId) -> FieldNumber {
        self.types[usize::from(collection.0)].1[usize::from(field.0)]
    }

    /// The collection of this number, if the loaded model has it.
    pub fn collection(&self, number: TypeNumber) -> Option<CollectionId> {
        self.by_number.get(&number).copied()
    }

    /// The field of this number, if the loaded model has it.
    pub fn field(&self, collection: CollectionId, number: FieldNumber) -> Option<FieldId> {
        let fields = &self.types[usize::from(collection.0)].1;
        (0_u16..).zip(fields).find(|(_, field)| **field == number).map(|(index, _)| FieldId(index))
    }
}

/// Every number that was ever assigned in a database, by name.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    types: HashMap<String, TypeNumbers>,
}

#[derive(Debug)]
struct TypeNumbers {
    number: u32,
    fields: HashMap<String, u32>,
}

impl TypeNumbers {
    fn follow(&mut self, before: &Collection, after: &Collection, pairing: &Pairing, renames: &mut Renames) {
        let mut fields = HashMap::new();
        for field in &before.fields {
            let Some(number) = self.fields.remove(&field.name) else { continue };
            let successor = pairing.field_successor(after.id, field.id).map(|id| after.field(id));
            let name = successor.map_or_else(|| gone(&field.name, number), |after| after.name.clone());
            if name != field.name {
                renames.fields.push((self.number, number, name.clone()));
            }
            fields.insert(name, number);
        }
        fields.extend(self.fields.drain());
        self.fields = fields;
    }
}

/// The name under which the number of something that is gone is kept.
fn gone(name: &str, number: u32) -> String {
    format!("{name}~{number}")
}

/// Numbers that get other names: of types, and of fields of types.
#[derive(Default)]
struct Renames {
    types: Vec<(u32, String)>,
    fields: Vec<(u32, u32, String)>,
}

impl Renames {
    /// Every name is freed before one is taken, because two can change places.
    fn statements(&self) -> Vec<Statement> {
        const TYPE: &str = "UPDATE backstay_type SET name = $1 WHERE number = $2";
        const FIELD: &str = "UPDATE backstay_field SET name = $1 WHERE type = $2 AND number = $3";
        let int = |number: u32| Param::Int(i64::from(number));
        let of_type = |number: u32, name: &str| own(TYPE, vec![Param::Text(name.into()), int(number)], &[]);
        let of_field =
            |of: u32, number: u32, name: &str| own(FIELD, vec![Param::Text(name.into()), int(of), int(number)], &[]);
        let freed_types = self.types.iter().map(|(number, _)| of_type(*number, &format!("~{number}")));
        let freed_fields = self.fields.iter().map(|(of, number, _)| of_field(*of, *number, &format!("~{number}")));
        let types = self.types.iter().map(|(number, name)| of_type(*number, name));
        let fields = self.fields.iter().map(|(of, number, name)| of_field(*of, *number, name));
        freed_types.chain(freed_fields).chain(types).chain(fields).collect()
    }
}

impl Numbers {
    /// Those of a database.
    pub(crate) async fn stored(session: &mut dyn SchemaSession) -> Result<Self, StoreError> {
        let mut numbers = Self::default();
        session.query(&Self::query(), &mut |row| numbers.add(row)).await?;
        Ok(numbers)
    }

    /// Selects all numbers; each row goes to `add`.
    fn query() -> Statement {
        own(
            "SELECT t.number, t.name, f.number, f.name FROM backstay_type t JOIN backstay_field f ON f.type = t.number",
            vec![],
            &[Storage::Int, Storage::Text, Storage::Int, Storage::Text],
        )
    }

    fn add(&mut self, row: &dyn OwnRow) -> Result<(), StoreError> {
        let number = |column| u32::try_from(int(row, column)?).map_err(|_| StoreError::Catalog("backstay_type"));
        let (type_number, field_number) = (number(0)?, number(2)?);
        let name = text(row, 1)?;
        if !self.types.contains_key(name) {
            self.types.insert(name.to_owned(), TypeNumbers { number: type_number, fields: HashMap::new() });
        }
        if let Some(known) = self.types.get_mut(name) {
            known.fields.insert(text(row, 3)?.to_owned(), field_number);
        }
        Ok(())
    }

    /// Lets the numbers of types and fields follow their names into a new model. Those of what is gone keep a name that
    /// no model can have, such as `title~7`, so that a new field of that name gets a number of its own.
    pub(crate) fn follow(&mut self, old: &Model, new: &Model, pairing: &Pairing) -> Vec<Statement> {
        let mut renames = Renames::default();
        let mut types = HashMap::new();
        for collection in &old.collections {
            let Some(mut known) = self.types.remove(&collection.name) else { continue };
            let successor = pairing.successor(collection.id).map(|id| new.collection(id));
            if let Some(after) = successor {
                known.follow(collection, after, pairing, &mut renames);
            }
            let name = successor.map_or_else(|| gone(&collection.name, known.number), |after| after.name.clone());
            if name != collection.name {
                renames.types.push((known.number, name.clone()));
            }
            types.insert(name, known);
        }
        // Types that were gone before.
        types.extend(self.types.drain());
        self.types = types;
        renames.statements()
    }

    /// Assigns numbers to types and fields that have none yet; returns the statements that store them.
    pub(crate) fn extend(&mut self, model: &Model) -> Vec<Statement> {
        let mut statements = Vec::new();
        // Numbers begin with 1.
        let mut next_type = self.types.values().map(|known| known.number).max().map_or(1, |last| last + 1);
        for collection in &model.collections {
            let known = self.types.entry(collection.name.clone()).or_insert_with(|| {
                let number = next_type;
                next_type += 1;
                let params = vec![Param::Int(i64::from(number)), Param::Text(collection.name.as_str().into())];
                statements.push(own("INSERT INTO backstay_type (number, name) VALUES ($1, $2)", params, &[]));
                TypeNumbers { number, fields: HashMap::new() }
            });
            let mut next_field = known.fields.values().max().map_or(1, |last| last + 1);
            for field in &collection.fields {
                if known.fields.contains_key(&field.name) {
                    continue;
                }
                let params = vec![
                    Param::Int(i64::from(known.number)),
                    Param::Int(i64::from(next_field)),
                    Param::Text(field.name.as_str().into()),
                ];
                statements.push(own(
                    "INSERT INTO backstay_field (type, number, name) VALUES ($1, $2, $3)",
                    params,
                    &[],
                ));
                known.fields.insert(field.name.clone(), next_field);
                next_field += 1;
            }
        }
        statements
    }

    /// The numbers of a model, all of whose types and fields have one.
    pub(crate) fn catalog(&self, model: &Model) -> Result<Catalog, StoreError> {
        let mut catalog = Catalog::default();
        for collection in &model.collections {
            let known = self.types.get(&collection.name).ok_or(StoreError::Catalog("backstay_type"))?;
            let number = |name: &String| known.fields.get(name).copied().map(FieldNumber);
            let fields: Option<Vec<_>> = collection.fields.iter().map(|field| number(&field.name)).collect();
            catalog.types.push((TypeNumber(known.number), fields.ok_or(StoreError::Catalog("backstay_field"))?));
            catalog.by_number.insert(TypeNumber(known.number), collection.id);
        }
        Ok(catalog)
    }
}
