//! The program as a process: what people, scripts and other programs see of it.

mod checking;
mod command_line;
mod data_directory;
mod documents;
mod environment;
mod explaining;
mod invitations;
mod logging;
mod lost_log;
mod seeding;
mod support;
