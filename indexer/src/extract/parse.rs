//! One text to extract facts from: its bytes, until when, and its tree.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use kotadb_core::facts::Facts;
use tree_sitter::{Language, ParseOptions, Parser, Point, Range, Tree};

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
        self.parse_part(grammar, 0..self.text.0.len())
    }

    /// The tree of a part alone; its nodes stand where they stand in the whole text.
    pub fn parse_part(&self, grammar: &Language, part: std::ops::Range<usize>) -> Option<Tree> {
        self.parse_ranges(grammar, self.text.0, &self.range(part))
    }

    /// The tree of a text of the same length, in which the grammar finds other words for what it does not know.
    pub fn parse_text(&self, grammar: &Language, text: &[u8]) -> Option<Tree> {
        self.parse_ranges(grammar, text, &[])
    }

    fn parse_ranges(&self, grammar: &Language, text: &[u8], ranges: &[Range]) -> Option<Tree> {
        PARSER.with_borrow_mut(|parser| {
            parser.set_language(grammar).ok()?;
            parser.set_included_ranges(ranges).ok()?;
            let mut read = |at: usize, _| text.get(at..).unwrap_or_default();
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

    /// Nothing for the whole text.
    fn range(&self, part: std::ops::Range<usize>) -> Vec<Range> {
        if part.len() == self.text.0.len() {
            return Vec::new();
        }
        // Rows and columns are not asked for.
        let point = Point::new(0, 0);
        vec![Range { start_byte: part.start, end_byte: part.end, start_point: point, end_point: point }]
    }

    /// What is known of a text without a tree.
    pub fn nothing(&self) -> Facts {
        Facts { partial: true, ..Facts::default() }
    }
}
