//! A world of its own for one call: a runtime with its memory, and a context in which the modules were evaluated.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use backstay_base::{Entropy, limits};
use backstay_heap::Heap;
use parking_lot::Mutex;
use rquickjs::context::intrinsic;
use rquickjs::loader::bundle::Bundle;
use rquickjs::object::Property;
use rquickjs::{CaughtError, Context, Ctx, Function, Module, Object, Runtime};
use serde::Deserialize;

use crate::allowance::Allowance;
use crate::code::{Code, ENTRY};
use crate::log::Log;
use crate::missing::explained;
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
    /// Nothing: between two changes, a hook has used some of the processor's time.
    Pause,
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

/// A runtime in which one call runs at a time.
pub(crate) struct Isolate {
    context: Context,
    heap: Heap,
    /// Whether what it was after its modules were evaluated was kept.
    is_kept: bool,
    /// What the host gives the prelude has a clone of this.
    given: Arc<()>,
    allowance: Arc<Mutex<Arc<Allowance>>>,
    log: Arc<Log>,
    random: Arc<Mutex<Option<Arc<dyn Entropy>>>>,
}

impl fmt::Debug for Isolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolate").field("is_kept", &self.is_kept).finish_non_exhaustive()
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
        let (heap, allocator) = Heap::new().ok_or_else(|| failed(rquickjs::Error::Allocation))?;
        let runtime = Runtime::new_with_alloc(allocator).map_err(failed)?;
        runtime.set_memory_limit(limits::FUNCTION_BYTES);
        runtime.set_max_stack_size(limits::FUNCTION_STACK_BYTES);
        runtime.set_loader(code.links.clone(), Bundle(code.modules));
        // Most calls end before anything is worth collecting.
        runtime.set_gc_threshold(limits::FUNCTION_GARBAGE_BYTES);
        let allowance = Arc::new(Mutex::new(Arc::clone(allowance)));
        let asked = Arc::clone(&allowance);
        runtime.set_interrupt_handler(Some(Box::new(move || asked.lock().is_spent())));
        let log = Arc::new(Log::hiding(secrets.clone()));
        let rejections = Arc::clone(&log);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |_, promise, reason, is_handled| {
            rejections.rejected(&promise, &reason, is_handled);
        })));
        let context = Context::custom::<Intrinsics>(&runtime).map_err(failed)?;
        let (given, random) = (Arc::default(), Arc::default());
        let mut isolate = Self { context, heap, is_kept: false, given, allowance, log, random };
        let allowance = isolate.allowance();
        allowance.enter();
        let evaluated = isolate.context.with(|ctx| isolate.evaluate(&ctx, secrets));
        allowance.leave();
        evaluated?;
        runtime.run_gc();
        drop(runtime);
        isolate.keep();
        Ok(isolate)
    }

    /// Whether it can be put back.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// The same isolate as it was when its modules were evaluated, after a call that has ended, or that waits and is given up.
    /// Nothing if that can't be.
    pub(crate) fn put_back(self) -> Option<Self> {
        // This one and that of `provide`: what the host has given is still there, so no finalizer of it has run.
        (self.is_kept && Arc::strong_count(&self.given) == 2 && self.restore()).then_some(self)
    }

    #[expect(unsafe_code, reason = "no other thread can be in what is owned")]
    fn keep(&mut self) {
        // SAFETY: the isolate is borrowed mutably, and nothing else has its runtime.
        self.is_kept = unsafe { self.heap.keep() };
    }

    #[expect(unsafe_code, reason = "what is put back refers to nothing but itself and to what lives as long as it")]
    fn restore(&self) -> bool {
        // SAFETY: the isolate is owned by `put_back`, so that no code runs in it. Outside of its heap are: the functions of the host,
        // which the prelude can't remove and which are all there, as `given` shows; the handlers and the loader of the runtime, which
        // own no value of it; and the entry points that `register` keeps from the evaluation on. What a call has made outside is only
        // text that was dropped with each of its steps.
        unsafe { self.heap.put_back() }
    }

    fn evaluate(&self, ctx: &Ctx<'_>, secrets: &Secrets) -> Result<(), Unusable> {
        self.provide(ctx, secrets).map_err(|error| unusable(ctx, error))?;
        let evaluated = Module::import(ctx, ENTRY).map_err(|error| unusable(ctx, error))?;
        self.drain(ctx);
        match evaluated.result::<Object<'_>>() {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(unusable(ctx, error)),
            None if self.allowance().is_spent() => {
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
    fn provide<'js>(&self, ctx: &Ctx<'js>, secrets: &Secrets) -> rquickjs::Result<()> {
        let host = Object::new(ctx.clone())?;
        // For good, so that all of them are there as long as one of them is.
        let give = |name: &str, function: Function<'js>| host.prop(name, Property::from(function));
        let log = Arc::clone(&self.log);
        give("log", Function::new(ctx.clone(), move |level: String, text: String| log.write(&level, text))?)?;
        let random = Arc::clone(&self.random);
        // No call has the isolate while its modules are evaluated: what they made would be the same in all calls.
        let random = move |length: usize| {
            let random = random.lock();
            let entropy = random.as_ref()?;
            let mut bytes = vec![0_u8; length.min(65536)];
            entropy.fill(&mut bytes);
            Some(web::text(&bytes))
        };
        give("random", Function::new(ctx.clone(), random)?)?;
        let nearest = |name: String, known: Vec<String>| {
            backstay_base::nearest(&name, known.iter().map(String::as_str)).map(str::to_owned)
        };
        give("nearest", Function::new(ctx.clone(), nearest)?)?;
        let (values, names) = (secrets.clone(), secrets.clone());
        give("secret", Function::new(ctx.clone(), move |name: String| values.value(&name))?)?;
        give("secretNames", Function::new(ctx.clone(), move || names.names())?)?;
        let allowance = Arc::clone(&self.allowance);
        give("hasUsedShare", Function::new(ctx.clone(), move || allowance.lock().has_used_share())?)?;
        give("register", Function::new(ctx.clone(), register)?)?;
        let given = Arc::clone(&self.given);
        let load = move |ctx: Ctx<'_>, module: String| {
            let _ = &given;
            load(&ctx, module)
        };
        give("load", Function::new(ctx.clone(), load)?)?;
        web::provide(ctx, give)?;
        temporal::provide(ctx, give)?;
        ctx.globals().set("__host", host)
    }

    /// Runs what is due. Ends if the allowance does.
    fn drain(&self, ctx: &Ctx<'_>) {
        let allowance = self.allowance();
        while !allowance.is_spent() && ctx.execute_pending_job() {}
    }

    /// How many bytes its runtime has in use.
    #[cfg(test)]
    pub(crate) fn used(&self) -> i64 {
        self.context.runtime().memory_usage().malloc_size
    }

    /// The names of the functions.
    pub(crate) fn functions(&self) -> Result<BTreeSet<String>, Unusable> {
        self.context.with(|ctx| {
            let names: rquickjs::Result<Vec<String>> =
                entry(&ctx).and_then(|entry| entry.get::<_, Function<'_>>("names")?.call(()));
            names.map(BTreeSet::from_iter).map_err(|error| unusable(&ctx, error))
        })
    }

    fn allowance(&self) -> Arc<Allowance> {
        Arc::clone(&self.allowance.lock())
    }

    /// Takes it for one call, which may use this.
    pub(crate) fn take(
        &self,
        (function, is_heard): (&str, bool),
        entropy: &Arc<dyn Entropy>,
        allowance: &Arc<Allowance>,
    ) {
        self.log.begin(function, is_heard);
        *self.random.lock() = Some(Arc::clone(entropy));
        *self.allowance.lock() = Arc::clone(allowance);
    }

    /// Takes what the function has logged since the last time, if it is heard.
    pub(crate) fn logged(&self) -> Vec<(String, String)> {
        self.log.take()
    }

    /// Goes on until the function waits or has ended.
    pub(crate) fn step(&self, input: Input) -> Result<Output, Unusable> {
        let allowance = self.allowance();
        allowance.enter();
        let output = self.context.with(|ctx| self.stepped(&ctx, input));
        let spent = allowance.is_spent();
        allowance.leave();
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
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "at most limits::ACTION_REQUESTS for each change of a call"
                    )]
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

/// Loads a module of the prelude, which says what it provides.
fn load(ctx: &Ctx<'_>, module: String) -> rquickjs::Result<()> {
    Module::import(ctx, module).map(drop)
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
