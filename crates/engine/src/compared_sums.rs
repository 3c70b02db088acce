use backstay_base::{Error, RecordId};
use backstay_expr::Sum;
use backstay_model::{Collection, CollectionId};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{DecodeError, Row};
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::bind::Bindings;
use crate::summing::due_sum;
use crate::{Context, Engine, Transaction, TxContext};

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
    /// In how many of them it isn't what the members come to, and won't be.
    pub differing: u64,
    /// The first of these.
    pub first: Vec<RecordId>,
    /// In how many others it isn't yet, because it follows after the commit.
    pub queued: u64,
}

/// A stored sum of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// It is what the members come to.
    Same,
    /// It isn't.
    Differs,
    /// It isn't, and is in the queue of those that will be.
    Queued,
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
        let Some(own) = self.inner.application.sums.own(collection.id) else { return Ok(Vec::new()) };
        let name = |sum: &Sum| format!("{}.{}", collection.name, collection.field(sum.computed.field).name);
        let compared = |(sum, _): &(Sum, Value)| ComparedSum {
            sum: name(sum),
            records: 0,
            differing: 0,
            first: Vec::new(),
            queued: 0,
        };
        let mut compared: Vec<ComparedSum> = own.sums.iter().map(compared).collect();
        let mut last = None;
        loop {
            let records = self.run(cx, ComparePart { collection: collection.id, after: last }).await?;
            for (id, sums) in &records {
                compared.iter_mut().zip(sums).for_each(|(compared, sum)| compared.add(*id, *sum));
            }
            last = records.last().map(|(id, _)| *id);
            if (records.len() as u64) < RECORDS_AT_ONCE {
                return Ok(compared);
            }
        }
    }
}

impl ComparedSum {
    fn add(&mut self, id: RecordId, sum: Compared) {
        self.records += 1;
        match sum {
            Compared::Same => {}
            Compared::Queued => self.queued += 1,
            Compared::Differs => {
                self.differing += 1;
                if self.first.len() < NAMED {
                    self.first.push(id);
                }
            }
        }
    }
}

/// Compares the sums of some records, and looks for those that differ in the queue as it is at the same moment.
struct ComparePart {
    collection: CollectionId,
    after: Option<RecordId>,
}

impl Transaction for ComparePart {
    type Answer = Vec<(RecordId, Vec<Compared>)>;

    fn name(&self) -> &'static str {
        "compare-sums"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let mut answers = Vec::new();
            for (id, values) in self.values(cx).await? {
                let Some(own) = cx.engine.application.sums.own(self.collection) else { continue };
                let mut compared = Vec::with_capacity(values.len());
                for ((sum, _), values) in own.sums.iter().zip(values) {
                    compared.push(one(cx, sum, (id, values)).await?);
                }
                answers.push((id, compared));
            }
            Ok(answers)
        })
    }
}

impl ComparePart {
    /// The sums as they are stored and as they come from all members.
    async fn values(&self, cx: &mut TxContext<'_, '_>) -> Result<Vec<(RecordId, Vec<[Value; 2]>)>, Error> {
        const ID: usize = 0;
        let Some(own) = cx.engine.application.sums.own(self.collection) else { return Ok(Vec::new()) };
        let sums: Vec<&Sum> = own.sums.iter().map(|(sum, _)| sum).collect();
        let plan = cx.engine.planner.compared_sums(self.collection, &sums, self.after.is_some());
        let bindings = Bindings { limit: RECORDS_AT_ONCE, id: self.after, ..cx.bindings() };
        let statement = cx.statement(&plan.template, &bindings, self.collection);
        let mut found = Vec::new();
        let visit = &mut |row: &dyn Row| {
            match row.value(ID)? {
                ValueRef::Id(id) => found.push((id.into(), plan.read(row)?)),
                _ => return Err(DecodeError { column: ID, expected: "an id" }.into()),
            }
            Ok(())
        };
        cx.rows(&statement, visit).await?;
        Ok(found)
    }
}

async fn one(
    cx: &mut TxContext<'_, '_>,
    sum: &Sum,
    (id, [stored, computed]): (RecordId, [Value; 2]),
) -> Result<Compared, Error> {
    let at = (sum.computed.collection, sum.computed.field);
    let field = cx.model().field(at.0, at.1);
    // One that its field can't hold is unknown if nobody was there to be refused.
    let fits = cx.model().value_type(&field.kind).is_none_or(|ty| ty.fit(computed.clone()).is_ok());
    if stored == computed || field.is_kept_soon() && stored.is_null() && !fits {
        return Ok(Compared::Same);
    }
    if !field.is_kept_soon() {
        return Ok(Compared::Differs);
    }
    let due = due_sum(cx, at, id);
    let is_queued = cx.tx.is_queued(&due).await.map_err(|error| cx.refused(error))?;
    Ok(if is_queued { Compared::Queued } else { Compared::Differs })
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
            queued: 0,
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
