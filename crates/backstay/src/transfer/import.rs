use backstay_base::{Error, Timestamp};
use backstay_engine::{Authority, BrokenCheck, Context, Engine, Record, Transaction, TxContext};
use backstay_model::Collection;
use backstay_rest::Columns;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::keys::keys;
use super::record::{Done, ImportSchema};
use super::{ExportPage, ImportStart, Mode, TransferError, page};
use crate::records::{Journal, words};
use crate::{Answer, Failure};

/// Says how far an import is, after forgetting that if it begins anew. Refuses one whose columns or key the type doesn't have.
pub(crate) async fn begin(engine: &Engine, start: &ImportStart) -> Result<Answer, Failure> {
    let ImportStart { import, file, collection, columns, mode, anew } = start;
    let schema = ImportSchema::of(engine.model())?;
    let of = super::collection_named(engine.model(), collection)?;
    keys(of, mode)?;
    if let Err(error) = Columns::read(engine.model(), of.id, columns) {
        let is_data = !Columns::names_any(engine.model(), of.id, columns);
        let (path, collection, problem) = (file.clone(), of.name.clone(), words(&error));
        return Err(TransferError::Header { path, collection, problem, is_data }.into());
    }
    let done = known(engine, schema, import).await?.filter(|_| !anew);
    if let (Mode::Carry(_), None, false) = (mode, &done, of.single)
        && has_records(engine, of).await?
    {
        return Err(TransferError::Inhabited { collection: of.name.clone() }.into());
    }
    if *anew {
        engine.run(&Context::system(engine), Forget { schema, imports: vec![import.clone()] }).await?;
    }
    Ok(Answer::ImportBegun { done })
}

/// How far an import is, if it has begun.
pub(super) async fn known(engine: &Engine, schema: ImportSchema, import: &str) -> Result<Option<Done>, Error> {
    stored(engine, schema, import).await?.map(|record| schema.done(&record)).transpose()
}

async fn stored(engine: &Engine, schema: ImportSchema, import: &str) -> Result<Option<Record>, Error> {
    let Journal { collection, name } = schema.journal;
    engine.peek_by(collection, &[(name, import.into())]).await
}

async fn has_records(engine: &Engine, of: &Collection) -> Result<bool, Failure> {
    let first = ExportPage { collection: of.name.clone(), select: Some("id".to_owned()), filter: None, after: None };
    Ok(!page(engine, &first).await?.records.is_empty())
}

/// Asks the checks that imports deferred, and forgets the imports.
pub(crate) async fn end(engine: &Engine, (imports, check): (&[String], &[String])) -> Result<Answer, Failure> {
    let schema = ImportSchema::of(engine.model())?;
    let (mut collections, mut since) = (Vec::new(), Timestamp::LATEST);
    for name in check {
        collections.push(super::collection_named(engine.model(), name)?.id);
    }
    for import in imports {
        let stored = stored(engine, schema, import).await?;
        if let Some(Value::Timestamp(begun)) = stored.as_ref().map(|record| record.value(Collection::CREATED_AT)) {
            since = since.min(*begun);
        }
    }
    if !collections.is_empty() {
        let broken = engine.broken_checks(&Context::system(engine), (&collections, since)).await?;
        if let Some(BrokenCheck { collection, message, first }) = broken.into_iter().next() {
            let records = first.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(TransferError::Unmet { collection, message, records }.into());
        }
    }
    engine.run(&Context::system(engine), Forget { schema, imports: imports.to_vec() }).await?;
    Ok(Answer::ImportEnded {})
}

/// Forgets how far imports are.
struct Forget {
    schema: ImportSchema,
    imports: Vec<String>,
}

impl Transaction for Forget {
    type Answer = ();

    fn name(&self) -> &'static str {
        "import-end"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for import in &self.imports {
                let Journal { collection, name } = self.schema.journal;
                if let Some(record) = cx.find(collection, &[(name, import.as_str().into())]).await? {
                    cx.delete(Authority::System, (collection, record.id()), None).await?;
                }
            }
            Ok(())
        })
    }
}
