use std::sync::Arc;

use serde_json::Value as Json;

use super::deletion;
use super::evaluate::Subject;
use super::schema::{Access, Allow, Transition};
use super::{Asker, Expr, Kind, Link, Outlook, Record, Selection, Value, World};

/// Values that are sent, by field; of many-to-many relations the ids of their members.
pub type Body = Vec<(usize, Value)>;

/// The members of many-to-many relations, by field.
type Sent = Vec<(usize, Vec<Arc<str>>)>;

/// A write that is asked for.
#[derive(Debug, Clone)]
pub enum Write {
    /// One record, or several as an array.
    Create {
        /// The type.
        of: usize,
        /// What is sent of each.
        bodies: Vec<Body>,
        /// Whether they are sent as an array.
        array: bool,
    },
    /// A merge patch.
    Update {
        /// The type.
        of: usize,
        /// The record.
        id: Arc<str>,
        /// What is sent.
        body: Body,
    },
    /// A deletion.
    Delete {
        /// The type.
        of: usize,
        /// The record.
        id: Arc<str>,
    },
}

/// What Backstay alone decides in a write: the reference learns it from what was stored.
#[derive(Debug, Clone)]
pub struct Assigned {
    /// The ids of new records.
    pub ids: Vec<Arc<str>>,
    /// The moment that the changes are marked with.
    pub moment: i64,
}

/// What a write answers, and what is stored then.
#[derive(Debug, Clone)]
pub struct Written {
    /// The status.
    pub status: u16,
    /// The records as their writer sees them, if anything was written.
    pub body: Json,
    /// Everything, afterwards.
    pub world: World,
}

/// A write in the making.
struct Proposal<'w> {
    of: usize,
    stored: Option<&'w Record>,
    values: Vec<Value>,
    /// The members of relations that were sent, as they would be.
    sent: Sent,
    /// The fields that were sent.
    named: Vec<usize>,
}

impl Proposal<'_> {
    fn proposed(&self) -> Subject<'_> {
        Subject { of: self.of, values: &self.values, sent: &self.sent }
    }
}

/// Whether a reference leads to a record that doesn't exist.
struct Dangling(bool);

impl Dangling {
    fn refuse(self) -> Result<(), Refusal> {
        if self.0 { Err(INVALID) } else { Ok(()) }
    }
}

/// The status of a refusal.
pub(super) type Refusal = u16;

const INVALID: Refusal = 422;
pub(super) const NOT_FOUND: Refusal = 404;

impl Asker {
    /// What a write does. If nothing could allow it, the statuses with which it may be refused beforehand come second.
    /// Everything in it happens at one moment: that with which the changes are marked.
    pub fn write(&self, world: &World, write: &Write, assigned: &Assigned) -> (Written, &'static [u16]) {
        Self { now: assigned.moment, ..self.clone() }.write_now(world, write, assigned)
    }

    fn write_now(&self, world: &World, write: &Write, assigned: &Assigned) -> (Written, &'static [u16]) {
        let (of, action) = match write {
            Write::Create { of, .. } => (*of, "create"),
            Write::Update { of, .. } => (*of, "update"),
            Write::Delete { of, .. } => (*of, "delete"),
        };
        let rule = world.schema.types[of].any(|clause| match write {
            Write::Create { .. } => clause.create.as_ref(),
            Write::Update { .. } => clause.update.as_ref(),
            Write::Delete { .. } => clause.delete.as_ref(),
        });
        let rule = match write {
            Write::Update { .. } => {
                let by = transitions(world, of).into_iter().filter_map(|(_, way)| way.by.clone());
                rule.into_iter().chain(by).reduce(|left, right| Expr::Or(Box::new(left), Box::new(right)))
            }
            Write::Create { .. } | Write::Delete { .. } => rule,
        };
        let refused = |status| Written { status, body: Json::Null, world: world.clone() };
        let outlook = match self.caller.is_for(of, &[action]) {
            true => self.outlook(world, rule.as_ref(), false),
            false => Outlook::Refused,
        };
        if outlook == Outlook::Refused {
            return (refused(self.refusal()[0]), &[]);
        }
        let rule = &rule.expect("a type without a rule refuses");
        let mut after = world.clone();
        let done = match write {
            Write::Create { bodies, array, .. } => self.create(&mut after, (of, rule), (bodies, *array), assigned),
            Write::Update { id, body, .. } => self.update(&mut after, of, (id, body), assigned.moment),
            Write::Delete { id, .. } => deletion::delete(self, &mut after, (of, rule), id, assigned.moment),
        };
        let written = match done {
            Ok((status, body)) => Written { status, body, world: after },
            Err(status) => refused(status),
        };
        (written, if outlook == Outlook::Open { &[] } else { self.refusal() })
    }

    pub(super) fn forbidden(&self) -> Refusal {
        self.refusal()[0]
    }

    /// A record as its writer sees it; null if it may not be read.
    fn echo(&self, world: &World, of: usize, id: &str) -> Json {
        let record = world.find(of, id).expect("what was written is there");
        match self.reads(world, record.into()) {
            true => self.shown(world, record.into(), &Selection::Whole),
            false => Json::Null,
        }
    }

    /// Whether the caller sees a field in a stored record, so that what they send back can be what they read.
    fn saw(&self, world: &World, stored: &Record, field: usize) -> bool {
        let named = world.schema.field(stored.of, field);
        field == 0
            || (!named.secret
                && self.caller.is_for(stored.of, &["get", "search"])
                && named.allow.read.as_ref().is_none_or(|rule| self.holds(world, rule, stored.into())))
    }

    fn create(
        &self,
        world: &mut World,
        (of, rule): (usize, &Expr),
        (bodies, array): (&[Body], bool),
        assigned: &Assigned,
    ) -> Result<(u16, Json), Refusal> {
        for (index, body) in bodies.iter().enumerate() {
            let id = assigned.ids.get(index).cloned().unwrap_or_else(|| format!("new {index}").into());
            // Whether the key is for the types that the references lead to comes before what is missing.
            let refers = |(field, value): &(usize, Value)| {
                let target = world.schema.field(of, *field).kind.target();
                target.is_none_or(|target| value.is_null() || self.caller.is_for(target, &["refer", "get", "search"]))
            };
            if !body.iter().all(refers) {
                return Err(self.forbidden());
            }
            let proposal = Self::new_record(world, of, body, (id, assigned.moment))?;
            self.refer(world, &proposal)?.refuse()?;
            self.require_true(world, rule, &proposal)?;
            self.may_give(world, &proposal)?;
            check(self, world, &proposal)?;
            let Proposal { values, sent, .. } = proposal;
            store(world, Record { of, values }, sent);
        }
        let seen = |id: &Arc<str>| self.echo(world, of, id);
        let body = match (array, assigned.ids.as_slice()) {
            (true, ids) => ids.iter().map(seen).collect(),
            (false, [id]) => seen(id),
            (false, _) => Json::Null,
        };
        Ok((201, body))
    }

    /// Defaults, what was sent, and the initial state.
    fn new_record<'w>(
        world: &World,
        of: usize,
        body: &Body,
        (id, moment): (Arc<str>, i64),
    ) -> Result<Proposal<'w>, Refusal> {
        let fields = &world.schema.types[of].fields;
        let mut values: Vec<Value> = fields.iter().map(|field| field.default.clone().unwrap_or(Value::Null)).collect();
        values[..4].clone_from_slice(&[Value::Id(id), Value::Moment(moment), Value::Moment(moment), Value::Int(1)]);
        let mut sent: Sent = Vec::new();
        for (field, of) in fields.iter().enumerate() {
            if matches!(of.kind, Kind::ManyToMany { .. }) {
                sent.push((field, Vec::new()));
            }
        }
        for (field, value) in body {
            match value {
                Value::List(_) if fields[*field].kind.is_many() => {
                    sent.retain(|(other, _)| other != field);
                    sent.push((*field, ids(value)));
                }
                _ => values[*field] = value.clone(),
            }
        }
        for (field, value) in fields.iter().zip(&mut values) {
            let Some(initial) = world.schema.initial(&field.kind) else { continue };
            match value {
                Value::Null => *value = Value::Text(Arc::clone(initial)),
                Value::Text(given) if given != initial => return Err(INVALID),
                _ => {}
            }
        }
        let read_only = body.iter().any(|(field, _)| fields[*field].access == Access::ReadOnly);
        let incomplete = fields.iter().zip(&values).any(|(field, value)| field.required && value.is_null());
        let named = body.iter().map(|(field, _)| *field).collect();
        match read_only || incomplete {
            true => Err(INVALID),
            false => Ok(Proposal { of, stored: None, values, sent, named }),
        }
    }

    /// References must lead to records that the caller may link to; a key must be for the types that they lead to. If the
    /// caller may link to every record of a type, a reference to one that doesn't exist hides nothing and is refused later.
    fn refer(&self, world: &World, proposal: &Proposal<'_>) -> Result<Dangling, Refusal> {
        let (mut unreadable, mut dangling) = (false, false);
        for field in &proposal.named {
            let Some(target) = world.schema.field(proposal.of, *field).kind.target() else { continue };
            let value = &proposal.values[*field];
            let unchanged = proposal
                .stored
                .is_some_and(|stored| stored.values[*field] == *value && self.saw(world, stored, *field));
            let sent = proposal.sent.iter().find(|(of, _)| of == field);
            let to: Vec<&Arc<str>> = match sent {
                Some((_, ids)) => ids.iter().collect(),
                None if unchanged || value.is_null() => continue,
                None => value.id().into_iter().collect(),
            };
            if !self.caller.is_for(target, &["refer", "get", "search"]) {
                return Err(self.forbidden());
            }
            let refers_to_all =
                world.schema.types[target].refer().is_some_and(|rule| self.is_certain(world, Some(&rule)));
            for id in to {
                match world.find(target, id) {
                    Some(record) => unreadable |= !self.refers(world, record.into()),
                    None if refers_to_all => dangling = true,
                    None => unreadable = true,
                }
            }
        }
        if unreadable { Err(INVALID) } else { Ok(Dangling(dangling)) }
    }

    /// A rule of the type, of the record as it would be.
    fn require_true(&self, world: &World, rule: &Expr, proposal: &Proposal<'_>) -> Result<(), Refusal> {
        match self.is_true(world, rule, proposal) {
            true => Ok(()),
            false => Err(self.forbidden()),
        }
    }

    fn is_true(&self, world: &World, rule: &Expr, proposal: &Proposal<'_>) -> bool {
        let new = proposal.proposed();
        self.truth(world, rule, (new, new)) == Some(true)
    }

    /// Whether rules for an update let the stored record become the proposed one.
    fn lets_become(&self, world: &World, allow: &Allow, (stored, proposal): (&Record, &Proposal<'_>)) -> bool {
        allow.update.as_ref().is_some_and(|rule| match &allow.after {
            Some(after) => self.truth(world, after, (stored.into(), proposal.proposed())) == Some(true),
            None => self.is_true(world, rule, proposal),
        })
    }

    /// The rules of the fields that were sent: of the stored record, and of the proposed one.
    fn may_give(&self, world: &World, proposal: &Proposal<'_>) -> Result<(), Refusal> {
        let allowed = |field: &usize| {
            let allow = &world.schema.field(proposal.of, *field).allow;
            match (proposal.stored, &allow.update) {
                (None, _) => allow.create.as_ref().is_none_or(|rule| self.is_true(world, rule, proposal)),
                (Some(_), None) => true,
                (Some(stored), Some(rule)) => {
                    self.holds(world, rule, stored.into()) && self.lets_become(world, allow, (stored, proposal))
                }
            }
        };
        if proposal.named.iter().all(allowed) { Ok(()) } else { Err(INVALID) }
    }

    fn update(
        &self,
        world: &mut World,
        of: usize,
        (id, body): (&str, &Body),
        moment: i64,
    ) -> Result<(u16, Json), Refusal> {
        let before = world.clone();
        let stored = before.find(of, id).filter(|record| self.reads(&before, (*record).into())).ok_or(NOT_FOUND)?;
        let holds =
            |clause: &&Allow| clause.update.as_ref().is_some_and(|rule| self.holds(&before, rule, stored.into()));
        let open: Vec<&Allow> = before.schema.types[of].allow.iter().filter(holds).collect();
        let taken = self.takes(&before, stored, body);
        if open.is_empty() && taken.is_empty() {
            return Err(self.forbidden());
        }
        let (mut proposal, wanted) = self.patched(&before, stored, body)?;
        let linked = self.link(&before, &mut proposal, &wanted);
        let changed = |field: &&usize| match before.schema.field(of, **field).is_stored() {
            true => proposal.values[**field] != stored.values[**field] || !self.saw(&before, stored, **field),
            false => linked.1.contains(*field) || !self.saw(&before, stored, **field),
        };
        let changed: Vec<usize> = proposal.named.iter().filter(changed).copied().collect();
        let covers =
            |clause: &&Allow| clause.only.as_ref().is_none_or(|only| changed.iter().all(|field| only.contains(field)));
        let open: Vec<&Allow> = open.into_iter().filter(covers).collect();
        let is_taken = taken.iter().any(|lets| changed.iter().all(|field| lets.contains(field)));
        if open.is_empty() && !is_taken {
            return Err(INVALID);
        }
        let asked =
            Proposal { sent: wanted, values: proposal.values.clone(), named: proposal.named.clone(), ..proposal };
        let dangling = self.refer(&before, &asked)?;
        proposal = Proposal { sent: linked.0, ..asked };
        self.pass(&before, &proposal)?;
        dangling.refuse()?;
        let idle = proposal.values == stored.values
            && linked.1.is_empty()
            && proposal.named.iter().all(|field| self.saw(&before, stored, *field));
        let fields = &before.schema.types[of].fields;
        if !idle && fields.iter().zip(&proposal.values).any(|(field, value)| field.required && value.is_null()) {
            return Err(INVALID);
        }
        if !is_taken && !open.iter().any(|clause| self.lets_become(&before, clause, (stored, &proposal))) {
            return Err(self.forbidden());
        }
        self.may_give(&before, &proposal)?;
        if !idle {
            check(self, &before, &proposal)?;
            let Proposal { mut values, sent, .. } = proposal;
            values[2] = Value::Moment(moment);
            values[3] = raised(&values[3]);
            world.records.retain(|record| !(record.of == of && **record.id() == *id));
            store(world, Record { of, values }, sent);
        }
        match self.echo(world, of, id) {
            Json::Null => Ok((204, Json::Null)),
            seen => Ok((200, seen)),
        }
    }

    /// The fields that each transition lets change that was asked for and that the caller may take. Whoever doesn't see the
    /// state takes none.
    fn takes(&self, world: &World, stored: &Record, body: &Body) -> Vec<Vec<usize>> {
        let taken = transitions(world, stored.of).into_iter().filter(|(field, way)| {
            let Kind::Enum(states) = world.schema.field(stored.of, *field).kind else { return false };
            let names = &world.schema.enums[states].values;
            let asked = body.iter().any(|(sent, to)| sent == field && *to == Value::Text(Arc::clone(&names[way.to])));
            asked
                && stored.values[*field] == Value::Text(Arc::clone(&names[way.from]))
                && self.sees(world, stored.into(), *field)
                && way.by.as_ref().is_some_and(|by| self.holds(world, by, stored.into()))
        });
        taken.map(|(field, way)| std::iter::once(field).chain(way.with.iter().copied()).collect()).collect()
    }

    /// The stored record with the values that were sent, and the members that were sent. What the caller sees and sends
    /// back unchanged doesn't count as sent.
    fn patched<'w>(&self, world: &World, stored: &'w Record, body: &Body) -> Result<(Proposal<'w>, Sent), Refusal> {
        let of = stored.of;
        let (mut values, mut sent, mut named) = (stored.values.clone(), Vec::new(), Vec::new());
        for (field, value) in body {
            let (about, sees) = (world.schema.field(of, *field), self.saw(world, stored, *field));
            if about.kind.is_many() {
                sent.push((*field, ids(value)));
            } else if sees && stored.values[*field] == *value {
                continue;
            } else {
                values[*field] = value.clone();
                if about.access == Access::ReadOnly || about.access == Access::Immutable {
                    return Err(INVALID);
                }
            }
            named.push(*field);
        }
        Ok((Proposal { of, stored: Some(stored), values, sent: Vec::new(), named }, sent))
    }

    /// The members that relations would have: those that were sent, and present ones that the caller may not read; and
    /// the relations that this changes. Naming a present one that the caller may not read counts as a change.
    fn link(
        &self,
        world: &World,
        proposal: &mut Proposal<'_>,
        wanted: &[(usize, Vec<Arc<str>>)],
    ) -> (Sent, Vec<usize>) {
        let id = proposal.values[0].id().expect("a record has an id");
        let mut changes = Vec::new();
        let members = wanted.iter().map(|(field, wanted)| {
            let present = world.members(proposal.of, *field, id);
            let reads = |record: &&Record| self.reads(world, (*record).into());
            let stays = |record: &&&Record| wanted.contains(record.id()) || !reads(record);
            let mut members: Vec<Arc<str>> =
                present.iter().filter(stays).map(|record| Arc::clone(record.id())).collect();
            let unseen = present.iter().any(|record| wanted.contains(record.id()) && !reads(record));
            let mut changed = unseen || members.len() != present.len();
            for new in wanted {
                if !members.contains(new) {
                    changed = true;
                    members.push(Arc::clone(new));
                }
            }
            if changed {
                changes.push(*field);
            }
            (*field, members)
        });
        let members = members.collect();
        (members, changes)
    }

    /// A change of state must be a transition, and its guard true. Whoever doesn't see the state can't change it.
    fn pass(&self, world: &World, proposal: &Proposal<'_>) -> Result<(), Refusal> {
        let Some(stored) = proposal.stored else { return Ok(()) };
        let states = world.schema.types[proposal.of].fields.iter().enumerate().filter_map(|(field, about)| {
            let Kind::Enum(states) = about.kind else { return None };
            let states = &world.schema.enums[states];
            Some((field, &states.values, states.transitions.as_ref()?))
        });
        if states.clone().any(|(field, ..)| proposal.named.contains(&field) && !self.saw(world, stored, field)) {
            return Err(INVALID);
        }
        for (field, names, transitions) in states {
            let (Value::Text(from), Value::Text(to)) = (&stored.values[field], &proposal.values[field]) else {
                continue;
            };
            if from == to {
                continue;
            }
            let way = transitions.iter().find(|way| names[way.from] == *from && names[way.to] == *to).ok_or(INVALID)?;
            let passes = |guard: &Expr| self.truth(world, guard, (stored.into(), proposal.proposed())) == Some(true);
            if !way.when.as_ref().is_none_or(passes) {
                return Err(self.forbidden());
            }
        }
        Ok(())
    }
}

/// The transitions of a type, each with the field that holds the state.
fn transitions(world: &World, of: usize) -> Vec<(usize, &Transition)> {
    let mut found = Vec::new();
    for (field, about) in world.schema.types[of].fields.iter().enumerate() {
        let Kind::Enum(states) = about.kind else { continue };
        found.extend(world.schema.enums[states].transitions.iter().flatten().map(|way| (field, way)));
    }
    found
}

/// No check may be false.
fn check(asker: &Asker, world: &World, proposal: &Proposal<'_>) -> Result<(), Refusal> {
    let this = proposal.proposed();
    let mut checks = world.schema.types[proposal.of].fields.iter().flat_map(|field| &field.checks);
    match checks.any(|check| asker.truth(world, check, (this, this)) == Some(false)) {
        true => Err(INVALID),
        false => Ok(()),
    }
}

fn store(world: &mut World, record: Record, sent: Sent) {
    let (of, id) = (record.of, Arc::clone(record.id()));
    for (field, members) in sent {
        world.links.retain(|link| !(link.relation == (of, field) && link.near == id));
        let link = |far| Link { relation: (of, field), near: Arc::clone(&id), far };
        world.links.extend(members.into_iter().map(link));
    }
    world.records.push(record);
}

fn ids(of: &Value) -> Vec<Arc<str>> {
    match of {
        Value::List(items) => {
            let mut ids: Vec<Arc<str>> = items.iter().filter_map(Value::id).cloned().collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        }
        _ => Vec::new(),
    }
}

pub(super) fn raised(version: &Value) -> Value {
    match version {
        Value::Int(version) => Value::Int(version + 1),
        other => other.clone(),
    }
}
