use std::marker::PhantomData;

use backstay_base::Timestamp;
use backstay_sql::{Row, Statement};

use crate::{Change, KeyClaim, Recall, StoreError};

/// The transaction of one operation.
#[derive(Debug)]
pub struct Tx<'a> {
    p: PhantomData<&'a mut ()>,
}

impl Tx<'_> {
    /// Runs a statement and shows its rows, in order; answers how many there were.
    pub async fn rows(
        &mut self,
        _statement: &Statement,
        _visit: &mut (dyn FnMut(&dyn Row) -> Result<(), StoreError> + Send),
    ) -> Result<u64, StoreError> {
        todo!()
    }

    /// Runs a statement that writes; answers how many rows it changed.
    pub async fn execute(&mut self, _statement: &Statement) -> Result<u64, StoreError> {
        todo!()
    }

    /// Adds a write that needs no answer: it is run when the operation has ended well, and its errors surface only
    /// then. With `expected_rows`, another number of changed rows is `StoreError::StagedRows`.
    pub fn stage(&mut self, _statement: Statement, _expected_rows: Option<u64>) {
        todo!()
    }

    /// Adds a change to the operation's entry in the commit log, in order.
    pub fn change(&mut self, _change: Change) {
        todo!()
    }

    /// What is known of an idempotency key. Expired records are unknown.
    pub async fn recall(&mut self, _claim: &KeyClaim) -> Result<Recall, StoreError> {
        todo!()
    }

    /// Keeps the answer under the idempotency key, in the same commit, until it expires. The answer is stored as it is:
    /// one that holds a secret must not be remembered.
    pub fn remember(&mut self, _claim: KeyClaim, _answer: Vec<u8>, _expires: Timestamp) {
        todo!()
    }
}
