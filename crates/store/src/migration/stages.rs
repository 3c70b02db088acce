use std::iter::Peekable;
use std::vec::IntoIter;

use backstay_model::{
    Collection, Difference, Field, FieldKind, Filled, LinkSource, Risk, Stage, TypeChange, Work, index_before,
};
use backstay_sql::{ComputedSums, Models, Origin, SearchTemplates, Statement, Succession, alter, next_table, schema};

use super::tables::Tables;
use super::{Action, Planned, Route, histories, mentions, searches};
use crate::step::Step;

/// The steps that bridge the differences, in the order in which they are carried out.
pub(super) fn stages(route: &Route<'_>, differences: Vec<Difference>) -> Vec<Planned> {
    let mut stages = Stages { models: route.models, tables: route.tables, carried: &route.carried, all: Vec::new() };
    stages.all(differences.into_iter().peekable());
    stages.all
}

struct Stages<'s> {
    models: Models<'s>,
    tables: &'s Tables,
    /// How records come from the tables as they are called once renames are done.
    carried: &'s Succession<'s>,
    all: Vec<Planned>,
}

type Differences = Peekable<IntoIter<Difference>>;

impl Stages<'_> {
    /// All steps: differences are in the order of their stages, and between some of these is what no single difference
    /// needs.
    fn all(&mut self, mut rest: Differences) {
        self.mentions_removed();
        self.searches_removed();
        self.up_to(Stage::IndexesRemoved, &mut rest);
        self.rename(&mut rest);
        self.up_to(Stage::ValuesChanged, &mut rest);
        self.rewrite();
        self.up_to(Stage::NamesRemoved, &mut rest);
        self.swap();
        self.up_to(Stage::ValuesRenamed, &mut rest);
        self.indexes_again();
        self.up_to(Stage::IndexesAdded, &mut rest);
        self.mentions();
        self.searches();
        self.paths();
        self.sums();
        self.up_to(Stage::Behaviour, &mut rest);
        self.histories();
    }

    /// Computes the paths of records in trees.
    fn paths(&mut self) {
        let Models { new, dialect, .. } = self.models;
        for (collection, statement) in self.carried.paths_to_compute() {
            let words = format!("compute the tree of {} for every stored record", new.collection(collection).name);
            self.push_own(&words, dialect.risk(Work::Writes), vec![Action::Run(statement)]);
        }
    }

    /// Computes stored sums, over everything else as it is then.
    fn sums(&mut self) {
        let Models { new, dialect, .. } = self.models;
        for ComputedSums { collection, fields, statement } in self.carried.sums_to_compute() {
            let collection = new.collection(collection);
            let names: Vec<String> =
                fields.iter().map(|field| format!("{}.{}", collection.name, collection.field(*field).name)).collect();
            let words = format!("compute {} for every stored record", names.join(", "));
            self.push_own(&words, dialect.risk(Work::Writes), vec![Action::Run(statement)]);
        }
    }

    fn mentions_removed(&mut self) {
        let removed = mentions::removed(self.models, self.tables);
        if !removed.is_empty() {
            let actions = removed.into_iter().map(Action::Run).collect();
            self.push_own("remove the tables of references in documents that change", Risk::Safe, actions);
        }
    }

    /// Makes the tables of relations in documents, from the documents as they are then.
    fn mentions(&mut self) {
        let Models { new, pairing, .. } = self.models;
        for collection in &new.collections {
            let made = mentions::made(self.models, self.tables, collection);
            let mut actions: Vec<Action> =
                mentions::create(self.models, collection, &made).into_iter().map(Action::Run).collect();
            if actions.is_empty() {
                continue;
            }
            let mut risk = Risk::Safe;
            if pairing.collection(collection.id).is_some() {
                risk = Risk::Locks;
                actions.extend(made.into_iter().map(|mention| Action::Mentions(collection.id, mention.clone())));
            }
            let words = format!("keep track of the references in the documents of {}", collection.name);
            self.push_own(&words, risk, actions);
        }
    }

    fn searches_removed(&mut self) {
        let removed = searches::removed(self.models, self.carried);
        if !removed.is_empty() {
            let actions = removed.into_iter().map(Action::Run).collect();
            self.push_own("remove indexes of full-text search that change", Risk::Safe, actions);
        }
    }

    /// Builds the indexes of full-text search from the records as they are then.
    fn searches(&mut self) {
        let Models { new, pairing, .. } = self.models;
        let renamed = searches::renamed(self.models, self.carried);
        if !renamed.is_empty() {
            self.push_own(
                "rename indexes of full-text search",
                Risk::Safe,
                renamed.into_iter().map(Action::Run).collect(),
            );
        }
        for collection in &new.collections {
            let made = searches::made(self.models, self.carried, collection);
            if made.is_empty() {
                continue;
            }
            let mut actions: Vec<Action> = made.into_iter().map(Action::Run).collect();
            let mut risk = Risk::Safe;
            if pairing.collection(collection.id).is_some() {
                risk = Risk::Locks;
                actions.push(Action::Search(collection.id));
            }
            self.push_own(&format!("build the index of full-text search in {}", collection.name), risk, actions);
        }
    }

    /// Adds versions of records, over everything else as it is then.
    fn histories(&mut self) {
        for (words, risk, statements) in histories::follow(self.models, self.carried) {
            self.push_own(&words, risk, statements.into_iter().map(Action::Run).collect());
        }
    }

    /// Bridges the differences up to the end of a stage.
    fn up_to(&mut self, stage: Stage, rest: &mut Differences) {
        let mut bridged = Vec::new();
        while let Some(difference) = rest.next_if(|difference| difference.stage() <= stage) {
            let statements = self.statements(&difference);
            bridged.push((difference, statements));
        }
        self.connect(&mut bridged);
        for (difference, statements) in bridged {
            self.push(difference, statements);
        }
    }

    /// New types can refer to each other: the last one brings what leads from any of them to another.
    fn connect(&self, bridged: &mut [(Difference, Vec<Statement>)]) {
        let is_added = |difference: &Difference| matches!(difference, Difference::CollectionAdded { .. });
        let added: Vec<&Collection> = bridged.iter().filter_map(|(difference, _)| self.added(difference)).collect();
        if let Some((_, statements)) = bridged.iter_mut().rev().find(|(difference, _)| is_added(difference)) {
            statements.extend(schema::connect(self.models.new, &added, self.models.dialect));
        }
    }

    /// The type that comes.
    fn added(&self, difference: &Difference) -> Option<&Collection> {
        let Difference::CollectionAdded { collection } = difference else { return None };
        Some(self.models.collection(collection))
    }

    /// All renames are one, which the first of them shows: names can change places.
    fn rename(&mut self, rest: &mut Differences) {
        let mut renames = Some(self.tables.renames.clone());
        while let Some(difference) = rest.next_if(|difference| difference.stage() <= Stage::Renames) {
            let statements = if difference.work() == Work::Renames { renames.take() } else { None };
            let mut statements = statements.unwrap_or_default();
            statements.extend(self.loosened(&difference));
            self.push(difference, statements);
        }
        self.make_room(renames);
    }

    /// A required reference to records of one type that can now lead to several is in one of several columns.
    fn loosened(&self, difference: &Difference) -> Vec<Statement> {
        let Difference::TypeChanged { collection, field, change: TypeChange::Referring, .. } = difference else {
            return Vec::new();
        };
        let Models { old, pairing, .. } = self.models;
        let (collection, holder) = self.models.field(collection, field);
        let was = |part: &Field| pairing.collection(collection.id).zip(pairing.field(collection.id, part.id));
        let was_required = |part: &&Field| was(part).is_some_and(|(before, was)| old.field(before, was).required);
        let parts = collection.members(Some(holder.id)).filter(was_required);
        let statements = parts.flat_map(|part| alter::require(collection, part, false));
        if self.tables.is_rewritten(collection) { Vec::new() } else { statements.collect() }
    }

    fn push(&mut self, difference: Difference, statements: Vec<Statement>) {
        let step = Step {
            risk: self.models.dialect.risk(difference.work()),
            api: difference.api_change().filter(|_| !histories::is_about(self.models, &difference)),
            ..Step::safe(&difference.to_string(), &statements)
        };
        let actions = statements.into_iter().map(Action::Run).collect();
        self.all.push(Planned { step, actions, difference: Some(difference) });
    }

    fn push_own(&mut self, words: &str, risk: Risk, actions: Vec<Action>) {
        let Models { new, dialect, .. } = self.models;
        let sql = actions.iter().flat_map(|action| match action {
            Action::Run(statement) => vec![statement.text().to_owned()],
            Action::Copy(collection) => vec![self.carried.copy(*collection, None).text().to_owned()],
            Action::Mentions(_, mention) => vec![alter::insert_link(new, &mention.link, dialect).text().to_owned()],
            Action::Search(collection) => {
                let templates = SearchTemplates::of(new, new.collection(*collection), dialect);
                let put = templates.map(|templates| templates.put).unwrap_or_default();
                put.iter().map(|template| template.text().to_owned()).collect()
            }
        });
        let sql = sql.collect();
        let step = Step { sql, risk, ..Step::safe(words, &[]) };
        self.all.push(Planned { step, actions, difference: None });
    }

    /// Renames where nothing is called otherwise in the model: of tables that go, whose names new ones take, and of indexes,
    /// whose names depend on how a condition is spelled.
    fn make_room(&mut self, renames: Option<Vec<Statement>>) {
        if let Some(renames) = renames.filter(|renames| !renames.is_empty()) {
            let actions = renames.into_iter().map(Action::Run).collect();
            let words = match self.tables.renames_indexes {
                true => "rename indexes",
                false => "rename tables that will be removed, because new ones take their names",
            };
            self.push_own(words, Risk::Safe, actions);
        }
    }

    fn rewritten(&self) -> impl Iterator<Item = &'_ Collection> {
        self.models.new.collections.iter().filter(|collection| self.tables.is_rewritten(collection))
    }

    fn rewrite(&mut self) {
        let Models { new, dialect, .. } = self.models;
        let rewritten: Vec<&Collection> = new.collections.iter().filter(|of| self.tables.is_rewritten(of)).collect();
        for collection in rewritten {
            let table = Action::Run(alter::create_next(new, collection, dialect));
            // A start takes it for Backstay's own records, about which nobody has anything to decide.
            let of_history = collection.versions.as_ref().map(|versions| &new.collection(versions.of).name);
            let (words, risk) = match (of_history, collection.system) {
                (Some(of), _) => (format!("copy the history of {of} into a new table"), Risk::Rewrites),
                (None, true) => (format!("update Backstay's own records of {}", collection.name), Risk::Locks),
                (None, false) => (format!("copy the records of {} into a new table", collection.name), Risk::Rewrites),
            };
            self.push_own(&words, risk, vec![table, Action::Copy(collection.id)]);
        }
    }

    /// Puts the tables that were written anew in the place of the old ones.
    fn swap(&mut self) {
        let Models { new, pairing, dialect, .. } = self.models;
        let mut statements = Vec::new();
        for collection in self.rewritten() {
            if let Some(before) = pairing.collection(collection.id) {
                statements.push(alter::drop_table(&self.tables.carried.collection(before).table, dialect));
            }
            statements.push(alter::rename_table(&next_table(&collection.table), &collection.table, dialect));
        }
        for collection in self.rewritten() {
            statements.extend(alter::add_references(new, collection, dialect));
            statements.extend(self.references_to(collection));
        }
        if !statements.is_empty() {
            let actions = statements.into_iter().map(Action::Run).collect();
            self.push_own("replace old tables by new ones", Risk::Safe, actions);
        }
    }

    /// References to a table that was written anew, from those that weren't; dropping the old one ended them.
    fn references_to(&self, target: &Collection) -> Vec<Statement> {
        let Models { new, dialect, .. } = self.models;
        let mut statements = Vec::new();
        for from in &new.collections {
            let is_rewritten = self.tables.is_rewritten(from);
            for field in &from.fields {
                match &field.kind {
                    FieldKind::ToOne { target: to, .. } if *to == target.id && !is_rewritten => {
                        statements.extend(alter::add_reference(new, (from, field), dialect));
                    }
                    FieldKind::ManyToMany { target: to, link } if link.owner => {
                        for (near, _) in [(true, from.id), (false, *to)].iter().filter(|(_, end)| *end == target.id) {
                            statements.extend(alter::add_link_reference((link, *near), target, new, dialect));
                        }
                    }
                    _ => {}
                }
            }
        }
        statements
    }

    /// Makes those indexes again that went with an old table or whose names follow a rename.
    fn indexes_again(&mut self) {
        let Models { old, new, pairing, dialect, .. } = self.models;
        for after in &new.collections {
            let is_rewritten = self.tables.is_rewritten(after);
            let mut actions = Vec::new();
            for index in &after.indexes {
                let Some(was) = index_before((old, new), pairing, after.id, index) else { continue };
                let is_gone = was.name != index.name && alter::rename_index(&was.name, &index.name, dialect).is_none();
                if is_rewritten || is_gone {
                    let made = schema::add_index(new, after, index, dialect);
                    actions.extend(made.into_iter().map(Action::Run));
                }
            }
            if !actions.is_empty() {
                self.push_own(&format!("rebuild the indexes of {}", after.name), Risk::Locks, actions);
            }
        }
    }

    /// What bridges a difference by itself; nothing where the table is written anew for it.
    #[expect(clippy::too_many_lines, reason = "one arm for each difference")]
    fn statements(&self, difference: &Difference) -> Vec<Statement> {
        let Models { new, dialect, .. } = self.models;
        match difference {
            Difference::CollectionAdded { collection } => {
                schema::add_table(new, self.models.collection(collection), dialect)
            }
            Difference::FieldAdded { collection, field, filled, .. } if *filled != Filled::NotStored => {
                self.in_place((collection, field), |collection, field| self.added_field(collection, field))
            }
            Difference::LinkAdded { collection, field, .. } => {
                alter::create_link(new, self.models.field(collection, field), dialect)
            }
            Difference::TypeChanged { collection, field, .. } => {
                let (collection, field) = self.models.field(collection, field);
                let mut statements = self.copied_link(collection, field);
                statements.extend(self.unstored(collection, field));
                statements
            }
            Difference::RequiredTightened { collection, field, .. } => {
                self.in_place((collection, field), |collection, field| {
                    let mut statements = alter::fill_default(new, collection, field, dialect);
                    // A member of an embedded value that can be absent has no value where it is.
                    if field.required {
                        statements.extend(alter::require(collection, field, true));
                    }
                    statements
                })
            }
            Difference::RequiredLoosened { collection, field } => {
                self.in_place((collection, field), |collection, field| alter::require(collection, field, false))
            }
            Difference::TreeAdded { collection, .. } => self.added_path(collection),
            Difference::TreeRemoved { collection } => self.removed_path(collection),
            Difference::HistoryAdded { collection, .. } => histories::added(self.models, collection),
            Difference::HistoryRemoved { collection } => {
                histories::removed(self.models, &self.tables.carried, collection)
            }
            Difference::IndexAdded { collection, index, .. } => self.added_index(collection, index),
            Difference::IndexRemoved { collection, index, .. } => self.removed_index(collection, index),
            Difference::FieldRemoved { collection, field, stored: true } => self.removed(collection, field),
            Difference::LinkRemoved { collection, field, .. } => self.removed_link(collection, field),
            Difference::LinksOrdered { collection, field } => self.ordered_links(collection, field),
            Difference::LinksUnordered { collection, field } => self.unordered_links(collection, field),
            Difference::CollectionRemoved { collection } => self.removed_type(collection),
            Difference::EnumValuesRenamed { name, .. } => self.renamed_values(name),
            Difference::AccountsMoved { .. } => alter::delete_accounts(self.models.old, dialect),
            Difference::CollectionRenamed { .. }
            | Difference::FieldRenamed { .. }
            | Difference::FieldAdded { .. }
            | Difference::EnumRenamed { .. }
            | Difference::PathChanged { .. }
            | Difference::SingleChanged { .. }
            | Difference::TrashChanged { .. }
            | Difference::HistoryKept { .. }
            | Difference::KeyChanged { .. }
            | Difference::FieldRemoved { stored: false, .. }
            | Difference::EnumValuesAdded { .. }
            | Difference::EnumReordered { .. }
            | Difference::EnumValuesRemoved { .. }
            | Difference::LengthChanged { .. }
            | Difference::LimitChanged { .. }
            | Difference::MemberChanged { .. }
            | Difference::ComputedChanged { .. }
            | Difference::SumChanged { .. }
            | Difference::UpkeepChanged { .. }
            | Difference::SequenceAdded { .. }
            | Difference::ExclusionAdded { .. }
            | Difference::ExclusionRemoved { .. }
            | Difference::CheckAdded { .. }
            | Difference::CheckRemoved { .. }
            | Difference::OnDeleteChanged { .. }
            | Difference::BehaviourChanged { .. }
            | Difference::ApplicationChanged { .. }
            | Difference::SecretRevealed { .. }
            | Difference::RolesMerged { .. }
            | Difference::RolesRemoved { .. } => Vec::new(),
        }
    }

    /// What is done to a field whose table stays; nothing where the copy of the table does it.
    fn in_place(
        &self,
        (collection, field): (&str, &str),
        change: impl FnOnce(&Collection, &Field) -> Vec<Statement>,
    ) -> Vec<Statement> {
        let (collection, field) = self.models.field(collection, field);
        if self.tables.is_rewritten(collection) { Vec::new() } else { change(collection, field) }
    }

    fn added_field(&self, collection: &Collection, field: &Field) -> Vec<Statement> {
        let Models { new, pairing, dialect, .. } = self.models;
        // Fields come in the order of the model.
        let is_there = |other: &Field| other.id < field.id || pairing.field(collection.id, other.id).is_some();
        schema::add_field(new, (collection, field), is_there, dialect)
    }

    /// The column of the paths of a type whose records have none yet.
    fn added_path(&self, collection: &str) -> Vec<Statement> {
        let Models { new, pairing, .. } = self.models;
        let collection = self.models.collection(collection);
        let path = collection.tree.map(|tree| new.field(collection.id, tree.path));
        let path = path.filter(|path| pairing.field(collection.id, path.id).is_none());
        let path = path.filter(|_| !self.tables.is_rewritten(collection));
        path.map_or_else(Vec::new, |path| self.added_field(collection, path))
    }

    fn removed_path(&self, collection: &str) -> Vec<Statement> {
        let (before, after) = self.models.pair(collection);
        let carried = self.tables.carried.collection(before.id);
        let path = before.tree.map(|tree| carried.field(tree.path)).filter(|_| !self.tables.is_rewritten(after));
        path.map_or_else(Vec::new, |path| alter::drop_columns(carried, path, self.models.dialect))
    }

    fn added_index(&self, collection: &str, index: &str) -> Vec<Statement> {
        let Models { new, dialect, .. } = self.models;
        let collection = self.models.collection(collection);
        let added = collection.indexes.iter().filter(|candidate| candidate.name == index);
        added.flat_map(|index| schema::add_index(new, collection, index, dialect)).collect()
    }

    fn removed_type(&self, collection: &str) -> Vec<Statement> {
        let gone = self.tables.carried.collection(self.models.removed(collection).id);
        let links = gone.links().map(|(_, link)| alter::drop_table(&link.table, self.models.dialect));
        links.chain([alter::drop_table(&gone.table, self.models.dialect)]).collect()
    }

    fn removed_index(&self, collection: &str, index: &str) -> Vec<Statement> {
        let (before, _) = self.models.pair(collection);
        let gone = before.indexes.iter().filter(|known| known.name == index);
        let names = gone.flat_map(|index| schema::index_names(index, self.models.dialect));
        names.flat_map(|name| schema::drop_index(&name, self.models.dialect)).collect()
    }

    fn removed(&self, collection: &str, field: &str) -> Vec<Statement> {
        let (before, gone) = self.models.old_field(collection, field);
        if self.tables.is_rewritten(self.models.collection(collection)) {
            return Vec::new();
        }
        let carried = self.tables.carried.collection(before.id);
        alter::drop_columns(carried, carried.field(gone.id), self.models.dialect)
    }

    /// The columns of a field that has become a relation to many.
    fn unstored(&self, collection: &Collection, field: &Field) -> Vec<Statement> {
        let Models { pairing, dialect, .. } = self.models;
        let was = pairing.collection(collection.id).zip(pairing.field(collection.id, field.id));
        let Some((before, was)) = was.filter(|_| !self.tables.is_rewritten(collection)) else { return Vec::new() };
        let carried = self.tables.carried.collection(before);
        let was = carried.field(was);
        if field.is_stored() { Vec::new() } else { alter::drop_columns(carried, was, dialect) }
    }

    fn removed_link(&self, collection: &str, field: &str) -> Vec<Statement> {
        let (before, gone) = self.models.old_field(collection, field);
        let links = self.tables.carried.collection(before.id).links();
        let gone = links.filter(|(field, _)| field.id == gone.id);
        gone.map(|(_, link)| alter::drop_table(&link.table, self.models.dialect)).collect()
    }

    fn ordered_links(&self, collection: &str, field: &str) -> Vec<Statement> {
        let Models { new, dialect, .. } = self.models;
        let (of, ordered) = self.models.field(collection, field);
        let links = of.links().filter(|(field, _)| field.id == ordered.id);
        links.flat_map(|(_, link)| alter::order_links(new, link, dialect)).collect()
    }

    /// The places of links go; if the relation is declared at its other end now, they have gone with the old table.
    fn unordered_links(&self, collection: &str, field: &str) -> Vec<Statement> {
        let Models { old, new, pairing, dialect, .. } = self.models;
        let (before, gone) = self.models.old_field(collection, field);
        let source = LinkSource::Same(before.id, gone.id);
        let all = new.collections.iter().flat_map(|of| of.links().map(move |(field, link)| (of.id, field.id, link)));
        let same = all.filter(|(of, field, _)| pairing.link_source(old, new, (*of, *field)) == source);
        same.map(|(_, _, link)| alter::unorder_links(link, dialect)).collect()
    }

    /// The link table of a relation that was one to a single record, or was declared at its other end.
    fn copied_link(&self, collection: &Collection, field: &Field) -> Vec<Statement> {
        let Models { old, new, pairing, dialect, .. } = self.models;
        if !matches!(&field.kind, FieldKind::ManyToMany { link, .. } if link.owner) {
            return Vec::new();
        }
        let gone = match pairing.link_source(old, new, (collection.id, field.id)) {
            LinkSource::Turned(of, field) => match &self.tables.carried.field(of, field).kind {
                FieldKind::ManyToMany { link, .. } => Some(alter::drop_table(&link.table, dialect)),
                _ => None,
            },
            LinkSource::One(..) => None,
            LinkSource::New | LinkSource::Same(..) => return Vec::new(),
        };
        let mut statements = alter::create_link(new, (collection, field), dialect);
        statements.extend(self.carried.copy_links(collection.id, field.id));
        statements.extend(gone);
        statements
    }

    /// In the columns of tables that aren't written anew.
    fn renamed_values(&self, name: &str) -> Vec<Statement> {
        let Models { new, pairing, .. } = self.models;
        let mut statements = Vec::new();
        for collection in new.collections.iter().filter(|of| !self.tables.is_rewritten(of)) {
            let Some(before) = pairing.collection(collection.id) else { continue };
            for field in &collection.fields {
                let FieldKind::Enum(id) = field.kind else { continue };
                if new.enumeration(id).name == name
                    && let Origin::Kept(was) = self.carried.origin(collection.id, field.id)
                {
                    statements.extend(self.carried.rename_values(before, (was, &field.kind)));
                }
            }
        }
        statements
    }
}
