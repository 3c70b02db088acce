use std::sync::Arc;

use backstay_base::Secret;
use backstay_engine::{Context, Record};
use backstay_model::Model;

use super::reference;
use crate::answer::OperatorLine;
use crate::{Answer, Failure, Instance};

/// Records that are read at a time.
const PAGE: u32 = 500;

impl Instance {
    pub(super) async fn add_operator(&self, cx: &Context, email: String, password: &Secret) -> Result<Answer, Failure> {
        let id = self.identity.add_operator(cx, &email, password).await?.to_string();
        Ok(Answer::OperatorAdded { id, email })
    }

    pub(super) async fn operators(&self) -> Result<Answer, Failure> {
        let model: &Arc<Model> = self.engine.model();
        let mut operators = Vec::new();
        if let Some((collection, email)) = model
            .collection_named("BackstayOperator")
            .and_then(|collection| Some((collection.id, collection.field_named("email")?.id)))
        {
            let mut after = None;
            loop {
                let page = self.engine.peek_page(collection, after, PAGE).await?;
                after = page.last().map(Record::id);
                operators.extend(page.iter().map(|record| OperatorLine {
                    id: record.id().to_string(),
                    email: record.value(email).as_text().unwrap_or_default().to_owned(),
                }));
                if page.len() < PAGE as usize {
                    break;
                }
            }
        }
        Ok(Answer::Operators { operators })
    }

    pub(super) async fn set_operator_password(
        &self,
        cx: &Context,
        operator: String,
        password: &Secret,
    ) -> Result<Answer, Failure> {
        self.identity.set_operator_password(cx, &reference(&operator), password).await?;
        Ok(Answer::OperatorPasswordSet { operator })
    }

    pub(super) async fn remove_operator(&self, cx: &Context, operator: String) -> Result<Answer, Failure> {
        self.identity.remove_operator(cx, &reference(&operator)).await?;
        Ok(Answer::OperatorRemoved { operator })
    }
}
