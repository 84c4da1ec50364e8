//! Searches that can be stopped within a text. A regex of many states takes each byte as many steps as it has states in the
//! worst case, so that one long line may keep it busy for an hour (`[ab]{0,9000}c` takes some 0.8 ms a byte). What takes few steps however it goes is left to the
//! finder; in the rest the regex is simulated step by step, and whoever waits is asked in between.
//!
//! The simulation is that of Pike's virtual machine (Thompson, 1968; Cox, "Regular Expression Matching: the Virtual Machine
//! Approach", 2009): the states that a match may be in, in the order in which the regex prefers them, each with the start of
//! its match.

use std::cell::Cell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson::{Compiler, NFA, State, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::finder::{self, Finder};
use super::spanning::Matches;

/// Steps that nobody can stop. The finder takes 44 ns for one on a busy machine: less than a second.
const UNASKED: usize = 1 << 24;
/// Steps of the simulation between two questions: some milliseconds.
const BETWEEN: usize = 1 << 18;
/// Memory of the automaton that is tried before the simulation, in bytes; it is given up where it fills this too soon.
const CACHE: usize = 1 << 20;
const MIN_BYTES_PER_STATE: usize = 1000;

/// Whoever waits said no, and the text was not searched to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Asked now and then: whether to go on.
pub(super) type GoOn<'a> = &'a dyn Fn() -> bool;

/// A regex as the simulation needs it, made when it is first needed.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    hir: Arc<Hir>,
    /// About as many states as the regex has.
    weight: usize,
    made: Arc<OnceLock<Option<Simulation>>>,
}

impl Steps {
    pub(super) fn new(hir: Hir) -> Self {
        Self { weight: weight(&hir).max(1), hir: Arc::new(hir), made: Arc::default() }
    }

    fn simulation(&self) -> Option<&Simulation> {
        self.made.get_or_init(|| Simulation::new(&self.hir)).as_ref()
    }
}

/// About as many states as a regex has.
pub(super) fn weight(hir: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(weight).fold(1, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len(),
        HirKind::Capture(capture) => weight(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
        HirKind::Repetition(repetition) => {
            let copies = repetition.max.unwrap_or(repetition.min).max(1);
            weight(&repetition.sub).saturating_add(1).saturating_mul(copies as usize)
        }
    }
}

impl Finder {
    /// Number of matching lines; nothing is kept.
    pub(super) fn count_while(&self, content: &[u8], go_on: GoOn<'_>) -> Result<u64, Stopped> {
        let Some(slow) = self.slow(content) else { return Ok(self.count(content)) };
        let mut count = 0;
        slow.pieces(content, go_on, &mut |found| {
            count += found;
            true
        })?;
        Ok(count)
    }

    /// Whether any line of `content` matches.
    pub(super) fn any_while(&self, content: &[u8], go_on: GoOn<'_>) -> Result<bool, Stopped> {
        let Some(slow) = self.slow(content) else { return Ok(self.any(content)) };
        let mut any = false;
        slow.pieces(content, go_on, &mut |found| {
            any = found > 0;
            !any
        })?;
        Ok(any)
    }

    /// `None`: the content is searched before anybody could ask for an end.
    fn slow(&self, content: &[u8]) -> Option<Slow<'_>> {
        let (Self::Regex { steps, .. } | Self::Spanning { steps, .. }) = self else { return None };
        let piece = UNASKED / steps.weight;
        let simulation = (content.len() > piece).then(|| steps.simulation())??;
        Some(Slow { finder: self, simulation, piece })
    }
}

/// A search of a content that may take long.
struct Slow<'f> {
    finder: &'f Finder,
    simulation: &'f Simulation,
    /// Bytes that are left to the finder at once.
    piece: usize,
}

impl Slow<'_> {
    /// Hands the number of matching lines of one piece after the other to `each`, until that says no.
    fn pieces(&self, content: &[u8], go_on: GoOn<'_>, each: &mut dyn FnMut(u64) -> bool) -> Result<(), Stopped> {
        if matches!(self.finder, Finder::Spanning { .. }) {
            return self.simulation.lines(content, go_on, each);
        }
        let mut rest = content;
        while !rest.is_empty() {
            if !go_on() {
                return Err(Stopped);
            }
            let (piece, later) = rest.split_at(cut(rest, self.piece));
            let line = piece.strip_suffix(b"\n").unwrap_or(piece);
            let found = match line.len() > self.piece {
                true => u64::from(self.simulation.is_match(line, go_on)?),
                false => self.finder.count(piece),
            };
            if !each(found) {
                return Ok(());
            }
            rest = later;
        }
        Ok(())
    }
}

/// Where the last line ends that does so within `most` bytes, or else the first one.
fn cut(content: &[u8], most: usize) -> usize {
    let within = &content[..most.min(content.len())];
    match memchr::memrchr(b'\n', within) {
        _ if within.len() == content.len() => content.len(),
        Some(end) => end + 1,
        None => memchr::memchr(b'\n', content).map_or(content.len(), |end| end + 1),
    }
}

/// A regex that is followed step by step.
#[derive(Debug)]
struct Simulation {
    nfa: NFA,
    /// Says quickly that there is no match, where it can.
    automaton: Option<DFA>,
}

impl Simulation {
    /// `None`: it is too large, although the finder's own form of it is not.
    fn new(hir: &Hir) -> Option<Self> {
        let config = NFA::config().utf8(false).which_captures(WhichCaptures::None).nfa_size_limit(Some(16 << 20));
        let nfa = Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let config = DFA::config()
            .unicode_word_boundary(true)
            .cache_capacity(CACHE)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(1))
            .minimum_bytes_per_state(Some(MIN_BYTES_PER_STATE));
        let automaton = DFA::builder().configure(config).build_from_nfa(nfa.clone()).ok();
        Some(Self { nfa, automaton })
    }

    /// Whether a line matches.
    fn is_match(&self, line: &[u8], go_on: GoOn<'_>) -> Result<bool, Stopped> {
        match self.quickly(line, 0) {
            Some(found) => Ok(found),
            None => Ok(Threads::new(&self.nfa, line, go_on).find(0, true)?.is_some()),
        }
    }

    /// Whether there is a match from `from` on; `None`: the automaton cannot say.
    fn quickly(&self, content: &[u8], from: usize) -> Option<bool> {
        let automaton = self.automaton.as_ref()?;
        let input = Input::new(content).span(from..content.len()).anchored(Anchored::No).earliest(true);
        automaton.try_search_fwd(&mut automaton.create_cache(), &input).ok().map(|found| found.is_some())
    }

    /// Hands the lines in which matches begin to `each`, one by one, until that says no.
    fn lines(&self, content: &[u8], go_on: GoOn<'_>, each: &mut dyn FnMut(u64) -> bool) -> Result<(), Stopped> {
        if self.quickly(content, 0) == Some(false) {
            return Ok(());
        }
        let stopped = Cell::new(false);
        let mut threads = Threads::new(&self.nfa, content, go_on);
        let find = |from| {
            let found = threads.find(from, false);
            stopped.set(found.is_err());
            found.ok().flatten()
        };
        let mut from = 0;
        for found in Matches::by(content, Box::new(find)) {
            if found.start >= from {
                from = finder::line_at(content, from, found.start).end + 1;
                if !each(1) {
                    break;
                }
            }
        }
        if stopped.get() { Err(Stopped) } else { Ok(()) }
    }
}

/// A regex beside a text.
#[derive(Clone, Copy)]
struct Reading<'a> {
    nfa: &'a NFA,
    content: &'a [u8],
}

/// One text on its way through the simulation.
struct Threads<'a> {
    reading: Reading<'a>,
    go_on: GoOn<'a>,
    now: States,
    next: States,
    /// Since `go_on` was asked.
    steps: usize,
}

/// States that read a byte, or end a match, each once, in the order in which they were put in.
struct States {
    /// With the start of its match.
    list: Vec<(StateID, usize)>,
    /// By state, the number of the byte before which it was last put in.
    seen: Vec<usize>,
    byte: usize,
    /// Still to be followed to states that read a byte.
    open: Vec<StateID>,
}

impl<'a> Threads<'a> {
    fn new(nfa: &'a NFA, content: &'a [u8], go_on: GoOn<'a>) -> Self {
        let states = || States { list: Vec::new(), seen: vec![0; nfa.states().len()], byte: 1, open: Vec::new() };
        // Asked before the first step.
        Self { reading: Reading { nfa, content }, go_on, now: states(), next: states(), steps: BETWEEN }
    }

    /// The leftmost match from `from` on, of those that begin there the one that the regex prefers; with `earliest`
    /// whichever ends first.
    fn find(&mut self, from: usize, earliest: bool) -> Result<Option<Range<usize>>, Stopped> {
        let mut found = None;
        self.now.clear();
        for at in from..=self.reading.content.len() {
            if found.is_none() {
                // Behind all that began further to the left.
                self.now.follow(self.reading, self.reading.nfa.start_anchored(), (at, at));
            }
            if self.now.list.is_empty() && found.is_some() {
                break;
            }
            self.ask()?;
            found = self.step(at).or(found);
            if earliest && found.is_some() {
                break;
            }
        }
        Ok(found)
    }

    fn ask(&mut self) -> Result<(), Stopped> {
        self.steps += self.now.list.len() + 1;
        if self.steps > BETWEEN {
            self.steps = 0;
            if !(self.go_on)() {
                return Err(Stopped);
            }
        }
        Ok(())
    }

    /// Reads the byte at `at`. A match cuts off the states behind it, which the regex likes less.
    fn step(&mut self, at: usize) -> Option<Range<usize>> {
        let Reading { nfa, content } = self.reading;
        let byte = content.get(at).copied();
        let mut found = None;
        self.next.clear();
        for (state, start) in &self.now.list {
            let next = match (nfa.state(*state), byte) {
                (State::Match { .. }, _) => {
                    found = Some(*start..at);
                    break;
                }
                (State::ByteRange { trans }, Some(byte)) => trans.matches_byte(byte).then_some(trans.next),
                (State::Sparse(transitions), Some(byte)) => transitions.matches_byte(byte),
                (State::Dense(transitions), Some(byte)) => transitions.matches_byte(byte),
                _ => None,
            };
            if let Some(next) = next {
                self.next.follow(self.reading, next, (at + 1, *start));
            }
        }
        std::mem::swap(&mut self.now, &mut self.next);
        found
    }
}

impl States {
    fn clear(&mut self) {
        self.list.clear();
        self.byte += 1;
    }

    /// Puts in the states that `state` leads to before the byte at `at` is read.
    fn follow(&mut self, reading: Reading<'_>, state: StateID, (at, start): (usize, usize)) {
        let Reading { nfa, content } = reading;
        self.open.push(state);
        while let Some(state) = self.open.pop() {
            if std::mem::replace(&mut self.seen[state.as_usize()], self.byte) == self.byte {
                continue;
            }
            match nfa.state(state) {
                State::Look { look, next } => {
                    if nfa.look_matcher().matches(*look, content, at) {
                        self.open.push(*next);
                    }
                }
                State::Union { alternates } => self.open.extend(alternates.iter().rev()),
                State::BinaryUnion { alt1, alt2 } => self.open.extend([*alt2, *alt1]),
                State::Capture { next, .. } => self.open.push(*next),
                State::Fail => {}
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Match { .. } => {
                    self.list.push((state, start));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
