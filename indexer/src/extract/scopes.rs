//! Names that are bound locally, and what is known of each: an expression of [`kotadb_core::facts::expression`].

use std::collections::HashMap;
use std::rc::Rc;

/// Nested scopes. A name that is not in them is one that files share.
#[derive(Default)]
pub struct Scopes<'t> {
    /// For each name what it is bound to, the innermost last.
    bound: HashMap<&'t str, Vec<Binding>>,
    /// Names in the order of their binding, to be taken away again.
    names: Vec<&'t str>,
    /// How many names there were when each open scope began.
    marks: Vec<Mark>,
    /// Bindings of scopes further out than this are not seen.
    floor: usize,
}

struct Binding {
    depth: usize,
    /// `None`: a name that files share hides the local one.
    known: Option<Rc<str>>,
}

struct Mark {
    n_names: usize,
    floor: usize,
}

impl<'t> Scopes<'t> {
    /// Opens a scope that sees those round it.
    pub fn enter(&mut self) {
        self.marks.push(Mark { n_names: self.names.len(), floor: self.floor });
    }

    /// Opens a scope that sees nothing round it: an item in a function of Rust.
    pub fn enter_closed(&mut self) {
        self.enter();
        self.floor = self.marks.len();
    }

    /// Closes the innermost scope and forgets its names.
    pub fn leave(&mut self) {
        let Some(mark) = self.marks.pop() else { return };
        for name in self.names.drain(mark.n_names..) {
            self.bound.get_mut(name).map(Vec::pop);
        }
        self.floor = mark.floor;
    }

    /// Binds a name to what is known of it, in the innermost scope.
    pub fn bind(&mut self, name: &'t str, known: impl Into<Rc<str>>) {
        self.set(name, Some(known.into()));
    }

    /// Changes what is known of a local name where it is bound, however far out.
    pub fn rebind(&mut self, name: &str, known: impl Into<Rc<str>>) {
        if let Some(last) = self.bound.get_mut(name).and_then(|bindings| bindings.last_mut()) {
            last.known = Some(known.into());
        }
    }

    /// Makes a name one that files share, in the innermost scope: an item, an import, `global x`.
    pub fn share(&mut self, name: &'t str) {
        if self.bound.contains_key(name) {
            self.set(name, None);
        }
    }

    fn set(&mut self, name: &'t str, known: Option<Rc<str>>) {
        if name.is_empty() {
            return;
        }
        let depth = self.marks.len();
        let bindings = self.bound.entry(name).or_default();
        match bindings.last_mut() {
            Some(last) if last.depth == depth => last.known = known,
            _ => {
                bindings.push(Binding { depth, known });
                self.names.push(name);
            }
        }
    }

    /// What is known of a local name; `None`: it is not local.
    pub fn find(&self, name: &str) -> Option<&Rc<str>> {
        let last = self.bound.get(name)?.last()?;
        if last.depth < self.floor { None } else { last.known.as_ref() }
    }

    /// Whether a scope is open: else names are those of the file.
    pub fn is_inside(&self) -> bool {
        !self.marks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_bindings_hide_outer_ones_until_their_scope_ends() {
        let mut scopes = Scopes::default();
        scopes.enter();
        scopes.bind("a", "<A>");
        scopes.enter();
        scopes.bind("a", "<B>");
        scopes.bind("a", "<C>");
        assert_eq!(scopes.find("a").map(|known| &**known), Some("<C>"));
        scopes.share("a");
        assert_eq!(scopes.find("a"), None);
        scopes.leave();
        assert_eq!(scopes.find("a").map(|known| &**known), Some("<A>"));
        scopes.leave();
        assert_eq!(scopes.find("a"), None);
    }

    #[test]
    fn a_closed_scope_sees_nothing_round_it() {
        let mut scopes = Scopes::default();
        scopes.enter();
        scopes.bind("a", "?");
        scopes.enter_closed();
        scopes.bind("b", "?");
        assert_eq!((scopes.find("a"), scopes.find("b").is_some()), (None, true));
        scopes.enter();
        assert!(scopes.find("b").is_some() && scopes.find("a").is_none());
        scopes.leave();
        scopes.leave();
        assert!(scopes.find("a").is_some());
    }
}
