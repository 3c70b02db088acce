use backstay_base::{Error, Timestamp};
use backstay_engine::{Authority, BrokenCheck, Context, Engine, Transaction, TxContext};
use backstay_model::Collection;
use backstay_rest::Columns;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::record::ImportSchema;
use super::write::keys;
use super::{ImportStart, TransferError};
use crate::records::words;
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
    if *anew {
        engine.run(&Context::system(engine), Forget { schema, imports: vec![import.clone()] }).await?;
    }
    let known = engine.peek_by(schema.imports, &[(schema.name, import.as_str().into())]).await?;
    let done = known.as_ref().map(|record| schema.done(record)).transpose()?.unwrap_or_default();
    Ok(Answer::ImportBegun { rows: done.rows, digest: done.digest })
}

/// Asks the checks that imports deferred, and forgets the imports.
pub(crate) async fn end(engine: &Engine, (imports, check): (&[String], &[String])) -> Result<Answer, Failure> {
    let schema = ImportSchema::of(engine.model())?;
    let (mut collections, mut since) = (Vec::new(), Timestamp::LATEST);
    for name in check {
        collections.push(super::collection_named(engine.model(), name)?.id);
    }
    for import in imports {
        let known = engine.peek_by(schema.imports, &[(schema.name, import.as_str().into())]).await?;
        if let Some(Value::Timestamp(begun)) = known.as_ref().map(|record| record.value(Collection::CREATED_AT)) {
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
                let by = [(self.schema.name, import.as_str().into())];
                if let Some(record) = cx.find(self.schema.imports, &by).await? {
                    cx.delete(Authority::System, (self.schema.imports, record.id()), None).await?;
                }
            }
            Ok(())
        })
    }
}
