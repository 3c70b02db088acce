use std::path::Path;

use backstay_engine::{OpenError, OpenOutcome};
use tokio::task::block_in_place;

use crate::plan::{Applied, Plan};
use crate::serving::{DataLoss, NotExchanged, Serving, Version, die};
use crate::{Answer, Failure};

/// `migrate apply` beside a running server: the server itself goes on with the model and the settings as they are in its
/// files now. `app` is the directory that the command is about.
pub(crate) async fn apply(serving: &Serving, app: &Path) -> Result<Answer, Failure> {
    let place = match &*serving.served().await {
        Some(served) => served.place.clone(),
        None => return Err(Failure::NothingServed),
    };
    let root = place.directory.root().canonicalize()?;
    if root != app {
        return Err(Failure::OtherApplication { served: root });
    }
    let (version, _) = block_in_place(|| Version::read(&place)).map_err(first)?;
    let outcome = serving.exchange(version, DataLoss::Refused).await.map_err(failure)?;
    let text = match outcome {
        OpenOutcome::Created | OpenOutcome::Unchanged => Plan(Vec::new()).to_string(),
        OpenOutcome::Migrated(steps) => {
            for step in &steps {
                tracing::info!(step = step.words, "migrated the database");
            }
            format!("{}done\n", Applied(steps))
        }
    };
    tracing::info!("serving the present model and settings");
    Ok(Answer::ModelApplied { text })
}

/// The first of what is wrong.
fn first(failures: Vec<Failure>) -> Failure {
    failures.into_iter().next().unwrap_or(Failure::NothingServed)
}

fn failure(why: NotExchanged) -> Failure {
    match why {
        NotExchanged::Occupied => Failure::Occupied,
        NotExchanged::Migration(plan) => OpenError::Migration { refused: plan.refused_words() }.into(),
        NotExchanged::Failed(failure) => failure,
        NotExchanged::Lost(failure) => {
            failure.log();
            die("the model that was served before can't be opened any more")
        }
    }
}
