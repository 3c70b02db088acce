use std::sync::Arc;

use backstay_base::{Error, ViolationKind, nearest};
use backstay_engine::Context;
use backstay_model::Model;

use crate::credential::Credential;
use crate::edit::Edit;
use crate::{AccountRef, Identity};

impl Identity {
    /// The roles of an account or an operator. Only for Backstay itself and for operators, as everything here.
    pub async fn roles(&self, cx: &Context, account: &AccountRef) -> Result<Arc<[Arc<str>]>, Error> {
        Self::operators_only(cx)?;
        let subject = self.subject(account).await?;
        let credential = Credential::peek(self.engine(), self.schema(), subject).await?;
        Ok(credential.map_or_else(|| Arc::from([]), |credential| credential.roles))
    }

    /// Gives an account (or an operator) a role of the model; it holds for the next request. Nothing changes where it
    /// has the role.
    pub async fn grant_role(&self, cx: &Context, account: &AccountRef, role: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let role = known_role(self.engine().model(), "role", role)?;
        self.edit(cx, self.subject(account).await?, Edit::Grant(role)).await
    }

    /// Takes a role from an account; it holds for the next request. Nothing changes where it does not have the role.
    pub async fn revoke_role(&self, cx: &Context, account: &AccountRef, role: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let subject = self.subject(account).await?;
        let held = Credential::peek(self.engine(), self.schema(), subject).await?;
        // A role that the model no longer has can still be taken away.
        if !held.is_some_and(|held| held.roles.iter().any(|one| &**one == role)) {
            known_role(self.engine().model(), "role", role)?;
        }
        self.edit(cx, subject, Edit::Revoke(role.into())).await
    }

    /// Gives an account a claim, or the claim another value: rules see it as `auth.claims.NAME` from the next request
    /// on.
    pub async fn set_claim(&self, cx: &Context, account: &AccountRef, name: &str, value: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        let edit = Edit::Claim(name.to_owned(), value.to_owned());
        self.edit(cx, self.account_subject(account).await?, edit).await
    }

    /// Takes a claim from an account; refused where it has none of this name.
    pub async fn remove_claim(&self, cx: &Context, account: &AccountRef, name: &str) -> Result<(), Error> {
        Self::operators_only(cx)?;
        self.edit(cx, self.account_subject(account).await?, Edit::Unclaim(name.to_owned())).await
    }
}

/// The role of this name, or the one that was probably meant.
pub(crate) fn known_role(model: &Model, at: &str, role: &str) -> Result<Arc<str>, Error> {
    let known = model.roles.map_or(&[][..], |id| &model.enumeration(id).values);
    if let Some(value) = known.iter().find(|value| &*value.name == role) {
        return Ok(Arc::clone(&value.name));
    }
    let suggestion = nearest(role, known.iter().map(|value| &*value.name)).map(str::to_owned);
    let name = role.chars().take(40).collect();
    Err(Error::invalid(at, ViolationKind::Unknown { what: "role", name, suggestion }))
}
