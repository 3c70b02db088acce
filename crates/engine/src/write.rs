use backstay_base::{Error, RecordId};
use backstay_model::{CollectionId, FieldId, RecordEvent, SetOn, Trash};

use crate::children::SentChildren;
use crate::holding::ToHold;
use crate::parking::Begun;
use crate::proposal::Proposal;
use crate::row_change::RowChange;
use crate::rules;
use crate::stored::Wanted;
use crate::{
    Authority, IfMatch, Input, Record, RecordAct, TxContext, amounts, before, children, clauses, deletion,
    document_limits, exclusions, fill, ids, links, operators, placed, read, references, replace, sent_back, sequences,
    slugs, states, stored, summing, taken, trash, trees,
};

impl TxContext<'_, '_> {
    /// Makes a record of this input. The order of the steps is policy: nothing later tells of something that an earlier
    /// step would have hidden.
    pub async fn create(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        input: Input,
    ) -> Result<Record, Error> {
        let record = self.make(authority, collection, input).await?;
        summing::followed(self, collection, record).await
    }

    /// The same, except that stored sums don't follow yet. Its children are made after it, so that their rules can follow
    /// their reference to it.
    pub(crate) async fn make(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        input: Input,
    ) -> Result<Record, Error> {
        if !input.children.is_empty() {
            let mut to_hold = ToHold::default();
            self.hold_owners(collection, &input, &mut to_hold);
            self.hold(to_hold).await?;
        }
        let made = self.make_alone(authority, collection, input).await;
        let (record, sent) = placed::settled(self, made).await?;
        children::write(self, authority, (collection, record.id()), sent).await?;
        Ok(record)
    }

    /// Makes the record, and returns what was sent for its children. Places in errors are within what was sent for the record.
    pub(crate) async fn make_alone(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        input: Input,
    ) -> Result<(Record, SentChildren), Error> {
        let collection = self.model().collection(collection);
        if collection.single && self.engine.singles.get().is_some() {
            return Err(Error::internal(SecondSingle));
        }
        let input = self.resolved(authority, collection, input).await?;
        let mut proposal = Proposal::create(collection, authority, self.class_of(authority), input);
        fill::refuse_read_only(&mut proposal);
        operators::refuse_in_new(&mut proposal);
        fill::defaults(self, &mut proposal);
        ids::check(&mut proposal);
        ids::make(self, &mut proposal).await?;
        fill::embedded_defaults(&mut proposal);
        states::begin(self, &mut proposal);
        links::added(&mut proposal);
        self.count_rows(proposal.rows_for_caller())?;
        references::permitted_first(self, &mut proposal).await?;
        fill::computed_defaults(self, &mut proposal).await?;
        before::of_proposal(self, &mut proposal, RecordEvent::Create).await?;
        fill::sets(self, &mut proposal, SetOn::Create).await?;
        amounts::check(self, &mut proposal).await?;
        slugs::check(&mut proposal);
        slugs::make(self, &mut proposal).await?;
        fill::require(&mut proposal);
        fill::check_sizes(self, &mut proposal);
        fill::check_values(&mut proposal);
        document_limits::check(self, &mut proposal);
        proposal.settle()?;
        fill::check_whole(&proposal)?;
        if let Err(refusal) = rules::of_create(self, &mut proposal).await {
            return Err(references::instead_of(self, &mut proposal, refusal).await);
        }
        references::verify(self, &mut proposal).await?;
        ids::continue_version(self, &mut proposal).await?;
        exclusions::ask(self, &mut proposal).await?;
        trees::place(self, &mut proposal).await?;
        taken::ask(self, &proposal).await?;
        sequences::number(self, &mut proposal).await?;
        ids::go_on(self, &proposal).await?;
        let children = std::mem::take(&mut proposal.input.children);
        Ok((RowChange::insert(self, proposal)?, children))
    }

    /// Changes the fields that the input names, if the record has one of the versions wanted. A record that is as the
    /// input says already is left alone and keeps its version.
    pub async fn update(
        &mut self,
        authority: Authority,
        record: (CollectionId, RecordId),
        input: Input,
        if_match: Option<&IfMatch>,
    ) -> Result<Record, Error> {
        let wanted = Wanted { if_match, child_of: None };
        let Altered { record: updated, changed } = self.change(authority, record, input, wanted).await?;
        if changed { summing::followed(self, record.0, updated).await } else { Ok(updated) }
    }

    /// The same, except that stored sums don't follow yet. Its children are written after it.
    pub(crate) async fn change(
        &mut self,
        authority: Authority,
        record: (CollectionId, RecordId),
        input: Input,
        wanted: Wanted<'_>,
    ) -> Result<Altered, Error> {
        self.hold_to_change(record, &input).await?;
        let changed = self.change_alone(authority, record, input, wanted).await;
        self.with_children(authority, record, changed).await
    }

    /// What was changed, once the record's children are written.
    pub(crate) async fn with_children(
        &mut self,
        authority: Authority,
        record: (CollectionId, RecordId),
        changed: Result<(Altered, SentChildren), Error>,
    ) -> Result<Altered, Error> {
        let (altered, sent) = placed::settled(self, changed).await?;
        if !children::write(self, authority, record, sent).await? {
            return Ok(altered);
        }
        // A record can be a child of its own, or go with one.
        let collection = self.model().collection(record.0);
        let record = self.get(record.0, record.1).await?.ok_or_else(|| read::not_found(collection))?;
        Ok(Altered { record, changed: true })
    }

    /// Changes the record, and returns what was sent for its children.
    async fn change_alone(
        &mut self,
        authority: Authority,
        record: (CollectionId, RecordId),
        input: Input,
        wanted: Wanted<'_>,
    ) -> Result<(Altered, SentChildren), Error> {
        let proposal = stored::for_update(self, authority, record, &input, wanted).await?;
        self.change_proposed(proposal, input).await
    }

    /// The same of a record that was read.
    pub(crate) async fn change_proposed(
        &mut self,
        mut proposal: Proposal<'_>,
        input: Input,
    ) -> Result<(Altered, SentChildren), Error> {
        self.propose(&mut proposal, input).await?;
        let idle = proposal.is_idle();
        if let Err(refusal) = rules::of_update(self, &mut proposal, idle).await {
            return Err(references::instead_of(self, &mut proposal, refusal).await);
        }
        let children = std::mem::take(&mut proposal.input.children);
        match proposal.stored {
            Some(record) if idle => Ok((Altered { record, changed: false }, children)),
            _ => {
                references::verify(self, &mut proposal).await?;
                exclusions::ask(self, &mut proposal).await?;
                trees::place(self, &mut proposal).await?;
                taken::ask(self, &proposal).await?;
                sequences::number(self, &mut proposal).await?;
                let record = RowChange::update(self, proposal)?;
                Ok((Altered { record, changed: true }, children))
            }
        }
    }

    /// The rest of a change that was begun. Also what it leaves as it was is written.
    pub(crate) async fn complete(
        &mut self,
        Begun { proposal, parked }: Begun<'_>,
        input: Input,
    ) -> Result<(Altered, SentChildren), Error> {
        let collection = proposal.collection;
        let (altered, children) = self.change_proposed(proposal, input).await?;
        RowChange::overwrite(self, collection, (&altered.record, altered.record.values()), parked);
        Ok((altered, children))
    }

    /// The steps of a change between those that find out whether the caller may change the record at all, and those that ask
    /// rules and checks about what would become of it.
    async fn propose(&mut self, proposal: &mut Proposal<'_>, input: Input) -> Result<(), Error> {
        let mut input = self.resolved(proposal.authority, proposal.collection, input).await?;
        let filled = if input.replaces { replace::fill(self.model(), proposal, &mut input) } else { Vec::new() };
        sent_back::see(self, proposal, &input).await?;
        operators::apply(self, proposal, &mut input).await?;
        sent_back::drop_unchanged(self, proposal, &mut input).await?;
        replace::keep_unseen(self, proposal, (&mut input, &filled)).await?;
        fill::patch(proposal, input);
        fill::embedded_defaults(proposal);
        fill::refuse_read_only(proposal);
        fill::refuse_own_address(self, proposal);
        fill::refuse_immutable(proposal);
        proposal.settle()?;
        links::changed(self, proposal).await?;
        clauses::cover(self, proposal)?;
        self.count_rows(proposal.rows_for_caller())?;
        references::permitted(self, proposal).await?;
        if !proposal.is_idle() {
            before::of_proposal(self, proposal, RecordEvent::Update).await?;
        }
        states::pass(self, proposal).await?;
        if proposal.is_idle() {
            amounts::check(self, proposal).await?;
            return proposal.settle();
        }
        fill::sets(self, proposal, SetOn::Update).await?;
        amounts::check(self, proposal).await?;
        slugs::check(proposal);
        sequences::refuse_moves(proposal);
        fill::require(proposal);
        fill::check_sizes(self, proposal);
        fill::check_values(proposal);
        document_limits::check(self, proposal);
        proposal.settle()?;
        fill::check_whole(proposal)
    }

    /// Does with a stored record what is asked, if it has one of the versions wanted, and with it what `@onDelete` says
    /// of others. Returns the record: as it comes back, or as it was.
    pub async fn carry_out(
        &mut self,
        authority: Authority,
        act: &RecordAct,
        record: (CollectionId, RecordId),
        if_match: Option<&IfMatch>,
    ) -> Result<Record, Error> {
        self.part.removes = true;
        let done = self.remove_or_restore((authority, act), record, if_match).await;
        self.part.removes = false;
        done
    }

    async fn remove_or_restore(
        &mut self,
        (authority, act): (Authority, &RecordAct),
        record: (CollectionId, RecordId),
        if_match: Option<&IfMatch>,
    ) -> Result<Record, Error> {
        let action = act.verb().action();
        self.hold_to_carry_out(act, record).await?;
        let gone = match act {
            RecordAct::Delete => {
                let proposal =
                    stored::for_deletion(self, authority, record, Wanted { if_match, child_of: None }).await?;
                deletion::delete(self, proposal).await?
            }
            RecordAct::Restore(input) => {
                let (found, trash) = stored::in_trash(self, (authority, action), record, if_match).await?;
                let proposal = match input.is_empty() {
                    true => found.readmitted(trash),
                    false => self.change_in_trash((found, trash), input.clone()).await?,
                };
                let restored = trash::restore(self, (proposal, trash)).await?;
                return summing::followed(self, record.0, restored).await;
            }
            RecordAct::Purge => {
                let (proposal, _) = stored::in_trash(self, (authority, action), record, if_match).await?;
                deletion::purge(self, proposal).await?
            }
        };
        summing::follow(self).await?;
        Ok(gone)
    }

    /// What a record in the trash would be that comes back with other values. Who changes it must be allowed to update it,
    /// besides restoring it.
    async fn change_in_trash<'a>(
        &mut self,
        (mut proposal, trash): (Proposal<'a>, Trash),
        input: Input,
    ) -> Result<Proposal<'a>, Error> {
        stored::open_in_trash(self, &mut proposal).await?;
        let mut proposal = proposal.returning(trash);
        self.propose(&mut proposal, input).await?;
        if let Err(refusal) = rules::of_change(self, &mut proposal).await {
            return Err(references::instead_of(self, &mut proposal, refusal).await);
        }
        references::verify(self, &mut proposal).await?;
        Ok(proposal)
    }

    /// Deletes a child of a record, or moves it to the trash, except that stored sums don't follow yet.
    pub(crate) async fn remove_child(
        &mut self,
        authority: Authority,
        record: (CollectionId, RecordId),
        of: (FieldId, RecordId),
    ) -> Result<Record, Error> {
        self.part.removes = true;
        let removed = self.remove_child_alone(authority, record, of).await;
        self.part.removes = false;
        placed::settled(self, removed).await
    }

    async fn remove_child_alone(
        &mut self,
        authority: Authority,
        record: (CollectionId, RecordId),
        of: (FieldId, RecordId),
    ) -> Result<Record, Error> {
        self.hold_to_delete(record).await?;
        let wanted = Wanted { if_match: None, child_of: Some(of) };
        let proposal = stored::for_deletion(self, authority, record, wanted).await?;
        self.count_rows(proposal.rows_for_caller())?;
        deletion::delete(self, proposal).await
    }

    /// Deletes a record, or moves it to the trash if its type has one, and what `@onDelete` says with it.
    pub async fn delete(
        &mut self,
        authority: Authority,
        record: (CollectionId, RecordId),
        if_match: Option<&IfMatch>,
    ) -> Result<Record, Error> {
        self.carry_out(authority, &RecordAct::Delete, record, if_match).await
    }

    /// The input for a new record that Backstay makes for the caller, with the records that the caller names by unique keys.
    pub async fn named_by_caller(&mut self, collection: CollectionId, input: Input) -> Result<Input, Error> {
        let collection = self.model().collection(collection);
        self.resolved(Authority::Caller, collection, input).await
    }

    /// Refuses references of an input for a new record that the caller may not make, although the record itself is made
    /// by Backstay: those to records that the caller may not read.
    pub async fn check_references(&mut self, collection: CollectionId, input: &Input) -> Result<(), Error> {
        let collection = self.model().collection(collection);
        let class = self.class_of(Authority::Caller);
        let mut proposal = Proposal::create(collection, Authority::Caller, class, input.clone());
        references::permitted(self, &mut proposal).await
    }
}

/// A record after an update.
pub(crate) struct Altered {
    pub(crate) record: Record,
    /// Whether the update changed anything, as far as the caller can tell.
    pub(crate) changed: bool,
}

/// A second record of a `@single` type. No rule can allow it to a caller.
#[derive(Debug, thiserror::Error)]
#[error("a type with one record was to get another one")]
struct SecondSingle;
