use std::sync::{Arc, OnceLock};

use backstay_base::{Caller, CallerKind};
use backstay_expr::Truths;
use backstay_model::{Diagnostics, Model};
use quick_cache::sync::Cache;

use crate::policy::Policy;
use crate::view::View;
use crate::{deletion, width};

/// Classes of callers whose views are kept at the most: combinations of roles and of what rules ask of claims.
const VIEWS: usize = 256;

/// A model with its rules compiled: what an engine runs.
#[derive(Debug)]
pub struct Application {
    pub(crate) model: Arc<Model>,
    pub(crate) policy: Policy,
    /// When the records of a collection are deleted among others; see `deletion::ranks`.
    pub(crate) ranks: Vec<usize>,
    views: Cache<(Truths, bool), Arc<View>>,
    system: OnceLock<Arc<View>>,
}

impl Application {
    /// Types every rule of the model. The diagnostics point into the rules' texts.
    pub fn compile(model: Model) -> Result<Self, Diagnostics> {
        let policy = Policy::compile(&model)?;
        let ranks = deletion::ranks(&model);
        let model = Arc::new(model);
        let mut diagnostics = Diagnostics::new(Arc::clone(&model.sources));
        diagnostics.extend(width::too_wide(&model, &policy));
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        Ok(Self { model, policy, ranks, views: Cache::new(VIEWS), system: OnceLock::new() })
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// What this caller may do.
    pub(crate) fn view(&self, caller: &Caller) -> Arc<View> {
        let truths = self.policy.facts.evaluate(caller);
        self.views_of(truths, caller.kind == CallerKind::System)
    }

    /// What Backstay itself may do.
    pub(crate) fn system_view(&self) -> Arc<View> {
        Arc::clone(self.system.get_or_init(|| self.view(&Caller::system())))
    }

    fn views_of(&self, truths: Truths, system: bool) -> Arc<View> {
        let key = (truths, system);
        if let Some(view) = self.views.get(&key) {
            return view;
        }
        let view = Arc::new(View::new(&self.policy, truths, system));
        self.views.insert(key, Arc::clone(&view));
        view
    }
}
