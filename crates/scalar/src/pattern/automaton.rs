//! Finds a pattern in a text in a time that is known beforehand, and that can be charged and cut short.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use backstay_base::limits;
use regex_automata::hybrid::dfa::{Builder, Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::{pool::Pool, start};
use regex_syntax::hir::{Hir, HirKind, Repetition};

/// Bytes of the states that one cache keeps; when they are full, it begins anew.
const KEPT_BYTES: usize = 512 * 1024;
/// Work after which it is reported.
const REPORTED_WORK: usize = 4096;
/// Work that making a state takes for each state of the program. A step to a state that is there takes one.
const WORK_PER_STATE: usize = 8;

type MakeCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// A deterministic automaton whose states are made when a text first leads to them.
#[derive(Clone)]
pub(super) struct Automaton(Arc<Parts>);

struct Parts {
    dfa: DFA,
    caches: Pool<Cache, MakeCache>,
}

impl std::fmt::Debug for Automaton {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Automaton").finish_non_exhaustive()
    }
}

impl Automaton {
    /// None if its program takes more than `limits::PATTERN_PROGRAM_BYTES`.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        let program = thompson::Config::new()
            .nfa_size_limit(Some(limits::PATTERN_PROGRAM_BYTES))
            .which_captures(WhichCaptures::None);
        let program = thompson::Compiler::new().configure(program).build_from_hir(hir).ok()?;
        let config = DFA::config().cache_capacity(KEPT_BYTES).skip_cache_capacity_check(true);
        let dfa = Builder::new().configure(config).build_from_nfa(program).ok()?;
        let of_cache = dfa.clone();
        let make: MakeCache = Box::new(move || of_cache.create_cache());
        Some(Self(Arc::new(Parts { dfa, caches: Pool::new(make) })))
    }

    /// The number of states of the program.
    pub(super) fn states(&self) -> usize {
        self.0.dfa.get_nfa().states().len()
    }

    /// Whether a part of the text matches. `ends` is told the work that was done, in steps that are worth a byte of a simple
    /// search; none where it returns true.
    pub(super) fn finds(&self, text: &[u8], mut ends: impl FnMut(usize) -> bool) -> Option<bool> {
        let Parts { dfa, caches } = &*self.0;
        let (mut cache, mut work) = (caches.get(), 0);
        let of_new_state = WORK_PER_STATE * self.states();
        let mut state = dfa.start_state(&mut cache, &start::Config::new()).ok()?;
        for piece in text.chunks(REPORTED_WORK) {
            for (passed, byte) in piece.iter().enumerate() {
                let mut next = dfa.next_state_untagged(&cache, state, *byte);
                if next.is_unknown() {
                    work += of_new_state;
                    if work >= REPORTED_WORK && ends(std::mem::take(&mut work)) {
                        return None;
                    }
                    next = dfa.next_state(&mut cache, state, *byte).ok()?;
                }
                state = next;
                if state.is_match() || state.is_dead() {
                    return (!ends(work + passed)).then_some(state.is_match());
                }
            }
            if ends(std::mem::take(&mut work) + piece.len()) {
                return None;
            }
        }
        dfa.next_eoi_state(&mut cache, state).ok().map(|state| state.is_match())
    }
}

/// At how many places of a pattern a text can be at the same time: a step takes as long as they are many.
pub(super) fn places(hir: &Hir) -> usize {
    let sum = |parts: &[Hir], more: usize| {
        parts.iter().map(|part| places(part).saturating_add(more)).fold(0, usize::saturating_add)
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Capture(group) => places(&group.sub),
        HirKind::Repetition(repeated) => places(&repeated.sub).saturating_add(1).saturating_mul(times(repeated)),
        HirKind::Concat(parts) => sum(parts, 0),
        HirKind::Alternation(parts) => sum(parts, 1),
    }
}

/// How many parts of a pattern in a row can be empty, as often as they are repeated. PostgreSQL takes long to compile a pattern
/// with many, and refuses the worst.
pub(super) fn optional_parts(hir: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(optional_parts).fold(0, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) | HirKind::Literal(_) => 0,
        HirKind::Capture(group) => optional_parts(&group.sub),
        HirKind::Repetition(repeated) => {
            let own = usize::from(repeated.min == 0);
            optional_parts(&repeated.sub).saturating_mul(times(repeated)).saturating_add(own)
        }
        HirKind::Concat(parts) => sum(parts),
        HirKind::Alternation(parts) => {
            let is_empty = |part: &Hir| part.properties().minimum_len() == Some(0);
            sum(parts).saturating_add(usize::from(parts.iter().any(is_empty)))
        }
    }
}

/// How often a part is in the program.
fn times(repeated: &Repetition) -> usize {
    let times = repeated.max.unwrap_or(repeated.min).max(1);
    usize::try_from(times).unwrap_or(usize::MAX)
}
