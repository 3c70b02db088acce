use backstay_base::{Error, Secret};
use backstay_identity::Administration;

use super::reference;
use crate::Answer;
use crate::answer::OperatorLine;

pub(super) async fn add(
    administration: &Administration<'_>,
    email: String,
    password: &Secret,
) -> Result<Answer, Error> {
    let id = administration.add_operator(&email, password).await?.to_string();
    Ok(Answer::OperatorAdded { id, email })
}

pub(super) async fn list(administration: &Administration<'_>) -> Result<Answer, Error> {
    let operators = administration.operators().await?.into_iter();
    let line =
        |one: backstay_identity::OperatorInfo| OperatorLine { id: one.id.to_string(), email: one.email.to_string() };
    Ok(Answer::Operators { operators: operators.map(line).collect() })
}

pub(super) async fn set_password(
    administration: &Administration<'_>,
    operator: String,
    password: &Secret,
) -> Result<Answer, Error> {
    administration.set_operator_password(&reference(&operator), password).await?;
    Ok(Answer::OperatorPasswordSet { operator })
}

pub(super) async fn remove(administration: &Administration<'_>, operator: String) -> Result<Answer, Error> {
    administration.remove_operator(&reference(&operator)).await?;
    Ok(Answer::OperatorRemoved { operator })
}
