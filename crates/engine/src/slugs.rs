//! `@slug(from:)`: what a new record gets where the create gives no slug.

use backstay_base::{Error, RecordId, ViolationKind, limits};
use backstay_model::{Collection, Field, FieldId, Index};
use backstay_scalar::{Value, ValueRef, free_number, is_slug, shortened, slug};
use backstay_sql::{DecodeError, Row, is_compared};

use crate::TxContext;
use crate::bind::{Bindings, Question};
use crate::context::MadeSlug;
use crate::proposal::Proposal;

/// Refuses values sent for slug fields that aren't valid slugs.
pub(crate) fn check(proposal: &mut Proposal<'_>) {
    let collection = proposal.collection;
    for field in collection.fields.iter().filter(|field| field.slug.is_some()) {
        let Some(Value::Text(sent)) = proposal.input.value(field.id) else { continue };
        if !is_slug(sent) {
            let meant = slug(sent, field.most_slug_chars());
            let example = if meant.is_empty() { "my-first-post" } else { &meant };
            let expected = format!("must be words of a-z and 0-9 with hyphens between, such as `{example}`");
            proposal.refuse(field, ViolationKind::Range(expected));
        }
    }
}

/// Gives a new record its slugs where it has none and the input gives none, not even null. They differ from those of the
/// records with which the field's unique indexes compare it, whoever may see these: a conflict would tell the same.
pub(crate) async fn make(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    for field in &collection.fields {
        let Some(source) = field.slug else { continue };
        if proposal.input.value(field.id).is_some() || !proposal.value(field.id).is_null() {
            continue;
        }
        // An id that was sent and is none has been refused.
        let Some(id) = proposal.value(Collection::ID).as_id() else { continue };
        let made = match proposal.value(source) {
            Value::Text(text) => slug(text, field.most_slug_chars()),
            _ => String::new(),
        };
        let made = if made.is_empty() { format!("{:08x}", id.ending()) } else { made };
        let made = free(cx, proposal, field, made).await?;
        cx.made_slugs.push(MadeSlug { collection: collection.id, field: field.id, slug: made.clone() });
        proposal.set(field.id, Value::text(made));
    }
    Ok(())
}

/// The slug, with a number if it is taken.
async fn free(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    field: &Field,
    whole: String,
) -> Result<String, Error> {
    let indexes: Vec<Compared<'_>> = compared(proposal, field).collect();
    if indexes.is_empty() {
        return Ok(whole);
    }
    let taken = taken(cx, proposal, (field, &indexes), &whole).await?;
    if !taken.contains(&whole) {
        return Ok(whole);
    }
    let short = shortened(&whole, field.most_slug_chars() - limits::SLUG_ENDING_CHARS);
    let taken = match short == whole {
        true => taken,
        false => self::taken(cx, proposal, (field, &indexes), short).await?,
    };
    let id = proposal.id()?;
    // No more were read than that: the next number is unknown.
    if taken.len() >= limits::SLUG_NUMBERS as usize {
        return Ok(format!("{short}-{:08x}", id.ending()));
    }
    Ok(format!("{short}-{}", free_number(short, &taken, 2 + ahead(cx.slug_run, id))))
}

/// How many numbers are left out in a run: those who lost the same slug to another must not meet again.
fn ahead(run: u32, id: RecordId) -> u64 {
    u64::from(id.ending()) % 4_u64.pow(run)
}

/// A unique index that compares a record with others.
struct Compared<'m> {
    index: &'m Index,
    /// Its place in the collection.
    place: usize,
    /// Its fields that are null in the record.
    absent: Vec<FieldId>,
}

fn compared<'p>(proposal: &'p Proposal<'_>, field: &'p Field) -> impl Iterator<Item = Compared<'p>> {
    let Collection { indexes, .. } = proposal.collection;
    indexes.iter().enumerate().filter_map(|(place, index)| {
        let others = index.fields.iter().copied().filter(|other| *other != field.id);
        let absent: Vec<FieldId> = others.filter(|other| proposal.value(*other).is_null()).collect();
        let counts = index.unique && index.fields.contains(&field.id) && is_compared(index, !absent.is_empty());
        counts.then_some(Compared { index, place, absent })
    })
}

/// Of this slug, and those that have a number after it, the ones that are taken.
async fn taken(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (field, indexes): (&Field, &[Compared<'_>]),
    slug: &str,
) -> Result<Vec<String>, Error> {
    let collection = proposal.collection.id;
    // Between the two are the slug, and what has a hyphen and a digit after it: `:` comes after `9`.
    let bounds = [Value::text(slug), Value::text(format!("{slug}-:"))];
    let mut taken = Vec::new();
    for Compared { index, place, absent } in indexes {
        let at = (collection, field.id, *place);
        let template = cx.engine.templates.taken_slugs(&cx.engine.planner, at, (index, absent));
        let bindings = Bindings { proposed: &proposal.values, params: &bounds, ..cx.bindings() };
        let withheld = field.class.is_some();
        let statement = cx.asked(&Question { template: &template, bindings, collection, withheld });
        let visit = &mut |row: &dyn Row| match row.value(0)? {
            ValueRef::Text(slug) => {
                taken.push(slug.to_owned());
                Ok(())
            }
            _ => Err(DecodeError { column: 0, expected: "a text" }.into()),
        };
        cx.rows(&statement, visit).await?;
    }
    Ok(taken)
}
