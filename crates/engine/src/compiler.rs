//! Types every rule of a model.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{
    Checked, Expr, ExprError, ExprErrorKind, Facts, Node, Path, Root, Scope, Sum, Truth, Type, check_rule,
    check_syntax, children_at_commit, compile, compile_value, computed, sum,
};
use backstay_model::{
    Action as Called, Allow, Asked, Check, Collection, CollectionId, Computed, Diagnostic, Diagnostics, Enum,
    Exclusion, Field, FieldAllow, FieldId, FieldKind, Hook, HookRun, Layer, Model, RuleId, RuleText, SetOn, Span,
    UpdateRule,
};
use backstay_scalar::Scalar;
use backstay_sql::index_condition_error;

use crate::allow_policy::{AllowPolicy, LayerPolicy};
use crate::commit_guards;
use crate::compiled::{Compiled, UpdatePolicy};
use crate::defaults;
use crate::given::Given;
use crate::policy::{
    CheckPolicy, CollectionPolicy, ExclusionPolicy, FieldPolicy, HookPolicy, Policy, SetPolicy, StatePolicy,
    TakingPolicy, TransitionPolicy,
};
use crate::secrets;

impl Policy {
    /// Types every rule of the model. All that is wrong is reported at once.
    pub(crate) fn compile(model: &Model) -> Result<Self, Diagnostics> {
        let diagnostics = Diagnostics::new(Arc::clone(&model.sources));
        let mut compiler = Compiler {
            model,
            facts: Facts::default(),
            used_rules: BTreeSet::new(),
            account: BTreeSet::new(),
            asks_link: false,
            circles: BTreeSet::new(),
            diagnostics,
        };
        let collections = model.collections.iter().map(|collection| compiler.collection(collection)).collect();
        let actions = model.actions.iter().filter_map(|action| {
            let scope = Scope::caller_only(model);
            let rule = compiler.rule(&action.call, &scope);
            compiler.require_callable(action, rule.as_ref());
            rule
        });
        let actions = actions.collect();
        let when = model.hooks.iter().map(|hook| compiler.of_hook(hook)).collect();
        let hooks = HookPolicy::new(model, when);
        compiler.named_rules();
        let Compiler { model: _, facts, used_rules, account, asks_link, circles: _, diagnostics } = compiler;
        let account = account.into_iter().collect();
        if diagnostics.is_empty() {
            Ok(Self { facts, collections, actions, hooks, used_rules, account, asks_link })
        } else {
            Err(diagnostics.ordered())
        }
    }
}

struct Compiler<'m> {
    model: &'m Model,
    facts: Facts,
    used_rules: BTreeSet<RuleId>,
    account: BTreeSet<FieldId>,
    asks_link: bool,
    /// The computed fields of each circle that was reported.
    circles: BTreeSet<BTreeSet<String>>,
    diagnostics: Diagnostics,
}

impl<'m> Compiler<'m> {
    fn collection(&mut self, collection: &Collection) -> CollectionPolicy {
        let fields: Vec<FieldPolicy> = collection.fields.iter().map(|field| self.field(collection, field)).collect();
        let defaults: Vec<Option<&Given>> = fields.iter().map(|field| field.default.as_ref()).collect();
        let defaults = defaults::ordered(collection, &defaults).unwrap_or_else(|circle| {
            self.diagnostics.push(circle);
            Vec::new()
        });
        for index in &collection.indexes {
            if let Some(condition) = &index.condition {
                self.index_condition(collection, (condition, index.unique));
            }
        }
        // A version changes no state.
        let stateful = if collection.versions.is_none() { collection.fields.as_slice() } else { &[] };
        CollectionPolicy {
            allow: self.allow(collection),
            checks: self.checks(collection),
            exclusions: collection.exclusions.iter().map(|of| self.exclusion(collection, of)).collect(),
            fields,
            defaults,
            states: stateful.iter().filter_map(|field| self.states(collection, field)).collect(),
        }
    }

    /// Errors in its condition are reported with its index.
    fn exclusion(&mut self, collection: &Collection, exclusion: &Exclusion) -> ExclusionPolicy {
        let condition = exclusion.condition.as_ref();
        let checked = condition.and_then(|rule| compile(rule, &Scope::rule(self.model, collection.id)).ok());
        let condition = checked.map(|checked| checked.expr);
        let reads: Vec<FieldId> = condition.iter().flat_map(Expr::own_fields).collect();
        if let Some(sum) = reads.iter().map(|read| collection.field(*read)).find(|read| read.is_sum()) {
            let message = format!("the condition of an `@exclude` can't name the stored sum `{}`", sum.name);
            let help = "remove it; otherwise a change to one record could fail because of another";
            let diagnostic = Diagnostic::error(message).at(exclusion.span, format!("names `{}`", sum.name));
            self.diagnostics.push(diagnostic.help(help));
        }
        if let Some(secret) = reads.iter().find_map(|read| secrets::secret(collection.field(*read))) {
            let message = format!("`{secret}` is secret: a conflict would tell clients what is in it");
            let diagnostic = Diagnostic::error(message).at(exclusion.span, format!("`where:` names `{secret}`"));
            self.diagnostics.push(diagnostic.help(format!("leave `{secret}` out of the condition")));
        }
        ExclusionPolicy { condition, reads }
    }

    /// Checks the condition of an index, which the database evaluates whenever a record is written.
    fn index_condition(&mut self, collection: &Collection, (condition, unique): (&RuleText, bool)) {
        let model = self.model;
        let Some(checked) = self.reported(condition, compile(condition, &Scope::rule(model, collection.id))) else {
            return;
        };
        let at = |span: Range<u32>| model.sources.within(condition, span.start as usize..span.end as usize);
        if let Some(error) = index_condition_error(model, &checked.expr) {
            let diagnostic = Diagnostic::error(error.message).at(at(error.span), "here").help(error.remedy);
            self.diagnostics.push(diagnostic);
        } else if unique
            && let Some((_, sum)) = checked.reads.iter().find(|(of, field)| model.field(*of, *field).is_sum())
        {
            let name = &collection.field(*sum).name;
            let message = format!("the condition of a unique index can't name the stored sum `{name}`");
            let help = "remove it; otherwise a change to one record could fail because of another";
            self.diagnostics.push(Diagnostic::error(message).at(condition.span, format!("names `{name}`")).help(help));
        } else if let Some(rule) = checked.rules.first() {
            let name = &model.rules.get(*rule).name;
            // A change of the named rule would have to change the index.
            let diagnostic = Diagnostic::error("the condition of an index can't use a named rule")
                .at(condition.span, format!("uses `{name}`"))
                .help("write the rule's text out here");
            self.diagnostics.push(diagnostic);
        }
    }

    fn allow(&mut self, collection: &Collection) -> AllowPolicy {
        let id = collection.id;
        let scope = Scope::rule(self.model, id);
        let read = collection.history.as_ref().map(|history| &history.read);
        let history = self.optional(read, &scope);
        let layers: Vec<LayerPolicy> = collection.allow.iter().map(|layer| self.layer(id, layer)).collect();
        let policy = AllowPolicy { layers, history };
        let asked: Vec<RuleText> = policy.of(Action::History).rules().map(|rule| rule.text.clone()).collect();
        for rule in &asked {
            self.history_rule(collection, rule, &scope);
        }
        policy
    }

    fn layer(&mut self, id: CollectionId, Layer { owner, clauses }: &Layer) -> LayerPolicy {
        let scope = Scope::rule(self.model, id);
        let mut layer = LayerPolicy::of_owner(owner.clone());
        for Allow { read, refer, create, update, only, delete, restore, purge } in clauses {
            layer.read.extend(self.optional(read.as_ref(), &scope));
            layer.refer.extend(self.optional(refer.as_ref(), &scope));
            layer.create.extend(self.optional(create.as_ref(), &scope));
            layer.delete.extend(self.optional(delete.as_ref(), &scope));
            layer.restore.extend(self.optional(restore.as_ref(), &scope));
            layer.purge.extend(self.optional(purge.as_ref(), &scope));
            layer.update.extend(update.as_ref().and_then(|update| self.update(id, update, only.as_deref())));
        }
        layer
    }

    /// Refuses a rule of a history that names what a history doesn't keep: nobody could answer it of a deleted record.
    fn history_rule(&mut self, collection: &Collection, rule: &RuleText, scope: &Scope<'m>) {
        let Ok(checked) = compile(rule, scope) else { return };
        let reads = checked.reads.iter().chain(&checked.computed_from);
        let mut named = reads.filter(|(of, _)| *of == collection.id).filter_map(|(_, field)| {
            let field = collection.field(*field);
            match field.is_sum() {
                true => Some(("stored sum", &field.name)),
                false if field.is_readable() || field.is_computed() => None,
                false => Some(("secret", &field.name)),
            }
        });
        if let Some((what, name)) = named.next() {
            let message = format!("a history doesn't keep the {what} `{name}`, which the rule names");
            let help = "name other fields of the record; the rule must hold for deleted records too";
            self.diagnostics.push(Diagnostic::error(message).at(rule.span, format!("names `{name}`")).help(help));
        }
    }

    fn update(
        &mut self,
        id: CollectionId,
        UpdateRule { rule, after }: &UpdateRule,
        only: Option<&[FieldId]>,
    ) -> Option<UpdatePolicy> {
        let rule = self.rule(rule, &Scope::update_rule(self.model, id));
        let after = self.optional(after.as_ref(), &Scope::change(self.model, id));
        let only = only.map(|only| with_parts(self.model.collection(id), only.iter().copied()));
        rule.map(|rule| UpdatePolicy { rule, after, only })
    }

    fn field(&mut self, collection: &Collection, field: &Field) -> FieldPolicy {
        let model = self.model;
        let scope = Scope::check(model, collection.id);
        let checks = field.checks.iter().filter_map(|check| self.check(collection, check)).collect();
        let mut sets = Vec::new();
        for set in &field.set {
            let when = set.when.as_ref().map(|when| self.condition(when, &scope));
            let to = self.value(&set.to, &scope, (collection, field));
            // What is wrong with a condition is reported.
            if let (Some(to), Some(when)) = (to, when.map_or(Some(None), |when| when.map(Some))) {
                if set.on != SetOn::Update {
                    self.needs_made((collection, field), (&set.to, &to.whole));
                    if let (Some(rule), Some(when)) = (&set.when, &when) {
                        self.needs_made((collection, field), (rule, &when.whole));
                    }
                }
                sets.push(SetPolicy { on: set.on, when, to });
            }
        }
        let default = field.default_from.as_ref();
        let default = default.and_then(|from| {
            let given = self.value(from, &Scope::default(model, collection.id), (collection, field))?;
            self.needs_made((collection, field), (from, &given.whole));
            self.diagnostics.extend(defaults::is_nothing(model, from, &given.whole));
            Some(given)
        });
        if let Some(backfill) = &field.backfill
            && let Err(error) = check_syntax(backfill)
        {
            self.report(backfill, &error, None);
        }
        let due = field.sequence.as_ref().and_then(|sequence| sequence.when.as_ref());
        let due = due.and_then(|when| {
            let checked = self.reported(when, compile_value(when, &Scope::rule(model, collection.id), &Type::Bool))?;
            self.diagnostics.extend(secrets::copied(model, field, (when, &checked)));
            let given = Given::new(model, checked.expr);
            self.needs_made((collection, field), (when, &given.whole));
            Some(given)
        });
        let computed = self.computed(collection, field);
        let sum = self.sum(collection, field);
        let FieldAllow { read, refer, create, update } = &field.allow;
        let rule = Scope::rule(self.model, collection.id);
        FieldPolicy {
            read: read.iter().filter_map(|read| self.rule(read, &rule)).collect(),
            refer: refer.iter().filter_map(|refer| self.rule(refer, &rule)).collect(),
            create: create.iter().filter_map(|create| self.rule(create, &rule)).collect(),
            update: update.iter().filter_map(|update| self.update(collection.id, update, None)).collect(),
            checks,
            default,
            computed,
            sum,
            sets,
            due,
            currency: field.currency.as_ref().map(|way| currency(model, collection.id, way)),
        }
    }

    /// Refuses a value that a new record gets before the slug or number is made that it reads.
    fn needs_made(&mut self, (collection, field): (&Collection, &Field), (rule, given): (&RuleText, &Expr)) {
        self.diagnostics.extend(defaults::reads_made(self.model, collection, (field, rule, given)));
    }

    /// The checks of a type.
    fn checks(&mut self, collection: &Collection) -> Vec<CheckPolicy> {
        collection.checks.iter().filter_map(|check| self.check(collection, check)).collect()
    }

    fn check(&mut self, collection: &Collection, check: &Check) -> Option<CheckPolicy> {
        let model = self.model;
        let (rule, at_commit) = match check.asked {
            Asked::AtWrite => {
                let rule = self.rule(&check.rule, &Scope::check(model, collection.id))?;
                self.diagnostics.extend(defaults::checks_number(model, collection, (&check.rule, &rule.whole)));
                (rule, None)
            }
            Asked::AtCommit => {
                let rule = self.rule(&check.rule, &Scope::check_at_commit(model, collection.id))?;
                let children = children_at_commit(model, &rule.whole);
                let children = children.map_err(|error| self.report(&check.rule, &error, None)).ok()?;
                self.diagnostics.extend(commit_guards::unread(collection, check, &children));
                (rule, Some(children))
            }
        };
        let guards = check.guarded().map(|names| {
            let fields = names.into_iter().filter_map(|name| collection.field_named(name));
            with_parts(collection, fields.map(|field| field.id))
        });
        Some(CheckPolicy { rule, guards, message: check.message.clone(), at_commit })
    }

    fn states(&mut self, collection: &Collection, field: &Field) -> Option<StatePolicy> {
        let FieldKind::Enum(id) = field.kind else { return None };
        let model = self.model;
        let states: &Enum = model.enumeration(id);
        if !states.states {
            return None;
        }
        let scope = Scope::change(model, collection.id);
        let mut transitions = HashMap::new();
        for state in &states.values {
            for transition in &state.transitions {
                let by = self.optional(transition.by.as_ref(), &Scope::transition_by(model, collection.id));
                let with = transition.with.iter().filter_map(|(name, _)| collection.field_named(name));
                let with = std::iter::once(field.id).chain(with.map(|field| field.id));
                let with = with_parts(collection, with);
                let by = by.map(|rule| TakingPolicy { rule, with });
                let when = self.optional(transition.when.as_ref(), &scope);
                let mut set = Vec::new();
                for (name, to) in &transition.set {
                    let Some(target) = collection.field_named(name) else { continue };
                    set.extend(self.value(to, &scope, (collection, target)).map(|given| (target.id, given)));
                }
                transitions.insert((state.name.clone(), transition.to.clone()), TransitionPolicy { by, when, set });
            }
        }
        let initial = states.initial().map(|value| value.name.clone());
        Some(StatePolicy { field: field.id, initial, transitions })
    }

    /// What must be true of a change for a hook.
    fn of_hook(&mut self, hook: &'m Hook) -> Option<Compiled> {
        let when = hook.when.as_ref()?;
        let compiled = self.rule(when, &Scope::hook(self.model, hook.collection))?;
        if compiled.needs_store {
            let (directive, help) = match hook.run {
                HookRun::Action(_) => ("@on", "compare fields of the record, and let the job look up the rest"),
                HookRun::Before(_) => ("@on", "compare fields of the record, and let the function look up the rest"),
                HookRun::Notify(_) => ("@notify", "compare fields of the record, or have a job notify them"),
            };
            let message = format!("`when:` of `{directive}` follows a relation, and only the record itself is at hand");
            self.diagnostics.push(Diagnostic::error(message).at(when.span, "follows a relation").help(help));
        }
        Some(compiled)
    }

    fn optional(&mut self, rule: Option<&RuleText>, scope: &Scope<'m>) -> Option<Compiled> {
        rule.and_then(|rule| self.rule(rule, scope))
    }

    /// Refuses an action whose rule allows nobody to call it.
    fn require_callable(&mut self, action: &Called, rule: Option<&Compiled>) {
        let is_false = rule.and_then(|rule| rule.whole_rule().decided()) == Some(Truth::False);
        if is_false && action.is_offered() {
            let message = format!("nobody could call `{}`: its rule is always false", action.name);
            let help = "say who may: `@allow(call: \"auth.id != null\")`, or remove the action";
            let diagnostic = Diagnostic::error(message).at(action.call.span, "always false").help(help);
            self.diagnostics.push(diagnostic);
        }
    }

    fn rule(&mut self, rule: &RuleText, scope: &Scope<'m>) -> Option<Compiled> {
        let checked = self.reported(rule, compile(rule, scope))?;
        Some(Compiled {
            expr: self.facts.extract(&checked.expr),
            text: rule.clone(),
            needs_store: checked.needs_store,
            whole: checked.expr,
        })
    }

    /// The expression of a computed field.
    fn computed(&mut self, collection: &Collection, field: &Field) -> Option<Checked> {
        let Computed { is, rights: _ } = field.computed.as_ref()?;
        let checked = self.reported(is, computed(self.model, collection.id, field.id))?;
        self.diagnostics.extend(secrets::copied(self.model, field, (is, &checked)));
        Some(checked)
    }

    /// The expression of a stored sum.
    fn sum(&mut self, collection: &Collection, field: &Field) -> Option<Sum> {
        let is = &field.sum.as_ref()?.is;
        let sum = sum(self.model, collection.id, field.id);
        let (sum, checked) = match sum {
            Ok(sum) => (Some(sum.clone()), Ok(sum.checked)),
            Err(errors) => (None, Err(errors)),
        };
        let checked = self.reported(is, checked)?;
        self.diagnostics.extend(secrets::copied(self.model, field, (is, &checked)));
        sum
    }

    /// The condition under which a field is given a value.
    fn condition(&mut self, rule: &RuleText, scope: &Scope<'m>) -> Option<Given> {
        let checked = self.reported(rule, compile_value(rule, scope, &Type::Bool))?;
        Some(Given::new(self.model, checked.expr))
    }

    /// A value that is given to a field.
    fn value(
        &mut self,
        rule: &RuleText,
        scope: &Scope<'m>,
        (collection, field): (&Collection, &Field),
    ) -> Option<Given> {
        let checked = self.reported(rule, compile_value(rule, scope, &Type::of_value(collection, field)?))?;
        self.diagnostics.extend(secrets::copied(self.model, field, (rule, &checked)));
        Some(Given::new(self.model, checked.expr))
    }

    fn reported(&mut self, rule: &RuleText, result: Result<Checked, Vec<ExprError>>) -> Option<Checked> {
        let errors = match result {
            Ok(checked) => {
                self.used_rules.extend(&checked.rules);
                self.account.extend(&checked.account);
                self.asks_link |= checked.expr.asks_link();
                return Some(checked);
            }
            Err(errors) => errors,
        };
        for error in errors {
            self.report(rule, &error, None);
        }
        None
    }

    /// Reports an error in the text that it is in: that of a named rule, where it is used by its name.
    fn report(&mut self, rule: &RuleText, error: &ExprError, user: Option<Span>) {
        let is_outermost = user.is_none();
        if is_outermost
            && let ExprErrorKind::ComputedCycle { circle } = &innermost(error).kind
            && !self.is_new_circle(rule, circle)
        {
            return;
        }
        let Range { start, end } = error.span;
        let span = self.model.sources.within(rule, start..end);
        if let ExprErrorKind::InRule { rule, name: _, error } = &error.kind {
            return self.report(&self.model.rules.get(*rule).is, error, Some(user.unwrap_or(span)));
        }
        let mut error = error;
        if let ExprErrorKind::InComputed { of: (collection, field), .. } = &error.kind {
            let innermost = innermost(error);
            match &innermost.kind {
                ExprErrorKind::ComputedCycle { .. } => error = innermost,
                // What is wrong with a computed field by itself is reported there; what remains is wrong only here, such
                // as a text that grows too large.
                _ if computed(self.model, *collection, *field).is_err() => return,
                _ => {}
            }
        }
        // Each rule of a circle finds it from where it enters it.
        if let ExprErrorKind::Cycle { circle } = &error.kind
            && !self.circles.insert(circle.iter().cloned().collect())
        {
            return;
        }
        let mut diagnostic = Diagnostic::error(error.to_string()).at(span, "here");
        if let Some(user) = user {
            diagnostic = diagnostic.and(user, "used here");
        }
        diagnostic.help = Some(error.remedy());
        let known = |known: &Diagnostic| known.span == diagnostic.span && known.message == diagnostic.message;
        if !self.diagnostics.iter().any(known) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether no field of a circle of computed fields has reported it, and this rule is that of the field with which the
    /// circle begins: of the others, each finds it from where it enters it.
    fn is_new_circle(&mut self, rule: &RuleText, circle: &[String]) -> bool {
        let begins_here = circle.first().is_some_and(|name| {
            let (collection, field) =
                name.split_once('.').expect("a computed field goes by the name of its collection");
            let field = self.model.collection_named(collection).and_then(|of| of.field_named(field));
            field.and_then(|field| field.computed.as_ref()).is_some_and(|computed| computed.is.span == rule.span)
        });
        begins_here && self.circles.insert(circle.iter().cloned().collect())
    }

    /// Checks the named rules by themselves: what is wrong with one is wrong before anything uses it. Those that are
    /// about a record are checked where they are used.
    fn named_rules(&mut self) {
        for (id, rule) in self.model.rules.iter() {
            let rule = &rule.is;
            let errors = check_rule(id, self.model);
            let about_a_record = |error: &ExprError| matches!(innermost(error).kind, ExprErrorKind::NoRecord { .. });
            if !errors.iter().any(about_a_record) {
                for error in &errors {
                    self.report(rule, error, None);
                }
            }
        }
    }
}

/// What is wrong in the named rule or the computed field that is the deepest.
fn innermost(error: &ExprError) -> &ExprError {
    match &error.kind {
        ExprErrorKind::InRule { error, .. } | ExprErrorKind::InComputed { error, .. } => innermost(error),
        _ => error,
    }
}

/// The fields, each embedded value with the fields in which it is stored.
fn with_parts(collection: &Collection, fields: impl Iterator<Item = FieldId>) -> Arc<[FieldId]> {
    let mut all = Vec::new();
    for field in fields {
        all.push(field);
        all.extend(collection.parts(field).map(|part| part.id).filter(|part| *part != field));
    }
    all.into()
}

/// The currency that an amount of a record shares.
fn currency(model: &Model, collection: CollectionId, way: &[FieldId]) -> Given {
    let path = Path { root: Root::This, collection, steps: way.to_vec(), part: None };
    let expr = Expr { node: Node::Path(path), ty: Type::Formatted(Scalar::Currency), span: 0..0 };
    Given::new(model, expr)
}
