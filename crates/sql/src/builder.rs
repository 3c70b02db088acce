use std::sync::Arc;

use backstay_base::{Action, KeyForm};
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, CollectionId, FieldId, FieldKind, Link, Mention, Model, Toward, Versions};
use backstay_scalar::Storage;
use sea_query::{Alias, Expr as Sql, ExprTrait, JoinType, Query, QueryStatementWriter, SelectStatement, UnionType};

use crate::forest::{self, Forest};
use crate::param::Encoding;
use crate::predicate::Pred;
use crate::relation::{Part, Relation, Rows, links, relation};
use crate::slots::Slots;
use crate::tree::{column, integer, name};
use crate::{ColumnRef, ColumnType, Dialect, Extent, PageStart, Perspective, Slot, Template};

/// The name of the rank, in the SELECT that finds records.
pub(crate) const RANK: &str = "rank";

/// A statement under construction: its placeholders, and the tables of its SELECTs.
#[derive(Debug)]
pub(crate) struct Builder<'m> {
    pub(crate) model: &'m Model,
    pub(crate) dialect: Dialect,
    slots: Slots,
    frames: Vec<Frame>,
    aliases: usize,
    /// The alias of the records that a search finds, with their ranks.
    ranked: Option<Arc<str>>,
    extent: Extent,
}

/// The tables of one SELECT: what it reads from, and to-one relations that paths need, each joined once.
#[derive(Debug, Default)]
struct Frame {
    sources: Vec<Source>,
    joins: Vec<Join>,
}

#[derive(Debug)]
struct Source {
    rows: Rows,
    part: Part,
    alias: Arc<str>,
}

/// What is joined to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The record that a to-one relation leads to.
    Relation(FieldId),
    /// The record itself, of which only the key has been read.
    Row,
    /// Of a version the last one of the same record.
    Last,
    /// Of a version the record itself, if it is live.
    Live,
}

#[derive(Debug)]
struct Join {
    from: Record,
    way: Way,
    alias: Arc<str>,
    rows: Rows,
    part: Part,
    on: Sql,
}

/// A record in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A row of the table that goes by this alias.
    Row(Arc<str>),
    /// A row of the one table that a statement is about, whose columns go by their names alone.
    Bare,
    /// A record whose key alone has been read, from this column of a link table.
    Linked(Arc<str>, Arc<str>),
    /// `Slot::Proposed`.
    Proposed,
    /// `Slot::Stored`.
    Stored,
    /// `Slot::Old`.
    Old,
    /// `Slot::Account`.
    Account,
}

/// A record, its collection, and the SELECT to which its relations are joined.
#[derive(Debug, Clone)]
pub(crate) struct Anchor {
    pub(crate) frame: usize,
    pub(crate) record: Record,
    pub(crate) collection: CollectionId,
    pub(crate) perspective: Perspective,
}

/// A record that exists only where rules are true of it: see `lower::sees`.
#[derive(Debug)]
pub(crate) struct Seen<'r> {
    pub(crate) anchor: Anchor,
    pub(crate) read: &'r Rule,
    /// The rule of the record's own field that declares the relation by whose `@inverse` it was reached: whoever does not
    /// see that field does not see that the record is at the other end.
    pub(crate) declared: Option<&'r Rule>,
}

/// The members of a to-many relation in a SELECT of their own.
#[derive(Debug)]
pub(crate) struct Members<'r> {
    pub(crate) member: Seen<'r>,
    /// The key of the record that has the relation, in the member's row; `None` where all members are those of one
    /// record.
    pub(crate) owner: Option<Sql>,
}

impl Anchor {
    /// The alias of the row that it is.
    pub(crate) fn alias(&self) -> Arc<str> {
        let Record::Row(alias) = &self.record else { unreachable!("only a stored row has an alias") };
        Arc::clone(alias)
    }
}

impl<'m> Builder<'m> {
    pub(crate) fn new(model: &'m Model, dialect: Dialect) -> Self {
        Self {
            model,
            dialect,
            slots: Slots::new(dialect),
            frames: Vec::new(),
            aliases: 0,
            ranked: None,
            extent: Extent::default(),
        }
    }

    /// A name for a table that no other in the statement has.
    pub(crate) fn alias(&mut self) -> Arc<str> {
        self.aliases += 1;
        format!("t{}", self.aliases).into()
    }

    /// Writes constants into the text from now on, or binds them; returns what was done before.
    pub(crate) fn write_constants(&mut self, write: bool) -> bool {
        std::mem::replace(&mut self.slots.writes_constants, write)
    }

    /// A placeholder.
    pub(crate) fn slot(&mut self, slot: Slot, encoding: impl Into<Encoding>) -> Sql {
        self.slots.placeholder(slot, encoding.into())
    }

    /// How large a nested list of the statement may be.
    pub(crate) fn list_bytes(&mut self) -> Sql {
        self.slots.list_bytes()
    }

    /// Limits a select to the number in a slot.
    pub(crate) fn limit(&mut self, select: &mut SelectStatement, slot: Slot) {
        self.slots.limit(select, slot);
    }

    /// Limits a select to a page that starts here.
    pub(crate) fn limit_to_page(&mut self, select: &mut SelectStatement, start: &PageStart) {
        self.limit(select, Slot::Limit);
        match start {
            PageStart::Skip => self.slots.skip(select, Slot::Skip),
            PageStart::First | PageStart::After(_) | PageStart::Before(_) => {}
        }
    }

    /// Keeps other transactions from changing a record that a SELECT reads, until this one ends.
    pub(crate) fn hold(&self, record: &Anchor, select: &mut SelectStatement) {
        let Record::Row(alias) = &record.record else { unreachable!("only a stored row is held") };
        self.dialect.hold(select, alias);
    }

    /// Keeps a subquery from being merged into the one around it.
    pub(crate) fn keep_apart(&mut self, select: &mut SelectStatement) {
        self.slots.keep_apart(select);
    }

    /// The finished statement.
    pub(crate) fn finish(self, statement: &impl QueryStatementWriter, columns: Vec<ColumnType>) -> Template {
        self.slots.finish(statement, columns, self.extent)
    }

    /// Notes that a place in a nested list has values of classified fields.
    pub(crate) fn note_classified(&mut self) {
        self.extent.classified = true;
    }

    /// Notes that a nested list is written.
    pub(crate) fn count_list(&mut self) {
        self.extent.lists += 1;
    }

    /// Notes that all records are read before the first row is known.
    pub(crate) fn read_whole(&mut self) {
        self.extent.whole = true;
    }

    /// Notes that words are looked up.
    pub(crate) fn note_search(&mut self) {
        self.extent.searches = true;
    }

    /// A SELECT without tables so far.
    pub(crate) fn frame(&mut self) -> usize {
        self.frames.push(Frame::default());
        self.frames.len() - 1
    }

    fn source(&mut self, frame: usize, rows: Rows, part: Part) -> Arc<str> {
        let alias = self.alias();
        self.frames[frame].sources.push(Source { rows, part, alias: Arc::clone(&alias) });
        alias
    }

    /// Reads from a collection in a new SELECT.
    pub(crate) fn rows<'r>(
        &mut self,
        collection: &Collection,
        perspective: Perspective,
        (rights, action): (&'r Rights, Action),
    ) -> Seen<'r> {
        let frame = self.frame();
        let relation = relation(collection, perspective, (rights, action));
        let record = Record::Row(self.source(frame, relation.rows, relation.part));
        let anchor = Anchor { frame, record, collection: collection.id, perspective };
        Seen { anchor, read: relation.read, declared: None }
    }

    /// Reads from a SELECT in a new one: that one, and the alias of the rows.
    pub(crate) fn select(&mut self, rows: SelectStatement) -> (usize, Arc<str>) {
        let frame = self.frame();
        (frame, self.source(frame, Rows::Select(Box::new(rows)), Part::All))
    }

    /// Reads from a SELECT of records and ranks before all else in an existing one; gives its alias.
    pub(crate) fn read_ranked(&mut self, frame: usize, rows: SelectStatement) -> Arc<str> {
        let alias = self.alias();
        let source = Source { rows: Rows::Select(Box::new(rows)), part: Part::All, alias: Arc::clone(&alias) };
        self.frames[frame].sources.insert(0, source);
        self.ranked = Some(Arc::clone(&alias));
        alias
    }

    /// The rank of the record that is read.
    ///
    /// # Panics
    /// Panics if none was searched for: whoever orders by ranks searches.
    pub(crate) fn rank(&self) -> Sql {
        column(self.ranked.as_ref().expect("what is ranked is searched for"), RANK)
    }

    /// Reads from the links of a many-to-many relation in a new SELECT: the SELECT, and the alias of the links.
    pub(crate) fn links(&mut self, link: &Link, perspective: Perspective) -> (usize, Arc<str>) {
        let frame = self.frame();
        (frame, self.source(frame, links(link, perspective), Part::All))
    }

    /// The members of a to-many relation, of all records that have it, in a new SELECT; `None` for any other field.
    pub(crate) fn members<'r>(
        &mut self,
        kind: &FieldKind,
        (perspective, rights): (Perspective, &'r Rights),
    ) -> Option<Members<'r>> {
        let perspective = perspective.of_related(kind);
        let declared = kind.declared_by().map(|(target, field)| rights.field(target, field, Action::Read));
        match kind {
            FieldKind::OneToMany { target, via } => {
                let rows = self.rows(self.model.collection(*target), perspective, (rights, Action::Read));
                let owner = self.stored(&rows.anchor, ColumnRef::main(*via));
                Some(Members { member: Seen { declared, ..rows }, owner: Some(owner) })
            }
            FieldKind::ManyToMany { target, link } => {
                let members = self.linked((link, *target), (perspective, rights));
                Some(Members { member: Seen { declared, ..members.member }, ..members })
            }
            FieldKind::Lineage { target, toward } => {
                let collection = self.model.collection(*target);
                let (near, far, known) = match toward {
                    Toward::Root => (forest::BELOW, forest::ABOVE, Toward::Leaves),
                    Toward::Leaves => (forest::ABOVE, forest::BELOW, Toward::Root),
                };
                let (frame, alias) = self.select(Forest::of(collection, self.dialect).pairs(known));
                let owner = column(&alias, near);
                let record = Record::Linked(alias, far.into());
                let read = relation(collection, perspective, (rights, Action::Read)).read;
                let anchor = Anchor { frame, record, collection: *target, perspective };
                Some(Members { member: Seen { anchor, read, declared }, owner: Some(owner) })
            }
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToOne { .. } => None,
        }
    }

    /// The records that documents refer to by a relation, each once for each record with such a document, in a new
    /// SELECT. They are live, wherever the document is.
    pub(crate) fn mentioned<'r>(&mut self, mention: &Mention, rights: &'r Rights) -> Members<'r> {
        self.linked((&mention.link, mention.relation.target), (Perspective::Live, rights))
    }

    /// The records at the far ends of links, with the ids at the near ends, in a new SELECT.
    fn linked<'r>(
        &mut self,
        (link, target): (&Link, CollectionId),
        (perspective, rights): (Perspective, &'r Rights),
    ) -> Members<'r> {
        let (frame, alias) = self.links(link, perspective);
        let owner = column(&alias, &link.near);
        let record = Record::Linked(alias, link.far.as_str().into());
        let read = relation(self.model.collection(target), perspective, (rights, Action::Read)).read;
        let anchor = Anchor { frame, record, collection: target, perspective };
        Members { member: Seen { anchor, read, declared: None }, owner: Some(owner) }
    }

    /// The members that a relation of the proposed record would have, in a new SELECT, if they aren't just the stored ones:
    /// of a many-to-many relation those that were sent, and where none were, the stored ones; the records that would be
    /// above it. `None` for any other field.
    pub(crate) fn proposed_members<'r>(
        &mut self,
        proposed: &Anchor,
        field: FieldId,
        rights: &'r Rights,
    ) -> Option<Members<'r>> {
        const FAR: &str = "far";
        let (target, rows) = match &self.model.field(proposed.collection, field).kind {
            FieldKind::ManyToMany { target, link } => (target, self.proposed_links(proposed, field, (link, FAR))),
            FieldKind::Lineage { target, toward: Toward::Root } => {
                let collection = self.model.collection(*target);
                let parent = collection.tree.map(|tree| self.stored(proposed, ColumnRef::main(tree.parent)))?;
                (target, Forest::of(collection, self.dialect).up_from(parent, FAR))
            }
            // What is below a record goes where the record goes.
            FieldKind::Lineage { toward: Toward::Leaves, .. }
            | FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::OneToOne { .. } => return None,
        };
        let (frame, alias) = self.select(rows);
        let record = Record::Linked(alias, FAR.into());
        let read = relation(self.model.collection(*target), proposed.perspective, (rights, Action::Read)).read;
        let anchor = Anchor { frame, record, collection: *target, perspective: proposed.perspective };
        Some(Members { member: Seen { anchor, read, declared: None }, owner: None })
    }

    /// The ids at the far ends of the links that the proposed record would have, in a column of this name.
    fn proposed_links(
        &mut self,
        proposed: &Anchor,
        field: FieldId,
        (link, far): (&Link, &'static str),
    ) -> SelectStatement {
        let mut sent =
            || self.slot(Slot::Proposed(ColumnRef::main(field)), ColumnType::List(Storage::Id(link.far_key)));
        let (is_sent, list) = (sent(), sent());
        let mut rows = Query::select();
        rows.expr_as(Sql::col(name(&link.far)), name(far));
        match links(link, proposed.perspective) {
            Rows::Table(table) => rows.from(name(&table)),
            Rows::Select(stored) => rows.from_subquery(*stored, name("stored")),
        };
        rows.and_where(Sql::col(name(&link.near)).eq(self.key(proposed))).and_where(is_sent.is_null());
        rows.union(UnionType::All, self.dialect.ids_of((list, link.far_key), far));
        rows
    }

    /// Where the record is part of its collection. Records that a path leads to are null where they are not.
    pub(crate) fn is_part(&mut self, anchor: &Anchor) -> Pred {
        let part = relation(
            self.model.collection(anchor.collection),
            anchor.perspective,
            (Rights::unrestricted(), Action::Read),
        )
        .part;
        if part == Part::All {
            return Pred::Known(true);
        }
        match &anchor.record {
            Record::Row(alias) => {
                let is_source = self.frames[anchor.frame].sources.iter().any(|source| source.alias == *alias);
                let condition = part.condition(alias, || self.moment()).filter(|_| is_source);
                condition.map_or(Pred::Known(true), Pred::Sql)
            }
            Record::Linked(..) => {
                let row = self.row(anchor);
                Pred::Sql(self.key(&row).is_not_null())
            }
            Record::Bare | Record::Proposed | Record::Stored | Record::Old | Record::Account => Pred::Known(true),
        }
    }

    /// The record's key.
    pub(crate) fn key(&mut self, anchor: &Anchor) -> Sql {
        match &anchor.record {
            Record::Linked(alias, far) => column(alias, far),
            Record::Row(_) | Record::Bare | Record::Proposed | Record::Stored | Record::Old | Record::Account => {
                self.stored(anchor, ColumnRef::main(Collection::ID))
            }
        }
    }

    /// A stored column of the record.
    pub(crate) fn stored(&mut self, anchor: &Anchor, at: ColumnRef) -> Sql {
        if anchor.perspective.is_of_versions()
            && let Record::Row(alias) = &anchor.record
        {
            return self.versioned(anchor.collection, alias, at);
        }
        let slot = match &anchor.record {
            Record::Row(alias) => return column(alias, &self.column(anchor.collection, at).name),
            Record::Bare => return Sql::col(name(&self.column(anchor.collection, at).name)),
            Record::Linked(..) => {
                let row = self.row(anchor);
                return self.stored(&row, at);
            }
            Record::Proposed => Slot::Proposed(at),
            Record::Stored => Slot::Stored(at),
            Record::Old => Slot::Old(at),
            Record::Account => Slot::Account(at),
        };
        let encoding = Encoding::Column(self.column(anchor.collection, at).into());
        self.slot(slot, encoding)
    }

    /// A stored column of a version.
    ///
    /// # Panics
    /// Panics if a history doesn't keep the field. A plausible value instead, such as null, would answer rules and filters:
    /// they are asked for what is kept before.
    fn versioned(&mut self, collection: CollectionId, alias: &str, at: ColumnRef) -> Sql {
        if at.field == Collection::ID {
            return column(alias, Versions::RECORD);
        }
        let field = self.model.field(collection, at.field);
        assert!(field.is_in_history(), "a version has no `{}`", field.name);
        column(alias, &self.column(collection, at).name)
    }

    /// The last version of the record that a version is of.
    pub(crate) fn last_version(&mut self, anchor: &Anchor) -> Anchor {
        self.same_record(anchor, (Way::Last, Perspective::Last))
    }

    /// The live record that a version is of; null if it was deleted.
    pub(crate) fn live(&mut self, anchor: &Anchor) -> Anchor {
        self.same_record(anchor, (Way::Live, Perspective::Live))
    }

    fn same_record(&mut self, anchor: &Anchor, (way, perspective): (Way, Perspective)) -> Anchor {
        let same = Anchor { perspective, ..anchor.clone() };
        if let Some(known) = self.joined(anchor, way) {
            return Anchor { record: Record::Row(known), ..same };
        }
        let key = self.key(anchor);
        self.join(&same, way, anchor.collection, (Collection::ID, key))
    }

    /// The alias of what is joined to a record already.
    fn joined(&self, from: &Anchor, way: Way) -> Option<Arc<str>> {
        let joins = &self.frames[from.frame].joins;
        joins.iter().find(|join| join.from == from.record && join.way == way).map(|join| Arc::clone(&join.alias))
    }

    /// A placeholder for the moment of the past that the request is about.
    fn moment(&mut self) -> Sql {
        self.slot(Slot::AsOf, Storage::Timestamp)
    }

    /// The definition of a stored column.
    ///
    /// # Panics
    /// Panics if the field is not stored: what names a column was checked against the model.
    pub(crate) fn column(&self, collection: CollectionId, at: ColumnRef) -> &'m backstay_model::Column {
        let collection = self.model.collection(collection);
        let found = collection.field(at.field).column(at.part);
        found.expect("a column that is named is stored")
    }

    /// The record that a to-one relation leads to.
    ///
    /// # Panics
    /// Panics if the field is not a relation: what is followed was checked against the model.
    pub(crate) fn follow<'r>(&mut self, anchor: &Anchor, field: FieldId, rights: &'r Rights) -> Seen<'r> {
        let from = self.row(anchor);
        let kind = &self.model.field(from.collection, field).kind;
        let target = kind.target().expect("what is followed is a relation");
        let perspective = from.perspective.of_related(kind);
        let relation = relation(self.model.collection(target), perspective, (rights, Action::Read));
        let anchor = if let Some(known) = self.joined(&from, Way::Relation(field)) {
            Anchor { record: Record::Row(known), collection: target, perspective, ..from }
        } else {
            let on = match kind {
                FieldKind::OneToOne { via, .. } => (*via, self.key(&from)),
                _ => (Collection::ID, self.stored(&from, ColumnRef::main(field))),
            };
            self.join(&Anchor { perspective, ..from }, Way::Relation(field), target, on)
        };
        let declared = kind.declared_by().map(|(target, field)| rights.field(target, field, Action::Read));
        Seen { anchor, read: relation.read, declared }
    }

    /// The record, joined if its columns aren't available yet.
    fn row(&mut self, anchor: &Anchor) -> Anchor {
        let Record::Linked(alias, far) = &anchor.record else { return anchor.clone() };
        if let Some(known) = self.joined(anchor, Way::Row) {
            return Anchor { record: Record::Row(known), ..anchor.clone() };
        }
        let key = column(alias, far);
        self.join(anchor, Way::Row, anchor.collection, (Collection::ID, key))
    }

    /// Joins the record of `target` in which the field is the value.
    fn join(&mut self, from: &Anchor, way: Way, target: CollectionId, (at, value): (FieldId, Sql)) -> Anchor {
        let alias = self.alias();
        // `follow` and `members`, which join, return the rule of the rows.
        let Relation { rows, part, .. } =
            relation(self.model.collection(target), from.perspective, (Rights::unrestricted(), Action::Read));
        let joined = Anchor { record: Record::Row(Arc::clone(&alias)), collection: target, ..from.clone() };
        let on = self.stored(&joined, ColumnRef::main(at)).eq(value);
        let join = Join { from: from.record.clone(), way, alias, rows, part, on };
        self.frames[from.frame].joins.push(join);
        joined
    }

    /// Writes the tables of a frame into its SELECT, once all that refers to them is lowered.
    pub(crate) fn from(&mut self, frame: usize, select: &mut SelectStatement) {
        let Frame { sources, joins } = std::mem::take(&mut self.frames[frame]);
        let none = sources.is_empty();
        self.extent.tables = self.extent.tables.max(sources.len() + joins.len());
        for Source { rows, part, alias } in sources {
            match rows {
                Rows::Table(table) => select.from_as(name(&table), name(&alias)),
                Rows::Select(rows) => select.from_subquery(*rows, name(&alias)),
            };
            if let Some(condition) = part.condition(&alias, || self.moment()) {
                select.and_where(condition);
            }
        }
        if none && !joins.is_empty() {
            let one = Query::select().expr_as(integer(1), Alias::new("one")).to_owned();
            select.from_subquery(one, name("t0"));
        }
        for Join { alias, rows, part, on, .. } in joins {
            let on = match part.condition(&alias, || self.moment()) {
                Some(condition) => on.and(condition),
                None => on,
            };
            match rows {
                Rows::Table(table) => select.join_as(JoinType::LeftJoin, name(&table), name(&alias), on),
                Rows::Select(rows) => select.join_subquery(JoinType::LeftJoin, *rows, name(&alias), on),
            };
        }
    }

    /// A placeholder for a key of this form.
    pub(crate) fn id_slot(&mut self, form: KeyForm, slot: Slot) -> Sql {
        self.slot(slot, Storage::Id(form))
    }

    /// What holds the key of a record.
    pub(crate) fn key_storage(&self, of: &Anchor) -> Storage {
        self.model.collection(of.collection).key.storage()
    }
}
