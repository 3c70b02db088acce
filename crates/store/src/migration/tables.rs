use std::collections::HashSet;

use backstay_model::{Collection, Field, FieldKind, Index, Link, LinkSource, Model, index_before, shortened};
use backstay_sql::{Models, Origin, Statement, Succession, alter, schema};

/// What becomes of the tables: which are written anew, which are called otherwise, and the old model with the names that
/// its tables and columns then have.
pub(super) struct Tables {
    /// By the new model's collections: whether its table is written anew.
    pub(super) rewritten: Vec<bool>,
    pub(super) carried: Model,
    pub(super) renames: Vec<Statement>,
    /// Whether nothing but indexes is renamed.
    pub(super) renames_indexes: bool,
}

/// Names of tables and indexes that go, and whose own names are taken meanwhile, begin with it.
const GONE: &str = "backstay_gone_";
/// Names between two others that change places.
const MOVING: &str = "backstay_moving_";

impl Tables {
    pub(super) fn of(models: Models<'_>, succession: &Succession<'_>) -> Self {
        let rewritten: Vec<bool> =
            models.new.collections.iter().map(|after| is_rewritten(models, succession, after)).collect();
        let (carried, statements) = (models.old.clone(), Vec::new());
        let mut renaming = Renaming { models, carried, statements, indexes: Vec::new(), link_indexes: Vec::new() };
        renaming.tables();
        renaming.columns(&rewritten, succession);
        renaming.indexes(&rewritten);
        let renames_indexes = renaming.statements.is_empty();
        Self { rewritten, renames: renaming.statements(), carried: renaming.carried, renames_indexes }
    }

    pub(super) fn is_rewritten(&self, collection: &Collection) -> bool {
        self.rewritten[usize::from(collection.id.0)]
    }
}

/// Whether the table of a collection can only be changed by writing it anew.
fn is_rewritten(models: Models<'_>, succession: &Succession<'_>, after: &Collection) -> bool {
    let Some(before) = models.pairing.collection(after.id).map(|id| models.old.collection(id)) else { return false };
    let mut kept = HashSet::new();
    for field in after.stored_fields() {
        match succession.origin(after.id, field.id) {
            // The currency of an amount comes or goes with its column.
            Origin::Kept(was) if before.field(was).columns.len() != field.columns.len() => return true,
            Origin::Kept(was) => _ = kept.insert(was),
            Origin::Converted(_) => return true,
            Origin::New => {
                let is_replaced = models.pairing.field(after.id, field.id).is_some();
                let is_missing = field.required && models.new.default_of(field).is_none();
                if is_replaced || is_missing {
                    return true;
                }
            }
        }
        // A unique index would see two records with one value while values change places.
        let is_unique = || after.indexes.iter().any(|index| index.unique && index.fields.contains(&field.id));
        if !succession.renamed_values(&field.kind).is_empty() && is_unique() {
            return true;
        }
        if succession.is_backfilled(after.id, field.id)
            || succession.fills_where_present(after.id, field)
            || succession.is_made(after.id, field.id)
        {
            return true;
        }
    }
    let names: HashSet<&str> = columns(after).collect();
    before.stored_fields().filter(|field| !kept.contains(&field.id)).any(|gone| {
        let is_taken = gone.columns.iter().any(|column| names.contains(column.name.as_str()));
        is_taken || !alter::can_drop_columns(gone, models.dialect)
    })
}

fn columns(collection: &Collection) -> impl Iterator<Item = &str> {
    collection.fields.iter().flat_map(|field| &field.columns).map(|column| column.name.as_str())
}

struct Renaming<'m> {
    models: Models<'m>,
    carried: Model,
    /// Of tables, columns and references.
    statements: Vec<Statement>,
    /// Old and new names of indexes.
    indexes: Vec<(String, String)>,
    /// Link tables whose index has another name.
    link_indexes: Vec<Link>,
}

impl Renaming<'_> {
    /// All statements, in order.
    fn statements(&self) -> Vec<Statement> {
        let dialect = self.models.dialect;
        let renamed = ordered(self.indexes.clone());
        let renamed: Option<Vec<Statement>> =
            renamed.iter().map(|(from, to)| alter::rename_index(from, to, dialect)).collect();
        let statements = self.statements.iter().cloned();
        if let Some(renamed) = renamed {
            return statements.chain(renamed).collect();
        }
        // Removed first, and made again at the end: those of link tables here, the others with all indexes.
        let removed = self.indexes.iter().flat_map(|(from, _)| schema::drop_index(from, dialect));
        let made = self.link_indexes.iter().map(|link| alter::create_link_index(link, dialect));
        removed.chain(statements).chain(made).collect()
    }

    fn tables(&mut self) {
        let Models { old, new, pairing, dialect, .. } = self.models;
        let mut taken: HashSet<&str> = new.collections.iter().map(|of| of.table.as_str()).collect();
        taken.extend(new.collections.iter().flat_map(Collection::links).map(|(_, link)| link.table.as_str()));
        let mut renames = Vec::new();
        for before in &old.collections {
            let to = match pairing.successor(before.id) {
                Some(after) => new.collection(after).table.clone(),
                None if taken.contains(before.table.as_str()) => gone(&before.table),
                None => before.table.clone(),
            };
            self.carried.collections[usize::from(before.id.0)].table.clone_from(&to);
            renames.push((before.table.clone(), to));
        }
        for before in &old.collections {
            for (field, link) in before.links() {
                let to = match self.successor(before, field) {
                    Some(after) => after.clone(),
                    None if taken.contains(link.table.as_str()) => {
                        let to = Link { table: gone(&link.table), ..link.clone() };
                        let indexes = [&link.table, &to.table].map(|table| alter::link_index(table, dialect));
                        self.indexes.push(indexes.into());
                        to
                    }
                    None => link.clone(),
                };
                renames.push((link.table.clone(), to.table.clone()));
                self.carry_link(before, field, &to);
            }
        }
        renames.retain(|(from, to)| from != to);
        for (from, to) in ordered(renames) {
            self.statements.push(alter::rename_table(&from, &to, dialect));
        }
        self.link_columns();
    }

    /// The link table that an old one becomes as it is.
    fn successor(&self, before: &Collection, field: &Field) -> Option<Link> {
        let Models { old, new, pairing, .. } = self.models;
        let source = LinkSource::Same(before.id, field.id);
        let all = new.collections.iter().flat_map(|of| of.links().map(move |(field, link)| (of.id, field.id, link)));
        let mut same = all.filter(|(of, id, _)| pairing.link_source(old, new, (*of, *id)) == source);
        same.next().map(|(_, _, link)| link.clone())
    }

    /// Writes the names of a link table into both ends of the relation.
    fn carry_link(&mut self, before: &Collection, field: &Field, to: &Link) {
        let other = match &field.kind {
            FieldKind::ManyToMany { target, link } => link.inverse.map(|inverse| (*target, inverse)),
            _ => None,
        };
        let mut at = |of: usize, field: usize, near: &str, far: &str| {
            if let FieldKind::ManyToMany { link, .. } = &mut self.carried.collections[of].fields[field].kind {
                link.table.clone_from(&to.table);
                (link.near, link.far) = (near.to_owned(), far.to_owned());
            }
        };
        at(usize::from(before.id.0), usize::from(field.id.0), &to.near, &to.far);
        if let Some((of, inverse)) = other {
            at(usize::from(of.0), usize::from(inverse.0), &to.far, &to.near);
        }
    }

    fn link_columns(&mut self) {
        let Models { old, dialect, .. } = self.models;
        for before in &old.collections {
            for (field, link) in before.links() {
                let Some(after) = self.successor(before, field) else { continue };
                let renames = [(&link.near, &after.near), (&link.far, &after.far)];
                let renames = renames.into_iter().filter(|(from, to)| from != to);
                for (from, to) in ordered(renames.map(|(from, to)| (from.clone(), to.clone())).collect()) {
                    self.statements.push(alter::rename_column(&after.table, &from, &to, dialect));
                }
                let ends = [(&link.near, &after.near), (&link.far, &after.far)];
                self.references((&link.table, &after.table), &ends);
                if link.table != after.table {
                    self.indexes
                        .push((alter::link_index(&link.table, dialect), alter::link_index(&after.table, dialect)));
                    self.link_indexes.push(after);
                }
            }
        }
    }

    fn columns(&mut self, rewritten: &[bool], succession: &Succession<'_>) {
        let Models { old, new, pairing, dialect, .. } = self.models;
        for after in new.collections.iter().filter(|after| !rewritten[usize::from(after.id.0)]) {
            let Some(before) = pairing.collection(after.id).map(|id| old.collection(id)) else { continue };
            let (mut renames, mut references) = (Vec::new(), Vec::new());
            for field in after.stored_fields() {
                let Origin::Kept(was) = succession.origin(after.id, field.id) else { continue };
                let carried = &mut self.carried.collections[usize::from(before.id.0)].fields[usize::from(was.0)];
                for (from, to) in carried.columns.iter_mut().zip(&field.columns) {
                    if matches!(field.kind, FieldKind::ToOne { .. }) {
                        references.push((from.name.clone(), &to.name));
                    }
                    renames.push((from.name.clone(), to.name.clone()));
                    from.name.clone_from(&to.name);
                }
            }
            let references: Vec<(&String, &String)> = references.iter().map(|(from, to)| (from, *to)).collect();
            self.references((&before.table, &after.table), &references);
            renames.retain(|(from, to)| from != to);
            for (from, to) in ordered(renames) {
                self.statements.push(alter::rename_column(&after.table, &from, &to, dialect));
            }
        }
    }

    /// References of a table that stays, by the names that it and their columns had and have.
    fn references(&mut self, (before, after): (&str, &str), columns: &[(&String, &String)]) {
        let name = |table, column: &str| alter::reference_name(table, column, self.models.dialect);
        let renames = columns.iter().filter_map(|(from, to)| name(before, from).zip(name(after, to)));
        let renames: Vec<_> = renames.filter(|(from, to)| from != to).collect();
        let renames = ordered(renames).into_iter().map(|(from, to)| alter::rename_reference(after, &from, &to));
        self.statements.extend(renames);
    }

    /// Indexes that have another name now. On SQLite they are removed here and made again at the end.
    fn indexes(&mut self, rewritten: &[bool]) {
        let Models { old, new, pairing, dialect, .. } = self.models;
        for after in new.collections.iter().filter(|after| !rewritten[usize::from(after.id.0)]) {
            for index in &after.indexes {
                let was = index_before((old, new), pairing, after.id, index);
                if let Some(was) = was.filter(|was| was.name != index.name) {
                    let names = |index| schema::index_names(index, dialect);
                    self.indexes.extend(names(was).into_iter().zip(names(index)));
                }
            }
        }
        self.gone_indexes(rewritten);
    }

    /// Indexes that go with their tables, after others have taken their names.
    fn gone_indexes(&mut self, rewritten: &[bool]) {
        let Models { old, new, pairing, dialect, .. } = self.models;
        let names = |index| schema::index_names(index, dialect);
        let is_new = |of: &&Collection| pairing.collection(of.id).is_none();
        let added = new.collections.iter().filter(is_new).flat_map(|of| &of.indexes).flat_map(names);
        let taken: HashSet<String> = added.chain(self.indexes.iter().map(|(_, to)| to.clone())).collect();
        for before in &old.collections {
            let after = pairing.successor(before.id).map(|id| new.collection(id));
            let after = after.filter(|after| rewritten[usize::from(after.id.0)]);
            if after.is_none() && pairing.successor(before.id).is_some() {
                continue;
            }
            // Those that the new model doesn't have are removed before.
            let again = after
                .map(|after| after.indexes.iter().filter_map(|of| index_before((old, new), pairing, after.id, of)));
            let going: Vec<&Index> = again.map_or_else(|| before.indexes.iter().collect(), Iterator::collect);
            let going = going.into_iter().flat_map(names).filter(|name| taken.contains(name));
            self.indexes.extend(going.map(|name| (name.clone(), gone(&name))));
        }
    }
}

/// The name of something that goes, while something new has its own.
fn gone(name: &str) -> String {
    shortened(format!("{GONE}{name}"))
}

/// A name between two others that change places.
fn moving(name: &str) -> String {
    shortened(format!("{MOVING}{name}"))
}

/// Renames in an order in which no name is taken twice: those that want the name of another go by a name of their own.
fn ordered(renames: Vec<(String, String)>) -> Vec<(String, String)> {
    let from: HashSet<String> = renames.iter().map(|(from, _)| from.clone()).collect();
    let (waiting, free): (Vec<_>, Vec<_>) = renames.into_iter().partition(|(_, to)| from.contains(to));
    let leaving = |(from, _): &(String, String)| (from.clone(), moving(from));
    let arriving = |(from, to): &(String, String)| (moving(from), to.clone());
    let first: Vec<_> = waiting.iter().map(leaving).collect();
    first.into_iter().chain(free).chain(waiting.iter().map(arriving)).collect()
}
