//! Go: a type that has all methods of an interface implements it, wherever it is written.

use std::collections::HashMap;

use kotadb_core::facts::SymbolKind;

use super::Names;
use super::family::Family;
use super::words::Word;

/// Most types that are told of one interface.
const MOST_TYPES: usize = 500;
/// Most methods of an interface that are compared.
const MOST_METHODS: usize = 64;

/// The interfaces of each type.
pub fn interfaces(names: &Names) -> HashMap<u32, Vec<u32>> {
    let mut methods: HashMap<u32, Vec<u32>> = HashMap::new();
    for (file, _) in (0..).zip(&names.all.files).filter(|(_, entry)| entry.family == Family::Go) {
        for symbol in names.all.symbols_of(file) {
            let is_method = names.all.symbol(symbol).kind == SymbolKind::Method;
            let owner = names.all.owner(symbol).filter(|owner| is_interface(names, *owner) && is_method);
            if let Some(owner) = owner {
                methods.entry(owner).or_default().push(symbol);
            }
        }
    }
    let mut asked: Vec<u32> = methods.keys().copied().collect();
    asked.sort_unstable();
    let mut found: HashMap<u32, Vec<u32>> = HashMap::new();
    for interface in asked {
        let all = all_methods(names, &methods, interface);
        for of in implementers(names, &all) {
            found.entry(of).or_default().push(interface);
        }
    }
    found
}

fn is_interface(names: &Names, symbol: u32) -> bool {
    names.all.symbol(symbol).kind == SymbolKind::Interface
}

/// Methods of an interface and of those that it embeds.
fn all_methods(names: &Names, methods: &HashMap<u32, Vec<u32>>, interface: u32) -> Vec<u32> {
    let above = names.above.get(&interface).map_or(&[][..], |lineage| &lineage.types);
    let all = [interface].into_iter().chain(above.iter().copied());
    all.flat_map(|one| methods.get(&one).into_iter().flatten().copied()).take(MOST_METHODS).collect()
}

/// Types that have methods of these names and arities.
fn implementers(names: &Names, methods: &[u32]) -> Vec<u32> {
    let name = |method: u32| names.all.symbol(method).name;
    let Some(&rarest) = methods.iter().min_by_key(|&&method| names.all.named(name(method)).len()) else {
        return Vec::new();
    };
    let holders = names.all.named(name(rarest)).iter().filter_map(|&symbol| names.all.owner(symbol));
    let mut types: Vec<u32> =
        holders.filter(|&of| !is_interface(names, of) && names.all.family_of(of) == Family::Go).collect();
    types.dedup();
    types.retain(|&of| methods.iter().all(|&method| has(names, of, name(method), method)));
    types.truncate(MOST_TYPES);
    types
}

fn has(names: &Names, of: u32, name: Word, method: u32) -> bool {
    let arity = names.all.symbol(method).arity;
    names.members(of, name).found.iter().any(|&own| {
        let own = names.all.symbol(own);
        own.kind == SymbolKind::Method && own.arity == arity
    })
}
