//! Turns the inspector of a server on and off. Each time it is turned on leaves a record, and so an entry in the commit log.

use backstay_base::{Duration, Error, Timestamp};
use backstay_engine::{Authority, Context, Engine, Input, Inspecting, Transaction, TxContext};
use backstay_model::{Model, SourceFile};
use futures_util::future::BoxFuture;

use crate::Answer;
use crate::command::InspectVerb;

/// The collection of when servers were inspected. It is loaded together with the application's model.
pub(crate) fn system_model() -> SourceFile {
    SourceFile::system("backstay/inspection.graphql", TEXT)
}

const TEXT: &str = r#""A server was inspected from when this record was made: what requests do was kept in its memory."
type BackstayInspection @allow(read: "auth.kind == 'OPERATOR'") {
  "Until when, unless it was turned off or ended before."
  until: DateTime!
}
"#;

/// The model was loaded without Backstay's own types.
#[derive(Debug, thiserror::Error)]
#[error("Backstay's own records about inspections aren't as Backstay stores them")]
struct Foreign;

pub(crate) async fn carry_out(engine: &Engine, cx: &Context, verb: InspectVerb) -> Result<Answer, Error> {
    let inspector = engine.inspector();
    match verb {
        InspectVerb::On { seconds } => {
            let until = cx.now.checked_add(Duration::from_micros(i64::from(seconds) * 1_000_000));
            let until = until.ok_or_else(|| Error::internal(Foreign))?;
            // Nothing is kept that nobody can find out about afterwards.
            engine.run(cx, Began { until }).await?;
            inspector.turn_on(until);
            tracing::warn!(%until, "the inspector was turned on: what requests do is kept in memory");
        }
        InspectVerb::Off {} => {
            inspector.turn_off();
            tracing::warn!("the inspector was turned off");
        }
        InspectVerb::Show {} => {}
    }
    Ok(match inspector.state(engine.ambient().clock.now()) {
        Inspecting::Off => Answer::InspectorOff {},
        Inspecting::Until(until) => Answer::InspectorOn { until: Some(until.to_string()) },
        Inspecting::Always => Answer::InspectorOn { until: None },
    })
}

/// Stores that a server is inspected from now on.
struct Began {
    until: Timestamp,
}

impl Transaction for Began {
    type Answer = ();

    fn name(&self) -> &'static str {
        "inspect"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let model: &Model = cx.model();
            let foreign = || Error::internal(Foreign);
            let inspections =
                model.collection_named("BackstayInspection").filter(|of| of.system).ok_or_else(foreign)?;
            let until = inspections.field_named("until").ok_or_else(foreign)?.id;
            let input = Input::new().with(until, self.until);
            cx.create(Authority::System, inspections.id, input).await.map(drop)
        })
    }
}
