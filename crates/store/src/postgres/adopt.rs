//! Adopts the tables of another program: reads the schema, asks about stored values, and takes the steps in one transaction.

mod catalog;
mod survey;

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_base::{Ambient, Secret};
use backstay_model::Model;
use backstay_sql::adopt::{Hold, Misfit, lock, misfits};
use backstay_sql::{Dialect, Param, Statement};
use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;

use super::access::Access;
use super::address::Address;
use super::lease;
use super::pools::Pools;
use super::session::PostgresSession;
use super::start::block_on;
use crate::adopt::{
    AdoptError, Adoption, CountedMisfits, RefusedStep, Survey, changed_schema, changed_values, counters, steps,
};
use crate::catalog::Numbers;
use crate::own::{self, int, own};
use crate::sequence::Series;
use crate::session::{Contents, Object as Stored, OwnRow, SchemaSession as _, Session as _};
use crate::{OpenError, ServerProblem, Step, StoreError, setup};

/// How long to wait for tables that others use.
const LOCK_SECONDS: u64 = 10;

/// What there is in the schema that an address names.
pub(crate) fn survey(url: &Secret) -> Result<Survey, AdoptError> {
    let address = Address::read(url)?;
    block_on(async {
        let session = foreign(&address).await?;
        Ok(survey::read(session.client()).await?)
    })
}

/// How many rows have values of these kinds, table by table and question by question.
pub(crate) fn count_misfits(
    url: &Secret,
    questions: Vec<(String, Vec<(String, Misfit)>)>,
) -> Result<Vec<CountedMisfits>, AdoptError> {
    let address = Address::read(url)?;
    block_on(async {
        let mut session = foreign(&address).await?;
        session.begin().await?;
        let tables: Vec<&str> = questions.iter().map(|(table, _)| table.as_str()).collect();
        hold(&mut session, address.name(), (&tables, Hold::Shared)).await?;
        let mut counts = Vec::with_capacity(questions.len());
        for (table, questions) in questions {
            let rows = numbers(&mut session, &misfits(&table, &questions), questions.len()).await?;
            counts.push(CountedMisfits { table, questions, rows });
        }
        Ok(counts)
    })
}

/// The steps that `apply` would take.
pub(crate) fn plan((survey, adoption): (&Survey, &Adoption), model: &Model) -> Vec<Step> {
    steps(survey, adoption, model).into_iter().map(|(step, _)| step).collect()
}

/// Takes all steps, or none.
pub(crate) fn apply(
    url: &Secret,
    (survey, adoption): (&Survey, &Adoption),
    (model, ambient): (&Model, &Ambient),
) -> Result<Vec<Step>, AdoptError> {
    let address = Address::read(url)?;
    block_on(async {
        let mut session = foreign(&address).await?;
        if !lease::exclude_soon(session.client()).await? {
            return Err(address.failed(ServerProblem::InUse).into());
        }
        session.begin().await?;
        let adopting = Adopting { database: address.name(), survey, adoption, model, ambient };
        let taken = match adopting.take(&mut session).await {
            Ok(steps) => session.commit().await.map(|()| steps).map_err(AdoptError::from),
            Err(error) => Err(error),
        };
        if taken.is_err() {
            session.roll_back().await;
        }
        taken
    })
}

struct Adopting<'a> {
    database: &'a str,
    survey: &'a Survey,
    adoption: &'a Adoption,
    model: &'a Model,
    ambient: &'a Ambient,
}

impl Adopting<'_> {
    async fn take(&self, session: &mut PostgresSession) -> Result<Vec<Step>, AdoptError> {
        self.hold_unchanged(session).await?;
        setup::run(session, &own::functions(Dialect::Postgres)).await?;
        let mut taken = Vec::new();
        for (step, statements) in steps(self.survey, self.adoption, self.model) {
            for statement in &statements {
                session.execute(statement).await.map_err(|source| self.refused(&step, statement, source))?;
            }
            taken.push(step);
        }
        setup::begin_history(session, (self.model, self.ambient)).await?;
        for table in &self.adoption.tables {
            session.execute(&note(&table.collection, &table.table)).await?;
        }
        for link in &self.adoption.links {
            session.execute(&note(&format!("{}.{}", link.collection, link.field), &link.table)).await?;
        }
        self.count_on(session).await?;
        setup::verify(session, self.model).await?;
        Ok(taken)
    }

    /// Gets hold of all tables as they were when the model was made of them: before, others could change them and their rows.
    async fn hold_unchanged(&self, session: &mut PostgresSession) -> Result<(), AdoptError> {
        let Adoption { tables, links, counted, enums: _ } = self.adoption;
        let names = tables.iter().map(|of| &of.table).chain(links.iter().map(|of| &of.table));
        let names: BTreeSet<&str> = names.chain(counted.iter().map(|of| &of.table)).map(String::as_str).collect();
        hold(session, self.database, (&Vec::from_iter(names), Hold::Alone)).await?;
        let mut changed = changed_schema(self.survey, &survey::read(session.client()).await?);
        if changed.is_empty() {
            for of in counted {
                let rows = numbers(session, &misfits(&of.table, &of.questions), of.questions.len()).await?;
                changed.extend(changed_values(of, &rows));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        Err(AdoptError::Changed { database: self.database.to_owned(), changed })
    }

    fn refused(&self, step: &Step, statement: &Statement, source: StoreError) -> AdoptError {
        let (words, statement) = (step.words.clone(), statement.text().to_owned());
        AdoptError::Step(Box::new(RefusedStep { database: self.database.to_owned(), words, statement, source }))
    }

    /// Lets the server's numbers go on after those that rows have.
    async fn count_on(&self, session: &mut PostgresSession) -> Result<(), AdoptError> {
        let catalog = Numbers::stored(session).await?.catalog(self.model)?;
        for (collection, highest) in counters(self.model, self.adoption) {
            let last = numbers(session, &highest, 1).await?.first().copied().unwrap_or(0);
            let of = (
                catalog.type_number(collection.id),
                catalog.field_number(collection.id, backstay_model::Collection::ID),
            );
            session.query(&Series::new(of, String::new()).raise(last), &mut |_| Ok(())).await?;
        }
        Ok(())
    }
}

/// Locks tables, unless others hold them for too long.
async fn hold(
    session: &mut PostgresSession,
    database: &str,
    (tables, hold): (&[&str], Hold),
) -> Result<(), AdoptError> {
    let database = || database.to_owned();
    for statement in lock(tables, hold, LOCK_SECONDS) {
        session.client().batch_execute(statement.text()).await.map_err(|error| match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => AdoptError::InUse { database: database(), seconds: LOCK_SECONDS },
            Some(&SqlState::UNDEFINED_TABLE) => {
                AdoptError::Changed { database: database(), changed: vec!["the names of its tables".to_owned()] }
            }
            _ => super::error::plain(error).into(),
        })?;
    }
    Ok(())
}

/// Keeps the name that a table had.
fn note(name: &str, before: &str) -> Statement {
    const NOTE: &str = "INSERT INTO backstay_adopted (name, before) VALUES ($1, $2)";
    own(NOTE, vec![Param::Text(name.into()), Param::Text(before.into())], &[])
}

/// A session with a database that another program has made.
async fn foreign(address: &Address) -> Result<PostgresSession, AdoptError> {
    let pools = Pools::new(address, 1, (None, Arc::default()))?;
    let client: Object = pools.first().await.map_err(|error| address.refused(error))?;
    address.check(&client).await?;
    let mut session = PostgresSession::on(client, &pools, Access::Write);
    let database = address.name().to_owned();
    match session.contents().await.map_err(OpenError::from)? {
        Contents::Nothing => Err(AdoptError::Empty { database }),
        Contents::Backstay { .. } => {
            let found = session.objects().await?;
            let is_adopted = found.contains(&Stored::Table("backstay_adopted".to_owned()));
            Err(AdoptError::Backstays { database, is_adopted })
        }
        Contents::UnfinishedCopy => Err(OpenError::UnfinishedCopy { database }.into()),
        Contents::Foreign => Ok(session),
    }
}

/// The numbers in the one row of a statement.
async fn numbers(session: &mut PostgresSession, statement: &Statement, count: usize) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::with_capacity(count);
    let visit = &mut |row: &dyn OwnRow| {
        for column in 0..count {
            found.push(int(row, column)?);
        }
        Ok(())
    };
    session.query(statement, visit).await?;
    Ok(found)
}
