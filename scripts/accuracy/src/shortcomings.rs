//! What the programs that tell the truth are known not to tell: definitions that a reader of the language sees, and for which
//! the truth has another word or none. They count neither way, and each kind is printed with its count.

use kotadb_core::facts::{Symbol, SymbolKind};

use crate::tree::{Place, Tree};
use crate::truth::{Class, Truth};

/// Words before the name of a parameter that make it a field as well.
const MODIFIERS: [&[u8]; 5] = [b"public", b"private", b"protected", b"readonly", b"override"];

/// Why a definition of ours counts neither way, of which the truth says `class`.
pub fn of(tree: &Tree, truth: &Truth, place: Place, symbol: &Symbol, class: Option<&Class>) -> Option<&'static str> {
    let language = tree.file(place).language.name();
    let local = |reason: &str| class == Some(&Class::Local(reason.to_owned()));
    let before = || tree.file(place).text[..place.offset as usize].trim_ascii_end();
    match language {
        _ if class.is_none() && truth.is_homeless(place) => Some("the truth has no definition of what it means"),
        "typescript" if local("parameter") && symbol.kind == SymbolKind::Field => {
            let is_field = MODIFIERS.iter().any(|word| before().ends_with(word));
            is_field.then_some("field that a parameter of the constructor declares")
        }
        "typescript" if local("local") && symbol.kind == SymbolKind::Variable && symbol.container.is_none() => {
            let is_pattern = matches!(before().last(), Some(b'{' | b',' | b'[' | b':'));
            is_pattern.then_some("variable of the module that a pattern binds")
        }
        "typescript" if class.is_none() && &*symbol.name == "constructor" => {
            let is_marked = MODIFIERS.iter().any(|word| before().ends_with(word));
            is_marked.then_some("constructor that is not public")
        }
        "typescript" if class.is_none() && symbol.kind == SymbolKind::Method && truth.uses.contains_key(&place) => {
            Some("function in an object whose type is written: the truth names the type's")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    const TEXT: &str = "class A {\n  private constructor(private size: number, plain: string) {}\n}\nconst { part } = whole;\nconst typed: P = { now() {} };\n";

    fn reason(name: &str, kind: SymbolKind, class: Option<Class>) -> Option<&'static str> {
        let tree = Tree::new(vec![File::new("a.ts".into(), TEXT.as_bytes().to_vec())]);
        let place = |name: &str| Place { file: 0, offset: TEXT.find(name).unwrap() as u32 };
        let lines = format!("def\tP\ta.ts\t0\tP\t\nuse\tP\ta.ts\t{}\t\n", place("now").offset);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t"), lines).unwrap();
        let truth = Truth::read(&folder.path().join("t"), &tree, "c").unwrap();
        let symbol = Symbol { name: name.into(), ..Symbol::new(kind) };
        of(&tree, &truth, place(name), &symbol, class.as_ref())
    }

    #[test]
    fn what_the_truth_is_known_to_miss_counts_neither_way() {
        let local = |reason: &str| Some(Class::Local(reason.to_owned()));
        assert!(reason("size", SymbolKind::Field, local("parameter")).is_some());
        assert!(reason("part", SymbolKind::Variable, local("local")).is_some());
        assert!(reason("constructor", SymbolKind::Constructor, None).is_some());
        assert!(reason("now", SymbolKind::Method, None).is_some());
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        let local = |reason: &str| Some(Class::Local(reason.to_owned()));
        assert_eq!(reason("plain", SymbolKind::Field, local("parameter")), None);
        assert_eq!(reason("typed", SymbolKind::Variable, local("local")), None);
        assert_eq!(reason("typed", SymbolKind::Variable, None), None);
        assert_eq!(reason("whole", SymbolKind::Method, None), None);
    }
}
