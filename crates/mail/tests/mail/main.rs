//! Templates that are read, rendered and handed to a mail server.

mod sending;
mod templates;
