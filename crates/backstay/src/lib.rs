//! The program `backstay`, and the same as a library: settings, wiring and command line. Contains no access rule, no
//! SQL and no HTTP: the crates that it wires do.

mod accounts;
mod adopt;
mod answer;
mod application;
mod apply;
mod arguments;
mod backend;
mod backup;
mod bundle;
mod call;
mod channel;
mod check;
mod client;
mod command;
mod commands;
mod commit_log;
mod config;
mod dev;
mod directory;
mod doors;
mod failure;
mod functions;
mod inspection;
mod instance;
mod jobs;
mod logging;
mod mail;
mod maintenance;
mod new;
mod open_files;
mod plan;
mod procedures;
mod program;
mod readable;
mod records;
mod reindex;
mod routes;
mod secrets;
mod seed;
mod serve;
mod serving;
mod socket;
mod stored_caller;
mod terminal;
mod testing;
mod threads;
mod transfer;
mod watch;
mod webhooks;

pub use answer::{
    AccountLine, Answer, CopiedDatabase, DeadLetterLine, InvitationLine, KeyLine, ListedAccount, LogChangeLine,
    LogEntryLine, MadeBackup, OperatorLine, Reindexed, ReindexedLine, RestoredBackup, VerifiedLogLine, WebhookAnswer,
    WebhookLine,
};
pub use application::{Compiled, compile};
pub use backend::{Backend, Backstay};
pub use backstay_base::{Error, Subnet};
pub use backstay_engine::{JobTerms, Priority};
pub use backstay_http::{ClientAddress, Service, ServiceBody};
pub use bundle::BundleError;
pub use call::{Call, Count, Page, RecordName};
pub use client::{CallError, Client};
pub use command::{Command, InspectVerb, ReindexPlace, WebhookVerb};
pub use config::{
    Accounts, Config, ConfigError, ConfigPlace, ConfigProblem, ConfigProblems, Data, DocsShown, Egress, Limits, Log,
    LogFormat, LogLevel, Mail, ProxyHeader, Secrets, Server, SignUp, reference,
};
pub use directory::{Directory, DirectoryError};
pub use failure::{Failure, Refusal};
pub use instance::{Instance, Place};
pub use new::NewError;
pub use procedures::{Action, ProcedureError, Transaction};
pub use program::main;
pub use routes::{RouteRequest, RouteResponse};
pub use secrets::SecretError;
pub use seed::{SeedError, Seeded, Skipped};
pub use serve::{serve, stop_signal};
pub use transfer::{
    Batch, BatchRow, Content, Done, ExportPage, Exported, ImportStart, Imported, Mode, RefusedRow, TransferError,
};
