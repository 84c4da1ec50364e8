//! What is found in Python, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references, references_of, signatures, supertypes, symbols};

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn classes_and_functions() {
    let text = r#"
"""The module."""
class Pool(Base[int], db.Source, metaclass=Meta):
    """Keeps connections.

    More.
    """
    size: int = 4
    _names = {}

    def __init__(self, url, *, size=4, **rest):
        self.url = url
        self.conn = Conn(url)
        self.url = None

    @property
    def free(self) -> int:
        return self.size

    @classmethod
    async def make(cls, url: str) -> "Pool":
        def inner(a): return a
        return cls(url)

    @staticmethod
    def _hidden(*args): ...

class Color(Enum):
    RED = 1
    GREEN: int

def test_it(a, b=1): local = 1
def main(): pass
"#;
    assert_lines(
        &symbols("python", text),
        r#"
        3 class Pool [exported] "Keeps connections."
        8 field Pool.size: int [exported]
        9 field Pool._names: =<dict>
        11 constructor Pool.__init__/1-* [exported]
        12 field Pool.url: =? [exported]
        13 field Pool.conn: =Conn() [exported]
        17 property Pool.free: int [exported accessor]
        21 method Pool.make/1-1: Pool [exported static async]
        22 function Pool.make.inner/1-1 [exported]
        26 method Pool._hidden/0-* [static]
        28 enum Color [exported]
        29 variant Color.RED: =<int> [exported]
        30 field Color.GREEN: int [exported]
        32 function test_it/1-2 [exported test]
        33 function main/0-0 [exported entry]
        "#
        .replace(": =? ", " ")
        .as_str(),
    );
    assert_lines(&supertypes("python", text), "3 Pool extends Base\n3 Pool extends db.Source\n28 Color extends Enum");
    assert!(signatures("python", text).contains("\nasync def make(cls, url: str) -> \"Pool\"\n"));
}

#[test]
fn module_variables_are_symbols_and_locals_are_none() {
    let text = "
# How many.
LIMIT = 10
pool: Pool = make()
a, (b, *c) = f()
LIMIT = 11
Alias: TypeAlias = dict[str, Pool]
type Names[T] = list[T]
for i in range(3): j = i
with open(p) as file: pass
def f():
    global LIMIT
    LIMIT = 3
    k = 1
";
    assert_lines(
        &symbols("python", text),
        r#"
        3 constant LIMIT: =<int> [exported] "How many."
        4 variable pool: Pool [exported]
        5 variable a: =f().0 [exported]
        5 variable b: =f().1.0 [exported]
        5 variable c: =<list> [exported]
        7 type_alias Alias: TypeAlias [exported]
        8 type_alias Names: list[T] [exported]
        9 variable i: =range()[] [exported]
        9 variable j: =range()[] [exported]
        10 variable file: =open() [exported]
        11 function f/0-0 [exported]
        "#
        .replace("j: =range()[]", "j: =i")
        .as_str(),
    );
    assert_lines(&references_of("python", text, &["write"]), "6 write LIMIT\n13 write LIMIT in f");
}

/// Receivers are what the resolver lives on: each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = r#"
def f(a: Pool, b: "db.Pool", c: list[Pool], d=Pool(), *e: Pool):
    a.m(1)
    b.m(x=1)
    c[0].m(*z)
    d.m()
    for i, p in enumerate(c): p.m()
    for p in sorted(c): p.m()
    x = Pool.make(1).sub
    x.m()
    y, z = Pool(), g()
    y.m(); z.m()
    with open() as h: h.m()
    try: pass
    except db.Error as error: error.m()
    [q.m() for q in c if q.n()]
    w = lambda u, v=Pool(): v.m(u.m)
    async with a.get() as r: (await r.m()).n()
    if (k := Pool()).ok: k.m()
    l = None
    l = Pool() if a else None
    l = None
    l.m()
    unknown.m()
    "".join([]).m()
    super().m()
    cast(Pool, o).m()
    for key, value in a.items(): value.m()
    (a or b).m()
"#;
    assert_lines(
        &references_of("python", text, &["call"]),
        "
        2 call Pool/0 in f
        3 call <Pool> | m/1 in f
        4 call <db.Pool> | m/1 in f
        5 call <list[Pool]>[] | m in f
        6 call Pool() | m/0 in f
        7 call enumerate/1 in f
        7 call <list[Pool]>[] | m/0 in f
        8 call sorted/1 in f
        8 call <list[Pool]>[] | m/0 in f
        9 call Pool | make/1 in f
        10 call Pool.make().sub | m/0 in f
        11 call Pool/0 in f
        11 call g/0 in f
        12 call Pool() | m/0 in f
        12 call g() | m/0 in f
        13 call open/0 in f
        13 call open() | m/0 in f
        15 call <db.Error> | m/0 in f
        16 call <list[Pool]>[] | m/0 in f
        16 call <list[Pool]>[] | n/0 in f
        17 call Pool/0 in f
        17 call Pool() | m/1 in f
        18 call <Pool> | get/0 in f
        18 call <Pool>.get() | m/0 in f
        18 call <Pool>.get().m().await | n/0 in f
        19 call Pool/0 in f
        19 call Pool() | m/0 in f
        21 call Pool/0 in f
        23 call Pool() | m/0 in f
        24 call unknown | m/0 in f
        25 call <str> | join/1 in f
        25 call <str>.join() | m/0 in f
        26 call super/0 in f
        26 call super | m/0 in f
        27 call cast/2 in f
        27 call <Pool> | m/0 in f
        28 call <Pool> | items/0 in f
        28 call <Pool>.items()[].1 | m/0 in f
        29 call <Pool> | m/0 in f
        ",
    );
}

#[test]
fn this_and_the_class_are_told_apart() {
    let text = "
class A:
    def f(self, other):
        self.g()
        self.field.g()
        other.g()
        def inner(): self.g()
        type(self).g()
    @classmethod
    def h(cls): cls.g()
    @staticmethod
    def i(self): self.g()
";
    assert_lines(
        &references_of("python", text, &["call"]),
        "
        4 call this | g/0 in A.f
        5 call this.field | g/0 in A.f
        6 call ? | g/0 in A.f
        7 call this | g/0 in A.f.inner
        8 call type/1 in A.f
        8 call Self | g/0 in A.f
        10 call Self | g/0 in A.h
        12 call ? | g/0 in A.i
        ",
    );
}

#[test]
fn a_method_outranks_an_attribute_of_its_name() {
    let text = "
class A:
    def __init__(self): self.run = wrap(self.run)
    def run(self): pass
";
    assert_lines(
        &symbols("python", text),
        "2 class A [exported]\n3 constructor A.__init__/0-0 [exported]\n4 method A.run/0-0 [exported]",
    );
}

#[test]
fn branches_narrow_and_functions_tell_what_they_return() {
    let text = "
def f(x, y):
    if isinstance(x, Pool): x.m()
    elif isinstance(x, db.Conn): x.m()
    else: x.m()
    assert isinstance(y, Pool)
    return y
match z:
    case Pool(size=n) as p: p.m()
    case [a.B, c]: c.m()
";
    assert_lines(
        &references_of("python", text, &["call"]),
        "
        3 call isinstance/2 in f
        3 call <Pool> | m/0 in f
        4 call isinstance/2 in f
        4 call <db.Conn> | m/0 in f
        5 call ? | m/0 in f
        6 call isinstance/2 in f
        9 call p | m/0
        10 call c | m/0
        ",
    );
    assert!(symbols("python", text).contains("function f/2-2: =<Pool>"));
}

#[test]
fn uses_that_are_no_calls() {
    let text = r#"
@app.route("/", methods=[GET])
@cached
def f(a: Pool | None, b: "list[db.Conn]", c: Literal["x"]) -> t.Dict[str, Pool]:
    self = a.size
    a.size = LIMIT
    a.b.c += 1
    return other
"#;
    assert_lines(
        &references("python", text),
        "
        2 read app in f
        2 decorate app | route/2 in f
        2 read GET in f
        3 decorate cached in f
        4 type Pool in f
        4 type list in f
        4 type db | Conn in f
        4 read t in f
        4 type t | Dict in f
        4 type str in f
        4 type Pool in f
        5 read <Pool|None> | size in f
        6 write <Pool|None> | size in f
        6 read LIMIT in f
        7 read <Pool|None> | b in f
        7 write <Pool|None>.b | c in f
        8 read other in f
        ",
    );
}

#[test]
fn imports_and_what_is_offered() {
    let text = r#"
import os, a.b.c as d
from . import x
from ..db import (Pool as P, Conn)
from .all import *
__all__ = ["x", "P"] + ["_y"]
def f():
    import json
    from late import Late
    Late()
_y = 1
"#;
    assert_lines(
        &imports("python", text),
        "
        2 os -
        2 a.b.c - as d
        3 . x re-exported
        4 ..db Pool as P re-exported
        4 ..db Conn
        5 .all *
        8 json -
        9 late Late
        ",
    );
    assert!(symbols("python", text).contains("variable _y: =<int> [exported]"));
    assert!(references("python", text).contains("10 call Late/0 in f"));
}
