//! Typed clients in the languages of clients, made from the `OpenAPI` document of an application. Knows no model and does no
//! I/O: what a client can do is in the document, where generators for any other language find it too.

mod document;
mod typescript;

pub use document::DocumentError;
pub use typescript::{MailTemplate, REQUESTS, declarations, member, typescript};
