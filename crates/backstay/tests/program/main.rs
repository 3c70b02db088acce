//! The program as a process: what people, scripts and other programs see of it.

mod checking;
mod command_line;
mod data_directory;
mod documents;
mod explaining;
mod invitations;
mod logging;
mod seeding;
mod support;
