//! Mail that functions send, as the prelude writes it.

use backstay_base::{Error, Place, ViolationKind, with_causes};
use backstay_engine::{AskedJob, JobName, JobTerms};
use backstay_mail::{Mail, Templates, is_language};

use crate::host::misused;

/// Reads a mail: the job that sends it. Its template is rendered first, so that a value that was forgotten is an error in the function.
///
/// # Errors
/// What of it isn't as a mail is written.
pub(crate) fn read(text: &str, templates: &Templates) -> Result<AskedJob, Error> {
    let mail: Mail = serde_json::from_str(text).map_err(|error| {
        let problem = format!("the mail isn't written as one: {error}");
        misused("mail", problem, "write `mail.send({ to, template, language, values })`")
    })?;
    if !Mail::is_address(&mail.to) {
        // Somebody has typed it: that isn't the function's mistake.
        let problem = format!("`{}` is not an address that mail can be sent to", mail.to.escape_debug());
        let remedy = "give one address, such as `ann@example.org` or `Ann <ann@example.org>`".to_owned();
        return Err(Error::invalid(Place::part("to"), ViolationKind::Misused { problem, remedy }));
    }
    if let Some(language) = mail.language.as_deref().filter(|language| !is_language(language)) {
        let problem = format!("`{}` is not a language", language.escape_debug());
        return Err(misused("language", problem, "give a language tag such as `en` or `de-CH`"));
    }
    templates.render(&mail).map_err(|error| misused("template", with_causes(&error), &error.remedy()))?;
    let input = serde_json::to_string(&mail).map_err(Error::internal)?;
    Ok(AskedJob { job: JobName::Own(Mail::JOB), input, terms: JobTerms::default() })
}
