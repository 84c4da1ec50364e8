//! What is found in Rust, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references, references_of, signatures, supertypes, symbols};

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn items_are_symbols_wherever_they_stand() {
    let text = r#"
/// A pool.
///
/// More.
#[derive(Debug, serde::Serialize)]
pub struct Pool<'a, T: Source> {
    /// How many.
    pub size: usize,
    conns: Vec<&'a T>,
}
pub enum Color { Red, Rgb(u8, u8), Named { name: String } }
union Bits { a: u32 }
pub trait Source: Send + db::Base<u8> {
    type Item: Clone;
    const N: usize = 1;
    fn open(&self, url: &str) -> Self::Item;
    fn make() -> Self { todo() }
}
impl<'a, T: Source> Pool<'a, T> {
    pub const MAX: usize = 3;
    /** Takes one. */
    #[deprecated]
    pub async fn acquire(&mut self, n: usize) -> Option<&'a T> {
        fn inner() {}
        static S: u8 = 1;
        const _: () = ();
        let local = 1;
    }
    unsafe extern "C" fn make(size: usize) -> Self {}
}
impl<T> fmt::Display for Pool<'_, T> {
    fn fmt(self: &Self, f: &mut fmt::Formatter) -> fmt::Result {}
}
pub type Alias = Pool<'static, u8>;
mod other;
#[cfg(test)]
mod tests {
    #[test]
    fn works() {}
}
macro_rules! mine { ($x:expr) => { fn no_symbol() { f() } } }
extern "C" { fn c_call(x: i32, ...); static ERRNO: i32; }
fn r#match() {}
fn main() {}
"#;
    assert_lines(
        &symbols("rust", text),
        r#"
        6 struct Pool [exported] "A pool."
        8 field Pool.size: usize [exported] "How many."
        9 field Pool.conns: Vec<T>
        11 enum Color [exported]
        11 variant Color.Red [exported]
        11 variant Color.Rgb: (u8,u8) [exported]
        11 variant Color.Named [exported]
        11 field Color.Named.name: String
        12 union Bits
        12 field Bits.a: u32
        13 trait Source [exported]
        14 type_alias Source.Item [exported]
        15 constant Source.N: usize [exported]
        16 method Source.open/1-1: Self::Item [exported abstract]
        17 method Source.make/0-0: Self [exported static]
        20 constant Pool.MAX: usize [exported]
        23 method Pool.acquire/1-1: Option<T> [exported async deprecated] "Takes one."
        24 function Pool.acquire.inner/0-0
        25 constant Pool.acquire.S: u8
        29 method Pool.make/1-1: Self [static]
        32 method Pool.fmt/1-1: fmt::Result [exported] for fmt::Display
        34 type_alias Alias: Pool<u8> [exported]
        35 module other [declaration]
        37 module tests [test]
        39 function tests.works/0-0 [test]
        41 macro mine/0-* [exported]
        42 function c_call/1-* [declaration]
        42 constant ERRNO: i32
        43 function match/0-0
        44 function main/0-0 [entry]
        "#,
    );
    assert_lines(
        &supertypes("rust", text),
        "13 Source extends Send\n13 Source extends db::Base\n31 Pool implements fmt::Display",
    );
    assert!(signatures("rust", text).contains("\npub async fn acquire(&mut self, n: usize) -> Option<&'a T>\n"));
    assert!(signatures("rust", text).starts_with("pub struct Pool<'a, T: Source>\n"));
}

/// Receivers are what the resolver lives on: each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = r#"
fn f<S: Source>(&self, a: &mut Pool, b: Arc<dyn Source>, c: Vec<Pool>, s: S, (d, e): (Pool, Conn)) {
    a.m(1);
    b.m();
    c[0].m();
    s.m();
    d.m(); e.m();
    for (i, p) in c.iter().enumerate() { p.m(); }
    for p in &c { p.m(); }
    let x = Pool::new(1)?;
    x.m();
    let Some(y) = x.get() else { return };
    y.m();
    if let Ok(z) = x.try_get() && let Some(w) = z { w.m(); } else { z.m(); }
    match self.source { Some(v) if v.ok() => v.m(), Kind::Other(v) => v.m(), Pool { conn, size: n } => { conn.m(); n.m() } }
    let g = |h: &Conn, i| { h.m(); i.m() };
    c.iter().filter(|p| p.m()).map(|p| p.n()).collect::<Set<Pool>>().m();
    x.get().map(|p| p.m());
    let j = Conn { url, port: 1 };
    j.m();
    let (k, l) = (Pool::default(), Meters(1));
    k.m(); l.m();
    self.conns.lock().unwrap().m();
    (q as Conn).m();
    client.get().await?.m();
    <Pool as Source>::open().m();
    Color::Red.m();
    let t: Conn = u.into();
    t.m();
    let t = if a { Pool::new() } else { none };
    t.m();
    "".m();
    g(1);
}
"#;
    assert_lines(
        &references_of("rust", text, &["call"]),
        "
        3 call <Pool> | m/1 in f
        4 call <Arc<Source>> | m/0 in f
        5 call <Vec<Pool>>[] | m/0 in f
        6 call <Source> | m/0 in f
        7 call <(Pool,Conn)>.0 | m/0 in f
        7 call <(Pool,Conn)>.1 | m/0 in f
        8 call <Vec<Pool>> | iter/0 in f
        8 call <Vec<Pool>> | enumerate/0 in f
        8 call <Vec<Pool>>[] | m/0 in f
        9 call <Vec<Pool>>[] | m/0 in f
        10 call Pool | new/1 in f
        11 call Pool::new()? | m/0 in f
        12 call Pool::new()? | get/0 in f
        13 call Pool::new()?.get()? | m/0 in f
        14 call Pool::new()? | try_get/0 in f
        14 call Pool::new()?.try_get()?? | m/0 in f
        14 call z | m/0 in f
        15 call this.source? | ok/0 in f
        15 call this.source? | m/0 in f
        15 call <Kind::Other>.0 | m/0 in f
        15 call <Pool>.conn | m/0 in f
        15 call <Pool>.size | m/0 in f
        16 call <Conn> | m/0 in f
        16 call ? | m/0 in f
        17 call <Vec<Pool>> | iter/0 in f
        17 call <Vec<Pool>> | filter/1 in f
        17 call <Vec<Pool>>[] | m/0 in f
        17 call <Vec<Pool>> | map/1 in f
        17 call <Vec<Pool>>[] | n/0 in f
        17 call <Vec<Pool>>.map() | collect/0 in f
        17 call <Set<Pool>> | m/0 in f
        18 call Pool::new()? | get/0 in f
        18 call Pool::new()?.get() | map/1 in f
        18 call Pool::new()?.get()? | m/0 in f
        20 call <Conn> | m/0 in f
        21 call Pool | default/0 in f
        22 call <Pool> | m/0 in f
        22 call <Meters> | m/0 in f
        23 call this.conns | lock/0 in f
        23 call this.conns.lock() | unwrap/0 in f
        23 call this.conns.lock()? | m/0 in f
        24 call <Conn> | m/0 in f
        25 call client | get/0 in f
        25 call client.get().await? | m/0 in f
        26 call <Pool+Source> | open/0 in f
        26 call Pool::open() | m/0 in f
        27 call <Color> | m/0 in f
        28 call u | into/0 in f
        29 call <Conn> | m/0 in f
        30 call Pool | new/0 in f
        31 call Pool::new() | m/0 in f
        32 call <str> | m/0 in f
        ",
    );
}

/// What other tools get wrong: a member of a field is no member of `self`, and a type is no instance.
#[test]
fn this_its_fields_and_its_type_are_told_apart() {
    let text = "
impl Pool {
    fn m(&self) { self.m(); self.conn.m(); Self::m(self); Pool::m(self); self.0.m(); }
    fn n(self: Box<Self>, other: Self) { self.m(); other.m(); let me = self; me.m(); fn i() { me.m() } }
}
";
    assert_lines(
        &references_of("rust", text, &["call"]),
        "
        3 call this | m/0 in Pool.m
        3 call this.conn | m/0 in Pool.m
        3 call Self | m/1 in Pool.m
        3 call Pool | m/1 in Pool.m
        3 call this.0 | m/0 in Pool.m
        4 call this | m/0 in Pool.n
        4 call Self | m/0 in Pool.n
        4 call this | m/0 in Pool.n
        4 call me | m/0 in Pool.n.i
        ",
    );
}

#[test]
fn arguments_of_macros_are_read() {
    let text = r#"
fn f(a: Pool) {
    assert_eq!(g(a, 1), a.b.m(), "{}", LIMIT);
    vec![Pool::new(), db::Conn::open(x)?.m().await];
    tokio::select! { v = a.m() => h(v), }
    let y = format!("{}", self.x.n(|a, b| a));
    debug!(target = Kind::Open(1), Pool { size: 1 });
    outer!(inner!(k()));
}
"#;
    assert_lines(
        &references("rust", text),
        r#"
        2 type Pool in f
        3 macro assert_eq in f
        3 call g/2 in f
        3 read <Pool> | b in f
        3 call <Pool>.b | m/0 in f
        3 read LIMIT in f
        4 macro vec in f
        4 type Pool in f
        4 call Pool | new/0 in f
        4 read db in f
        4 type db | Conn in f
        4 call db::Conn | open/1 in f
        4 read x in f
        4 call db::Conn::open()? | m/0 in f
        5 read tokio in f
        5 macro tokio | select in f
        5 read v in f
        5 call <Pool> | m/0 in f
        5 call h/1 in f
        5 read v in f
        6 macro format in f
        6 read this | x in f
        6 call this.x | n in f
        7 macro debug in f
        7 read target in f
        7 type Kind in f
        7 new Kind | Open/1 in f
        7 new Pool in f
        7 read size in f
        8 macro outer in f
        8 macro inner in f
        8 call k/0 in f
        "#,
    );
}

#[test]
fn macros_in_the_place_of_items_hold_items() {
    let text = "
cfg_io! {
    /// Opens.
    pub fn open() -> File { read() }
    impl File { fn m(&self) { self.n() } }
}
thread_local! { static POOL: Pool = Pool::new(); }
no_items! { a => b, }
";
    assert_lines(
        &symbols("rust", text),
        r#"
        4 function open/0-0: File [exported] "Opens."
        5 method File.m/0-0
        7 constant POOL: Pool
        "#,
    );
    assert_lines(
        &references("rust", text),
        "
        2 macro cfg_io
        4 type File in open
        4 call read/0 in open
        5 type File
        5 call this | n/0 in File.m
        7 macro thread_local
        7 type Pool in POOL
        7 type Pool in POOL
        7 call Pool | new/0 in POOL
        8 macro no_items
        8 read a
        8 read b
        ",
    );
}

#[test]
fn raw_names_stand_behind_their_sign() {
    let text = "fn r#match() { self.r#type(); r#match() }";
    let facts = crate::extract::testing::facts("rust", text);
    let at = |start: u32, name: &str| text[start as usize..].starts_with(name);
    assert!(facts.symbols.iter().all(|symbol| at(symbol.name_span.start, &symbol.name)));
    assert!(facts.references.len() == 2 && facts.references.iter().all(|it| at(it.start, &it.name)));
}

#[test]
fn uses_that_are_no_calls() {
    let text = "
#[tokio::main]
#[mine(x)]
#[derive(Debug, serde::Serialize)]
struct S<T: Base>(T, Vec<Pool>) where T: db::More;
fn f(a: u8) -> S {
    self.x = LIMIT;
    X += a;
    map(Self::g).h;
    let s = S { a, b: Color::Red, ..other };
    match a { Color::Rgb(r) => r, MAX => 1, S { a, .. } => a }
}
";
    assert_lines(
        &references("rust", text),
        "
        2 decorate tokio | main in S
        3 decorate mine in S
        4 decorate Debug in S
        4 decorate serde | Serialize in S
        5 type Base in S
        5 type Vec in S
        5 type Pool in S
        5 read db in S
        5 type db | More in S
        6 type S in f
        7 write this | x in f
        7 read LIMIT in f
        8 write X in f
        9 call map/1 in f
        9 read Self | g in f
        9 read map() | h in f
        10 new S in f
        10 write <S> | a in f
        10 write <S> | b in f
        10 type Color in f
        10 read Color | Red in f
        10 read other in f
        11 type Color in f
        11 read Color | Rgb in f
        11 read MAX in f
        11 type S in f
        11 read <S> | a in f
        ",
    );
}

#[test]
fn imports_are_one_a_name() {
    let text = "
use a::{self, b as c, d::{E, F as G}, h::*};
pub use crate::x::Y;
use std;
use super::z as w;
extern crate core as k;
fn f() { use late::Late; Late::new(); }
";
    assert_lines(
        &imports("rust", text),
        "
        2 a -
        2 a b as c
        2 a::d E
        2 a::d F as G
        2 a::h *
        3 crate::x Y re-exported
        4 std -
        5 super z as w
        6 core - as k
        7 late Late
        ",
    );
}

#[test]
fn macros_of_the_file_define_what_their_rules_show() {
    let text = r#"
macro_rules! cases {
    ($module:ident => { $( ($fn:ident, $path:expr); )+ }) => {
        mod $module { $( #[test] fn $fn() { super::check($path); } )+ }
    };
    ($($name:ident: $kind:ty),* $(,)?) => { $( pub struct $name($kind); )* };
    (one $vis:vis $name:ident = $value:expr) => { $vis const $name: u8 = $value; };
}
macro_rules! uses { ($x:ident) => { f($x) } }
cases!(stories => {
    (story_0, concat!("a", "b")); // first
    (story_1, at(1));
});
cases! { Meters: Vec<(u8, u8)>, Feet: u8, }
cases!(one pub(crate) LIMIT = 1 + 2);
cases!(2);
uses!(other);
fn run() { cases!(Local: u8); }
"#;
    assert_lines(
        &symbols("rust", text),
        r#"
        2 macro cases/0-* [exported]
        9 macro uses/0-* [exported]
        10 module stories
        11 function stories.story_0/0-0 [test]
        12 function stories.story_1/0-0 [test]
        14 struct Meters
        14 struct Feet
        15 constant LIMIT
        18 function run/0-0
        "#,
    );
    let found = references("rust", text);
    assert!(found.contains("12 call at/1 in stories.story_1"), "{found}");
    assert!(!found.contains(" story_0"), "{found}");
}

#[test]
fn words_that_are_keywords_elsewhere_are_names_among_tokens() {
    let text = r"
fn f(a: A) {
    assert_eq!(a.char(), ast::Set::union(1));
    assert!(union(2) == Default::default() && <A as B>::run());
    let b = std::mem::take(&mut a);
    b.close();
}
";
    let found = references("rust", text);
    let calls = [
        "3 call <A> | char/0 in f",
        "3 call ast::Set | union/1 in f",
        "4 call union/1 in f",
        "4 call Default | default/0 in f",
        "4 call ? | run/0 in f",
        "6 call <A> | close/0 in f",
    ];
    for expected in calls {
        assert!(found.contains(expected), "{expected} not in {found}");
    }
}
