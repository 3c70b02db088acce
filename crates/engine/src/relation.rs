use std::collections::HashSet;

use backstay_base::{Action, Error, RecordId, Violation, ViolationKind, limits};
use backstay_model::{Collection, CollectionId, FieldKind, Link};
use backstay_scalar::Value;
use backstay_sql::Row;
use backstay_store::{ChangeKind, ChangedField};

use crate::bind::Bindings;
use crate::templates::LinkStatement;
use crate::application::CallerClass;
use crate::write::{LinkChange, change, refuse};
use crate::{Authority, Draft, OpContext, Record};

impl OpContext<'_, '_> {
    /// What the draft changes in the record's many-to-many relations. Members that the caller may not read are none of
    /// the caller's business: they stay.
    pub(crate) async fn changed_links(
        &mut self,
        authority: Authority,
        class: &CallerClass,
        collection: &Collection,
        id: RecordId,
        draft: &Draft,
    ) -> Result<Vec<LinkChange>, Error> {
        let mut changes = Vec::new();
        for (field, members) in &draft.links {
            let FieldKind::ManyToMany { link, target } = &collection.field(*field).kind else { continue };
            let template = self.engine.templates.link(&self.engine.planner, link, LinkStatement::Targets);
            let bindings = Bindings { limit: limits::LIST_ITEMS as u64 * 100, ..self.bindings().id(id) };
            let present: HashSet<RecordId> = self.ids(&template, bindings, collection.id).await?.into_iter().collect();
            let wanted: HashSet<RecordId> = members.iter().copied().collect();
            let added: Vec<RecordId> = members.iter().copied().filter(|member| !present.contains(member)).collect();
            let mut removed = Vec::new();
            for member in present.difference(&wanted) {
                if authority == Authority::System || self.may_read(class, *target, *member).await? {
                    removed.push(*member);
                }
            }
            removed.sort_unstable();
            if !added.is_empty() || !removed.is_empty() {
                changes.push(LinkChange { field: *field, added, removed });
            }
        }
        Ok(changes)
    }

    /// Writes the changed links of one relation.
    pub(crate) fn write_links(&mut self, collection: &Collection, record: &Record, links: LinkChange) {
        let FieldKind::ManyToMany { link, .. } = &collection.field(links.field).kind else { return };
        let parts = [
            (links.added, LinkStatement::Insert, ChangeKind::Link),
            (links.removed, LinkStatement::Remove, ChangeKind::Unlink),
        ];
        for (members, statement, kind) in parts {
            if members.is_empty() {
                continue;
            }
            let template = self.engine.templates.link(&self.engine.planner, link, statement);
            for member in &members {
                let bindings = Bindings { argument: Some(*member), ..self.bindings().id(record.id()) };
                let statement = self.statement(&template, &bindings, collection.id);
                self.tx.stage(statement, None);
            }
            let new = Value::List(members.into_iter().map(Value::Id).collect());
            let field = ChangedField { field: links.field, old: Value::Null, new };
            self.tx.change(change(collection, record, kind, vec![field]));
        }
    }

    /// Refuses references of a draft for a new record that the caller may not make, although the record itself is made
    /// by Backstay: those to records that the caller may not read.
    pub async fn check_references(&mut self, collection: CollectionId, draft: &Draft) -> Result<(), Error> {
        let (collection, class) = (self.model().collection(collection), self.class_of(Authority::Caller));
        self.readable_references(Authority::Caller, &class, collection, &[], draft).await
    }

    /// Refuses references to records that the caller may not read, just as those to records that do not exist: neither
    /// tells which it is, and nobody links what they cannot see.
    pub(crate) async fn readable_references(
        &mut self,
        authority: Authority,
        class: &CallerClass,
        collection: &Collection,
        stored: &[Value],
        draft: &Draft,
    ) -> Result<(), Error> {
        if authority == Authority::System {
            return Ok(());
        }
        let mut violations = Vec::new();
        for (id, value) in &draft.values {
            let field = collection.field(*id);
            let (Some(target), Some(to)) = (field.kind.target(), value.as_id()) else { continue };
            if stored.get(usize::from(id.0)) != Some(value) && !self.may_read(class, target, to).await? {
                violations.push(self.no_reference(format!("/{}", field.name), target));
            }
        }
        for (id, members) in &draft.links {
            let field = collection.field(*id);
            let Some(target) = field.kind.target() else { continue };
            for (index, to) in members.iter().enumerate() {
                if !self.may_read(class, target, *to).await? {
                    violations.push(self.no_reference(format!("/{}/{index}", field.name), target));
                }
            }
        }
        refuse(violations)
    }

    pub(crate) async fn may_read(&mut self, class: &CallerClass, target: CollectionId, id: RecordId) -> Result<bool, Error> {
        if class.rights.rule(target, Action::Read).allows() {
            return Ok(true);
        }
        let collection = self.model().collection(target);
        let plan = class.plans.whole(&self.engine.planner, &class.rights, collection);
        let statement = self.statement(&plan.template, &self.bindings().id(id), target);
        let mut found = false;
        let visit = &mut |_: &dyn Row| {
            found = true;
            Ok(())
        };
        self.rows(&statement, visit).await?;
        Ok(found)
    }

    pub(crate) fn no_reference(&self, at: String, target: CollectionId) -> Violation {
        let collection = self.model().collection(target).name.clone();
        Violation::new(at, ViolationKind::Reference { collection, by: "id".to_owned() })
    }

    /// Ends every link of a record that is deleted, from both ends of every relation.
    pub(crate) fn clear_links(&mut self, collection: &Collection, id: RecordId) {
        let model = self.model();
        let mut links: Vec<Link> = Vec::new();
        for other in &model.collections {
            for field in &other.fields {
                let FieldKind::ManyToMany { target, link } = &field.kind else { continue };
                if other.id == collection.id {
                    links.push(link.clone());
                }
                if *target == collection.id {
                    let (near, far) = (link.far.clone(), link.near.clone());
                    links.push(Link { near, far, ..link.clone() });
                }
            }
        }
        links.sort_by(|left, right| (&left.table, &left.near).cmp(&(&right.table, &right.near)));
        links.dedup_by(|left, right| left.table == right.table && left.near == right.near);
        for link in links {
            let template = self.engine.templates.link(&self.engine.planner, &link, LinkStatement::Clear);
            let clear = self.statement(&template, &self.bindings().id(id), collection.id);
            self.tx.stage(clear, None);
        }
    }
}
