//! One text to extract facts from: its bytes, until when, and its tree.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use kotadb_core::facts::Facts;
use tree_sitter::{Language, ParseOptions, Parser, Tree};

use super::text::Text;

/// One text, and until when its facts must be found.
pub struct Job<'t> {
    /// The text.
    pub text: Text<'t>,
    deadline: Instant,
}

thread_local! {
    /// A parser keeps its stacks: one a thread saves making them for each text.
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

impl<'t> Job<'t> {
    /// From now on.
    pub fn new(text: &'t [u8], budget: Duration) -> Self {
        Self { text: Text(text), deadline: Instant::now() + budget }
    }

    /// Whether its time is over.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// The tree by a grammar; `None`: time ran out, or the grammar is of another age than the library.
    pub fn parse(&self, grammar: &Language) -> Option<Tree> {
        PARSER.with_borrow_mut(|parser| {
            parser.set_language(grammar).ok()?;
            let mut read = |at: usize, _| self.text.0.get(at..).unwrap_or_default();
            let mut progress = |_: &_| if self.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            let options = ParseOptions::new().progress_callback(&mut progress);
            let tree = parser.parse_with_options(&mut read, None, Some(options));
            if tree.is_none() {
                // Else the next text would go on where this one was left.
                parser.reset();
            }
            tree
        })
    }

    /// What is known of a text without a tree.
    pub fn nothing(&self) -> Facts {
        Facts { partial: true, ..Facts::default() }
    }
}
