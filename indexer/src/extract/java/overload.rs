//! What methods take that share their name with others of their type, or may share it with those of the class above: behind their
//! type it is told, for the resolver to choose.

use std::collections::HashMap;

use kotadb_core::facts::SymbolKind;
use kotadb_core::facts::expression::{UNKNOWN, with_arguments};
use tree_sitter::Node;

use super::{Field, Java, Kind};
use crate::extract::collector::Ticket;
use crate::extract::expression::{as_type, unknown};
use crate::extract::walk;

/// A method, the start of the type that it is in, and the types of its parameters.
pub(super) struct Taken {
    method: Ticket,
    within: usize,
    types: Vec<Box<str>>,
    /// Its class may inherit others of the name.
    is_below: bool,
}

impl<'t> Java<'t> {
    /// Remembers what a method takes, in whose scope its parameters of types are known.
    pub(super) fn takes(&mut self, method: Ticket, parameters: Option<Node<'t>>) {
        let within = parameters.and_then(|it| it.parent()?.parent()).map_or(0, |body| body.start_byte());
        let all = parameters.map(walk::named_children).unwrap_or_default();
        let types = all.into_iter().filter_map(|one| self.parameter_type(one)).collect();
        let is_below = self.open.last().is_some_and(|open| open.ticket.is_some() && !open.above.is_empty());
        self.taken.push(Taken { method, within, types, is_below });
    }

    fn parameter_type(&self, parameter: Node<'t>) -> Option<Box<str>> {
        match self.kind(parameter) {
            Kind::FormalParameter => {
                let written = self.field(parameter, Field::TypeOf).map_or_else(unknown, |of| self.type_of(of));
                Some(self.plain(&self.sized(written, parameter)))
            }
            Kind::SpreadParameter => {
                let (of, _) = self.spread(parameter);
                let written = self.plain(&of.map_or_else(unknown, |of| self.type_of(of)));
                Some([&*written, "..."].concat().into())
            }
            _ => None,
        }
    }

    /// A type without its arguments, in which a parameter of the type or method is what it is bound by.
    pub(super) fn plain(&self, written: &str) -> Box<str> {
        let element = written.trim_end_matches("[]");
        let name = element.split('<').next().unwrap_or(element);
        let bound = self.scopes.find(name).map(|known| as_type(known).unwrap_or(UNKNOWN));
        let name = bound.map_or(name, |bound| bound.split('<').next().unwrap_or(bound));
        [name, &written[element.len()..]].concat().into()
    }

    /// Says behind the types of methods of one name what each of them takes.
    pub(super) fn tell_overloads(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        let mut n_of_name: HashMap<(usize, Box<str>), u32> = HashMap::new();
        let key = |one: &Taken, facts: &super::Collector| (one.within, facts.at(one.method).name.clone());
        for one in &taken {
            *n_of_name.entry(key(one, &self.facts)).or_default() += 1;
        }
        for one in taken {
            let is_one_of_several = n_of_name[&key(&one, &self.facts)] > 1;
            let symbol = self.facts.symbol_mut(one.method);
            let may_be_one = one.is_below && !one.types.is_empty() && symbol.kind == SymbolKind::Method;
            if is_one_of_several || may_be_one {
                let gives = symbol.of_type.take().unwrap_or_else(unknown);
                symbol.of_type = with_arguments(Some(gives), &one.types);
            }
        }
    }
}
