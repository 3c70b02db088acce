//! `migrate apply`: here and, beside a running server, there.

use std::path::Path;

use backstay_engine::{Location, Migration, OpenOutcome, Step};
use serde_json::json;
use tokio::task::block_in_place;

use crate::plan::{Applied, Plan};
use crate::serving::{NotExchanged, Serving, Version, die};
use crate::{Answer, Failure};

/// `migrate apply` beside a running server: the server itself goes on with the model and the settings as they are in its
/// files now. `app` is the directory that the command is about.
pub(crate) async fn apply(serving: &Serving, app: &Path, migration: Migration) -> Result<Answer, Failure> {
    let place = serving.place().await?;
    let root = place.directory.root().canonicalize()?;
    if root != app {
        return Err(Failure::OtherApplication { served: root });
    }
    let (version, _) = block_in_place(|| Version::read(&place)).map_err(Failure::all)?;
    match serving.exchange(version, migration).await {
        Ok(outcome) => {
            if let OpenOutcome::Migrated(steps) = &outcome {
                for step in steps {
                    tracing::info!(step = step.words, "migrated the database");
                }
            }
            tracing::info!("serving the present model and settings");
            Ok(opened(outcome, &place.database))
        }
        Err(NotExchanged::Migration(plan)) => Ok(refused(&plan)),
        Err(NotExchanged::Occupied) => Err(Failure::Occupied),
        Err(NotExchanged::Failed(failure)) => Err(failure),
        Err(NotExchanged::Lost(failure)) => {
            failure.log();
            die("the model that was served before can't be opened any more")
        }
    }
}

/// What opening did to this database.
pub(crate) fn opened(outcome: OpenOutcome, database: &Location) -> Answer {
    match outcome {
        OpenOutcome::Created => {
            let text = format!("created the database in {database}\n");
            Answer::Migration { applied: true, text, report: json!({ "created": true, "steps": [] }) }
        }
        OpenOutcome::Unchanged => applied(Vec::new()),
        OpenOutcome::Migrated(steps) => applied(steps),
    }
}

/// What was done to the database.
pub(crate) fn applied(steps: Vec<Step>) -> Answer {
    let plan = Plan { steps, allow_data_loss: true };
    let text = match plan.steps.as_slice() {
        [] => plan.to_string(),
        steps => format!("{}done\n", Applied(steps)),
    };
    Answer::Migration { applied: true, text, report: json!({ "created": false, "steps": plan.json()["steps"] }) }
}

/// Why nothing was done to it.
pub(crate) fn refused(plan: &Plan) -> Answer {
    Answer::Migration { applied: false, text: plan.to_string(), report: plan.json() }
}
