//! Batches that are read of their file, and decoded while those before them are written.

use backstay_engine::Engine;
use backstay_model::Model;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::write::{self, Decoded};
use super::{Batch, BatchRow, Mode, collection_named};
use crate::Failure;
use crate::channel::Channel;

/// Rows of a file, and how many bytes of it are behind them.
pub(super) type Rows = (Vec<BatchRow>, u64);

/// A batch that is next.
pub(super) struct Next {
    pub(super) rows: Vec<BatchRow>,
    pub(super) consumed: u64,
    /// None if only the database that it is written to can decode it, or what it means depends on those before it.
    pub(super) decoded: Option<Decoded>,
}

/// The batches of a file, in their order.
pub(super) enum Ahead {
    Read(mpsc::Receiver<Rows>),
    Decoded(mpsc::Receiver<(u64, Result<Decoded, Failure>)>, JoinHandle<()>),
}

impl Ahead {
    /// Of batches like this one.
    pub(super) fn begin(channel: &Channel<'_>, of: &Batch, mut batches: mpsc::Receiver<Rows>) -> Result<Self, Failure> {
        let Channel::Own(instance) = channel else { return Ok(Self::Read(batches)) };
        if !is_independent(instance.engine.model(), of)? {
            return Ok(Self::Read(batches));
        }
        let (engine, of): (Engine, Batch) = (instance.engine.clone(), of.clone());
        let (sender, receiver) = mpsc::channel(1);
        let decoding = tokio::spawn(async move {
            while let Some((rows, consumed)) = batches.recv().await {
                let decoded = write::decode(&engine, Batch { rows, ..of.clone() }).await;
                if sender.send((consumed, decoded)).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self::Decoded(receiver, decoding))
    }

    pub(super) async fn next(&mut self) -> Result<Option<Next>, Failure> {
        match self {
            Self::Read(batches) => {
                Ok(batches.recv().await.map(|(rows, consumed)| Next { rows, consumed, decoded: None }))
            }
            Self::Decoded(batches, _) => {
                let Some((consumed, decoded)) = batches.recv().await else { return Ok(None) };
                let decoded = decoded?;
                Ok(Some(Next { rows: decoded.batch.rows.clone(), consumed, decoded: Some(decoded) }))
            }
        }
    }

    /// Waits until nothing is decoded any more: that reads the database.
    pub(super) async fn end(self) -> Result<(), Failure> {
        if let Self::Decoded(batches, decoding) = self {
            drop(batches);
            decoding.await.map_err(std::io::Error::from)?;
        }
        Ok(())
    }
}

/// Whether rows mean the same before and after those before them are written: they create records of a type which refers to
/// others that its own records don't bring along. References to records of the type itself are looked up once more when
/// they are written.
fn is_independent(model: &Model, of: &Batch) -> Result<bool, Failure> {
    let collection = collection_named(model, &of.collection)?;
    let creates = of.mode == Mode::Create && !collection.single;
    Ok(creates && !collection.fields.iter().any(|field| field.connects))
}
