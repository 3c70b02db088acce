//! URLs, headers and bodies into requests to the engine.

use backstay_base::{Error, ViolationKind};
use backstay_engine::{Create, Delete, Get, Request, Update, WriteOptions};
use backstay_model::Model;
use bytes::Bytes;
use http::Method;

use crate::admission::Admitted;
use crate::endpoint::{Handler, RecordRequest};
use crate::target::{Records, Target};
use crate::{Refusal, endpoints, list};

/// What an admitted request asks of records.
pub(crate) fn request(admitted: &mut Admitted<'_>, kind: RecordRequest) -> Result<Request, Refusal> {
    let Target::Records(records) = admitted.target() else { return Err(mismatch()) };
    let sent = Sent {
        query: admitted.head().query(),
        select: admitted.take_parameter(),
        body: admitted.take_body(),
        options: admitted.write_options()?,
    };
    sent.into_request(admitted.state().engine.model(), kind, records)
}

/// Reads `METHOD /api/…?query` and a body, as `backstay explain` takes them, exactly as a request over HTTP is read.
pub fn parse_request(model: &Model, text: &str, body: Bytes) -> Result<Request, Refusal> {
    let expected = || {
        let expected = "a method and a path below /api/, such as GET /api/posts?limit=1".to_owned();
        Refusal::malformed("request", ViolationKind::Type { expected })
    };
    let (method, target) = text.trim().split_once(' ').ok_or_else(expected)?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| expected())?;
    let target = target.trim();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let records = Records::resolve(model, path.trim().strip_prefix("/api/").ok_or_else(expected)?)?;
    let endpoint = endpoints::place_of(records).endpoint(&method)?;
    let Handler::Record(kind) = endpoint.handler else { return Err(expected()) };
    let select = list::single(query, endpoint.parameters)?;
    Sent { query, select, body, options: WriteOptions::default() }.into_request(model, kind, records)
}

/// What a request carries besides its path and method.
struct Sent<'q> {
    query: Option<&'q str>,
    select: Option<String>,
    body: Bytes,
    options: WriteOptions,
}

impl Sent<'_> {
    fn into_request(self, model: &Model, kind: RecordRequest, records: Records) -> Result<Request, Refusal> {
        use RecordRequest as Kind;
        let Self { query, select, body, options } = self;
        Ok(match (kind, records) {
            (Kind::Get, Records::Record(collection, id)) => Request::Get(Get { collection, id, select }),
            (Kind::List, Records::Collection(id)) => Request::List(list::from_query(model.collection(id), query)?),
            (Kind::Query, Records::Query(id)) => Request::List(list::from_body(model.collection(id), &body)?),
            (Kind::Create, Records::Collection(collection)) => Request::Create(Create { collection, body, options }),
            (Kind::Update, Records::Record(collection, id)) => {
                Request::Update(Update { collection, id, body, options })
            }
            (Kind::Delete, Records::Record(collection, id)) => Request::Delete(Delete { collection, id, options }),
            (Kind::Get | Kind::List | Kind::Query | Kind::Create | Kind::Update | Kind::Delete, _) => {
                return Err(mismatch());
            }
        })
    }
}

/// The table has a row for records at a path that names none.
fn mismatch() -> Refusal {
    #[derive(Debug, thiserror::Error)]
    #[error("a request for records was admitted at a path of another kind")]
    struct Mismatch;
    Error::internal(Mismatch).into()
}
