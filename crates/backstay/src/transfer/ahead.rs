//! Batches that are read of their file, and decoded while those before them are written.

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
    pub(super) consumed: u64,
    pub(super) rows: NextRows,
}

/// Its rows.
pub(super) enum NextRows {
    /// Only the database that they are written to can decode them, or what they mean depends on those before them.
    Read(Vec<BatchRow>),
    Decoded(Decoded),
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
        let (mut decoder, of) = (write::decoder(&instance.engine, of)?, of.clone());
        let (sender, receiver) = mpsc::channel(1);
        let decoding = tokio::spawn(async move {
            while let Some((rows, consumed)) = batches.recv().await {
                let decoded = match write::decode(decoder, Batch { rows, ..of.clone() }).await {
                    Ok((back, decoded)) => {
                        decoder = back;
                        Ok(decoded)
                    }
                    Err(failure) => return drop(sender.send((consumed, Err(failure))).await),
                };
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
                Ok(batches.recv().await.map(|(rows, consumed)| Next { consumed, rows: NextRows::Read(rows) }))
            }
            Self::Decoded(batches, _) => {
                let Some((consumed, decoded)) = batches.recv().await else { return Ok(None) };
                Ok(Some(Next { consumed, rows: NextRows::Decoded(decoded?) }))
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
