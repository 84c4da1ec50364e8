//! Going through a tree in the order of its text, without recursion: what is still to do lies on a stack, so nesting
//! costs memory that is bounded by the text. Rules say for each node what comes next.

use tree_sitter::{Node, TreeCursor};

use super::parse::Job;

/// The rules of one language.
pub trait Rules<'t> {
    /// What it has to do after the children of a node: leave a scope, bind a pattern.
    type Later;

    /// Sees a node and says what comes next. A node that is not asked for with `then` or `children` is left out with all
    /// that it holds.
    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t, Self::Later>);

    /// Does what was put off.
    fn later(&mut self, later: Self::Later, walk: &mut Walk<'t, Self::Later>);
}

/// What comes next, in the order in which it is asked for; all of it before what was asked for earlier.
pub struct Walk<'t, L> {
    next: Vec<Step<'t, L>>,
    cursor: TreeCursor<'t>,
}

enum Step<'t, L> {
    Visit(Node<'t>),
    Later(L),
}

impl<'t, L> Walk<'t, L> {
    /// This node, if there is one.
    pub fn then(&mut self, node: impl Into<Option<Node<'t>>>) {
        self.next.extend(node.into().map(Step::Visit));
    }

    /// All named children.
    pub fn children(&mut self, node: Node<'t>) {
        self.each_child(node, |walk, child| walk.next.push(Step::Visit(child)));
    }

    /// All named children but one.
    pub fn children_but(&mut self, node: Node<'t>, but: Option<Node<'t>>) {
        self.each_child(node, |walk, child| {
            if Some(child) != but {
                walk.next.push(Step::Visit(child));
            }
        });
    }

    /// Something else than a node.
    pub fn later(&mut self, later: L) {
        self.next.push(Step::Later(later));
    }

    /// Calls for each named child.
    pub fn each_child(&mut self, node: Node<'t>, mut f: impl FnMut(&mut Self, Node<'t>)) {
        self.cursor.reset(node);
        let mut more = self.cursor.goto_first_child();
        while more {
            let child = self.cursor.node();
            if child.is_named() {
                f(self, child);
            }
            more = self.cursor.goto_next_sibling();
        }
    }
}

/// All children of a node, tokens too. For nodes with few.
pub fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}

/// All named children of a node. For nodes with few.
pub fn named_children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

/// Steps between two looks at the clock.
const STEPS_A_LOOK: u32 = 4096;

/// Goes through a tree; false: time ran out before its end.
pub fn walk<'t, R: Rules<'t>>(root: Node<'t>, rules: &mut R, job: &Job<'_>) -> bool {
    let mut walk = Walk { next: vec![Step::Visit(root)], cursor: root.walk() };
    let mut stack = Vec::new();
    let mut n_steps = 0_u32;
    loop {
        stack.extend(walk.next.drain(..).rev());
        match stack.pop() {
            None => return true,
            Some(Step::Visit(node)) => rules.visit(node, &mut walk),
            Some(Step::Later(later)) => rules.later(later, &mut walk),
        }
        n_steps += 1;
        if n_steps.is_multiple_of(STEPS_A_LOOK) && job.is_over() {
            return false;
        }
    }
}
