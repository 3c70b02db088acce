//! What is sent for the records that a relation lists, taken apart: which of them are made, changed and deleted. What is sent
//! for each of them is read like any other record.

use backstay_base::{Step, ViolationKind, limits};
use backstay_engine::Others;
use backstay_scalar::Members;

use crate::foreign::{self, Listed};
use crate::form::Form;
use crate::json::{few_items, not_an_object, within_list_limit};
use crate::words::shorten;

/// What is sent for the children of a record.
pub(crate) struct Sent<'r> {
    pub(crate) each: Vec<SentChild<'r>>,
    pub(crate) others: Others,
    /// What is wrong, each with the steps to it.
    pub(crate) wrong: Vec<(Vec<Step>, ViolationKind)>,
}

/// What is sent for one child, and the steps to it.
pub(crate) struct SentChild<'r> {
    pub(crate) at: Vec<Step>,
    pub(crate) act: SentAct<'r>,
}

/// What is done to a child: an id as JSON, and the members of its object without that.
pub(crate) enum SentAct<'r> {
    Add(Members<'r>),
    Change(&'r str, Members<'r>),
    Put(Members<'r>),
    Match(Members<'r>),
    Remove(&'r str),
}

/// What can be done to some of the children.
const OPERATORS: &str = "`$add`, `$change`, `$remove`, or `$set` alone";

/// Of a relation to many records: in a new record an array of objects, in a whole one an array that replaces the list, in a
/// change also an object of operators.
pub(crate) fn many(form: Form, raw: &str) -> Sent<'_> {
    let mut sent = Sent { each: Vec::new(), others: Others::Stay, wrong: Vec::new() };
    match (form, raw.as_bytes().first()) {
        (Form::New, _) => sent.list(Vec::new(), raw, "an array of objects", Sent::add),
        (Form::Patch, Some(b'{')) => sent.operators(raw),
        (Form::Whole, Some(b'{')) => {
            let problem = "this request replaces the list, and takes no operators".to_owned();
            let remedy = "send an array of all objects, or PATCH the record".to_owned();
            sent.wrong.push((Vec::new(), ViolationKind::Misused { problem, remedy }));
        }
        (Form::Patch | Form::Whole, _) => sent.all(Vec::new(), raw),
    }
    sent
}

/// Of a relation to at most one record: an object, or null for none.
pub(crate) fn one<'r>(form: Form, raw: &'r str, (target, via): (&str, &str)) -> Sent<'r> {
    let mut sent = Sent { each: Vec::new(), others: Others::Stay, wrong: Vec::new() };
    match (form, raw) {
        (Form::New, "null") => {}
        (Form::Patch | Form::Whole, "null") => sent.others = Others::Go,
        (_, raw) if raw.starts_with('"') => {
            let problem = format!("this relation is stored in `{via}` of {target}");
            let remedy = format!("send the fields of the {target} as an object, or set `{via}` of the {target}");
            sent.wrong.push((Vec::new(), ViolationKind::Misused { problem, remedy }));
        }
        (Form::New, raw) => sent.add(Vec::new(), raw),
        (Form::Patch | Form::Whole, raw) => sent.change_or(Vec::new(), raw, SentAct::Put),
    }
    sent
}

impl<'r> Sent<'r> {
    /// `{"$add": […], "$change": […], "$remove": […]}` or `{"$set": […]}`.
    fn operators(&mut self, raw: &'r str) {
        let Some(members) = self.object(&[], raw) else { return };
        let alone = members.len() == 1;
        let mut seen: Vec<&str> = Vec::new();
        for (name, raw) in &members {
            let at = vec![Step::Member(shorten(name))];
            if seen.contains(&&**name) {
                self.wrong.push((at, ViolationKind::Duplicate));
                continue;
            }
            seen.push(name);
            match &**name {
                "$add" => self.list(at, raw.get(), "an array of objects", Self::add),
                "$change" => self.list(at, raw.get(), "an array of objects with the `id` of each", Self::change),
                "$remove" => self.list(at, raw.get(), "an array of ids", Self::remove),
                "$set" if alone => self.all(at, raw.get()),
                "$set" => {
                    let problem = "`$set` replaces all records of the list".to_owned();
                    let remedy = "send it alone, or use `$add`, `$change` and `$remove`".to_owned();
                    self.wrong.push((at, ViolationKind::Misused { problem, remedy }));
                }
                _ => {
                    let problem = format!("unknown operator `{}`", shorten(name));
                    let all = || format!("write {OPERATORS}, or an array of objects");
                    let remedy = foreign::of_many(Listed::Children, name).unwrap_or_else(all);
                    self.wrong.push((at, ViolationKind::Misused { problem, remedy }));
                }
            }
        }
    }

    /// All records of the list: those with an id, or the values of a unique key, are changed, those without are new, and the
    /// others go.
    fn all(&mut self, at: Vec<Step>, raw: &'r str) {
        self.others = Others::Go;
        self.list(at, raw, "an array of objects", |sent, at, raw| sent.change_or(at, raw, SentAct::Match));
    }

    fn list(&mut self, at: Vec<Step>, raw: &'r str, expected: &str, item: impl Fn(&mut Self, Vec<Step>, &'r str)) {
        let Ok(items) = few_items(raw, limits::LIST_ITEMS) else {
            self.wrong.push((at, ViolationKind::Type { expected: expected.to_owned() }));
            return;
        };
        if let Err(kind) = within_list_limit(items.len()) {
            self.wrong.push((at, kind));
            return;
        }
        for (index, raw) in items.into_iter().enumerate() {
            let at = at.iter().cloned().chain([Step::Item(index)]).collect();
            item(self, at, raw.get());
        }
    }

    fn add(&mut self, at: Vec<Step>, raw: &'r str) {
        if let Some(members) = self.object(&at, raw) {
            self.each.push(SentChild { at, act: SentAct::Add(members) });
        }
    }

    fn change(&mut self, mut at: Vec<Step>, raw: &'r str) {
        let Some(mut members) = self.object(&at, raw) else { return };
        if let Some(id) = taken_id(&mut members) {
            self.each.push(SentChild { at, act: SentAct::Change(id, members) });
        } else {
            at.push(Step::Member(ID.to_owned()));
            self.wrong.push((at, ViolationKind::Required));
        }
    }

    fn change_or(&mut self, at: Vec<Step>, raw: &'r str, otherwise: impl Fn(Members<'r>) -> SentAct<'r>) {
        let Some(mut members) = self.object(&at, raw) else { return };
        let act = match taken_id(&mut members) {
            Some(id) => SentAct::Change(id, members),
            None => otherwise(members),
        };
        self.each.push(SentChild { at, act });
    }

    fn remove(&mut self, at: Vec<Step>, raw: &'r str) {
        self.each.push(SentChild { at, act: SentAct::Remove(raw) });
    }

    fn object(&mut self, at: &[Step], raw: &'r str) -> Option<Members<'r>> {
        let members = backstay_scalar::members(raw);
        if members.is_err() {
            self.wrong.push((at.to_vec(), not_an_object()));
        }
        members.ok()
    }
}

/// The member that names a record.
const ID: &str = "id";

/// The id among the members, which has no place among them any more.
fn taken_id<'r>(members: &mut Members<'r>) -> Option<&'r str> {
    let place = members.iter().position(|(name, _)| name == ID)?;
    let (_, raw) = members.remove(place);
    Some(raw.get())
}
