use std::sync::{Arc, OnceLock};

use backstay_base::{Caller, CallerKind, Grant};
use backstay_expr::{Rights, Truths};
use backstay_model::{Collection, Diagnostic, Diagnostics, Model};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::commit_checks::CommitChecks;
use crate::lock_order::LockOrder;
use crate::plans::{KeptPlans, Plans};
use crate::policy::Policy;
use crate::rights::{Grantee, rights_of};
use crate::sums::Sums;
use crate::{Sizes, deletion_order, lints, secrets, timer_guards, width};

/// Classes of callers that are kept at most: combinations of roles and of what rules ask of claims.
const CLASSES: usize = 256;

/// One class of callers: those of whom the same facts hold. What the caller alone decides is in the rights already, so
/// that it costs no statement anything.
#[derive(Debug)]
pub(crate) struct CallerClass {
    pub(crate) truths: Truths,
    /// Backstay itself: no `@allow` is asked.
    pub(crate) system: bool,
    pub(crate) rights: Rights,
    pub(crate) plans: Plans,
}

/// What makes callers be of one class: what is true of them, whether they are Backstay itself, and what their key is
/// limited to.
type ClassKey = (Truths, bool, Option<Arc<Grant>>);

/// A model with its rules compiled: what an engine runs.
#[derive(Debug)]
pub struct Application {
    pub(crate) model: Arc<Model>,
    /// SHA-256 of the model's texts.
    pub(crate) fingerprint: [u8; 32],
    pub(crate) policy: Policy,
    /// When the records of a collection are deleted among others; see `deletion_order::ranks`.
    pub(crate) ranks: Vec<usize>,
    /// Whether records of a collection have to do with refusals of deletions; see `deletion_order::restricting`.
    pub(crate) restricting: Vec<bool>,
    /// Whether hooks are asked before a record of a collection is deleted, or before one that goes with it.
    pub(crate) asks_before_deletions: Vec<bool>,
    /// What its stored sums are made of.
    pub(crate) sums: Sums,
    /// Its checks at commit.
    pub(crate) commit_checks: CommitChecks,
    /// In which order records are locked.
    pub(crate) lock_order: LockOrder,
    /// How large values are whose fields say nothing of it.
    pub(crate) sizes: Sizes,
    classes: Cache<ClassKey, Arc<CallerClass>>,
    pub(crate) kept_plans: Arc<KeptPlans>,
    system: OnceLock<Arc<CallerClass>>,
}

impl Application {
    /// Types every rule of the model. The diagnostics point into the rules' texts.
    pub fn compile(model: Model) -> Result<Self, Diagnostics> {
        let policy = Policy::compile(&model)?;
        let sums = Sums::of(&model, &policy).map_err(|circle| {
            let mut diagnostics = Diagnostics::new(Arc::clone(&model.sources));
            diagnostics.push(circle);
            diagnostics
        })?;
        let commit_checks = CommitChecks::of(&model, &policy);
        let (ranks, restricting) = (deletion_order::ranks(&model), deletion_order::restricting(&model));
        let asks = |collection: &Collection| policy.hooks.precede_deletions(&model, collection.id);
        let asks_before_deletions = deletion_order::takers(&model, model.collections.iter().map(asks).collect());
        let lock_order = LockOrder::of(&model, &sums, &commit_checks);
        let fingerprint = Sha256::digest(model.sources.fingerprint_input()).into();
        let model = Arc::new(model);
        let mut diagnostics = Diagnostics::new(Arc::clone(&model.sources));
        diagnostics.extend(secrets::shown(&model));
        diagnostics.extend(timer_guards::refusing(&model, &policy));
        diagnostics.extend(width::too_wide(&model, &policy));
        diagnostics.extend(lints::inexact_rules(&model, &policy));
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let (sizes, classes, kept_plans) = (Sizes::default(), Cache::new(CLASSES), KeptPlans::new());
        let system = OnceLock::new();
        Ok(Self {
            model,
            fingerprint,
            policy,
            ranks,
            restricting,
            asks_before_deletions,
            sums,
            commit_checks,
            lock_order,
            sizes,
            classes,
            kept_plans,
            system,
        })
    }

    /// The same, with values of these sizes.
    #[must_use]
    pub fn with_sizes(self, sizes: Sizes) -> Self {
        Self { sizes, ..self }
    }

    /// Warnings about rules and about what rules decide, those included that comments in the model ignore.
    pub fn lints(&self) -> Vec<Diagnostic> {
        lints::of(&self.model, &self.policy)
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The class of this caller.
    pub(crate) fn class(&self, caller: &Caller) -> Arc<CallerClass> {
        let truths = self.policy.facts.evaluate(caller);
        self.class_of((truths, caller.kind == CallerKind::System, caller.grant.clone()))
    }

    /// The class of Backstay itself.
    pub(crate) fn system_class(&self) -> Arc<CallerClass> {
        Arc::clone(self.system.get_or_init(|| self.class(&Caller::system())))
    }

    fn class_of(&self, key: ClassKey) -> Arc<CallerClass> {
        if let Some(class) = self.classes.get(&key) {
            return class;
        }
        let (truths, system, grant) = &key;
        let grantee = if *system { Grantee::System(truths) } else { Grantee::Callers(truths, grant.as_deref()) };
        let rights = rights_of(grantee, &self.model, &self.policy);
        let plans = Plans::new(&rights, self.model.collections.len(), &self.kept_plans);
        let class = Arc::new(CallerClass { truths: *truths, system: *system, rights, plans });
        self.classes.insert(key, Arc::clone(&class));
        class
    }
}
