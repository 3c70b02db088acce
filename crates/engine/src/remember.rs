use std::sync::Arc;

use backstay_base::{Action, Caller, Conflict, Duration, Error, KeyRef, Limit, RecordId, Timestamp, limits};
use backstay_model::{CollectionId, Field};
use backstay_scalar::read_id;
use backstay_store::{KeyClaim, Recall};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::references::may_see;
use crate::showing::Showing;
use crate::{
    Answer, Encoder, Idempotency, IfMatch, MatchingVerb, Outcome, RecordVerb, Tag, TxContext, Upserted, Written,
};

/// What is asked under an idempotency key, besides the values that were sent for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keyed<'r> {
    /// New records of the collection with this name.
    Create(&'r str),
    /// New records of the collection with this name, or changes of those with the same values of these fields.
    Upsert(&'r str, &'r [&'r str]),
    /// A change of a record of the collection with this name; `Which::words` names the record.
    Update(&'r str, &'r [u8], Option<&'r IfMatch>),
    /// A replacement of a record of the collection with this name, likewise.
    Replace(&'r str, &'r [u8], Option<&'r IfMatch>),
    /// Something that is done with a record of the collection with this name.
    OfRecord(RecordVerb, (&'r str, &'r [u8]), Option<&'r IfMatch>),
    /// Something that is done with the records of the collection with this name that match a filter.
    OfMatching(MatchingVerb, &'r str),
    /// Several requests.
    Transact,
    /// Several requests, each by itself.
    TransactEach,
    /// The action of this name.
    Act(&'r str),
}

/// The claim of a request on its idempotency key: in the caller's own name, for this very request.
pub(crate) fn claim(
    caller: &Caller,
    idempotency: Option<&Idempotency>,
    what: Keyed<'_>,
) -> Result<Option<KeyClaim>, Error> {
    let Some(Idempotency { key, sent }) = idempotency else { return Ok(None) };
    if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES {
        let max = limits::IDEMPOTENCY_KEY_BYTES as u64;
        return Err(Limit::Size { what: "the idempotency key", max, unit: "bytes (and at least one)" }.into());
    }
    let mut scope = caller.kind.name().as_bytes().to_vec();
    if let Some(id) = caller.actor() {
        scope.extend_from_slice(id.as_bytes());
    }
    Ok(Some(KeyClaim { scope, key: key.clone(), fingerprint: what.fingerprint(sent) }))
}

/// Whose keys those of events are, whatever their senders are.
const INBOX_SCOPE: &[u8] = b"inbox";

/// The claim of an event that an inbox receives. No client's key is like it, and it is kept for as long as senders try again.
pub(crate) fn of_inbox(claim: KeyClaim) -> KeyClaim {
    KeyClaim { scope: INBOX_SCOPE.to_vec(), ..claim }
}

fn is_of_inbox(claim: &KeyClaim) -> bool {
    claim.scope == INBOX_SCOPE
}

/// The version of the form that a fingerprint is computed from. Another one makes every key that is still kept another
/// request's.
const FINGERPRINT: u8 = 1;

impl Keyed<'_> {
    /// What tells this request from others under the same key: SHA-256 of the version of this form (one byte) and of the
    /// request's parts, each after its length (8 bytes, big-endian). The parts are the kind of the request, the
    /// collection's name, the record's id or unique key, the versions wanted and what was sent, as far as it has them.
    fn fingerprint(self, sent: &[u8]) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix([FINGERPRINT]);
        let mut add = |part: &[u8]| {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        };
        match self {
            Self::Create(collection) => {
                add(b"create");
                add(collection.as_bytes());
            }
            Self::Upsert(collection, fields) => {
                add(b"upsert");
                add(collection.as_bytes());
                add(fields.join(",").as_bytes());
            }
            Self::Update(collection, which, if_match) => {
                let parts: [&[u8]; 4] = [b"update", collection.as_bytes(), which, &wanted(if_match)];
                parts.into_iter().for_each(&mut add);
            }
            Self::Replace(collection, which, if_match) => {
                let parts: [&[u8]; 4] = [b"replace", collection.as_bytes(), which, &wanted(if_match)];
                parts.into_iter().for_each(&mut add);
            }
            Self::OfRecord(verb, (collection, which), if_match) => {
                let verb = verb.name().as_bytes();
                let parts: [&[u8]; 4] = [verb, collection.as_bytes(), which, &wanted(if_match)];
                parts.into_iter().for_each(&mut add);
            }
            Self::OfMatching(verb, collection) => {
                add(verb.name().as_bytes());
                add(collection.as_bytes());
            }
            Self::Transact => add(b"transact"),
            Self::TransactEach => add(b"transactEach"),
            Self::Act(action) => {
                add(b"act");
                add(action.as_bytes());
            }
        }
        // A deletion sends nothing.
        if !sent.is_empty() {
            add(sent);
        }
        digest.finalize().into()
    }
}

/// The part of a request's fingerprint that says which versions it wanted.
fn wanted(if_match: Option<&IfMatch>) -> Vec<u8> {
    match if_match {
        None => vec![0],
        Some(IfMatch::Any) => vec![1],
        Some(IfMatch::Absent) => vec![3],
        Some(IfMatch::Versions(versions)) => {
            std::iter::once(2).chain(versions.iter().flat_map(|version| version.to_be_bytes())).collect()
        }
    }
}

/// The form of the answers that this Backstay keeps. Those that were kept before there were numbers have none.
const FORM: u8 = 1;
const WITHOUT_NUMBER: u8 = 0;
/// The form of answers that count records, which older Backstays don't know.
const COUNTED_FORM: u8 = 2;
/// The form of what a transaction of an action has returned, which older Backstays don't know.
const RESULT_FORM: u8 = 3;

const ELSEWHERE: &str =
    "this request was carried out and answered by another version of the server; read the record to see it";
const SEEN_OTHERWISE: &str =
    "this request was carried out when you had other rights; read the records to see what it did";

/// The part that every form of a kept answer has.
#[derive(Debug, Deserialize)]
struct Form {
    #[serde(default)]
    form: u8,
}

/// An answer as it is kept under its key.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    form: u8,
    outcome: u8,
    ids: Vec<String>,
    version: Option<i64>,
    body: Option<String>,
    tag: Option<String>,
    /// The caller's rights: an answer is shown again only to a caller who may still see all of it.
    #[serde(default)]
    rights: String,
    /// Of a create that may change records instead: what became of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    upserted: Vec<u8>,
    /// Under which model it was made, and what was true of the caller's own record. Older answers don't say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    under: String,
    /// The notation of the body.
    #[serde(default = "json", skip_serializing_if = "is_json")]
    encoder: String,
}

/// What a transaction of an action has returned, as it is kept under the key of the call.
#[derive(Debug, Serialize, Deserialize)]
struct KeptResult {
    form: u8,
    result: String,
    /// The caller's rights: it is returned again only where they are the same.
    rights: String,
    /// Under which model it was made, and what was true of the caller's own record.
    under: String,
}

fn json() -> String {
    "json".to_owned()
}

fn is_json(encoder: &str) -> bool {
    encoder == "json"
}

impl TxContext<'_, '_> {
    /// The answer that is kept under the key, if there is one.
    pub(crate) async fn replayed(
        &mut self,
        claim: Option<&KeyClaim>,
        collection: CollectionId,
        showing: &Showing,
    ) -> Result<Option<Written>, Error> {
        let Some(bytes) = self.recalled(claim).await? else { return Ok(None) };
        let kept = Kept::read(&bytes)?;
        self.shown_again(kept, collection, showing).await.map(Some)
    }

    /// The answers that are kept under the key of several requests, if there are any. Of each request that writes, this is
    /// the collection and how it answers; what the others read is not answered again.
    pub(crate) async fn replayed_all(
        &mut self,
        claim: Option<&KeyClaim>,
        writes: &[Option<(CollectionId, &Showing)>],
    ) -> Result<Option<Vec<Option<Answer>>>, Error> {
        let Some(bytes) = self.recalled(claim).await? else { return Ok(None) };
        let mut kept = Kept::read_all(&bytes)?.into_iter();
        let mut answers = Vec::with_capacity(writes.len());
        for write in writes {
            answers.push(match write {
                Some((collection, showing)) => {
                    let kept = kept.next().ok_or_else(|| Error::internal(Unreadable))?;
                    Some(Answer::Written(self.shown_again(kept, *collection, showing).await?))
                }
                None => None,
            });
        }
        Ok(Some(answers))
    }

    /// A kept answer, with its records if the caller has the rights of the first time and may read them still. Which
    /// fields of a record the caller sees can depend on the record, on the model and on the caller's own record, and what
    /// is computed on others: then the caller must see the same now.
    async fn shown_again(&mut self, kept: Kept, collection: CollectionId, showing: &Showing) -> Result<Written, Error> {
        let same = kept.rights == rights(self.caller()) && kept.encoder == showing.encoder.name();
        // Those that don't say are at most a day older than this Backstay.
        let elsewhere = !kept.under.is_empty() && kept.under != self.under();
        let mut written = kept.into_written()?;
        // A minimal answer has the tag of the record that it leaves out.
        let mut shown = same && (written.body.is_some() || written.tag.is_some());
        let class = Arc::clone(&self.class);
        let fields = &self.model().collection(collection).fields;
        let depends = |field: &Field| {
            class.rights.field(collection, field.id, Action::Read).decided().is_none()
                || field.is_computed_in_answers() && class.rights.may_see(collection, field.id)
        };
        let may_differ = elsewhere || showing.is_selected() || fields.iter().any(depends);
        for id in &written.ids {
            shown = shown && may_see(self, &class, collection, *id).await?;
        }
        // Numbers of records are of no record.
        if shown && may_differ && !written.ids.is_empty() {
            shown = self.shows_still(showing, collection, &written).await?;
        }
        if !shown {
            (written.body, written.tag) = (None, None);
        }
        Ok(written)
    }

    /// Keeps an answer under its key, in the same commit.
    pub(crate) fn remember(
        &mut self,
        claim: Option<&KeyClaim>,
        written: &Written,
        encoder: &'static dyn Encoder,
    ) -> Result<(), Error> {
        let Some(claim) = claim else { return Ok(()) };
        self.keep(claim, &Kept::of(written, self.made_for(), encoder.name()))
    }

    /// Keeps what several requests wrote under their key. What they read is not kept: it can be much, and is asked again.
    pub(crate) fn remember_all(
        &mut self,
        claim: Option<&KeyClaim>,
        answers: &[Option<Answer>],
        encoder: &'static dyn Encoder,
    ) -> Result<(), Error> {
        let Some(claim) = claim else { return Ok(()) };
        let made_for = self.made_for();
        let written = answers.iter().filter_map(|answer| match answer {
            Some(Answer::Written(written)) => Some(Kept::of(written, made_for.clone(), encoder.name())),
            Some(Answer::Found(_) | Answer::Page(_)) | None => None,
        });
        self.keep(claim, &written.collect::<Vec<Kept>>())
    }

    /// Keeps what a transaction of an action returns under its key, in the same commit.
    pub(crate) fn remember_result(&mut self, claim: Option<&KeyClaim>, result: &str) -> Result<(), Error> {
        let Some(claim) = claim else { return Ok(()) };
        let (rights, under) = self.made_for();
        self.keep(claim, &KeptResult { form: RESULT_FORM, result: result.to_owned(), rights, under })
    }

    /// What was returned under a key, if it was used before: what the caller would see of it may be another now.
    pub(crate) async fn kept_result(&mut self, claim: &KeyClaim) -> Result<Option<Arc<str>>, Error> {
        let Some(bytes) = self.recalled(Some(claim)).await? else { return Ok(None) };
        let Form { form } = serde_json::from_slice(&bytes).map_err(Error::internal)?;
        if form != RESULT_FORM {
            return Err(Conflict::Already(ELSEWHERE).into());
        }
        let KeptResult { form: _, result, rights, under } = serde_json::from_slice(&bytes).map_err(Error::internal)?;
        // The sender of an event sees nothing of it.
        match is_of_inbox(claim) || (rights, under) == self.made_for() {
            true => Ok(Some(result.into())),
            false => Err(Conflict::Already(SEEN_OTHERWISE).into()),
        }
    }

    /// Claims a key for several requests, each of which has one of its own: it is kept without an answer.
    pub(crate) async fn claim(&mut self, claim: &KeyClaim) -> Result<(), Error> {
        match self.recalled(Some(claim)).await? {
            Some(_) => Ok(()),
            None => self.keep(claim, &Vec::<Kept>::new()),
        }
    }

    /// The caller's rights, and under what they are.
    fn made_for(&self) -> (String, String) {
        (rights(self.caller()), self.under())
    }

    /// The model, and what of its rules is true of the caller, as a digest.
    fn under(&self) -> String {
        let application = &self.engine.application;
        let mut digest = Sha256::new_with_prefix(application.fingerprint);
        digest.update(application.policy.facts.evaluate(self.caller()).to_bytes());
        URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])
    }

    /// Lets the key be looked up ahead of the next statement, if that saves the time of one: if something is kept under it, the
    /// transaction runs again, and then it has to be looked up first.
    pub(crate) fn recall_later(&mut self, claim: Option<&KeyClaim>) -> bool {
        claim.is_none_or(|claim| self.tx.recall_later(claim))
    }

    async fn recalled(&mut self, claim: Option<&KeyClaim>) -> Result<Option<Vec<u8>>, Error> {
        let Some(claim) = claim else { return Ok(None) };
        match self.tx.recall(claim).await.map_err(|error| self.refused(error))? {
            Recall::New => Ok(None),
            Recall::Mismatch => Err(Error::KeyReused),
            Recall::Replay(bytes) => Ok(Some(bytes)),
        }
    }

    fn keep(&mut self, claim: &KeyClaim, kept: &impl Serialize) -> Result<(), Error> {
        let bytes = serde_json::to_vec(kept).map_err(Error::internal)?;
        self.tx.remember(claim.clone(), bytes, expiry(self.now(), claim));
        Ok(())
    }
}

/// The caller's roles, claims, grant and whether its address is verified, as a digest.
fn rights(caller: &Caller) -> String {
    let mut digest = Sha256::new();
    for role in caller.roles.iter() {
        digest.update(role.as_bytes());
        digest.update([0]);
    }
    for (name, value) in caller.claims.iter() {
        for part in [name, value] {
            digest.update([1]);
            digest.update(part.as_bytes());
        }
    }
    for (collection, action) in caller.grant.iter().flat_map(|grant| grant.iter()) {
        for part in [collection, action] {
            digest.update([2]);
            digest.update(part.as_bytes());
        }
    }
    if caller.grant.is_some() {
        digest.update([3]);
    }
    if caller.verified {
        digest.update([4]);
    }
    URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])
}

fn expiry(now: Timestamp, claim: &KeyClaim) -> Timestamp {
    const HOUR_MICROS: i64 = 3_600_000_000;
    let hours = if is_of_inbox(claim) { limits::INBOX_DAYS * 24 } else { limits::IDEMPOTENCY_HOURS };
    now.checked_add(Duration::from_micros(hours * HOUR_MICROS)).unwrap_or(now)
}

/// A kept answer that no Backstay writes.
#[derive(Debug, thiserror::Error)]
#[error("the answer that is kept under an idempotency key has an outcome or an id that cannot be read")]
struct Unreadable;

impl Kept {
    /// Reads an answer. What another version of Backstay kept in a form of its own was done, and is not done again.
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let Form { form } = serde_json::from_slice(bytes).map_err(Error::internal)?;
        match form {
            WITHOUT_NUMBER | FORM | COUNTED_FORM => serde_json::from_slice(bytes).map_err(Error::internal),
            _ => Err(Conflict::Already(ELSEWHERE).into()),
        }
    }

    /// The same of several answers.
    fn read_all(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let each: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(Error::internal)?;
        each.into_iter().map(|one| Self::read(one.get().as_bytes())).collect()
    }

    fn of(written: &Written, (rights, under): (String, String), encoder: &str) -> Self {
        Self {
            form: if written.outcome == Outcome::Counted { COUNTED_FORM } else { FORM },
            outcome: match written.outcome {
                Outcome::Created => CREATED,
                Outcome::Updated => UPDATED,
                Outcome::Deleted => DELETED,
                Outcome::Counted => COUNTED,
            },
            ids: written.ids.iter().map(kept_id).collect(),
            upserted: written.upserted.iter().copied().map(kept_upserted).collect(),
            version: written.version,
            // A binary notation would need a form of its own; until then such a body isn't kept.
            body: written.body.as_ref().and_then(|body| String::from_utf8(body.to_vec()).ok()),
            tag: written.tag.as_ref().map(|tag| tag.as_str().to_owned()),
            rights,
            under,
            encoder: encoder.to_owned(),
        }
    }

    fn into_written(self) -> Result<Written, Error> {
        let ids: Result<Vec<RecordId>, Error> =
            self.ids.iter().map(|id| read_kept_id(id).ok_or_else(|| Error::internal(Unreadable))).collect();
        let upserted: Result<Vec<Upserted>, Error> = self.upserted.into_iter().map(read_kept_upserted).collect();
        Ok(Written {
            outcome: match self.outcome {
                CREATED => Outcome::Created,
                UPDATED => Outcome::Updated,
                DELETED => Outcome::Deleted,
                COUNTED => Outcome::Counted,
                _ => return Err(Error::internal(Unreadable)),
            },
            ids: ids?,
            upserted: upserted?,
            version: self.version,
            body: self.body.map(Bytes::from),
            tag: self.tag.map(Tag::from_text),
            replayed: true,
        })
    }
}

/// A number has this before it in what is kept, and a text the other: a UUID begins with neither.
const NUMBER: &str = "number ";
const TEXT: &str = "text ";

fn kept_id(id: &RecordId) -> String {
    match id.key() {
        KeyRef::Uuid(_) => id.to_string(),
        KeyRef::Int(number) => format!("{NUMBER}{number}"),
        KeyRef::Text(text) => format!("{TEXT}{text}"),
    }
}

fn read_kept_id(kept: &str) -> Option<RecordId> {
    match (kept.strip_prefix(NUMBER), kept.strip_prefix(TEXT)) {
        (Some(number), _) => number.parse().ok().and_then(RecordId::from_number),
        (None, Some(text)) => RecordId::from_text(text),
        (None, None) => read_id(kept),
    }
}

fn kept_upserted(upserted: Upserted) -> u8 {
    match upserted {
        Upserted::Created => CREATED,
        Upserted::Updated => UPDATED,
        Upserted::Unchanged => UNCHANGED,
    }
}

fn read_kept_upserted(kept: u8) -> Result<Upserted, Error> {
    match kept {
        CREATED => Ok(Upserted::Created),
        UPDATED => Ok(Upserted::Updated),
        UNCHANGED => Ok(Upserted::Unchanged),
        _ => Err(Error::internal(Unreadable)),
    }
}

/// What was answered, as a number that is stored.
const CREATED: u8 = 1;
const UPDATED: u8 = 2;
const DELETED: u8 = 3;
const COUNTED: u8 = 4;
const UNCHANGED: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    /// What is stored, byte for byte: a change of it needs another number.
    const GOLDEN: &str = r#"{"form":1,"outcome":2,"ids":["01890a5d-ac96-774b-bcce-b302099a8057"],"version":3,"body":"{\"a\":1}","tag":"3.x","rights":"r"}"#;

    fn updated() -> Written {
        Written {
            outcome: Outcome::Updated,
            ids: vec![ID.parse().expect("an id")],
            upserted: vec![],
            version: Some(3),
            body: Some(Bytes::from_static(br#"{"a":1}"#)),
            tag: Some(Tag::from_text("3.x".to_owned())),
            replayed: true,
        }
    }

    fn read(text: &str) -> Result<Written, Error> {
        Kept::read(text.as_bytes()).and_then(Kept::into_written)
    }

    /// Golden: another digest of the same request would make a client's repetition another request.
    #[test]
    fn a_fingerprint_has_this_form() {
        let id: RecordId = ID.parse().expect("an id");
        let check = |what: Keyed<'_>, sent: &str, expected: &str| {
            let digest = what.fingerprint(sent.as_bytes());
            let hex = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            assert_eq!(hex, expected, "{what:?}");
        };
        let versions = IfMatch::Versions(vec![3, 258]);
        check(
            Keyed::Create("Post"),
            r#"{"title":"a"}"#,
            "db285bb3c8ceb0d2c354adf7c62f797d76b69069e462b071c5d379407d6a537c",
        );
        check(
            Keyed::Update("Post", id.as_bytes(), None),
            r#"{"title":"b"}"#,
            "c38e509a55eed2ea2a3d476e2dc2b347fca3af1e16f249ff6aa7b1a263294ca5",
        );
        check(
            Keyed::Update("Post", id.as_bytes(), Some(&versions)),
            r#"{"title":"b"}"#,
            "d25d870b9dbf38d10f03843bb92be9d61789f0e0367d00076e2bdba8d3f6b2c9",
        );
        check(
            Keyed::OfRecord(RecordVerb::Delete, ("Post", id.as_bytes()), None),
            "",
            "9702bf5c2216f7b6674ef7bb29581a6d0bfcc42aa0be33cbdd38d3cb6d2af7ab",
        );
        check(
            Keyed::OfRecord(RecordVerb::Delete, ("Post", id.as_bytes()), Some(&IfMatch::Any)),
            "",
            "c502adff034956338cbea7883db851b6baaa952041ad7477eccd7b58cadd8cb9",
        );
        check(
            Keyed::OfRecord(RecordVerb::Restore, ("Post", id.as_bytes()), None),
            "",
            "dd4845414d818f319935bbe795a805fd18efd317467f9796a7f9e4581ea2042e",
        );
        check(
            Keyed::OfRecord(RecordVerb::Purge, ("Post", id.as_bytes()), Some(&IfMatch::Any)),
            "",
            "20f8b07b33c035f9453f837b9e19f7d6fa7f6a18fd4399ef6781e016835e2671",
        );
        check(
            Keyed::OfMatching(MatchingVerb::Update, "Post"),
            "title=a\0{\"title\":\"b\"}",
            "cffe7cf7f0e8df8b3ba7440994cb119a5b5abd3e48f659e8e012b090d00033d8",
        );
        check(
            Keyed::Transact,
            r#"{"requests":[]}"#,
            "f5813952bcf44c183e65241dad7bca06946a73f597a2fe71f702cba02bbd9464",
        );
    }

    #[test]
    fn a_kept_answer_has_this_form() {
        let kept = serde_json::to_string(&Kept::of(&updated(), ("r".to_owned(), String::new()), "json")).expect("JSON");
        assert_eq!(kept, GOLDEN);
        assert_eq!(read(GOLDEN).expect("it is read"), updated());
        let deletion = Written { outcome: Outcome::Deleted, version: None, body: None, tag: None, ..updated() };
        let kept = serde_json::to_string(&Kept::of(&deletion, (String::new(), String::new()), "json")).expect("JSON");
        assert_eq!(read(&kept).expect("it is read"), deletion);
    }

    #[test]
    fn a_kept_upsert_says_what_became_of_each_record() {
        let text = GOLDEN.replace(r#""rights":"r""#, r#""rights":"r","upserted":[1,5]"#);
        let upserted = read(&text).expect("it is read");
        assert_eq!(upserted.upserted, [Upserted::Created, Upserted::Unchanged]);
        let kept = Kept::of(&upserted, ("r".to_owned(), String::new()), "json");
        assert_eq!(serde_json::to_string(&kept).expect("JSON"), text);
        assert_eq!(read(&text.replace("[1,5]", "[3]")).map_err(|error| error.code()), Err("internal"));
    }

    #[test]
    fn a_kept_count_has_a_form_of_its_own() {
        let text = r#"{"form":2,"outcome":4,"ids":[],"version":null,"body":"{\"matched\":2,\"changed\":1}","tag":null,"rights":"r"}"#;
        let counted = read(text).expect("it is read");
        assert_eq!((counted.outcome, &*counted.ids), (Outcome::Counted, &[][..]));
        let kept = Kept::of(&counted, ("r".to_owned(), String::new()), "json");
        assert_eq!(serde_json::to_string(&kept).expect("JSON"), text);
    }

    #[test]
    fn several_kept_answers_are_an_array_of_them() {
        let text = format!("[{GOLDEN},{GOLDEN}]");
        let kept = Kept::read_all(text.as_bytes()).expect("they are read");
        assert_eq!(serde_json::to_string(&kept).expect("JSON"), text);
        let read: Vec<Written> = kept.into_iter().map(|kept| kept.into_written().expect("an answer")).collect();
        assert_eq!(read, [updated(), updated()]);
    }

    #[test]
    fn an_answer_without_a_number_is_read() {
        let old = GOLDEN.replace(r#""form":1,"#, "");
        assert_eq!(read(&old).expect("it is read"), updated());
        assert_eq!(read(&old.replace(r#","rights":"r""#, "")).expect("it is read"), updated());
    }

    #[test]
    fn an_answer_of_another_form_is_a_conflict_and_a_broken_one_an_internal_error() {
        let codes = [
            (r#"{"form":3}"#.to_owned(), "already-done"),
            (r#"{"form":255,"outcome":{"what":"ever"}}"#.to_owned(), "already-done"),
            (r#"{"form":1}"#.to_owned(), "internal"),
            (r#"{"form":256}"#.to_owned(), "internal"),
            (GOLDEN.replace(r#""outcome":2"#, r#""outcome":5"#), "internal"),
            (GOLDEN.replace(ID, "x"), "internal"),
            ("[]".to_owned(), "internal"),
            (String::new(), "internal"),
            ("\u{0}".to_owned(), "internal"),
        ];
        for (kept, code) in codes {
            assert_eq!(read(&kept).map_err(|error| error.code()), Err(code), "{kept}");
        }
    }
}
