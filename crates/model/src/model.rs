use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Action, Duration, Place, RecordId, limits};
use backstay_scalar::{Language, Part, Scalar, Storage, Value};

use crate::allow::{FieldAllow, Layer};
use crate::api_prefix::ApiPrefix;
use crate::enumeration::{Enum, EnumId};
use crate::ids::{CollectionId, EmbeddedId, FieldId, InterfaceId, RecordUnionId, UnionId};
use crate::interface::Interface;
use crate::key::Key;
use crate::kind::{FieldKind, InnerRelation, Link, Mention};
use crate::length::Length;
use crate::named::NamedRules;
use crate::names;
use crate::pack::Pack;
use crate::pattern::FieldPattern;
use crate::range::Range;
use crate::sequence::Sequence;
use crate::source::{RuleText, SourceMap, Span};
use crate::timer::Timer;

/// A checked application: every name resolved, every directive understood. Rules are kept as text; crate `expr` types
/// them.
#[derive(Debug, Clone)]
pub struct Model {
    /// `@app(name:)`.
    pub name: String,
    /// The path below which its records are.
    pub api: ApiPrefix,
    /// Stored types, those of the system model last; indexed by `CollectionId`.
    pub collections: Vec<Collection>,
    /// Enums, indexed by `EnumId`.
    pub enums: Vec<Enum>,
    /// Types marked `@embedded`, indexed by `EmbeddedId`.
    pub embedded: Vec<Embedded>,
    /// Unions of embedded types, indexed by `UnionId`.
    pub unions: Vec<Union>,
    /// Unions of types with records, indexed by `RecordUnionId`.
    pub record_unions: Vec<RecordUnion>,
    /// Interfaces with a path, indexed by `InterfaceId`.
    pub interfaces: Vec<Interface>,
    /// What the team's own functions do, in the order of the model.
    pub actions: Vec<crate::Action>,
    /// What queues jobs when records change.
    pub hooks: Vec<crate::Hook>,
    /// `@schedule`s: what queues jobs at certain times.
    pub schedules: Vec<crate::Schedule>,
    /// `@rule`s.
    pub rules: NamedRules,
    /// The packs that it includes, in the order in which the application does.
    pub packs: Vec<Pack>,
    /// The enum marked `@roles`.
    pub roles: Option<EnumId>,
    /// The collection marked `@identity`.
    pub identity: Option<CollectionId>,
    /// The texts the model came from, for messages.
    pub sources: Arc<SourceMap>,
    pub(crate) by_name: HashMap<String, CollectionId>,
    pub(crate) by_path: HashMap<String, CollectionId>,
}

impl Model {
    /// The interface with this id.
    pub fn interface(&self, id: InterfaceId) -> &Interface {
        &self.interfaces[usize::from(id.0)]
    }

    /// The interface whose types are read together at `/api/{path}`.
    pub fn interface_at(&self, path: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.path == path)
    }

    /// The collection with this id.
    pub fn collection(&self, id: CollectionId) -> &Collection {
        &self.collections[usize::from(id.0)]
    }

    /// The collection of this name.
    pub fn collection_named(&self, name: &str) -> Option<&Collection> {
        self.by_name.get(name).map(|id| self.collection(*id))
    }

    /// The collection that stands under `/api/{path}`.
    pub fn collection_at(&self, path: &str) -> Option<&Collection> {
        self.by_path.get(path).map(|id| self.collection(*id))
    }

    /// The enum with this id.
    pub fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[usize::from(id.0)]
    }

    /// The field with this id in this collection.
    pub fn field(&self, collection: CollectionId, field: FieldId) -> &Field {
        self.collection(collection).field(field)
    }

    /// Whether a clause of the collection could allow the action to anyone, or a transition an update.
    pub fn allows(&self, collection: &Collection, action: Action) -> bool {
        let is_taken = |field: &Field| match field.kind {
            FieldKind::Enum(id) => {
                let states = self.enumeration(id).values.iter();
                states.flat_map(|state| &state.transitions).any(|transition| transition.by.is_some())
            }
            _ => false,
        };
        collection.is_about(action)
            || (action == Action::History && collection.history.is_some())
            || (action == Action::Update && collection.fields.iter().any(is_taken))
    }

    /// Whether an action has an argument of this name.
    pub fn takes(&self, action: &crate::Action, argument: &str) -> bool {
        let members = action.arguments.into_iter().flat_map(|of| &self.embedded(of).members);
        members.into_iter().any(|member| member.name == argument)
    }

    /// The embedded type with this id.
    pub fn embedded(&self, id: EmbeddedId) -> &Embedded {
        &self.embedded[usize::from(id.0)]
    }

    /// The union of embedded types with this id.
    pub fn union(&self, id: UnionId) -> &Union {
        &self.unions[usize::from(id.0)]
    }

    /// The union of types with records with this id.
    pub fn record_union(&self, id: RecordUnionId) -> &RecordUnion {
        &self.record_unions[usize::from(id.0)]
    }

    /// What a field holds where a create gives nothing: its default, or the first state of its states. A member of an
    /// embedded value that is not there has none.
    pub fn default_of(&self, field: &Field) -> Option<Value> {
        if field.within.is_some_and(|within| !within.always) {
            return None;
        }
        match field.kind {
            FieldKind::Enum(id) if self.enumeration(id).states => {
                self.enumeration(id).initial().map(|value| Value::Text(Arc::clone(&value.name)))
            }
            _ => field.default.clone(),
        }
    }
}

/// A stored type.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Its index.
    pub id: CollectionId,
    /// The type's name, such as `BlogPost`.
    pub name: String,
    /// `@renamed(from:)`: names that it had before.
    pub former: Vec<String>,
    /// The table's name, such as `blog_post`.
    pub table: String,
    /// The last part of `/api/{path}`, such as `blog-posts`.
    pub path: String,
    /// The description in the model.
    pub description: Option<String>,
    /// `@deprecated(reason:)`: why clients should no longer use it.
    pub deprecated: Option<String>,
    /// Whether it belongs to the system model: not reachable under `/api/` but for operators.
    pub system: bool,
    /// `@single`: it has exactly one record, which is there as soon as the database is open.
    pub single: bool,
    /// `@trash`: deleted records are kept.
    pub trash: Option<Trash>,
    /// `@tree`: the records form trees.
    pub tree: Option<Tree>,
    /// `@history`: every version of a record is kept.
    pub history: Option<History>,
    /// Of the versions of another type's records: which, and how they are stored. Nobody addresses them as a collection.
    pub versions: Option<Versions>,
    /// `@key`: how the ids of its records are made.
    pub key: Key,
    /// All fields; the first four are `id`, `createdAt`, `updatedAt`, `version`. The members of an embedded value follow the
    /// field that holds it, as fields of their own: after `address` come `address.street` and `address.city`. So do those
    /// of a reference to one of several types, which are called like the types: after `to` come `to.Page` and `to.Post`.
    pub fields: Vec<Field>,
    /// Indexes declared by `@index` and `@unique` and those that relations need, without the primary key.
    pub indexes: Vec<Index>,
    /// Relations in its documents, in the order of the fields that hold these.
    pub mentions: Vec<Mention>,
    /// `@exclude`s.
    pub exclusions: Vec<Exclusion>,
    /// `@at`s, those of fields first.
    pub timers: Vec<Timer>,
    /// Who may do what with its records, owner by owner, that of the type first: an action is allowed if a clause of that
    /// one allows it, and one of each other owner that has clauses about it.
    pub allow: Vec<Layer>,
    /// `@check`s of the type.
    pub checks: Vec<Check>,
    /// Where the type's name is in the model.
    pub span: Span,
    pub(crate) by_name: HashMap<String, FieldId>,
}

impl Collection {
    /// `id`.
    pub const ID: FieldId = FieldId(0);
    /// `createdAt`.
    pub const CREATED_AT: FieldId = FieldId(1);
    /// `updatedAt`.
    pub const UPDATED_AT: FieldId = FieldId(2);
    /// `version`.
    pub const VERSION: FieldId = FieldId(3);

    /// Whether a clause of its owner has a rule for the action, or one that can stand in for it.
    pub fn is_about(&self, action: Action) -> bool {
        self.allow.first().is_some_and(|layer| layer.is_about(action))
    }

    /// The field with this id.
    pub fn field(&self, id: FieldId) -> &Field {
        &self.fields[usize::from(id.0)]
    }

    /// The field of this name, or that still answers to it.
    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|id| self.field(*id))
    }

    /// The unique keys by which clients can name a record, besides its id: the fields of each, in the order of the model.
    pub fn keys(&self) -> Vec<Vec<FieldId>> {
        let own = self.fields.iter().filter(|field| field.unique && field.id != Self::ID).map(|field| vec![field.id]);
        let indexes = self.indexes.iter().filter(|index| index.is_key()).map(|index| index.fields.clone());
        let mut keys: Vec<Vec<FieldId>> = Vec::new();
        for key in own.chain(indexes) {
            let is_nameable = key
                .iter()
                .map(|field| self.field(*field))
                .all(|field| field.is_readable() && field.is_stored() && !field.is_of_reference());
            let is_known = keys.iter().any(|known| known.len() == key.len() && known.iter().all(|id| key.contains(id)));
            if is_nameable && !is_known {
                keys.push(key);
            }
        }
        keys
    }

    /// The fields of a record, or the members of the embedded value that this field holds, in order.
    pub fn members(&self, within: Option<FieldId>) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.parent() == within)
    }

    /// The field of this name of a record, or the member of it of the embedded value that this field holds.
    pub fn member_named(&self, within: Option<FieldId>, name: &str) -> Option<&Field> {
        match within {
            None => self.field_named(name).filter(|field| field.within.is_none()),
            Some(_) => self.members(within).find(|member| member.own_name() == name),
        }
    }

    /// The fields in which the value of a field is stored: itself, or its members and their members.
    pub fn parts(&self, field: FieldId) -> impl Iterator<Item = &Field> {
        let is_part = move |part: &Field| part.id == field || part.is_within(field, &self.fields);
        self.fields[usize::from(field.0)..].iter().take_while(move |part| is_part(part)).filter(|part| part.is_stored())
    }

    /// Whether no record can be without the reference that it holds in this field: the field is required, or that of
    /// which it is a member.
    pub fn requires(&self, field: &Field) -> bool {
        let holder = field.within.filter(|within| within.is_reference).map(|within| self.field(within.field));
        field.required || holder.is_some_and(|holder| holder.required)
    }

    /// The other fields that have no value where this one has, because both are members of one reference.
    pub fn excluded_by(&self, field: &Field) -> impl Iterator<Item = &Field> {
        let holder = field.within.filter(|within| within.is_reference).map(|within| within.field);
        let others = holder.into_iter().flat_map(|holder| self.members(Some(holder)));
        others.filter(|other| other.id != field.id)
    }

    /// Many-to-many relations that it declares, with their link tables.
    pub fn links(&self) -> impl Iterator<Item = (&Field, &Link)> {
        self.fields.iter().filter_map(|field| match &field.kind {
            FieldKind::ManyToMany { link, .. } if link.owner => Some((field, link)),
            _ => None,
        })
    }

    /// The relation in the documents of this field.
    pub fn mention(&self, document: FieldId, relation: &InnerRelation) -> Option<&Mention> {
        self.mentions.iter().find(|mention| mention.document == document && mention.relation == *relation)
    }

    /// The fields whose documents can refer to records, in order.
    pub fn mentioning(&self) -> impl Iterator<Item = &Field> {
        let is_first = |at: usize| at == 0 || self.mentions[at - 1].document != self.mentions[at].document;
        let firsts = (0..self.mentions.len()).filter(move |at| is_first(*at));
        firsts.map(|at| self.field(self.mentions[at].document))
    }

    /// The fields that full-text search looks at, in order.
    pub fn searched(&self) -> impl Iterator<Item = (&Field, Searched)> {
        self.fields.iter().filter_map(|field| Some((field, field.search?)))
    }

    /// What full-text search finds its records by; `None` if no field has `@search`.
    pub fn search_index(&self) -> Option<SearchIndex> {
        let fields: Vec<FieldId> = self.searched().map(|(field, _)| field.id).collect();
        let (table, words) = names::search(&self.table);
        (!fields.is_empty()).then_some(SearchIndex { table, words, fields })
    }

    /// Fields that have columns in the collection's own table, in order.
    pub fn stored_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.is_stored())
    }
}

/// `@search(weight:, language:)`: how full-text search finds records by the words of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// How much each word counts.
    pub weight: u32,
    /// The language to whose stems words are reduced.
    pub language: Option<Language>,
}

/// What full-text search finds the records of a collection by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchIndex {
    /// The table with a row for each record.
    pub table: String,
    /// The table or index that finds rows of it by their words.
    pub words: String,
    /// The fields whose words it holds, in the order in which it has them.
    pub fields: Vec<FieldId>,
}

/// `@exclude(fields:, from:, to:, where:)`: two records with the same values in some fields can't have ranges that overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The fields whose values must be the same for two records to be compared. One that lacks one of the values is compared
    /// with none.
    pub fields: Vec<FieldId>,
    /// The field that holds the start of the range, which is part of it. Without a value, the record has no range.
    pub from: FieldId,
    /// The field that holds the end of the range, which isn't part of it. Without a value, the range has no end.
    pub to: FieldId,
    /// `where:`: only records of which this is true are compared; `None`: all.
    pub condition: Option<RuleText>,
    /// Where it is in the model.
    pub span: Span,
}

impl Exclusion {
    /// Its fields, those that must be the same first.
    pub fn all_fields(&self) -> impl Iterator<Item = FieldId> {
        self.fields.iter().copied().chain([self.from, self.to])
    }

    /// The text of its condition, without blanks around it.
    pub fn condition_text(&self) -> Option<&str> {
        self.condition.as_ref().map(|condition| condition.text.trim())
    }

    /// The fields of the index in which the records are found whose range begins before another one ends.
    pub fn index_fields(&self) -> Vec<FieldId> {
        self.fields.iter().copied().chain([self.from]).collect()
    }
}

/// `@trash(keep:)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trash {
    /// `trashedAt`: when the record was moved to the trash; null outside of it.
    pub at: FieldId,
    /// How long records are kept; `None`: until they are purged by request.
    pub keep: Option<Duration>,
}

/// `@tree(parent:, order:)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// The relation to the record above.
    pub parent: FieldId,
    /// The ids of the records from the root down to the record itself, one after the other; see `Tree::SEGMENT`.
    pub path: FieldId,
    /// The records above, from the root down.
    pub ancestors: FieldId,
    /// The records below, each after its parent.
    pub descendants: FieldId,
    /// `@tree(order:)`: the field by which siblings are ordered, before their ids.
    pub order: Option<FieldId>,
}

impl Tree {
    /// The bytes of one id in a path. Since all have the same length, a path begins with another one exactly if its
    /// record is the other's or below it, and the paths of a branch are a range.
    pub const SEGMENT: usize = 16;

    /// The path of a record below one that has this path.
    pub fn path_below(parent: &[u8], id: RecordId) -> Vec<u8> {
        [parent, id.as_bytes()].concat()
    }
}

/// `@history(read:, keep:)`.
#[derive(Debug, Clone)]
pub struct History {
    /// Who may read it. The record is as its last version says, also if it was deleted.
    pub read: RuleText,
    /// How long versions are kept once another has followed, and those of a record once it is deleted; `None`: for ever.
    pub keep: Option<Duration>,
    /// The collection of the versions, and its table.
    pub versions: CollectionId,
    /// The versions' table.
    pub table: String,
}

/// What a collection of versions has besides the fields whose values it keeps. Its own `id` is that of a version;
/// `createdAt`, `updatedAt` and `version` are those of the record.
#[derive(Debug, Clone)]
pub struct Versions {
    /// The collection whose records they are versions of.
    pub of: CollectionId,
    /// By the `FieldId` of that collection: the field that keeps its values; `None` where they aren't kept.
    pub fields: Vec<Option<FieldId>>,
    /// The record.
    pub record: FieldId,
    /// The moment of the change that made the version.
    pub from: FieldId,
    /// The moment of the next one; null in the last version.
    pub until: FieldId,
    /// The moment from which on the version says nothing of the present: that of the next one, and in the version with
    /// which the record was deleted its own. Null in the last version of a record that exists.
    pub ended: FieldId,
    /// What was done: a word of `VersionChange`.
    pub change: FieldId,
    /// The kind of caller that did it.
    pub by_kind: FieldId,
    /// The caller's id, if it has one.
    pub by: FieldId,
}

impl Versions {
    /// The column with the record's id, in every table of versions.
    pub const RECORD: &'static str = "history__record";
    /// The column with the moment from which on a version counts.
    pub const FROM: &'static str = "history__from";
    /// The column with the moment until which it counts.
    pub const UNTIL: &'static str = "history__until";
    /// The column with the moment from which on it is of the past.
    pub const ENDED: &'static str = "history__ended";
    /// The column with what was done.
    pub const CHANGE: &'static str = "history__change";
    /// The column with the kind of caller.
    pub const BY_KIND: &'static str = "history__by_kind";
    /// The column with the caller's id.
    pub const BY: &'static str = "history__by";

    /// The name of the index that a table of versions had before format 5 of Backstay's own tables, where now one begins
    /// with the moment until which a version counts.
    pub fn former_index(table: &str) -> String {
        names::index(table, &[Self::RECORD, Self::UNTIL], false)
    }
}

/// What made a version. The words are stored and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionChange {
    /// The record was created.
    Create,
    /// It was updated, or a reference in it was emptied because what it led to was deleted.
    Update,
    /// It was deleted, or moved to the trash.
    Delete,
    /// It was brought back from the trash.
    Restore,
    /// It was there already when `@history` was added: who made it what it is isn't known.
    Found,
    /// A migration gave it other values.
    Migrate,
}

impl VersionChange {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Create, Self::Update, Self::Delete, Self::Restore, Self::Found, Self::Migrate];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Found => "found",
            Self::Migrate => "migrate",
        }
    }
}

/// One field of a stored type.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a mark that a model sets on its own")]
pub struct Field {
    /// Its index.
    pub id: FieldId,
    /// Its name, such as `publishedAt`; of a member of an embedded value the path to it, such as `address.city`, and of one
    /// of a reference to one of several types, such as `to.Post`.
    pub name: String,
    /// What it is a member of; `None` for a field of the record itself.
    pub within: Option<Within>,
    /// `@renamed(from:)`: names that it had before.
    pub former: Vec<String>,
    /// `@renamed(keep: true)`: those of them that clients may go on using.
    pub kept_names: Vec<String>,
    /// Its columns, in the order of `Scalar::columns`; none where nothing is stored in the collection's own table.
    pub columns: Vec<Column>,
    /// The description in the model.
    pub description: Option<String>,
    /// `@deprecated(reason:)`: why clients should no longer use it.
    pub deprecated: Option<String>,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether a value is required (`!`). A to-many relation is never null, so `false` there, as it is for a member of an
    /// embedded value that can be absent: see `Within::required`.
    pub required: bool,
    /// `@unique` without `where:`, or `@sequence` without `per:`: its value identifies a record.
    pub unique: bool,
    /// `@readonly`: clients may not write it. So is every standard field, apart from an `id` that clients can give.
    pub readonly: bool,
    /// `@immutable`: it may be given on create and never changed.
    pub immutable: bool,
    /// `@connect(missing: CREATE)`: a write creates the records that it names by a unique key and that aren't there.
    pub connects: bool,
    /// `@computed(is:, rights:)`: nothing is stored, and no client writes it.
    pub computed: Option<Computed>,
    /// `@computed(is:, stored: COMMIT)`: a stored sum, which no client writes.
    pub sum: Option<StoredSum>,
    /// `@money(in:)`: the field is declared as `Money` and holds the number alone. This is the way to its currency: to-one
    /// relations that every record has and that never change, and the field that holds the currency.
    pub currency: Option<Vec<FieldId>>,
    /// `@default(to:)`, checked against the type.
    pub default: Option<Value>,
    /// `@default(from:)`: the expression whose value a new record gets where none is given.
    pub default_from: Option<RuleText>,
    /// `@slug(from:)`: the field from which a new record's value is made where none is given.
    pub slug: Option<FieldId>,
    /// `@sequence(per:, gapless:, format:, when:)`: Backstay numbers the records, and no client writes it.
    pub sequence: Option<Sequence>,
    /// `@order(by:)`: in which order the records of a list come, of equal ones in that of their ids.
    pub order: Vec<OrderKey>,
    /// `@backfill(from:)`: what stored records get where a new model needs a value; about the record of the old model.
    pub backfill: Option<RuleText>,
    /// `@names(of:)`, in the system model alone.
    pub names: Option<StoredNames>,
    /// `@length(min:, max:)`.
    pub length: Option<Length>,
    /// `@range(min:, max:)`.
    pub range: Option<Range>,
    /// `@pattern(is:, message:)`.
    pub pattern: Option<FieldPattern>,
    /// `@set(on:, to:, when:)`, in the order in which they are tried: the first that applies gives the value.
    pub set: Vec<Set>,
    /// `@class(is:)`.
    pub class: Option<Class>,
    /// `@search(weight:, language:)`: full-text search finds records by its words.
    pub search: Option<Searched>,
    /// Whether Backstay keeps it for itself: no request and no rule names it, no answer has it, and neither has the
    /// history or the commit log.
    pub internal: bool,
    /// Rules that restrict the field further than its type; `None` follows the type's.
    pub allow: FieldAllow,
    /// `@check`s.
    pub checks: Vec<Check>,
    /// Where the field's name is in the model.
    pub span: Span,
}

impl Field {
    /// A field that no directive marks.
    pub(crate) fn unmarked(id: FieldId, name: &str, kind: FieldKind, required: bool, span: Span) -> Self {
        Self {
            id,
            name: name.to_owned(),
            within: None,
            former: Vec::new(),
            kept_names: Vec::new(),
            columns: Column::of(name, &kind),
            description: None,
            deprecated: None,
            kind,
            required,
            unique: false,
            readonly: false,
            immutable: false,
            connects: false,
            computed: None,
            sum: None,
            currency: None,
            default: None,
            default_from: None,
            slug: None,
            sequence: None,
            order: Vec::new(),
            backfill: None,
            names: None,
            length: None,
            range: None,
            pattern: None,
            set: Vec::new(),
            class: None,
            search: None,
            internal: false,
            allow: FieldAllow::default(),
            checks: Vec::new(),
            span,
        }
    }

    /// Why no client may write it, in words, where that is so. A field that is `@immutable` can be given on create.
    pub fn refused_to_clients(&self) -> Option<&'static str> {
        // Clients can give an id where `@key` says so.
        if self.id <= Collection::VERSION && self.readonly {
            Some("Backstay sets this field")
        } else if self.computed.is_some() || self.sum.is_some() {
            Some("this field is computed")
        } else if self.sequence.is_some() {
            Some("Backstay numbers the records")
        } else if self.readonly {
            Some("this field is read-only")
        } else if !self.set.is_empty() {
            Some("the model sets this field")
        } else if matches!(self.kind, FieldKind::Lineage { .. }) {
            Some("this follows from the parents of the records")
        } else if self.kind.is_written_elsewhere() {
            Some("set this relation from the other side")
        } else {
            None
        }
    }

    /// Why no hook before a change may give it a value, in words, where that is so: of a field of this collection. `machine`: whether
    /// it holds a state that transitions change.
    pub fn refused_to_hooks(&self, of: &Collection, machine: bool) -> Option<&'static str> {
        if self.id <= Collection::VERSION {
            Some("Backstay sets this field")
        } else if of.trash.is_some_and(|trash| trash.at == self.id) {
            Some("deleting or restoring a record sets this field")
        } else if self.computed.is_some() || self.sum.is_some() || self.internal {
            Some("this field is computed")
        } else if self.sequence.is_some() {
            Some("Backstay numbers the records")
        } else if machine {
            Some("transitions change this field")
        } else if !self.kind.is_stored() {
            Some("a hook changes fields of the record itself, and not its relations to several records")
        } else {
            None
        }
    }

    /// Why no update by a client may change it, in words, where that is so. What a relation lists is changed by what is sent
    /// for its children.
    pub fn refused_to_updates(&self) -> Option<&'static str> {
        let elsewhere = if self.kind.children().is_some() { None } else { self.refused_to_clients() };
        elsewhere.or_else(|| self.immutable.then_some("this field can't change after creation"))
    }
}

impl Field {
    /// The field that it is a member of.
    pub fn parent(&self) -> Option<FieldId> {
        self.within.map(|within| within.field)
    }

    /// Whether it has a value in every record, or wherever the embedded value is there that it is a member of.
    pub fn is_needed(&self) -> bool {
        self.required || self.within.is_some_and(|within| within.required)
    }

    /// Its name in the object that it is a member of: `city` of `address.city`.
    pub fn own_name(&self) -> &str {
        names::own_name(&self.name)
    }

    /// The words of its own name with underscores between, as in the names of columns.
    pub fn own_words(&self) -> String {
        names::snake(self.own_name())
    }

    /// Where its value is in the body of a request: a reference to one of several types is one value.
    pub fn place(&self) -> Place {
        let reference = self.name.rsplit_once('.').filter(|_| self.is_of_reference());
        Place::field(reference.map_or(&self.name, |(holder, _)| holder))
    }

    /// Whether it is the part of a reference to one of several types that refers to records of one of them.
    pub fn is_of_reference(&self) -> bool {
        self.within.is_some_and(|within| within.is_reference)
    }

    /// Whether what it leads to is in an order that no fields tell, unless a caller asks for another one: that of ordered
    /// links, or of a tree.
    pub fn is_ordered_by_places(&self) -> bool {
        match &self.kind {
            FieldKind::Lineage { .. } => true,
            FieldKind::ManyToMany { link, .. } => link.ordered,
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::OneToOne { .. } => false,
        }
    }

    /// Whether requests may name it and answers may contain it. Nobody reads a secret, whatever the rules say, or what
    /// Backstay keeps for itself.
    pub fn is_readable(&self) -> bool {
        self.class != Some(Class::Secret) && !self.internal
    }

    /// How many characters a slug has at most that is made for the field.
    pub fn most_slug_chars(&self) -> usize {
        let max = self.length.and_then(|length| length.max);
        max.map_or(limits::SLUG_CHARS, |max| max.clamp(limits::SLUG_CHARS_LEAST, limits::SLUG_CHARS))
    }

    /// Whether the field has a column in its collection's own table.
    pub fn is_stored(&self) -> bool {
        self.computed.is_none() && self.kind.is_stored()
    }

    /// Whether its stored values can have any size: a `Text`, a document, octets or a list.
    pub fn is_large(&self) -> bool {
        let is_large = |column: &Column| match column.storage {
            ColumnStorage::List(_) | ColumnStorage::One(Storage::Json | Storage::Bytes) => true,
            ColumnStorage::One(Storage::Text) => self.kind == FieldKind::Scalar(Scalar::Text),
            ColumnStorage::One(
                Storage::Bool
                | Storage::Int
                | Storage::Float
                | Storage::Decimal { .. }
                | Storage::Id(_)
                | Storage::Timestamp
                | Storage::Date,
            ) => false,
        };
        self.columns.iter().any(is_large)
    }

    /// Whether a history keeps its values: what is stored of the record itself, but for secrets and sums.
    pub fn is_in_history(&self) -> bool {
        self.kind.is_held() && self.computed.is_none() && self.sum.is_none() && self.is_readable()
    }

    /// Whether no model declares it: it comes with `@tree`.
    pub(crate) fn comes_with_tree(&self) -> bool {
        self.internal || matches!(self.kind, FieldKind::Lineage { .. })
    }

    /// Whether it is computed whenever it is read.
    pub fn is_computed(&self) -> bool {
        self.computed.is_some()
    }

    /// Whether it is an amount of money whose currency is in another field: what is answered is more than its own column.
    pub fn shares_currency(&self) -> bool {
        self.currency.is_some()
    }

    /// Whether an answer has to be computed from columns.
    pub fn is_computed_in_answers(&self) -> bool {
        self.is_computed() || self.shares_currency()
    }

    /// The scalar whose values answers contain.
    pub fn answered_scalar(&self) -> Option<Scalar> {
        if self.shares_currency() { Some(Scalar::Money) } else { self.kind.scalar() }
    }

    /// Whether it is a stored sum.
    pub fn is_sum(&self) -> bool {
        self.sum.is_some()
    }

    /// Whether it is a stored sum that follows after the commit.
    pub fn is_kept_soon(&self) -> bool {
        self.sum.as_ref().is_some_and(|sum| sum.upkeep == Upkeep::Soon)
    }

    /// Whether it is a member of the embedded value that another field of the same type holds, at any depth.
    pub(crate) fn is_within(&self, outer: FieldId, fields: &[Self]) -> bool {
        self.parent().is_some_and(|parent| parent == outer || fields[usize::from(parent.0)].is_within(outer, fields))
    }

    /// The column of this part, where the field has one.
    pub fn column(&self, part: Part) -> Option<&Column> {
        self.columns.iter().find(|column| column.part == part)
    }
}

/// One column of a stored field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Which part of the field's value it holds.
    pub part: Part,
    /// Its name, such as `published_at`.
    pub name: String,
    /// What it holds.
    pub storage: ColumnStorage,
}

/// What a column holds: one value, or a list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnStorage {
    /// A value of this class.
    One(Storage),
    /// A list of values of this class.
    List(Storage),
}

impl Column {
    /// The columns of a field of this name and kind.
    pub(crate) fn of(name: &str, kind: &FieldKind) -> Vec<Self> {
        let snake = names::snake(&name.replace('.', "_"));
        let column = |part: Part, storage| Self { part, name: format!("{snake}{}", part.suffix()), storage };
        let one = |(part, storage)| column(part, ColumnStorage::One(storage));
        match kind {
            FieldKind::Scalar(scalar) => scalar.columns().into_iter().map(one).collect(),
            FieldKind::Enum(_) => vec![one((Part::Main, Storage::Text))],
            FieldKind::Document(_) => vec![one((Part::Main, Storage::Json))],
            FieldKind::List(element) => vec![column(Part::Main, ColumnStorage::List(element.storage()))],
            FieldKind::ToOne { key, .. } => {
                let storage = ColumnStorage::One(Storage::Id(*key));
                vec![Self { part: Part::Main, name: format!("{snake}_id"), storage }]
            }
            FieldKind::Embedded(_)
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => Vec::new(),
        }
    }
}

/// A type marked `@embedded`, whose values are part of the record that holds them; or what an action takes or returns.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// The type's name, such as `Address`.
    pub name: String,
    /// `@renamed(from:)`: names that it had before, under which documents hold values of it as one of a union.
    pub former: Vec<String>,
    /// The description in the model.
    pub description: Option<String>,
    /// Its members, in order. Their ids are their places here, their columns are those of no table, and
    /// `Field::required` says what is required wherever a value is.
    pub members: Vec<Field>,
    /// What its values are.
    pub role: EmbeddedRole,
    /// Where the type's name is in the model.
    pub span: Span,
}

/// What the values of an embedded type are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddedRole {
    /// Parts of records: the model declares the type.
    Part,
    /// Arguments, or parts of them: an `input` type of the model.
    Input,
    /// The arguments of an action.
    Arguments,
    /// What an action returns, in the one member of the type.
    Result,
}

impl Embedded {
    /// The member with this id.
    pub fn member(&self, id: FieldId) -> &Field {
        &self.members[usize::from(id.0)]
    }
}

/// A union of embedded types.
#[derive(Debug, Clone)]
pub struct Union {
    /// Its name, such as `Block`.
    pub name: String,
    /// The description in the model.
    pub description: Option<String>,
    /// The types that a value can have, in order.
    pub members: Vec<EmbeddedId>,
}

/// A union of types with records.
#[derive(Debug, Clone)]
pub struct RecordUnion {
    /// Its name, such as `Target`.
    pub name: String,
    /// The description in the model.
    pub description: Option<String>,
    /// The types to whose records a reference can lead, in order.
    pub members: Vec<CollectionId>,
}

/// That a field is a member of an embedded value, or of a reference to one of several types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// The field that holds the value.
    pub field: FieldId,
    /// Whether the member has a value wherever the embedded value is there (`!`).
    pub required: bool,
    /// Whether the value is there in every record.
    pub always: bool,
    /// Whether that is a reference, of whose members one has a value.
    pub is_reference: bool,
}

/// `@computed(is:, rights:)`.
#[derive(Debug, Clone)]
pub struct Computed {
    /// The expression whose value it has.
    pub is: RuleText,
    /// Whose rights decide what it reads.
    pub rights: ComputedRights,
}

/// `@computed(is:, stored:)`: what the records that refer to this one come to, kept in a column. It looks at everything,
/// whoever writes.
#[derive(Debug, Clone)]
pub struct StoredSum {
    /// The expression whose value it has.
    pub is: RuleText,
    /// When it follows them.
    pub upkeep: Upkeep,
}

/// When a stored sum follows a change of what it sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Upkeep {
    /// In the same commit.
    Commit,
    /// Shortly afterwards, in a commit of Backstay's own.
    Soon,
}

impl Upkeep {
    /// As it is written in a model.
    pub fn word(self) -> &'static str {
        match self {
            Self::Commit => "COMMIT",
            Self::Soon => "SOON",
        }
    }
}

/// Whose rights decide what a computed field reads when a caller selects it, or filters or sorts by it. In the model's
/// own rules it reads everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComputedRights {
    /// The caller's: what the caller may not read is null, or not there.
    Caller,
    /// The model's: everything.
    Model,
}

/// One key of the order of a list of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderKey {
    /// A field of the listed collection.
    pub field: FieldId,
    /// Whether from high to low.
    pub descending: bool,
}

/// `@set(on:, to:, when:)`: a value that Backstay gives a field, whatever the client says.
#[derive(Debug, Clone)]
pub struct Set {
    /// On create, on update, or both.
    pub on: SetOn,
    /// The condition under which it applies; `None`: always.
    pub when: Option<RuleText>,
    /// The expression whose value it gets.
    pub to: RuleText,
}

/// When a `@set` applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOn {
    /// When the record is made.
    Create,
    /// At every later change.
    Update,
    /// Always.
    Write,
}

/// `@check(rule:, message:, on:)`.
#[derive(Debug, Clone)]
pub struct Check {
    /// The expression that must be true, or unknown because a value it needs is null.
    pub rule: RuleText,
    /// The message for the client.
    pub message: String,
    /// `guards:`: the fields whose change it may refuse, by name; `None`: it applies to every change.
    pub guards: Option<Vec<(String, Span)>>,
    /// When it is asked.
    pub asked: Asked,
}

/// When a check is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Before the record is written.
    AtWrite,
    /// At the end of the commit.
    AtCommit,
}

impl Check {
    /// The names of the fields that it guards.
    pub fn guarded(&self) -> Option<Vec<&str>> {
        self.guards.as_ref().map(|guards| guards.iter().map(|(name, _)| name.as_str()).collect())
    }
}

/// Names of the application's model that are stored as texts, and follow when it renames what they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredNames {
    /// Each text is the name of a role.
    Roles,
    /// Each text begins with the name of a type, up to a colon or a point.
    Types,
}

/// How confidential a field's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// About a person.
    Personal,
    /// About a person's health.
    Medical,
    /// A payment card's number.
    Card,
    /// A password hash, token hash or key; never answered.
    Secret,
}

impl Class {
    /// Its word in a model.
    pub fn word(self) -> &'static str {
        match self {
            Self::Personal => "PERSONAL",
            Self::Medical => "MEDICAL",
            Self::Card => "CARD",
            Self::Secret => "SECRET",
        }
    }
}

/// An index of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name in the database.
    pub name: String,
    /// Its fields, in order; all of them stored.
    pub fields: Vec<FieldId>,
    /// Whether no two records that it is over may have the same values.
    pub unique: bool,
    /// Whether a unique index takes two nulls for the same value.
    pub nulls: Nulls,
    /// `where:`: it is over the records of which this is true; `None`: over all.
    pub condition: Option<RuleText>,
}

impl Index {
    /// Whether the values of its fields identify a record.
    pub fn is_key(&self) -> bool {
        self.unique && self.condition.is_none()
    }

    /// The text of its condition, without blanks around it.
    pub fn condition_text(&self) -> Option<&str> {
        self.condition.as_ref().map(|condition| condition.text.trim())
    }

    /// Whether it is over these fields of the same records as another one.
    pub(crate) fn covers_same(&self, fields: &[FieldId], condition: Option<&str>) -> bool {
        self.fields == fields && self.condition_text() == condition
    }
}

/// Whether two nulls are the same value to a unique index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Any number of records can be without a value.
    Distinct,
    /// Only one record can be without a value.
    Same,
}
