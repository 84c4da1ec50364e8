//! What `impl` blocks of Rust say beside their members: what a type stands for, which trait a method is written for, and which
//! methods are one and the same seen from outside.

use kotadb_core::facts::SymbolKind;

use super::Names;
use super::definitions::Scope;
use super::evaluate::{Evaluator, Type, Value};
use super::family::Family;

/// The type that a type stands for, in its `impl Deref`.
pub const TARGET: &str = "Target";

impl Names {
    /// The trait that a method is written for, as written; none outside of `impl Trait for Type`.
    pub fn interface(&self, symbol: u32) -> Option<&str> {
        let nth = self.all.qualifiers.binary_search_by_key(&symbol, |entry| entry.0).ok()?;
        self.all.qualifiers[nth].2.some().map(|interface| last(self.all.words.text(interface)))
    }

    /// The type that a method is written for, as written.
    pub fn qualifier(&self, symbol: u32) -> Option<&str> {
        let nth = self.all.qualifiers.binary_search_by_key(&symbol, |entry| entry.0).ok()?;
        Some(last(self.all.words.text(self.all.qualifiers[nth].1)))
    }

    /// The method of the trait that a method is written for; the method itself where there is none. Who calls a trait's method calls
    /// any of its impls.
    pub fn root(&self, symbol: u32) -> u32 {
        let Some(interface) = self.interface(symbol).and_then(|name| self.all.words.find(name)) else { return symbol };
        let name = self.all.symbol(symbol).name;
        let traits = self.all.named(interface).iter().filter(|&&one| self.all.symbol(one).kind == SymbolKind::Trait);
        let methods = traits.filter_map(|&one| self.all.within(Scope::symbol(one), name).first().copied());
        methods.min().unwrap_or(symbol)
    }

    /// Whether all of these are one method and what is written for it.
    pub fn is_one_method(&self, found: &[u32]) -> bool {
        let Some(&first) = found.first() else { return false };
        self.all.family_of(first) == Family::Rust && {
            let root = self.root(first);
            found.iter().all(|&symbol| self.root(symbol) == root)
        }
    }
}

impl Evaluator<'_> {
    /// What a type stands for by `impl Deref`: its `Target`.
    pub(super) fn target(&mut self, known: &Type) -> Option<Type> {
        let Type::Symbol(symbol, _) = known else { return None };
        let names = self.scout.names;
        if names.all.family_of(*symbol) != Family::Rust {
            return None;
        }
        let alias = *names.all.within(Scope::symbol(*symbol), names.all.words.find(TARGET)?).first()?;
        match self.declared(alias) {
            Value::Instance(target) | Value::Type(target) if target != *known => Some(target),
            _ => None,
        }
    }
}

fn last(path: &str) -> &str {
    path.split('<').next().unwrap_or(path).rsplit("::").next().unwrap_or(path)
}
