use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{
    Action, CallerKind, Conflict, Error, RecordId, Secret, Timestamp, Unauthenticated, ViolationKind, limits,
};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation, Record};
use backstay_model::CollectionId;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;
use subtle::ConstantTimeEq as _;

use crate::attempts::Attempt;
use crate::credential::{Credential, Subject};
use crate::hashing::StoredHash;
use crate::schema::Schema;
use crate::sessions::NewSession;
use crate::token::{Purpose, issue};
use crate::{AccountRef, Identity, SignedIn, password};

impl Identity {
    /// Adds an operator, who signs in with this password. Only for Backstay itself and for operators.
    pub async fn add_operator(&self, cx: &Context, email: &str, password: &Secret) -> Result<RecordId, Error> {
        Self::operators_only(cx)?;
        let operation = self.new_operator(email, password, None).await?;
        let (credential, _) = self.engine().run(cx, operation).await.map_err(already_there)?;
        Ok(credential.subject.id())
    }

    /// Gives an operator a new password and ends all their sessions. Only for Backstay itself and for operators.
    pub async fn set_operator_password(&self, cx: &Context, who: &AccountRef, password: &Secret) -> Result<(), Error> {
        Self::operators_only(cx)?;
        self.replace_password(cx, self.operator_subject(who).await?, password).await
    }

    /// Removes an operator with all their sessions; the last one stays. Only for Backstay itself and for operators.
    pub async fn remove_operator(&self, cx: &Context, who: &AccountRef) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let (collection, operator) = (self.schema().operators.collection, self.operator_subject(who).await?.id());
        let some = self.engine().peek_page(collection, None, limits::PAGE_MAX).await?;
        let others = some.iter().map(Record::id).filter(|id| *id != operator).collect();
        self.engine().run(cx, RemoveOperator { collection, operator, others }).await
    }

    /// Whether there is an operator.
    pub async fn has_operator(&self) -> Result<bool, Error> {
        let some = self.engine().peek_page(self.schema().operators.collection, None, 1).await?;
        Ok(!some.is_empty())
    }

    /// The token with which the first operator can be added from outside, once: for the terminal of a Backstay that has
    /// none. It is kept in memory alone, and does nothing where there is an operator.
    pub fn setup_token(&self) -> Secret {
        let fresh = || issue(&*self.engine().ambient().entropy, Purpose::SetUp);
        self.set_up().lock().get_or_insert_with(fresh).clone()
    }

    /// Adds the first operator and signs it in. The token is used up if this succeeds.
    pub async fn set_up_operator(
        &self,
        cx: &Context,
        from: IpAddr,
        token: &Secret,
        email: &str,
        password: &Secret,
    ) -> Result<SignedIn, Error> {
        self.attempts().take(Attempt::SetUp(from), cx.now)?;
        let fits = |expected: &Secret| bool::from(expected.expose().as_bytes().ct_eq(token.expose().as_bytes()));
        if !self.set_up().lock().as_ref().is_some_and(fits) {
            return Err(Unauthenticated::Token.into());
        }
        if self.has_operator().await? {
            *self.set_up().lock() = None;
            return Err(Conflict::Already("there is an operator already; sign in, or let one add you").into());
        }
        let session = self.new_session(cx.now);
        let operation = self.new_operator(email, password, Some(session.clone())).await?;
        // Whoever takes the token goes on; of two at the same time the other is refused.
        let claimed = self.set_up().lock().take_if(|expected| fits(expected)).ok_or(Unauthenticated::Token)?;
        match self.engine().run(cx, operation).await {
            Ok((credential, id)) => self.answer(cx, &credential, id.unwrap_or(credential.id), session).await,
            Err(error) => {
                *self.set_up().lock() = Some(claimed);
                Err(already_there(error))
            }
        }
    }

    /// Refuses everybody but operators and Backstay itself.
    pub(crate) fn operators_only(cx: &Context) -> Result<(), Error> {
        match cx.caller.kind {
            CallerKind::Operator | CallerKind::System => Ok(()),
            CallerKind::Anonymous | CallerKind::Account | CallerKind::Service => {
                Err(Error::Forbidden { action: Action::Update, what: "who may sign in; operators may".to_owned() })
            }
        }
    }

    async fn new_operator(
        &self,
        email: &str,
        password: &Secret,
        session: Option<NewSession>,
    ) -> Result<AddOperator, Error> {
        let email = self.stored_email(self.schema().operators, email).ok_or_else(|| not_an_email("email"))?;
        password::check_new("password", password, &email, self.settings().password_min)?;
        let password_hash = self.hasher().hash(password.clone()).await?;
        Ok(AddOperator { schema: *self.schema(), email, password_hash, session })
    }
}

/// What is written where an e-mail address is expected is none.
pub(crate) fn not_an_email(at: &str) -> Error {
    let expected = "an e-mail address, such as ada@example.org".to_owned();
    Error::invalid(at, ViolationKind::Type { expected })
}

/// Refuses a moment that is over.
pub(crate) fn must_be_ahead(at: &str, moment: Timestamp, now: Timestamp) -> Result<(), Error> {
    if moment > now {
        return Ok(());
    }
    Err(Error::invalid(at, ViolationKind::Range("a moment that is still to come".to_owned())))
}

fn already_there(error: Error) -> Error {
    match error {
        Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => {
            Conflict::Already("there is an operator with this e-mail address").into()
        }
        error => error,
    }
}

#[derive(Debug)]
struct AddOperator {
    schema: Schema,
    email: Arc<str>,
    password_hash: StoredHash,
    session: Option<NewSession>,
}

impl Operation for AddOperator {
    /// The credential, and the session if one was to begin.
    type Answer = (Credential, Option<RecordId>);

    fn name(&self) -> &'static str {
        "add-operator"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let operators = self.schema.operators;
            let draft = Draft::new().with(operators.email, Value::Text(Arc::clone(&self.email)));
            let operator = cx.create(Authority::System, operators.collection, draft).await?;
            let subject = Subject::Operator(operator.id());
            let credential = Credential::create(cx, &self.schema, subject, Some(&self.password_hash), &[]).await?;
            let session = match &self.session {
                Some(session) => Some(session.store(cx, &self.schema, credential.id).await?),
                None => None,
            };
            Ok((credential, session))
        })
    }
}

#[derive(Debug)]
struct RemoveOperator {
    collection: CollectionId,
    operator: RecordId,
    /// Of whom one at least must still be there.
    others: Vec<RecordId>,
}

impl Operation for RemoveOperator {
    type Answer = ();

    fn name(&self) -> &'static str {
        "remove-operator"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for other in &self.others {
                if cx.get(self.collection, *other).await?.is_some() {
                    // The credential and its sessions go with it.
                    cx.delete(Authority::System, self.collection, self.operator, None).await?;
                    return Ok(());
                }
            }
            Err(Conflict::Already("this is the last operator; add another first").into())
        })
    }
}
