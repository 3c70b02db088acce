//! The program as a process, as people, scripts and other programs see it.

mod accounts;
mod backups;
mod browser;
mod changing;
mod checking;
mod command_line;
mod data_directory;
mod developing;
mod docs;
mod documents;
mod environment;
mod explaining;
mod first_steps;
mod functions;
mod invitations;
mod kept;
mod logging;
mod lost_log;
mod migrating;
mod nodes;
mod postgres;
mod refusals;
mod reindexing;
mod seeding;
mod support;
mod transferring;
