use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Caller, Place, RecordId, limits};
use backstay_expr::{Account, CallerPart};
use backstay_model::{Class, Collection, CollectionId, Field, FieldId, Model};
use backstay_scalar::Value;
use backstay_sql::{Slot, Statement, Template};
use backstay_store::{Executed, ReadStats};

use crate::bind::{Bindings, Question};
use crate::explanation::{ExplainedPart, ExplainedRule, ExplainedStatement};
use crate::{part_name, trace};

/// What a statement is about: a record of this collection of the model.
type About<'m> = (&'m Model, CollectionId);

/// Records of a write whose rules are recorded.
const RECORDED_RECORDS: usize = 10;

/// What was recorded of a request so far.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    rules: Vec<ExplainedRule>,
    /// The statements that are about to be run, by their texts, each in the order in which it was noted.
    notes: HashMap<String, VecDeque<Note>>,
    noted: usize,
    /// Bytes of the notes.
    bytes: usize,
    /// How much of a request as it comes was too much to be recorded.
    omitted: usize,
    /// Of several records that are written, which one it is about.
    record: Option<String>,
    /// How many it has been about.
    records: usize,
    /// Jobs that were queued.
    queued: Vec<(Arc<str>, String)>,
    /// Whether it is of a request as it comes, which may be about secrets, and not of one that an operator has written.
    of_any: bool,
}

/// What was recorded.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The rules that were asked, in order.
    pub(crate) rules: Vec<ExplainedRule>,
    /// The statements that were run, each with how long it took.
    pub(crate) statements: Vec<(ExplainedStatement, Duration)>,
    /// The jobs that were queued: their kinds and ids.
    pub(crate) queued: Vec<(Arc<str>, String)>,
    /// How much more there was.
    pub(crate) omitted: usize,
}

impl Recorder {
    /// One of a request as it comes: nothing is told of Backstay's own records, such as sessions and jobs.
    pub(crate) fn of_any() -> Self {
        Self { of_any: true, ..Self::default() }
    }

    /// From now on it is about this one of several records, or about the request as a whole.
    pub(crate) fn about(&mut self, record: &Place) {
        self.record = (*record != Place::Whole).then(|| part_name::named(record));
        self.records += 1;
    }

    /// Notes a statement that is about to be run.
    pub(crate) fn statement(&mut self, template: &Template, bindings: &Bindings<'_>, subject: About<'_>) {
        self.push_note(template, (bindings, subject), &|_| false);
    }

    /// The same of a statement in which what is compared with may be classified: what the request brought is not told.
    pub(crate) fn withheld_statement(&mut self, template: &Template, bindings: &Bindings<'_>, subject: About<'_>) {
        self.push_note(template, (bindings, subject), &|slot| {
            matches!(slot, Slot::Cursor(_) | Slot::Param(..) | Slot::Constant(_) | Slot::Match(_) | Slot::Terms(_))
        });
    }

    /// The same of a statement that keeps whole records, of which the caller may not see all.
    pub(crate) fn whole_statement(&mut self, template: &Template, bindings: &Bindings<'_>, subject: About<'_>) {
        self.push_note(template, (bindings, subject), &|slot| matches!(slot, Slot::Proposed(_)));
    }

    /// Notes the statement of a question that is about to be asked, and returns it.
    pub(crate) fn question(&mut self, model: &Model, question: &Question<'_>) -> Statement {
        self.asked(model, question);
        question.bindings.statement(question.template)
    }

    /// Notes the statement of a question.
    pub(crate) fn asked(&mut self, model: &Model, question: &Question<'_>) {
        let Question { template, bindings, collection, withheld } = question;
        match withheld {
            true => self.withheld_statement(template, bindings, (model, *collection)),
            false => self.statement(template, bindings, (model, *collection)),
        }
    }

    /// Whether it leaves out rules of what Backstay itself does, which don't apply to it.
    pub(crate) fn of_callers_alone(&self) -> bool {
        self.of_any
    }

    /// Notes a job that is queued.
    pub(crate) fn queued(&mut self, kind: &Arc<str>, id: RecordId) {
        if self.has_room(self.queued.len()) {
            self.queued.push((Arc::clone(kind), id.to_string()));
        }
    }

    /// The rules that were asked, in order, and the statements that were run, each with what it cost.
    pub(crate) fn finish(self, executed: Vec<Executed>) -> (Vec<ExplainedRule>, Vec<ExplainedStatement>) {
        let Recorded { rules, statements, .. } = self.recorded(executed);
        (rules, statements.into_iter().map(|(statement, _)| statement).collect())
    }

    /// All that was recorded.
    pub(crate) fn recorded(mut self, executed: Vec<Executed>) -> Recorded {
        let with_note = executed.into_iter().filter_map(|Executed { sql, stats, time }| {
            let note = self.notes.get_mut(&*sql)?.pop_front()?;
            Some((note.executed(&sql, stats), time))
        });
        let statements = with_note.collect();
        Recorded { rules: self.rules, statements, queued: self.queued, omitted: self.omitted }
    }

    /// Whether there is room for one more, after so many of its kind; counts it otherwise. An explanation leaves nothing out.
    fn has_room(&mut self, after: usize) -> bool {
        let has_room = !self.of_any || (after < limits::TRACE_PARTS && self.bytes < limits::TRACE_BYTES);
        self.omitted += usize::from(!has_room);
        has_room
    }

    fn push_note(
        &mut self,
        template: &Template,
        (bindings, subject): (&Bindings<'_>, About<'_>),
        withheld: &dyn Fn(&Slot) -> bool,
    ) {
        if !self.has_room(self.noted) {
            return;
        }
        let (model, collection) = subject;
        let hidden = || "(withheld)".to_owned();
        let value = |slot: &Slot| if withheld(slot) { hidden() } else { bound(slot, bindings, subject) };
        let mut values: Vec<String> = match self.of_any && model.collection(collection).system {
            true => vec![hidden()],
            false => template.slots().map(value).collect(),
        };
        if self.of_any {
            values.iter_mut().for_each(trace::cut);
        }
        self.noted += 1;
        self.bytes += template.text().len() + values.iter().map(String::len).sum::<usize>();
        self.notes.entry(template.text().to_owned()).or_default().push_back(Note(values));
    }

    /// Whether it notes another rule. Finding out what a rule came to costs what asking it does.
    pub(crate) fn takes_rules(&mut self) -> bool {
        (self.record.is_none() || self.records <= RECORDED_RECORDS) && self.has_room(self.rules.len())
    }

    pub(crate) fn push(&mut self, mut rule: ExplainedRule) {
        if !self.takes_rules() {
            return;
        }
        if self.of_any {
            rule.parts.iter_mut().flat_map(|part| &mut part.saw).for_each(|(_, value)| trace::cut(value));
        }
        let of_part =
            |part: &ExplainedPart| part.text.len() + part.saw.iter().map(|(_, value)| value.len()).sum::<usize>();
        self.bytes += rule.text.len() + rule.parts.iter().map(of_part).sum::<usize>();
        match &self.record {
            Some(record) => self.rules.push(ExplainedRule { of: format!("{} ({record})", rule.of), ..rule }),
            None => self.rules.push(rule),
        }
    }
}

/// The values of a statement, as a person reads them. Classified ones are withheld.
#[derive(Debug)]
struct Note(Vec<String>);

impl Note {
    /// The statement once it was run.
    fn executed(self, sql: &str, stats: ReadStats) -> ExplainedStatement {
        let (sql, Self(values)) = (sql.to_owned(), self);
        let ReadStats { rows, scanned, steps, .. } = stats;
        ExplainedStatement { sql, values, rows, scanned, steps }
    }
}

/// What stands for a value that is classified.
pub(crate) fn withheld(class: Class) -> String {
    format!("(withheld: {})", class.word())
}

/// What rules call a field of the caller's own record, and its value for a person to read.
pub(crate) fn of_account(model: &Model, field: FieldId, caller: &Caller) -> (String, String) {
    let field = model.field(model.identity.expect("only a model with accounts names the caller's own"), field);
    let value = match field.class {
        Some(class) => withheld(class),
        None => shown(&Account::value(caller, field.id)),
    };
    let name =
        if field.id == Collection::ID { "auth.account".to_owned() } else { format!("auth.account.{}", field.name) };
    (name, value)
}

/// What rules call a part of the caller.
pub(crate) fn caller_name(part: &CallerPart) -> String {
    match part {
        CallerPart::Id => "auth.id".to_owned(),
        CallerPart::Kind => "auth.kind".to_owned(),
        CallerPart::Roles => "auth.roles".to_owned(),
        CallerPart::Verified => "auth.verified".to_owned(),
        CallerPart::Link => "auth.link".to_owned(),
        CallerPart::Via => "auth.via".to_owned(),
        CallerPart::Claim(name) => format!("auth.claims.{name}"),
    }
}

/// A value for a person to read.
pub(crate) fn shown(value: &Value) -> String {
    let mut out = Vec::new();
    backstay_scalar::write(&mut out, value);
    String::from_utf8_lossy(&out).into_owned()
}

fn bound(slot: &Slot, bindings: &Bindings<'_>, (model, collection): About<'_>) -> String {
    let field = |id: FieldId| match model.field(collection, id) {
        Field { name, class: Some(class), .. } => format!("{name} = {}", withheld(*class)),
        // It names records that the caller may not read.
        Field { name, internal: true, .. } => format!("{name} = (withheld)"),
        Field { name, .. } => format!("{name} = {}", shown(&bindings.value(slot))),
    };
    let value = || shown(&bindings.value(slot));
    match slot {
        Slot::Constant(_) => value(),
        Slot::Id => format!("id = {}", value()),
        Slot::Version => format!("version = {}", value()),
        Slot::Proposed(column) => field(column.field),
        Slot::Stored(column) => format!("stored {}", field(column.field)),
        Slot::Old(column) => format!("old {}", field(column.field)),
        Slot::Account(column) => {
            let (name, value) = of_account(model, column.field, bindings.caller);
            format!("{name} = {value}")
        }
        Slot::Caller(part) => format!("{} = {}", caller_name(part), value()),
        Slot::Now => format!("now = {}", value()),
        Slot::AsOf => format!("as of = {}", value()),
        Slot::Limit => format!("limit = {}", value()),
        Slot::Skip => format!("skip = {}", value()),
        Slot::Reach => format!("skip and limit = {}", value()),
        Slot::Cursor(index) => format!("cursor {} = {}", index + 1, value()),
        Slot::Param(index, _) => format!("parameter {} = {}", index + 1, value()),
        Slot::Match(_) => format!("search = {}", value()),
        Slot::Terms(_) => format!("terms = {}", value()),
        Slot::Entry(index) => format!("entry {}", index + 1),
        Slot::Place => format!("place = {}", value()),
        Slot::Argument(_) => format!("related id = {}", value()),
    }
}
