//! What a caller sends back as they read it: it changes nothing, even if they couldn't write it.

use std::sync::Arc;

use backstay_base::{Action, Error};
use backstay_expr::Rule;
use backstay_model::{Field, FieldId};
use backstay_scalar::Value;
use backstay_sql::{DecodeError, Row, RowOutput, ValueOutput};

use crate::decision::decide;
use crate::proposal::Proposal;
use crate::rule_of::RuleOf;
use crate::{Authority, Input, TxContext};

/// Drops from the input what is as the caller reads it.
pub(crate) async fn drop_unchanged(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    input: &mut Input,
) -> Result<(), Error> {
    if proposal.authority == Authority::System {
        return Ok(());
    }
    let computed = computed(cx, proposal, input).await?;
    let is_unchanged = |field: FieldId, value: &Value| {
        let read = match proposal.collection.field(field).is_computed() {
            true => computed.iter().find(|(computed, _)| *computed == field).map(|(_, value)| value),
            false => Some(proposal.stored_value(field)),
        };
        proposal.sees(field) && read == Some(value)
    };
    input.values.retain(|(field, value)| !is_unchanged(*field, value));
    Ok(())
}

/// Finds out which of the fields that were sent the caller sees in this very record: asks the read rules that depend on the
/// record, of the stored one. A caller of whom one is true could read the value. Of a record in the trash they aren't asked:
/// what it is to others may have gone with it.
pub(crate) async fn see(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>, input: &Input) -> Result<(), Error> {
    if proposal.authority == Authority::System || proposal.readmitted.is_some() {
        return Ok(());
    }
    let (class, collection) = (Arc::clone(&proposal.class), proposal.collection);
    let rule = |field: FieldId| class.rights.field(collection.id, field, Action::Read);
    // Fields with the same rule are seen together, as the members of an embedded value are.
    let mut asked: Vec<(&Rule, bool)> = Vec::new();
    for sent in input.fields() {
        let holders = std::iter::successors(collection.field(sent).parent(), |held| collection.field(*held).parent());
        for field in std::iter::once(sent).chain(holders) {
            let rule = rule(field);
            if rule.decided().is_some() {
                continue;
            }
            let known = asked.iter().find(|(known, _)| known.expr().same(rule.expr())).map(|(_, seen)| *seen);
            let seen = match known {
                Some(seen) => seen,
                None => decide(cx, proposal, RuleOf::Field(field, Action::Read)).await?.is_true(),
            };
            if known.is_none() {
                asked.push((rule, seen));
            }
            if seen && !proposal.seen.contains(&field) {
                proposal.seen.push(field);
            }
        }
    }
    Ok(())
}

/// The values of computed fields as the caller reads them, if one of those was sent.
async fn computed(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    input: &Input,
) -> Result<Vec<(FieldId, Value)>, Error> {
    let (class, collection) = (Arc::clone(&proposal.class), proposal.collection);
    let is_live = proposal.readmitted.is_none();
    let is_asked = |field: FieldId| is_live && collection.field(field).is_computed() && proposal.sees(field);
    if !input.fields().any(is_asked) {
        return Ok(Vec::new());
    }
    let plan = class.plans.seen(&cx.engine.planner, &class.rights, collection.id);
    let statement = cx.statement(&plan.template, &cx.bindings().id(proposal.id()?), collection.id);
    let fields: Vec<&Field> = collection.fields.iter().filter(|field| is_asked(field.id)).collect();
    let mut values = Vec::new();
    let visit = &mut |row: &dyn Row| {
        values.clear();
        for field in &fields {
            values.extend(value_of(row, &plan.output, field)?.map(|value| (field.id, value)));
        }
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    Ok(values)
}

/// The value of a computed field in the row of an answer.
fn value_of(row: &dyn Row, output: &RowOutput, field: &Field) -> Result<Option<Value>, DecodeError> {
    // One record is read, of a known type.
    let RowOutput::Record(output) = output else { return Ok(None) };
    let Some(member) = output.members.iter().find(|member| *member.name == *field.name) else { return Ok(None) };
    let (columns, scalar) = match &member.value {
        ValueOutput::Column { column, holds: _, scalar } => (std::slice::from_ref(column), *scalar),
        ValueOutput::Columns(columns, scalar) => (&**columns, Some(*scalar)),
        // Computed fields hold one scalar, or a value of an enum.
        ValueOutput::Object(_)
        | ValueOutput::OneOf(_)
        | ValueOutput::Document(_)
        | ValueOutput::Place { .. }
        | ValueOutput::Rows { .. } => {
            return Ok(None);
        }
    };
    let [first, ..] = columns else { return Ok(None) };
    let values: Vec<_> = columns.iter().map(|column| row.value(*column)).collect::<Result<_, DecodeError>>()?;
    let value = match scalar {
        Some(scalar) => scalar.load(&values),
        None => values.first().map(|value| Value::from(*value)),
    };
    value.map(Some).ok_or(DecodeError { column: *first, expected: "a value of the field's type" })
}
