//! A database that another program has made becomes an application's. There is no engine before.

use backstay_base::{Ambient, Secret};
use backstay_store::{AdoptError, Adoption, CountedMisfits, Misfit, Step, Store, Survey};

use crate::{Application, Engine};

impl Engine {
    /// What there is in the schema that this address of a database server names. Blocks, as all of these do; needs a current
    /// multi-threaded tokio runtime.
    pub fn survey(url: &Secret) -> Result<Survey, AdoptError> {
        Store::survey(url)
    }

    /// How many rows have values that no field holds, table by table and question by question.
    pub fn count_misfits(
        url: &Secret,
        questions: Vec<(String, Vec<(String, Misfit)>)>,
    ) -> Result<Vec<CountedMisfits>, AdoptError> {
        Store::count_misfits(url, questions)
    }

    /// The steps that make the tables of a schema those of an application.
    pub fn plan_adoption(found: (&Survey, &Adoption), application: &Application) -> Vec<Step> {
        Store::plan_adoption(found, &application.model)
    }

    /// Takes these steps, all of them or none, if nothing has changed that they were made of. Afterwards the database can be opened.
    pub fn adopt(
        url: &Secret,
        found: (&Survey, &Adoption),
        (application, ambient): (&Application, &Ambient),
    ) -> Result<Vec<Step>, AdoptError> {
        Store::adopt(url, found, (&application.model, ambient))
    }
}
