//! What many-to-many relations are sent: all links, or those that begin and end.

use std::collections::HashSet;

use backstay_base::{Step, ViolationKind};
use backstay_engine::{Input, LinkChanges, Missing, Referred};
use backstay_model::{CollectionId, Field};
use serde_json::value::RawValue;

use crate::decoder::Decoder;
use crate::foreign::{self, Listed};
use crate::form::Form;
use crate::json::items;
use crate::relation_reader::missing;
use crate::words::shorten;
use crate::wrong::Wrong;

impl Decoder<'_> {
    /// What a many-to-many relation is sent.
    pub(crate) fn linked(
        &mut self,
        input: &mut Input,
        (field, target): (&Field, CollectionId),
        raw: &str,
    ) -> Result<(), Wrong> {
        if self.form != Form::Patch || !raw.starts_with('{') {
            input.members(field.id, self.links((field, target), raw)?);
        } else if let Some(all) = set_of_links(raw)? {
            let links = self.links((field, target), all.get());
            input
                .set_members(field.id, links.map_err(|wrong| wrong.within(Step::Member(LinkChanges::SET.to_owned())))?);
        } else {
            let [added, removed] = self.link_changes((field, target), raw)?;
            input.change_members(field.id, added, removed);
        }
        Ok(())
    }

    /// The members of a many-to-many relation.
    fn links(&mut self, (field, target): (&Field, CollectionId), raw: &str) -> Result<Vec<Referred>, Wrong> {
        self.members_named(target, raw, missing(field))
    }

    /// The records that an array names.
    fn members_named(&mut self, target: CollectionId, raw: &str, missing: Missing) -> Result<Vec<Referred>, Wrong> {
        let expected = || ViolationKind::Type { expected: "an array of ids".to_owned() };
        let items: Vec<&RawValue> = items(raw).ok_or_else(expected)?;
        let most = self.relations.most();
        if items.len() > most {
            return Err(ViolationKind::Range(format!("at most {most} items")).into());
        }
        let mut members = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let member = self.reference(target, item.get(), missing);
            members.push(member.map_err(|wrong| wrong.within(Step::Item(index)))?);
        }
        Ok(members)
    }

    fn link_changes(
        &mut self,
        (field, target): (&Field, CollectionId),
        raw: &str,
    ) -> Result<[Vec<Referred>; 2], Wrong> {
        let expected = || ViolationKind::Type { expected: "an array of ids".to_owned() };
        let members = backstay_scalar::members(raw).map_err(|_| expected())?;
        let (mut changes, mut named, mut seen) = ([Vec::new(), Vec::new()], HashSet::new(), HashSet::new());
        for (name, raw) in &members {
            let at = || Step::Member(name.to_string());
            let (place, missing) = match &**name {
                LinkChanges::ADD => (0, missing(field)),
                LinkChanges::REMOVE => (1, Missing::Refuse),
                _ => {
                    let problem = format!("unknown operator `{}`", shorten(name));
                    let all = "write `$add` and `$remove`, `$set` alone, or an array of all ids";
                    let remedy = foreign::of_many(Listed::Links, name).unwrap_or_else(|| all.to_owned());
                    return Err(Wrong::at_member(&shorten(name), ViolationKind::Misused { problem, remedy }));
                }
            };
            if !seen.insert(&**name) {
                return Err(Wrong::at_member(name, ViolationKind::Duplicate));
            }
            let members = self.members_named(target, raw.get(), missing).map_err(|wrong| wrong.within(at()))?;
            for (index, member) in members.iter().enumerate() {
                if let Referred::Id(id) = member
                    && !named.insert(*id)
                {
                    let repeated = Wrong { steps: vec![Step::Item(index)], kind: ViolationKind::Duplicate };
                    return Err(repeated.within(at()));
                }
            }
            changes[place] = members;
        }
        Ok(changes)
    }
}

/// What `{"$set": […]}` gives a many-to-many relation, if that is what was sent.
fn set_of_links(raw: &str) -> Result<Option<&RawValue>, Wrong> {
    let Ok(members) = backstay_scalar::members(raw) else { return Ok(None) };
    let Some((_, all)) = members.iter().find(|(name, _)| name == LinkChanges::SET) else { return Ok(None) };
    if members.len() == 1 {
        return Ok(Some(*all));
    }
    let problem = "`$set` replaces all links".to_owned();
    let remedy = "send it alone, or use `$add` and `$remove`".to_owned();
    Err(Wrong::at_member(LinkChanges::SET, ViolationKind::Misused { problem, remedy }))
}
