//! The condition that a plan puts to documents, in terms of its compiled patterns.

use crate::text::Language;

/// A condition, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Is(bool),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Index into `Plan::texts`.
    Text(usize),
    /// Index into `Plan::symbols`.
    Symbol(usize),
    /// Index into `Plan::names`.
    Path(usize),
    Language(Language),
    Repository(usize),
    Ref(usize),
}

impl Node {
    pub(super) fn asks_paths(&self) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(Self::asks_paths),
            Self::Not(node) => node.asks_paths(),
            Self::Path(_) => true,
            _ => false,
        }
    }

    pub(super) fn required_symbols(&self) -> Option<Vec<usize>> {
        match self {
            Self::Symbol(name) => Some(vec![*name]),
            Self::And(parts) => parts.iter().filter_map(Self::required_symbols).min_by_key(Vec::len),
            Self::Or(parts) => {
                let parts: Option<Vec<_>> = parts.iter().map(Self::required_symbols).collect();
                parts.map(|parts| parts.concat())
            }
            _ => None,
        }
    }

    /// Replaces the atoms that `fact` knows and drops what no longer matters. Negation is pushed to the atoms.
    pub(super) fn decide(&self, fact: &dyn Fn(&Self) -> Option<bool>) -> Self {
        match self {
            Self::Is(_) => self.clone(),
            Self::And(parts) => join(parts.iter().map(|part| part.decide(fact)), false, Self::And),
            Self::Or(parts) => join(parts.iter().map(|part| part.decide(fact)), true, Self::Or),
            Self::Not(part) => part.decide(fact).negated(),
            atom => fact(atom).map_or_else(|| atom.clone(), Self::Is),
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Is(value) => Self::Is(!value),
            Self::Not(part) => *part,
            Self::And(parts) => join(parts.into_iter().map(Self::negated), true, Self::Or),
            Self::Or(parts) => join(parts.into_iter().map(Self::negated), false, Self::And),
            atom => Self::Not(Box::new(atom)),
        }
    }

    /// Three-valued truth, asking as few atoms as possible from the left.
    pub(super) fn eval(&self, fact: &mut dyn FnMut(&Self) -> Option<bool>) -> Option<bool> {
        match self {
            Self::Is(value) => Some(*value),
            Self::Not(part) => part.eval(fact).map(|value| !value),
            Self::And(parts) => eval_until(parts, false, fact),
            Self::Or(parts) => eval_until(parts, true, fact),
            atom => fact(atom),
        }
    }
}

/// A conjunction is false as soon as one part is, a disjunction true as soon as one is: `stop` says which.
fn eval_until(parts: &[Node], stop: bool, fact: &mut dyn FnMut(&Node) -> Option<bool>) -> Option<bool> {
    let mut result = Some(!stop);
    for part in parts {
        match part.eval(fact) {
            Some(value) if value == stop => return Some(stop),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

fn join(parts: impl Iterator<Item = Node>, stop: bool, wrap: fn(Vec<Node>) -> Node) -> Node {
    let mut left = Vec::new();
    for part in parts {
        match part {
            Node::Is(value) if value == stop => return Node::Is(stop),
            Node::Is(_) => {}
            other => left.push(other),
        }
    }
    match left.len() {
        0 => Node::Is(!stop),
        1 => left.swap_remove(0),
        _ => wrap(left),
    }
}
