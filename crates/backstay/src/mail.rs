//! Mail of an application: its templates are read beside its model, and what they make is sent by jobs.

mod notifications;

use std::sync::Arc;
use std::time::Duration;

use backstay_base::with_causes;
use backstay_engine::{Engine, Notification};
use backstay_functions::Answers;
use backstay_identity::Identity;
use backstay_jobs::{Claimed, Handler, KindSettings, Outcome};
use backstay_mail::{Delivery, Letter, Mail, Outbox, Sender, Target, Templates};
use backstay_rest::Reader;
use futures_util::future::BoxFuture;
use serde_json::{json, to_string};

use crate::config::from_file;
use crate::{Config, Directory, Failure, Place, logging};

pub(crate) use notifications::check;
use notifications::{Notifications, Prepared, Unprepared};

/// Who sends mail while an application is developed, unless its settings say.
const DEVELOPER: &str = "backstay@localhost.localdomain";
/// Where mail is kept then, in the data directory.
const KEPT: &str = "mail";

/// What an application is opened for, which decides where its mail goes, and who answers what it fetches.
#[derive(Debug, Clone, Default)]
pub(crate) enum Purpose {
    /// To the server that the settings name.
    #[default]
    Serving,
    /// The same; without one, into the data directory.
    Developing,
    /// Nowhere but to the test, which also answers in place of other servers.
    Testing(Outbox, Answers),
}

/// Reads the templates of an application.
pub(crate) fn read(directory: &Directory, config: &Config) -> Result<Arc<Templates>, Failure> {
    Templates::read(directory.root(), &config.mail.language).map(Arc::new).map_err(Failure::Mail)
}

/// Refuses an application that sends mail if nothing says where it goes, or who sends it.
pub(crate) fn require_server(place: &Place) -> Result<(), Failure> {
    let mail = &place.config.mail;
    let keys = [("url", mail.url.is_none()), ("from", mail.from.is_none())];
    let missing: Vec<&'static str> =
        keys.into_iter().filter(|(_, is_missing)| *is_missing).map(|(key, _)| key).collect();
    match place.purpose {
        Purpose::Serving if !place.templates.is_empty() && !missing.is_empty() => Err(Failure::MailServer { missing }),
        Purpose::Serving | Purpose::Developing | Purpose::Testing(..) => Ok(()),
    }
}

/// Sends mail.
#[derive(Debug)]
pub(crate) struct Mails(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    templates: Arc<Templates>,
    /// Where it goes, and who sends it; nobody says that in an application without templates.
    delivery: Option<(Delivery, Sender)>,
    /// Whether each is shown on the developer's terminal.
    is_shown: bool,
    notifications: Notifications,
}

impl Mails {
    /// The mail of the application in this place.
    pub(crate) fn of(
        place: &Place,
        (engine, identity): (&Engine, &Identity),
        reader: &Arc<Reader>,
    ) -> Result<Self, Failure> {
        let (mail, root) = (&place.config.mail, place.directory.root());
        let delivery = match (&place.purpose, &mail.url) {
            (Purpose::Testing(outbox, _), _) => Some(Delivery::to_test(outbox.clone())),
            (Purpose::Serving | Purpose::Developing, Some(url)) => {
                // The settings are checked: it is one.
                let target = Target::parse(url.expose()).map_err(backstay_base::Error::internal)?;
                let target = match &mail.password_file {
                    Some(file) => target.with_password(from_file(&root.join(file))?),
                    None => target,
                };
                Some(Delivery::to(match target {
                    Target::Directory(directory) => Target::Directory(root.join(directory)),
                    server @ Target::Server { .. } => server,
                }))
            }
            (Purpose::Developing, None) => Some(Delivery::to(Target::Directory(place.data.join(KEPT)))),
            (Purpose::Serving, None) => None,
        };
        let from = match (&place.purpose, mail.from.as_deref()) {
            (_, Some(from)) => Some(from),
            (Purpose::Developing | Purpose::Testing(..), None) => Some(DEVELOPER),
            (Purpose::Serving, None) => None,
        };
        let from = from.map(Sender::parse).transpose().map_err(backstay_base::Error::internal)?;
        let is_shown = matches!(place.purpose, Purpose::Developing);
        let templates = Arc::clone(&place.templates);
        let notifications =
            Notifications { engine: engine.clone(), identity: identity.clone(), reader: Arc::clone(reader) };
        Ok(Self(Arc::new(Inner { templates, delivery: delivery.zip(from), is_shown, notifications })))
    }
}

impl Handler for Mails {
    fn settings(&self, kind: &str) -> Option<KindSettings> {
        use backstay_base::limits::{JOB_SECONDS, MAIL_ATTEMPTS, MAIL_CONCURRENCY};
        let timeout = Duration::from_secs(JOB_SECONDS.into());
        [Mail::JOB, Notification::JOB].contains(&kind).then_some(KindSettings {
            concurrency: MAIL_CONCURRENCY,
            attempts: MAIL_ATTEMPTS,
            timeout,
        })
    }

    fn run(&self, job: Claimed) -> BoxFuture<'static, Outcome> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.sent(&job).await })
    }
}

impl Inner {
    async fn sent(&self, job: &Claimed) -> Outcome {
        if *job.kind != *Notification::JOB {
            return match serde_json::from_str(&job.input) {
                Ok(mail) => self.handed_over(job, &mail).await,
                Err(error) => Outcome::Dead(format!("what the job takes is no mail: {error}")),
            };
        }
        match self.notifications.prepare(job).await {
            Ok(Prepared::Mail(mail)) => self.handed_over(job, &mail).await,
            Ok(Prepared::Kept) => Outcome::Done("null".into()),
            Ok(Prepared::Nobody(why)) => Outcome::Done(json!({ "notSent": why }).to_string().into()),
            Err(Unprepared::Final(why)) => Outcome::Dead(why),
            Err(error @ Unprepared::Later(_)) => Outcome::Again(error.to_string()),
        }
    }

    async fn handed_over(&self, job: &Claimed, mail: &Mail) -> Outcome {
        job.trace.asked(|| format!("mail {}", mail.template));
        let began = job.trace.moment();
        let outcome = self.sent_by_server(job, mail).await;
        job.trace.stage("send", began);
        outcome
    }

    async fn sent_by_server(&self, job: &Claimed, mail: &Mail) -> Outcome {
        let Some((delivery, from)) = &self.delivery else {
            return Outcome::Again("no mail server is configured: set `url` and `from` in [mail]".to_owned());
        };
        let content = match self.templates.render(mail) {
            Ok(content) => content,
            Err(error) => return Outcome::Dead(with_causes(&error)),
        };
        let (id, date) = (job.id.to_string(), self.notifications.engine.ambient().clock.now());
        let letter = Letter { id: &id, from, to: &mail.to, content: &content, date };
        match delivery.send(&letter).await {
            Ok(receipt) => {
                if self.is_shown {
                    logging::tell(&format!("  mail to {}: {} ({})\n", mail.to, receipt.subject, receipt.reply));
                }
                to_string(&receipt)
                    .map_or_else(|error| Outcome::Dead(error.to_string()), |text| Outcome::Done(text.into()))
            }
            Err(error) if error.is_final() => Outcome::Dead(with_causes(&error)),
            Err(error) => Outcome::Again(with_causes(&error)),
        }
    }
}
