use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Kind, Schema, Value};

/// A model and its records.
#[derive(Debug, Clone)]
pub struct World {
    /// The model.
    pub schema: Schema,
    /// All records.
    pub records: Vec<Record>,
    /// All links of many-to-many relations.
    pub links: Vec<Link>,
}

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its type.
    pub of: usize,
    /// A value for each field of the type; null for relations to several records.
    pub values: Vec<Value>,
}

/// A link of a many-to-many relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The type and the field that declare the relation.
    pub relation: (usize, usize),
    /// The record that has the field.
    pub near: Arc<str>,
    /// The record that it leads to.
    pub far: Arc<str>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// `auth.kind`.
    pub kind: &'static str,
    /// `auth.id`.
    pub id: Option<Arc<str>>,
    /// `auth.roles`.
    pub roles: Vec<Arc<str>>,
    /// `auth.claims`.
    pub claims: BTreeMap<&'static str, String>,
    /// `auth.verified`.
    pub verified: bool,
    /// `auth.link`.
    pub link: Option<Arc<str>>,
    /// Types and actions that a key is limited to.
    pub only: Option<Vec<(usize, &'static str)>>,
}

impl Caller {
    /// Nobody signed in.
    pub fn anonymous() -> Self {
        Self {
            kind: "ANONYMOUS",
            id: None,
            roles: Vec::new(),
            claims: BTreeMap::new(),
            verified: false,
            link: None,
            only: None,
        }
    }

    /// Whether a key is for one of these actions; other callers are for all.
    pub fn is_for(&self, of: usize, actions: &[&str]) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|(ty, action)| *ty == of && actions.contains(action)))
    }
}

impl Record {
    /// Its id.
    pub fn id(&self) -> &Arc<str> {
        self.values[0].id().expect("a record has an id")
    }
}

impl World {
    /// The record of a type with an id.
    pub fn find(&self, of: usize, id: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.of == of && **record.id() == *id)
    }

    /// All records of a type.
    pub fn all(&self, of: usize) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.of == of)
    }

    /// The records that a stored relation to several leads to.
    pub fn members(&self, of: usize, field: usize, id: &str) -> Vec<&Record> {
        let (target, ids): (usize, Vec<&str>) = match self.schema.field(of, field).kind {
            Kind::OneToMany { target, via } => {
                let refers = |record: &&Record| record.values[via].id().is_some_and(|to| **to == *id);
                return self.all(target).filter(refers).collect();
            }
            Kind::Lineage { target, parent, is_up } => {
                let above = |record: &Record| {
                    let up = |id: &Arc<str>| self.find(target, id)?.values[parent].id().cloned();
                    std::iter::successors(up(record.id()), up).collect::<Vec<_>>()
                };
                let is_meant = |record: &&Record| match is_up {
                    true => self.find(target, id).is_some_and(|below| above(below).contains(record.id())),
                    false => above(record).iter().any(|above| **above == *id),
                };
                return self.all(target).filter(is_meant).collect();
            }
            Kind::ManyToMany { target } => {
                let links = self.links.iter().filter(|link| link.relation == (of, field) && *link.near == *id);
                (target, links.map(|link| &*link.far).collect())
            }
            Kind::Inverse { target, via } => {
                let links = self.links.iter().filter(|link| link.relation == (target, via) && *link.far == *id);
                (target, links.map(|link| &*link.near).collect())
            }
            _ => unreachable!("only relations to several records have members"),
        };
        ids.into_iter().filter_map(|id| self.find(target, id)).collect()
    }
}
