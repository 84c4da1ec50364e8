//! Small indices, written byte by byte as the programs write them.

use super::*;
use crate::sites::Form;
use crate::tree::File;

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn number(field: u64, number: u64) -> Vec<u8> {
    [varint(field << 3), varint(number)].concat()
}

fn occurrence(range: [u64; 3], symbol: &str, roles: u64) -> Vec<u8> {
    let range = range.map(varint).concat();
    bytes(2, &[bytes(1, &range), bytes(2, symbol.as_bytes()), number(3, roles)].concat())
}

fn index(path: &str, language: &str, text: &str, parts: &[Vec<u8>]) -> Truth {
    let document = bytes(2, &[bytes(1, path.as_bytes()), parts.concat()].concat());
    let tree = Tree::new(vec![File::new(path.into(), text.as_bytes().to_vec())]);
    let mut truth = Truth::default();
    read(&document, &tree, language, &mut truth).unwrap();
    truth.finish(&tree, language);
    truth
}

#[test]
fn symbols_are_told_from_locals() {
    let text = "class A:\n    def f(self): x = 1\nA().f()\n";
    let parts = [
        occurrence([0, 6, 7], "s p a 1 `a`/A#", 1),
        occurrence([1, 8, 9], "s p a 1 `a`/A#f().", 1),
        occurrence([1, 10, 14], "s p a 1 `a`/A#f().(self)", 1),
        occurrence([1, 17, 18], "local 0", 1),
        occurrence([2, 0, 1], "s p a 1 `a`/A#", 8),
        occurrence([2, 4, 5], "s p a 1 `a`/A#f().", 8),
    ];
    let truth = index("a.py", "python", text, &parts);
    let classes: Vec<(&str, &Class)> =
        truth.definitions.values().map(|definition| (definition.name.as_str(), &definition.class)).collect();
    let local = |reason: &str| Class::Local(reason.to_owned());
    assert_eq!(
        classes,
        [("A", &Class::Wanted), ("f", &Class::Wanted), ("self", &local("parameter")), ("x", &local("local"))]
    );
    let forms: Vec<(usize, Form)> = truth.sites.iter().map(|site| (site.place.offset as usize, site.form)).collect();
    assert_eq!(forms, [(text.rfind("A()").unwrap(), Form::Bare), (text.rfind("f()").unwrap(), Form::Member)]);
}

#[test]
fn what_python_defines_again_is_no_use() {
    let text = "def f(x): ...\ndef f(x): pass\nf(1)\n";
    let f = "s p a 1 `a`/f().";
    let parts = [occurrence([0, 4, 5], f, 1), occurrence([1, 4, 5], f, 8), occurrence([2, 0, 1], f, 8)];
    let truth = index("a.py", "python", text, &parts);
    assert_eq!(truth.definitions.len(), 2);
    assert_eq!(truth.homes(&truth.sites[0].meanings).count(), 2, "a call may mean either");
}

#[test]
fn columns_of_typescript_are_units_of_utf_16() {
    let text = "const s = '𝄞'; f(s);";
    let truth = index("a.ts", "typescript", text, &[occurrence([0, 16, 17], "s p . . `a.ts`/f().", 0)]);
    assert_eq!(truth.sites[0].place.offset as usize, text.find("f(s)").unwrap());
    assert!(!truth.is_inside(&truth.sites[0].meanings), "nothing here defines it");
}

#[test]
fn a_method_of_a_trait_and_those_of_its_impls_are_as_right() {
    let text = "trait T { fn m(&self); }\nimpl T for A { fn m(&self) {} }\nimpl T for B { fn m(&self) {} }\nfn f(a: A) { a.m() }\n";
    let parts = [
        occurrence([0, 13, 14], "ra cargo a 1 T#m().", 1),
        occurrence([1, 18, 19], "ra cargo a 1 impl#[A][T]m().", 1),
        occurrence([2, 18, 19], "ra cargo a 1 impl#[B][T]m().", 1),
        occurrence([3, 15, 16], "ra cargo a 1 impl#[A][T]m().", 0),
        number(6, 1),
    ];
    let truth = index("a.rs", "rust", text, &parts);
    let homes: Vec<u32> = truth.homes(&truth.sites[0].meanings).map(|place| place.offset).collect();
    let at = |part: &str| (text.find(part).unwrap() + part.len()) as u32;
    assert_eq!(homes, [at("impl T for A { fn "), at("trait T { fn ")], "the other type's is wrong");
}

#[test]
fn names_of_symbols_say_what_is_left_out() {
    let left_out = |reason: &str| Class::LeftOut(reason.to_owned());
    for (symbol, expected) in [
        ("s . . `a.ts`/A#f().", Class::Wanted),
        ("s . . `a.ts`/A#", Class::Wanted),
        ("s . . `a.ts`/A#typeLiteral0:b.", Class::Wanted),
        ("s . . `a.ts`/f().typeLiteral0:b.", left_out("member of a type without a name")),
        ("s . . `a.ts`/next0:", left_out("property of an object literal")),
        ("s . . `a.ts`/", left_out("module")),
        ("s . . `a.ts`/A#[T]", Class::Local("type parameter".to_owned())),
    ] {
        assert_eq!(class(symbol, "typescript"), expected, "{symbol}");
    }
}

#[test]
fn methods_of_impls_name_their_trait() {
    let found =
        |symbol: &str| trait_method(symbol).map(|((name, method), of_impl)| format!("{name}.{method} {of_impl}"));
    assert_eq!(found("ra cargo c 1 util/color/impl#[A][Display]fmt().").as_deref(), Some("Display.fmt true"));
    assert_eq!(found("ra cargo c 1 b/impl#[V][`From<[P; C]>`]from().").as_deref(), Some("From.from true"));
    assert_eq!(found("ra cargo core url fmt/Display#fmt().").as_deref(), Some("Display.fmt false"));
    assert_eq!(found("ra cargo c 1 util/color/impl#[A]new()."), None);
    assert_eq!(found("ra cargo c 1 util/color/new()."), None);
}
