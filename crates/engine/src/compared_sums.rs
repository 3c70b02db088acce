use backstay_base::{Error, RecordId};
use backstay_model::Collection;
use backstay_scalar::ValueRef;
use backstay_sql::{DecodeError, Row};

use crate::bind::Bindings;
use crate::sink::Collect;
use crate::{Context, Engine};

/// Records that are compared by one statement.
const RECORDS_AT_ONCE: u64 = 500;
/// How many differing records are listed for each sum.
const NAMED: usize = 10;

/// The result of comparing one stored sum with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedSum {
    /// Such as `Product.reserved`.
    pub sum: String,
    /// How many records have it.
    pub records: u64,
    /// In how many of them it isn't what the members come to.
    pub differing: u64,
    /// The first of these.
    pub first: Vec<RecordId>,
}

impl Engine {
    /// Compares every stored sum of every record with what its members come to, a part of the records at a time: others can
    /// write meanwhile.
    pub async fn compare_sums(&self, cx: &Context) -> Result<Vec<ComparedSum>, Error> {
        let mut compared = Vec::new();
        for collection in &self.model().collections {
            compared.extend(self.compare(cx, collection).await?);
        }
        Ok(compared)
    }

    async fn compare(&self, cx: &Context, collection: &Collection) -> Result<Vec<ComparedSum>, Error> {
        const ID: usize = 0;
        let inner = &self.inner;
        let Some(own) = inner.application.sums.own(collection.id) else { return Ok(Vec::new()) };
        let sums: Vec<_> = own.sums.iter().map(|(sum, _)| sum).collect();
        let name = |field| format!("{}.{}", collection.name, collection.field(field).name);
        let compared = |field| ComparedSum { sum: name(field), records: 0, differing: 0, first: Vec::new() };
        let mut compared: Vec<ComparedSum> = sums.iter().map(|sum| compared(sum.computed.field)).collect();
        let mut last = None;
        loop {
            let plan = inner.planner.compared_sums(collection.id, &sums, last.is_some());
            let bindings = Bindings { limit: RECORDS_AT_ONCE, id: last, ..Bindings::new(cx.caller(), cx.now) };
            let statement = bindings.statement(&plan.template);
            let read = move |row: &dyn Row| match row.value(ID)? {
                ValueRef::Id(id) => Ok((id.into(), plan.read(row)?)),
                _ => Err(DecodeError { column: ID, expected: "an id" }),
            };
            let (rows, outcome) = inner.read(cx.demand(), &statement, Collect::new(read)).await;
            outcome?;
            for (id, same) in &rows.found {
                for (compared, same) in compared.iter_mut().zip(same) {
                    compared.records += 1;
                    compared.differing += u64::from(!same);
                    if !same && compared.first.len() < NAMED {
                        compared.first.push(*id);
                    }
                }
            }
            last = rows.found.last().map(|(id, _)| *id);
            if (rows.found.len() as u64) < RECORDS_AT_ONCE {
                return Ok(compared);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::Ambient;
    use backstay_model::{CollectionId, FieldId, SourceFile, load};
    use backstay_scalar::Value;
    use backstay_store::Location;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::{Application, Authority, Input, OpenOptions, Transaction, TxContext};

    const MODEL: &str = r#"
extend schema @app(name: "Sums")
type Group @allow(read: "true") {
  count: Int @computed(is: "size(this.items)", stored: COMMIT)
  most: Int @computed(is: "this.items.max(i, i.n)", stored: COMMIT)
  items: [Item!] @inverse(field: "group")
}
type Item @allow(read: "true") { group: Group, n: Int }
"#;

    /// Makes records without values.
    struct Make(CollectionId, usize);

    impl Transaction for Make {
        type Answer = Vec<RecordId>;

        fn name(&self) -> &'static str {
            "make"
        }

        fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<RecordId>, Error>> {
            Box::pin(async move {
                let mut ids = Vec::new();
                for _ in 0..self.1 {
                    ids.push(cx.create(Authority::System, self.0, Input::new()).await?.id());
                }
                Ok(ids)
            })
        }
    }

    /// Does what nothing but another program does to a database.
    struct Spoil(CollectionId, FieldId, RecordId);

    impl Transaction for Spoil {
        type Answer = ();

        fn name(&self) -> &'static str {
            "spoil"
        }

        fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
            Box::pin(async move {
                let mut values = vec![Value::Null; cx.model().collection(self.0).fields.len()];
                values[usize::from(self.1.0)] = Value::Int(7);
                let template = cx.engine.templates.set_sums(&cx.engine.planner, self.0, vec![self.1]);
                let bindings = Bindings { proposed: &values, ..cx.bindings().id(self.2) };
                let statement = cx.statement(&template, &bindings, self.0);
                cx.tx.stage(statement, Some(1));
                Ok(())
            })
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_differs_is_counted_and_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let model = load(vec![SourceFile::app("model.graphql", MODEL.to_owned())]).expect("a model").model;
        let application = Application::compile(model).expect("its rules");
        let options = OpenOptions::new(Location::from(directory.path()));
        let (engine, _) = Engine::open(application, &options, Ambient::system()).expect("it opens");
        let cx = Context::system(&engine);
        let of = engine.model().collection_named("Group").expect("a type");
        let field = |name: &str| of.field_named(name).expect("a field").id;
        // More than one statement compares.
        let ids = engine.run(&cx, Make(of.id, 1200)).await.expect("they are made");
        let line = |sum: &str, first: &[RecordId]| ComparedSum {
            sum: sum.to_owned(),
            records: 1200,
            differing: first.len() as u64,
            first: first.to_vec(),
        };
        let compared = engine.compare_sums(&cx).await.expect("they are compared");
        assert_eq!(compared, [line("Group.count", &[]), line("Group.most", &[])]);
        for (name, id) in [("count", ids[3]), ("most", ids[700]), ("most", ids[1199])] {
            engine.run(&cx, Spoil(of.id, field(name), id)).await.expect("it is spoilt");
        }
        let compared = engine.compare_sums(&cx).await.expect("they are compared");
        assert_eq!(compared, [line("Group.count", &ids[3..4]), line("Group.most", &[ids[700], ids[1199]])]);
    }
}
