use backstay_jobs::State;
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Within;

/// Reads the name of a state, in any case.
fn states() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::ALL.map(State::name))
        .try_map(|name| State::named(&name.to_ascii_uppercase()).ok_or(UnknownState))
}

/// The command line has let something through that names no state.
#[derive(Debug, thiserror::Error)]
#[error("there is no such state")]
struct UnknownState;

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// List jobs: those that wait, run or were given up, unless you name states
    #[command(after_help = "Example:\n  backstay job list --state DEAD")]
    List {
        /// A state to list; repeatable
        #[arg(long = "state", value_name = "STATE", ignore_case = true, value_parser = states())]
        states: Vec<State>,
        /// How many to list at most
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        within: Within,
    },
    /// Show what a job takes, how far it is, and why it failed
    Show {
        /// Id of the job
        job: String,
        #[command(flatten)]
        within: Within,
    },
    /// Queue a job anew that was given up or cancelled
    Retry {
        /// Id of the job
        job: String,
        #[command(flatten)]
        within: Within,
    },
    /// Cancel a job; one that runs is stopped, and what it has committed by then remains
    Cancel {
        /// Id of the job
        job: String,
        #[command(flatten)]
        within: Within,
    },
}
