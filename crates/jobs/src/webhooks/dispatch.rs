use std::cmp;
use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Error, RecordId, limits};
use backstay_engine::{Dependency, LogLine, Seen};

use crate::webhooks::Webhooks;
use crate::webhooks::endpoint::{Endpoint, Reached};
use crate::webhooks::message::{Message, messages};
use crate::webhooks::transactions::{Disable, Look, Queue};

/// How far the process has read the log for endpoints.
#[derive(Debug, Default)]
pub struct Dispatching {
    /// Those that are told of something, as long as nothing about endpoints changes.
    endpoints: Option<(Seen, Arc<[Endpoint]>)>,
    /// How far it was read without finding anything for an endpoint, further than the endpoint's record says: a commit for each
    /// look at the log would be something to look at itself.
    reached: HashMap<RecordId, Reached>,
}

/// What is found in the log for an endpoint.
struct Found {
    messages: Vec<Message>,
    reached: Reached,
    /// Whether there may be more.
    more: bool,
}

impl Webhooks {
    /// Reads the next entries of the commit log and queues what endpoints are told of them; whether there may be more. Only the
    /// keeper does; if two do, one of them fails to queue it.
    pub async fn dispatch(&self, dispatching: &mut Dispatching) -> Result<bool, Error> {
        let mut pages = HashMap::new();
        let mut more = false;
        for endpoint in &*self.enabled(dispatching).await? {
            let reached = dispatching.reached.get(&endpoint.id).copied();
            let reached = reached.map_or(endpoint.reached, |reached| reached.max(endpoint.reached));
            let lines = if let Some(lines) = pages.get(&reached.place) {
                Arc::clone(lines)
            } else {
                let lines = self.0.engine.log_lines(reached.place + 1, limits::WEBHOOK_ENTRIES).await?;
                let lines: Arc<[LogLine]> = lines.into();
                pages.insert(reached.place, Arc::clone(&lines));
                lines
            };
            if let Some(first) = lines.first().filter(|first| first.place > reached.place + 1) {
                self.disable_behind(endpoint, reached, first.place).await?;
                continue;
            }
            let found = self.found(endpoint, &lines, reached);
            more |= found.more;
            self.queue(dispatching, endpoint, found).await?;
        }
        Ok(more)
    }

    /// The place of the first entry of the log that an endpoint still has to be told of; `None` if there is none that waits.
    pub async fn first_needed(&self) -> Result<Option<u64>, Error> {
        let endpoints = self.endpoints().await?;
        let enabled = endpoints.iter().filter(|endpoint| endpoint.disabled.is_none());
        Ok(enabled.map(|endpoint| endpoint.reached.place + 1).min())
    }

    /// The endpoints that are told of something.
    async fn enabled(&self, dispatching: &mut Dispatching) -> Result<Arc<[Endpoint]>, Error> {
        let engine = &self.0.engine;
        if let Some((seen, endpoints)) = &dispatching.endpoints
            && engine.unchanged(seen)
        {
            return Ok(Arc::clone(endpoints));
        }
        let seen = engine.observe(&[Dependency::Collection(self.0.schema.webhooks.collection)]);
        let endpoints = self.endpoints().await?.into_iter().filter(|endpoint| endpoint.disabled.is_none());
        let endpoints: Arc<[Endpoint]> = endpoints.collect();
        dispatching.reached.retain(|id, _| endpoints.iter().any(|endpoint| endpoint.id == *id));
        dispatching.endpoints = Some((seen, Arc::clone(&endpoints)));
        Ok(endpoints)
    }

    fn found(&self, endpoint: &Endpoint, lines: &[LogLine], reached: Reached) -> Found {
        let most = limits::WEBHOOK_MESSAGES_TOGETHER as usize;
        let mut found = Found { messages: Vec::new(), reached, more: lines.len() == limits::WEBHOOK_ENTRIES as usize };
        for line in lines {
            let of_entry = messages(self.0.engine.model(), line, endpoint);
            let queued = usize::try_from(found.reached.records).unwrap_or(usize::MAX);
            let rest = of_entry.get(queued..).unwrap_or_default();
            let taken = cmp::min(rest.len(), most - found.messages.len());
            found.messages.extend_from_slice(&rest[..taken]);
            if taken < rest.len() {
                found.reached.records += taken as u64;
                found.more = true;
                break;
            }
            found.reached = Reached { place: line.place, records: 0 };
        }
        found
    }

    async fn queue(&self, dispatching: &mut Dispatching, endpoint: &Endpoint, found: Found) -> Result<(), Error> {
        let Found { messages, reached, more: _ } = found;
        let (engine, schema) = (&self.0.engine, self.0.schema);
        let behind = reached.place - endpoint.reached.place;
        if messages.is_empty() && behind < limits::WEBHOOK_PLACES_UNTOLD {
            dispatching.reached.insert(endpoint.id, reached);
            return Ok(());
        }
        let backlog = limits::WEBHOOK_BACKLOG;
        let look = Look { schema, endpoint: endpoint.id, limit: backlog, letters: 0 };
        if !messages.is_empty() && engine.run(&self.system(), look).await?.waiting >= backlog as usize {
            // What it isn't told of yet stays in the log.
            return Ok(());
        }
        let queue = Queue { schema, endpoint: (endpoint.id, endpoint.version), messages, reached };
        match engine.run(&self.system(), queue).await {
            // Somebody has changed the endpoint, or removed it: it is read again.
            Ok(()) | Err(Error::Precondition { .. } | Error::NotFound { .. }) => {
                dispatching.endpoints = None;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn disable_behind(&self, endpoint: &Endpoint, reached: Reached, first: u64) -> Result<(), Error> {
        let reason =
            format!("the commit log was pruned before the changes {} to {} were sent", reached.place + 1, first - 1);
        let disable = Disable { schema: self.0.schema, endpoint: endpoint.id, reason };
        self.0.engine.run(&self.system(), disable).await
    }
}
