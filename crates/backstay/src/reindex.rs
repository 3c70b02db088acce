//! Builds the indexes of full-text search anew, part by part, so that whoever asks sees how far it is and can stop.

use backstay_base::{Error, Place, ViolationKind};
use backstay_engine::{Engine, ReindexPass};
use backstay_model::{Collection, Model};
use backstay_scalar::{Token, Value};

use crate::answer::{OtherAnswer, Reindexed, ReindexedLine};
use crate::channel::Channel;
use crate::command::ReindexPlace;
use crate::transfer::collection_named;
use crate::{Answer, Command, Failure};

/// Commits of one part.
const COMMITS: usize = 10;

/// Does the next part.
pub(crate) async fn part(
    engine: &Engine,
    (collection, from): (Option<String>, Option<ReindexPlace>),
) -> Result<Answer, Failure> {
    let searched = searched(engine.model(), collection.as_deref())?;
    let begins = |of: &&Collection| from.as_ref().is_none_or(|from| from.collection == of.name);
    let Some(at) = searched.iter().position(begins) else {
        return Ok(Answer::Reindexed { reindexed: Reindexed::default() });
    };
    let of = searched[at];
    let mut pass = ReindexPass::after(from.and_then(|from| id(of, from.after.as_deref()?)));
    let mut more = true;
    for _ in 0..COMMITS {
        more = engine.reindex(of.id, &mut pass).await?;
        if !more {
            break;
        }
    }
    let next = match more {
        true => Some(ReindexPlace { collection: of.name.clone(), after: pass.after.map(|id| id.to_string()) }),
        false => searched.get(at + 1).map(|next| ReindexPlace { collection: next.name.clone(), after: None }),
    };
    let line = ReindexedLine { collection: of.name.clone(), records: pass.records };
    Ok(Answer::Reindexed { reindexed: Reindexed { collections: vec![line], next } })
}

/// The types that have an index, or the one of this name.
fn searched<'m>(model: &'m Model, collection: Option<&str>) -> Result<Vec<&'m Collection>, Failure> {
    let Some(name) = collection else {
        return Ok(model.collections.iter().filter(|of| of.search_index().is_some()).collect());
    };
    let named = collection_named(model, name)?;
    if named.search_index().is_none() {
        let problem = format!("{} has no field with `@search`", named.name);
        let remedy = "name another type, or none for all of them".to_owned();
        return Err(Error::malformed(Place::part("COLLECTION"), ViolationKind::Misused { problem, remedy }).into());
    }
    Ok(vec![named])
}

/// The id that a text is; `None` if the type's ids have another form by now: then the type is done from the start.
fn id(of: &Collection, text: &str) -> Option<backstay_base::RecordId> {
    match of.key.scalar().read(Token::Bare(text)) {
        Ok(Value::Id(id)) => Some(id),
        Ok(_) | Err(_) => None,
    }
}

/// Does all parts, one after the other, and reports the progress to `tell`.
pub(crate) async fn all(
    channel: &Channel<'_>,
    collection: Option<String>,
    mut tell: impl FnMut(&ReindexedLine),
) -> Result<Answer, Failure> {
    let (mut done, mut from) = (Reindexed::default(), None);
    loop {
        let command = Command::Reindex { collection: collection.clone(), from };
        let Answer::Reindexed { reindexed: Reindexed { collections, next } } = channel.ask(command).await? else {
            return Err(Error::internal(OtherAnswer).into());
        };
        for line in collections {
            match done.collections.last_mut().filter(|last| last.collection == line.collection) {
                Some(last) => last.records += line.records,
                None => done.collections.push(line),
            }
        }
        if let Some(line) = done.collections.last() {
            tell(line);
        }
        if next.is_none() {
            return Ok(Answer::Reindexed { reindexed: done });
        }
        from = next;
    }
}
