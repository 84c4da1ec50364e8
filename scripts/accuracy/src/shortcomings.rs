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
        "c" | "c++" if class.is_none() && is_made_there(tree, truth, place) => {
            Some("definition that a macro makes: the truth has it by the name that the macro gives it")
        }
        _ => None,
    }
}

/// Whether the truth has something on a line that is named elsewhere, as `TEST(Pool, Closes)` defines `Pool_Closes`.
fn is_made_there(tree: &Tree, truth: &Truth, place: Place) -> bool {
    let (text, at) = (&tree.file(place).text, place.offset as usize);
    let start = text[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let end = text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |length| at + length);
    let [from, to] = [start, end].map(|offset| Place { offset: offset as u32, ..place });
    let is_named_elsewhere = |class: &Class| *class == Class::LeftOut("not named there".to_owned());
    truth.definitions.range(from..to).any(|(_, found)| is_named_elsewhere(&found.class))
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

    #[test]
    fn what_macros_make_counts_neither_way() {
        let text = "TEST(Pool, Closes) {}\nTEST(Pool, Opens) {}\n";
        let tree = Tree::new(vec![File::new("a.cc".into(), text.as_bytes().to_vec())]);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t"), "def\tx\ta.cc\t0\tPool_Closes\tnot named there\n").unwrap();
        let truth = Truth::read(&folder.path().join("t"), &tree, "c++").unwrap();
        let reason = |name: &str| {
            let symbol = Symbol { name: name.into(), ..Symbol::new(SymbolKind::Function) };
            of(&tree, &truth, Place { file: 0, offset: text.find(name).unwrap() as u32 }, &symbol, None)
        };
        assert!(reason("Closes").is_some());
        assert_eq!(reason("Opens"), None);
    }
}
