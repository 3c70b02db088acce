use backstay_engine::{ComparedSum, Context, Engine};

use crate::answer::SumLine;
use crate::{Answer, Failure};

/// Compares stored sums with what they sum.
pub(super) async fn compare(engine: &Engine, cx: &Context) -> Result<Answer, Failure> {
    let line = |ComparedSum { sum, records, differing, first, queued }: ComparedSum| {
        let first = first.iter().map(ToString::to_string).collect();
        SumLine { sum, records, differing, first, queued }
    };
    Ok(Answer::Sums { sums: engine.compare_sums(cx).await?.into_iter().map(line).collect() })
}
