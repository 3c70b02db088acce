//! A world of its own for one call: a runtime with its memory, and a context in which the modules were evaluated.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Entropy, limits};
use parking_lot::Mutex;
use rquickjs::context::intrinsic;
use rquickjs::function::This;
use rquickjs::loader::bundle::Bundle;
use rquickjs::{CaughtError, Context, Ctx, Function, Module, Object, Runtime};
use serde::Deserialize;

use crate::allowance::Allowance;
use crate::code::{Code, ENTRY};
use crate::log::Log;
use crate::missing::explained;
use crate::prelude::{HTTP, TEMPORAL, WEB};
use crate::secrets::Secrets;
use crate::{temporal, web};

/// Why an isolate can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Unusable {
    pub(crate) message: String,
    pub(crate) stack: String,
}

/// What is given to a function that runs.
#[derive(Debug)]
pub(crate) enum Input {
    /// Its name, its arguments, and what else `start` takes.
    Start { function: String, arguments: String, given: String },
    /// The answer to a request: JSON, or the problem in the same form.
    Answer { id: u64, text: Result<String, String> },
}

/// What became of a function.
#[derive(Debug)]
pub(crate) enum Output {
    /// It returned this, as JSON.
    Done(String),
    /// It threw this, as JSON.
    Failed(String),
    /// It asks this.
    Asks(Asked),
    /// It waits, and nothing that it has asked is left to be answered.
    Waits,
    /// It has used all that it may.
    Spent,
    /// It returned or asked more than this.
    TooLarge,
}

/// A request of a function.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) kind: AskedKind,
    #[serde(default)]
    pub(crate) block: Option<u64>,
    /// The request, or what a block returned.
    #[serde(skip)]
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AskedKind {
    Fetch,
    Request,
    Peek,
    Queue,
    Mail,
    Begin,
    Commit,
    Rollback,
    Report,
    Sign,
    Testing,
}

/// A runtime in which one call runs.
pub(crate) struct Isolate {
    context: Context,
    allowance: Arc<Allowance>,
    log: Arc<Log>,
    random: Arc<Mutex<Option<Arc<dyn Entropy>>>>,
}

impl fmt::Debug for Isolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolate").field("allowance", &self.allowance).finish_non_exhaustive()
    }
}

/// Without `Eval`: no text becomes code.
type Intrinsics = (
    intrinsic::Date,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
);

impl Isolate {
    /// Evaluates the modules. Takes a thread with room on its stack.
    pub(crate) fn new(code: &Code, secrets: &Secrets, allowance: &Arc<Allowance>) -> Result<Self, Unusable> {
        let failed = |error: rquickjs::Error| Unusable { message: error.to_string(), stack: String::new() };
        let runtime = Runtime::new().map_err(failed)?;
        runtime.set_memory_limit(limits::FUNCTION_BYTES);
        runtime.set_max_stack_size(limits::FUNCTION_STACK_BYTES);
        runtime.set_loader(code.links.clone(), Bundle(code.modules));
        // Most calls end before anything is worth collecting.
        runtime.set_gc_threshold(limits::FUNCTION_GARBAGE_BYTES);
        let allowance = Arc::clone(allowance);
        let asked = Arc::clone(&allowance);
        runtime.set_interrupt_handler(Some(Box::new(move || asked.is_spent())));
        let log = Arc::new(Log::hiding(secrets.clone()));
        let rejections = Arc::clone(&log);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |_, promise, reason, is_handled| {
            rejections.rejected(&promise, &reason, is_handled);
        })));
        let context = Context::custom::<Intrinsics>(&runtime).map_err(failed)?;
        let isolate = Self { context, allowance, log, random: Arc::default() };
        isolate.allowance.enter();
        let evaluated = isolate.context.with(|ctx| isolate.evaluate(&ctx, secrets));
        isolate.allowance.leave();
        evaluated.map(|()| isolate)
    }

    fn evaluate(&self, ctx: &Ctx<'_>, secrets: &Secrets) -> Result<(), Unusable> {
        self.provide(ctx, secrets).map_err(|error| unusable(ctx, error))?;
        let evaluated = Module::import(ctx, ENTRY).map_err(|error| unusable(ctx, error))?;
        self.drain(ctx);
        match evaluated.result::<Object<'_>>() {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(unusable(ctx, error)),
            None if self.allowance.is_spent() => {
                Err(Unusable { message: "evaluating the modules takes too long".to_owned(), stack: String::new() })
            }
            None => Err(Unusable {
                message:
                    "a module awaits a promise that never settles: requests are made in functions, not outside of \
                          them"
                        .to_owned(),
                stack: String::new(),
            }),
        }
    }

    /// What the prelude takes from the host, and removes from the team's reach.
    fn provide(&self, ctx: &Ctx<'_>, secrets: &Secrets) -> rquickjs::Result<()> {
        let host = Object::new(ctx.clone())?;
        let log = Arc::clone(&self.log);
        host.set("log", Function::new(ctx.clone(), move |level: String, text: String| log.write(&level, text))?)?;
        let random = Arc::clone(&self.random);
        let random = move |length: usize| {
            let mut bytes = vec![0_u8; length.min(65536)];
            if let Some(entropy) = &*random.lock() {
                entropy.fill(&mut bytes);
            }
            web::text(&bytes)
        };
        host.set("random", Function::new(ctx.clone(), random)?)?;
        let nearest = |name: String, known: Vec<String>| {
            backstay_base::nearest(&name, known.iter().map(String::as_str)).map(str::to_owned)
        };
        host.set("nearest", Function::new(ctx.clone(), nearest)?)?;
        let (values, names) = (secrets.clone(), secrets.clone());
        host.set("secret", Function::new(ctx.clone(), move |name: String| values.value(&name))?)?;
        host.set("secretNames", Function::new(ctx.clone(), move || names.names())?)?;
        host.set("register", Function::new(ctx.clone(), register)?)?;
        host.set("load", Function::new(ctx.clone(), load)?)?;
        ctx.globals().set("__host", host)
    }

    /// Runs what is due. Ends if the allowance does.
    fn drain(&self, ctx: &Ctx<'_>) {
        while !self.allowance.is_spent() && ctx.execute_pending_job() {}
    }

    /// The names of the functions.
    pub(crate) fn functions(&self) -> Result<BTreeSet<String>, Unusable> {
        self.context.with(|ctx| {
            let names: rquickjs::Result<Vec<String>> =
                entry(&ctx).and_then(|entry| entry.get::<_, Function<'_>>("names")?.call(()));
            names.map(BTreeSet::from_iter).map_err(|error| unusable(&ctx, error))
        })
    }

    pub(crate) fn allowance(&self) -> &Arc<Allowance> {
        &self.allowance
    }

    /// Takes it for one call.
    pub(crate) fn take(&self, function: &str, entropy: &Arc<dyn Entropy>, deadline: Instant) {
        self.log.begin(function);
        *self.random.lock() = Some(Arc::clone(entropy));
        self.allowance.renew(deadline);
    }

    /// Goes on until the function waits or has ended.
    pub(crate) fn step(&self, input: Input) -> Result<Output, Unusable> {
        self.allowance.enter();
        let output = self.context.with(|ctx| self.stepped(&ctx, input));
        let spent = self.allowance.is_spent();
        self.allowance.leave();
        match output {
            _ if spent => Ok(Output::Spent),
            Ok(Polled { text, .. }) if text.len() > limits::FUNCTION_TEXT_BYTES => Ok(Output::TooLarge),
            Ok(polled) => {
                if polled.has_ended() {
                    self.log.end();
                }
                polled.output()
            }
            Err(why) => Err(why),
        }
    }

    fn stepped(&self, ctx: &Ctx<'_>, input: Input) -> Result<Polled, Unusable> {
        let run = || -> rquickjs::Result<Polled> {
            let entry = entry(ctx)?;
            match input {
                Input::Start { function, arguments, given } => {
                    entry.get::<_, Function<'_>>("start")?.call::<_, ()>((function, arguments, given))?;
                }
                Input::Answer { id, text } => {
                    let (is_answer, text) = match text {
                        Ok(text) => (true, text),
                        Err(text) => (false, text),
                    };
                    // Numbers of requests are small.
                    #[expect(clippy::cast_precision_loss, reason = "at most limits::ACTION_REQUESTS")]
                    entry.get::<_, Function<'_>>("deliver")?.call::<_, ()>((id as f64, is_answer, text))?;
                }
            }
            self.drain(ctx);
            let text: String = entry.get::<_, Function<'_>>("poll")?.call(())?;
            Ok(Polled { text })
        };
        run().map_err(|error| unusable(ctx, error))
    }
}

/// Keeps what the prelude is called by, where no code of the team can reach it.
#[expect(clippy::needless_pass_by_value, reason = "functions of JavaScript take it so")]
fn register<'js>(ctx: Ctx<'js>, entry: Object<'js>) -> rquickjs::Result<()> {
    ctx.store_userdata(entry).map(drop).map_err(|_| rquickjs::Error::Unknown)
}

/// Loads a module of the prelude, which says what it provides, with what it takes from the host.
#[expect(clippy::needless_pass_by_value, reason = "functions of JavaScript take it so")]
fn load<'js>(ctx: Ctx<'js>, This(host): This<Object<'js>>, module: String) -> rquickjs::Result<()> {
    match module.as_str() {
        HTTP | WEB => web::provide(&ctx, &host)?,
        TEMPORAL => temporal::provide(&ctx, &host)?,
        _ => {}
    }
    Module::import(&ctx, module).map(drop)
}

/// What the prelude has registered.
fn entry<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    ctx.userdata::<Object<'js>>().map(|entry| entry.clone()).ok_or(rquickjs::Error::Unknown)
}

/// What `poll` told: a letter, and what follows it.
struct Polled {
    text: String,
}

impl Polled {
    fn has_ended(&self) -> bool {
        self.text.starts_with(['D', 'E'])
    }

    fn output(self) -> Result<Output, Unusable> {
        let Self { mut text } = self;
        let unreadable = || Unusable { message: "the prelude told something unknown".to_owned(), stack: String::new() };
        if text.is_empty() {
            return Err(unreadable());
        }
        let kind = text.remove(0);
        match kind {
            'D' => Ok(Output::Done(text)),
            'E' => Ok(Output::Failed(text)),
            'W' => {
                let (head, text) = text.split_once('\n').ok_or_else(unreadable)?;
                let asked: Asked = serde_json::from_str(head).map_err(|_| unreadable())?;
                Ok(Output::Asks(Asked { text: text.to_owned(), ..asked }))
            }
            'P' => Ok(Output::Waits),
            _ => Err(unreadable()),
        }
    }
}

fn unusable(ctx: &Ctx<'_>, error: rquickjs::Error) -> Unusable {
    let plain = |message: String| Unusable { message, stack: String::new() };
    match CaughtError::from_error(ctx, error) {
        CaughtError::Exception(exception) => {
            let message = explained(exception.message().unwrap_or_default());
            Unusable { message, stack: exception.stack().unwrap_or_default() }
        }
        CaughtError::Error(error) => plain(error.to_string()),
        CaughtError::Value(value) => plain(format!("a module threw {}", value.type_name())),
    }
}
