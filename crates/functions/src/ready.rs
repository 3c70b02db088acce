//! Isolates that are ready for calls: made ahead, or put back as they were before the calls that they have run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use backstay_base::limits;
use parking_lot::Mutex;

use crate::allowance::Allowance;
use crate::code::Code;
use crate::isolate::{Isolate, Unusable};
use crate::secrets::Secrets;

/// The isolates of a program that run no call.
#[derive(Debug)]
pub(crate) struct Ready {
    code: Arc<Code>,
    secrets: Secrets,
    isolates: Mutex<Vec<Isolate>>,
    /// How many are being made ahead.
    coming: AtomicUsize,
}

impl Ready {
    pub(crate) fn of(code: Arc<Code>, secrets: Secrets) -> Arc<Self> {
        Arc::new(Self { code, secrets, isolates: Mutex::default(), coming: AtomicUsize::new(0) })
    }

    /// One for a call that may use this: the last one that was put back, whose memory is still near the processor, or a new one.
    pub(crate) fn take(&self, allowance: &Arc<Allowance>) -> Result<Isolate, Unusable> {
        let ready = self.isolates.lock().pop();
        ready.map_or_else(|| Isolate::new(&self.code, &self.secrets, allowance), Ok)
    }

    /// What ran a call is as it was before, and ready for the next one. It is dropped if that can't be, or if enough are ready.
    pub(crate) fn put_back(&self, isolate: Isolate) {
        let Some(isolate) = isolate.put_back() else { return };
        let mut isolates = self.isolates.lock();
        if isolates.len() < limits::FUNCTION_CALLS {
            isolates.push(isolate);
        }
    }

    /// Those that have to be made ahead from now on.
    pub(crate) fn missing(self: &Arc<Self>) -> Vec<Coming> {
        let there = self.isolates.lock().len() + self.coming.load(Ordering::Relaxed);
        let missing = limits::FUNCTION_WARM_ISOLATES.saturating_sub(there);
        self.coming.fetch_add(missing, Ordering::Relaxed);
        (0..missing).map(|_| Coming(Arc::downgrade(self))).collect()
    }
}

/// An isolate that is to be made ahead, unless this is dropped or its functions are served no longer.
#[derive(Debug)]
pub(crate) struct Coming(Weak<Ready>);

impl Coming {
    /// Makes it.
    pub(crate) fn make(self) {
        let Some(ready) = self.0.upgrade() else { return };
        // If it fails, the next call makes one itself, and reports why that fails.
        if let Ok(isolate) = Isolate::new(&ready.code, &ready.secrets, &Allowance::new()) {
            ready.isolates.lock().push(isolate);
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if let Some(ready) = self.0.upgrade() {
            ready.coming.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use backstay_base::Entropy;

    use super::*;
    use crate::isolate::{Input, Output};
    use crate::program::Program;

    /// Bytes that are all zero.
    #[derive(Debug)]
    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn program(text: &str) -> Program {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("functions")).expect("is made");
        fs::write(directory.path().join("functions/main.ts"), text).expect("is written");
        Program::read(directory.path(), &[], "").expect("compiles")
    }

    fn ready(text: &str) -> Arc<Ready> {
        Ready::of(Arc::clone(&program(text).code), Secrets::default())
    }

    /// The first step of a call.
    fn begun(ready: &Ready, function: &str) -> (Isolate, Output) {
        let allowance = Allowance::new();
        let isolate = ready.take(&allowance).expect("an isolate");
        allowance.renew(Instant::now() + Duration::from_secs(30));
        let entropy: Arc<dyn Entropy> = Arc::new(Zeros);
        isolate.take((function, false), &entropy, &allowance);
        let given = r#"{"limits":[100,1000000],"moment":0,"seed":[1,2,3,4],"auth":{}}"#.to_owned();
        let input = Input::Start { function: function.to_owned(), arguments: "{}".to_owned(), given };
        let output = isolate.step(input).expect("steps");
        (isolate, output)
    }

    /// Runs these functions one after the other in isolates that are put back, and tells what each has returned.
    fn run(ready: &Ready, functions: &[&str]) -> Vec<String> {
        let run = |function: &&str| {
            let (isolate, output) = begun(ready, function);
            ready.put_back(isolate);
            assert_eq!(ready.isolates.lock().len(), 1, "{function}: it wasn't put back");
            format!("{output:?}")
        };
        functions.iter().map(run).collect()
    }

    #[test]
    fn an_isolate_is_put_back_after_whatever_a_call_has_done() {
        let ready = ready(
            "let count = 0; const kept = new Map(); const registry = new FinalizationRegistry(() => { count += 100; });
             const large: string[] = [];
             export const counts = () => [++count, kept.size, large.length, (globalThis as any).left ?? null, ({} as any).polluted ?? null,
               [1].map((n) => n + 1), JSON.stringify({ a: 1 }), typeof Promise.prototype.then, Object.isFrozen(Array)].join();
             export const changes = () => {
               count = 7; kept.set('a', new WeakRef({})); (globalThis as any).left = 1; (Object.prototype as any).polluted = 1;
               (Array.prototype as any).map = () => 'mine'; (JSON as any).stringify = () => 'mine'; Object.freeze(Array);
               registry.register({}, 1); delete (Promise.prototype as any).then; return 0;
             };
             export const fills = () => { for (let i = 0; i < 200; i++) large.push('x'.repeat(50_000) + i); return large.length; };
             export const bursts = () => { for (;;) large.push('x'.repeat(1_000_000) + large.length); };
             export const recurses = () => { const go = (n: number): number => go(n + 1) + 1; return go(0); };
             export const throws = () => { large.push('a'); throw new Error('thrown'); };
             export const waits = () => { large.push('a'); return new Promise(() => {}); };
             export const rejects = () => { large.push('a'); Promise.reject(new Error('nobody waits')); return 0; };
             export const leaves = () => { large.push('a'); Promise.resolve().then(() => large.push('b')).then(() => large.push('c')); return 0; };
             export const bytes = () => [...crypto.getRandomValues(new Uint8Array(2))].join() + new URL('https://a.example/b').pathname;
             export async function expression() { return /(?<word>a+)b/.exec('xaab')!.groups!.word; }",
        );
        let first = &run(&ready, &["counts"])[0];
        let spoilt = [
            "changes",
            "fills",
            "bursts",
            "recurses",
            "throws",
            "waits",
            "rejects",
            "leaves",
            "bytes",
            "expression",
            "counts",
        ];
        for function in spoilt {
            let outputs = run(&ready, &[function, "counts", "bytes"]);
            assert_eq!(outputs[1], *first, "after {function}");
            assert_eq!(outputs[2], r#"Done("\"0,0/b\"")"#, "after {function}");
        }
        assert_eq!(*first, r#"Done("\"1,0,0,,,2,{\\\"a\\\":1},function,false\"")"#);
    }

    #[test]
    fn a_call_that_is_given_up_while_it_waits_leaves_nothing() {
        let ready = ready(
            "let count = 0;
             export const asks = async (_: object, { mail }: any) => { count += 1; await mail.send({}); return count; };
             export const counts = () => ++count;",
        );
        for _ in 0..3 {
            let (isolate, output) = begun(&ready, "asks");
            assert!(matches!(output, Output::Asks(_)), "{output:?}");
            ready.put_back(isolate);
            assert_eq!(run(&ready, &["counts"]), [r#"Done("1")"#]);
        }
    }

    #[test]
    fn ten_thousand_calls_take_no_more_memory_than_one() {
        let ready = ready(
            "const kept: unknown[] = [];
             export const main = () => { for (let i = 0; i < 50; i++) kept.push({ i, text: `${i}`, made: () => i }); return kept.length; };",
        );
        assert_eq!(run(&ready, &["main"]), [r#"Done("50")"#]);
        let used = || ready.isolates.lock()[0].used();
        let before = used();
        for _ in 0..10_000 {
            assert_eq!(run(&ready, &["main"]), [r#"Done("50")"#]);
        }
        assert_eq!(used(), before);
    }

    #[test]
    fn modules_that_keep_more_than_can_be_copied_are_evaluated_for_each_call() {
        let text =
            "const table = Array.from({ length: 50_000 }, (_, i) => ({ i, text: `number ${i}` })); let count = 0;
             export const main = () => [++count, table.length, table[49_999].text].join();";
        let ready = ready(text);
        for _ in 0..3 {
            let (isolate, output) = begun(&ready, "main");
            assert!(isolate.used() > 5 * 1024 * 1024, "{}", isolate.used());
            assert_eq!(format!("{output:?}"), r#"Done("\"1,50000,number 49999\"")"#);
            ready.put_back(isolate);
            assert_eq!(ready.isolates.lock().len(), 0);
        }
        assert!(!program(text).is_copied());
        assert!(program("export const main = () => 1;").is_copied());
    }

    #[test]
    fn a_new_call_has_the_whole_allowance() {
        let ready = ready(
            "export const loops = () => { for (;;); };
             export const works = () => { let sum = 0; for (let i = 0; i < 100_000; i++) sum += i; return sum; };",
        );
        assert_eq!(run(&ready, &["loops", "works"]), ["Spent", r#"Done("4999950000")"#]);
    }

    #[test]
    fn no_more_are_kept_than_calls_run() {
        let ready = ready("export const main = () => 1;");
        let taken: Vec<_> = (0..limits::FUNCTION_CALLS + 3).map(|_| begun(&ready, "main").0).collect();
        for isolate in taken {
            ready.put_back(isolate);
        }
        assert_eq!(ready.isolates.lock().len(), limits::FUNCTION_CALLS);
        assert_eq!(ready.missing().len(), 0);
    }

    #[test]
    fn what_was_not_made_ahead_is_missing_again() {
        let ready = ready("export const main = () => 1;");
        let mut missing = ready.missing();
        assert_eq!((missing.len(), ready.missing().len()), (limits::FUNCTION_WARM_ISOLATES, 0));
        missing.pop().expect("one").make();
        drop(missing);
        assert_eq!(ready.isolates.lock().len(), 1);
        assert_eq!(ready.missing().len(), limits::FUNCTION_WARM_ISOLATES - 1);
    }
}
