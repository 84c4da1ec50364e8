//! What is found in JavaScript and TypeScript, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references, references_of, signatures, supertypes, symbols};

#[test]
fn each_word_is_in_a_grammar() {
    let unknown = [JAVASCRIPT.unknown(), TYPESCRIPT.unknown(), TSX.unknown()];
    let nowhere = unknown[0].iter().filter(|word| unknown[1].contains(word) && unknown[2].contains(word));
    assert_eq!(nowhere.collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn classes_have_members_of_every_form() {
    let text = r#"
/**
 * Keeps connections.
 */
@Injectable({ scope: 1 })
export abstract class Pool<T extends Base> extends ns.Base<T> implements I, J.K<T> {
  private static readonly size: number = 4;
  #hidden = new Map();
  constructor(private url: string, readonly b?: B, plain = 1, ...rest: C[]) { super(url); }
  // Free ones.
  @Input() get free(): number { return this.size }
  set free(v) {}
  protected async acquire(n: number): Promise<T> {}
  abstract open(): void;
  over(a: string): void;
  over(a: any) {}
  handler = async (e: Event) => { this.free };
  options = { deep() {}, a: 1 };
  [Symbol.iterator]() {}
  "quoted"() {}
  static make() { return new Pool() }
}
"#;
    assert_lines(
        &symbols("typescript", text),
        r#"
        6 class Pool [exported abstract] "Keeps connections."
        7 field Pool.size: number [static]
        8 field Pool.#hidden: =<Map>
        9 constructor Pool.constructor/1-* [exported]
        9 field Pool.url: string
        9 field Pool.b: B [exported]
        11 property Pool.free: number [exported accessor] "Free ones."
        12 property Pool.free [exported]
        13 method Pool.acquire/1-1: Promise<T> [exported async]
        14 method Pool.open/0-0: void [exported abstract]
        15 method Pool.over/1-1: void [exported declaration]
        16 method Pool.over/1-1 [exported]
        17 method Pool.handler/1-1 [exported async]
        18 field Pool.options [exported]
        20 method Pool.quoted/0-0 [exported]
        21 method Pool.make/0-0: =<Pool> [exported static]
        "#,
    );
    assert_lines(&supertypes("typescript", text), "6 Pool extends ns.Base\n6 Pool implements I\n6 Pool implements J.K");
    assert!(signatures("typescript", text).starts_with("export abstract class Pool<T extends Base> extends"));
    assert!(signatures("typescript", text).contains("\nprotected async acquire(n: number): Promise<T>\n"));
    assert!(signatures("typescript", text).contains("\nhandler = async (e: Event)\n"));
}

#[test]
fn what_a_written_type_names_is_defined_there() {
    let text = r#"
const typed: Provider = { size: 1, now() { return run(this); }, nested: { deep: 1, make: () => make() } };
const plain = { size: 1 };
class C {
  [dispose]() { this.close(); }
  wrap() { return function (this: Pool) { this.close(); }; }
  async run() { using a = open(); await using b = a.other(); b.close(); }
}
"#;
    assert_lines(
        &symbols("typescript", text),
        "
        2 variable typed: Provider
        2 method typed.now/0-0: =run() [exported]
        2 method typed.make/0-0: =make() [exported]
        3 variable plain
        3 field plain.size: =<number> [exported]
        4 class C
        6 method C.wrap/0-0 [exported]
        7 method C.run/0-0 [exported async]
        ",
    );
    let found = references("typescript", text);
    for expected in ["5 call this | close/0", "6 call <Pool> | close/0", "7 call open().other() | close/0"] {
        assert!(found.contains(expected), "{expected} not in {found}");
    }
}

#[test]
fn types_namespaces_and_declarations() {
    let text = r#"
export interface I extends J, K<T> { a: string; m?(x: number): Pool; (x: string): void; [k: string]: any; f: () => void }
type A<T> = { x: number; y(): void } | T; type B = { z: number; f(): void };
export enum E { Red, Green = 2, "blue-ish" = 3 }
declare module "foo" { export function g(p: { no: 1 }): void }
namespace N.M { export const v: Pool = make(); function inner() {} }
declare global { interface Window { x: number } }
declare const VERSION: string;
function over(a: string): void;
function over(a: any) {}
"#;
    assert_lines(
        &symbols("typescript", text),
        r#"
        2 interface I [exported]
        2 field I.a: string [exported]
        2 method I.m/1-1: Pool [exported abstract]
        2 field I.f: ()=>void [exported]
        3 type_alias A: {x:number;y():void}|T
        3 type_alias B: {z:number;f():void}
        3 field B.z: number [exported]
        3 method B.f/0-0: void [exported abstract]
        4 enum E [exported]
        4 variant E.Red [exported]
        4 variant E.Green [exported]
        4 variant E.blue-ish [exported]
        5 module foo [declaration]
        5 function foo.g/1-1: void [exported declaration]
        6 module N.M
        6 variable N.M.v: Pool [exported]
        6 function N.M.inner/0-0
        7 interface Window [declaration]
        7 field Window.x: number [exported declaration]
        8 constant VERSION: string [declaration]
        9 function over/1-1: void [declaration]
        10 function over/1-1
        "#,
    );
    assert_lines(&supertypes("typescript", text), "2 I extends J\n2 I extends K");
}

#[test]
fn variables_of_the_module_are_symbols_and_locals_are_none() {
    let text = r#"
const LIMIT = 10, other = make();
export const go = async (a, b = 1) => a.b();
let { d, e: { f }, ...rest } = g;
export const api = { get() { return this.x }, put: (x) => x, url: "u", deep: { z: 1 }, "q-r": 1, [k]: 1 };
export default function named() { const local = () => 1; function inner() {} local(); inner(); }
{ const block = 1; }
for (const i of [1]) {}
var old = function () {}, C = class extends B { m() {} };
"#;
    assert_lines(
        &symbols("javascript", text),
        r#"
        2 constant LIMIT: =<number>
        2 variable other: =make()
        3 function go/1-2 [exported async]
        4 variable d: =g.d
        4 variable f: =g.e.f
        4 variable rest
        5 variable api [exported]
        5 method api.get/0-0: =this.x [exported]
        5 method api.put/1-1 [exported]
        5 field api.url: =<string> [exported]
        5 field api.deep [exported]
        5 field api.deep.z: =<number> [exported]
        5 field api.q-r: =<number> [exported]
        6 function named/0-0 [exported]
        6 function named.inner/0-0
        9 function old/0-0
        9 class C
        9 method C.m/0-0 [exported]
        "#,
    );
    assert_lines(
        &references_of("javascript", text, &["call"]),
        "2 call make/0 in other\n3 call ? | b/0 in go\n6 call inner/0 in named",
    );
}

/// Receivers are what the resolver lives on: each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = r#"
function f<S extends Source>(a: Pool, b?: ns.Pool, c: Pool[] = [], s: S, { d, e: [g] }: Opts, ...h: Pool[]) {
  a.m(1);
  b?.m!();
  c[0].m(...x);
  s.m();
  d.m(); g.m();
  for (const p of c) p.m();
  for (const [k, v] of a.items()) v.m();
  const x = new ns.Conn(1);
  x.m();
  const { y, z = new Pool() } = x.parts();
  y.m(); z.m();
  c.filter(p => p.ok()).map((p, i) => p.m(i)).forEach(function (p) { p.m(); });
  a.get().then(r => r.m());
  (await a.get()).m();
  (q as Pool).m();
  let w;
  if (a) { w = new Conn(); }
  w.m();
  w = null;
  w.m();
  if (o instanceof Pool) { o.m(); }
  const u = a || new Conn();
  u.m();
  try {} catch (err) { if (err instanceof db.Error) { err.m(); } err.m(); }
  unknown.m();
  "".m();
  Pool.make().m();
  super.m();
  this.pool["conn"].m();
}
"#;
    assert_lines(
        &references_of("typescript", text, &["call", "new"]),
        "
        3 call <Pool> | m/1 in f
        4 call <ns.Pool> | m/0 in f
        5 call <Pool[]>[] | m in f
        6 call <Source> | m/0 in f
        7 call <Opts>.d | m/0 in f
        7 call <Opts>.e.0 | m/0 in f
        8 call <Pool[]>[] | m/0 in f
        9 call <Pool> | items/0 in f
        9 call <Pool>.items()[].1 | m/0 in f
        10 new ns | Conn/1 in f
        11 call <ns.Conn> | m/0 in f
        12 new Pool/0 in f
        12 call <ns.Conn> | parts/0 in f
        13 call <ns.Conn>.parts().y | m/0 in f
        13 call <ns.Conn>.parts().z | m/0 in f
        14 call <Pool[]> | filter/1 in f
        14 call <Pool[]>[] | ok/0 in f
        14 call <Pool[]> | map/1 in f
        14 call <Pool[]>[] | m/1 in f
        14 call <Pool[]>.map() | forEach/1 in f
        14 call <Pool[]>.map()[] | m/0 in f
        15 call <Pool> | get/0 in f
        15 call <Pool>.get() | then/1 in f
        15 call <Pool>.get().await | m/0 in f
        16 call <Pool> | get/0 in f
        16 call <Pool>.get().await | m/0 in f
        17 call <Pool> | m/0 in f
        19 new Conn/0 in f
        20 call <Conn> | m/0 in f
        22 call <Conn> | m/0 in f
        23 call o | m/0 in f
        24 new Conn/0 in f
        25 call <Pool> | m/0 in f
        26 call <db.Error> | m/0 in f
        26 call ? | m/0 in f
        27 call unknown | m/0 in f
        28 call <string> | m/0 in f
        29 call Pool | make/0 in f
        29 call Pool.make() | m/0 in f
        30 call super | m/0 in f
        31 call ?.pool.conn | m/0 in f
        ",
    );
}

/// What other tools get wrong: `this.field.m()` is not the method round it, and `Class.m()` makes no instance.
#[test]
fn this_is_told_apart() {
    let text = "
class A {
  m() { this.m(); this.field.m(); A.m(); const g = () => this.m(); function h() { this.m(); } new A().m(); }
  static s() { this.m(); }
  p = () => { this.m(); };
  constructor() { this.conn = new Conn(); this.conn = null; this.conn.open(); }
}
";
    assert_lines(
        &references_of("javascript", text, &["call", "new", "write"]),
        "
        3 call this | m/0 in A.m
        3 call this.field | m/0 in A.m
        3 call A | m/0 in A.m
        3 call this | m/0 in A.m
        3 call ? | m/0 in A.m.h
        3 new A/0 in A.m
        3 call <A> | m/0 in A.m
        4 call Self | m/0 in A.s
        5 call this | m/0 in A.p
        6 new Conn/0 in A.constructor
        6 write this | conn in A.constructor
        6 call this.conn | open/0 in A.constructor
        ",
    );
    assert!(symbols("javascript", text).contains("6 field A.conn: =<Conn> [exported]"));
    assert!(!symbols("typescript", text).contains("A.conn"), "fields of TypeScript are declared");
}

#[test]
fn elements_of_jsx_are_calls() {
    let text = r#"
export const View: React.FC<Props> = ({ items, onOpen }) => {
  const [open, setOpen] = useState(false);
  return <div onClick={() => onOpen(items)}><Foo.Bar a={load()} {...rest}>{open}</Foo.Bar><Baz<T> x="1" /></div>;
};
"#;
    for language in ["typescript", "javascript"] {
        let text = if language == "javascript" {
            text.replace(": React.FC<Props>", "").replace("<T>", "")
        } else {
            text.into()
        };
        assert_lines(
            &references_of(language, &text, &["call"]),
            "3 call useState/1 in View\n4 call Foo | Bar in View\n4 call load/0 in View\n4 call Baz in View",
        );
        assert!(symbols(language, &text).starts_with("2 function View/1-1"));
    }
}

#[test]
fn uses_that_are_no_calls() {
    let text = r#"
@Dec(opts) class A<T> { @Inject(TOKEN) x: Map<string, ns.Pool>; m(this: A, cb: (p: Conn) => T): p is Conn {} }
const s = { key: value, short, ...spread, [computed]: 1 };
LIMIT = other.a;
a.b.c += d++;
type X = keyof typeof s | Y["z"];
label: for (;;) break label;
`${t}`;
"#;
    assert_lines(
        &references("typescript", text),
        "
        2 decorate Dec/1 in A
        2 read opts in A
        2 decorate Inject/1 in A.x
        2 read TOKEN in A.x
        2 type Map in A.x
        2 read ns in A.x
        2 type ns | Pool in A.x
        2 type Conn in A.m
        2 type Conn in A.m
        3 read value in s.key
        3 read short in s
        3 read spread in s
        3 read computed in s
        4 write LIMIT
        4 read other
        4 read other | a
        5 read a
        5 read a | b
        5 write a.b | c
        5 write d
        6 read s in X
        6 type Y in X
        8 read t
        ",
    );
}

#[test]
fn imports_and_exports_of_both_styles() {
    let text = r#"
import a, { b as c, type D } from "./x";
import * as ns from 'y';
import type { T } from "z";
import f = require("q");
import "side";
export * from "./all";
export * as all from "./all2";
export { p, q as r } from "./re";
export { local as outer, kept };
export default main;
const { g, h: i } = require("./req");
const j = await import("./dyn");
function late() { const k = require("k"); k.open(); import("./lazy"); }
function kept() {}
"#;
    assert_lines(
        &imports("typescript", text),
        "
        2 ./x default as a
        2 ./x b as c
        2 ./x D
        3 y - as ns
        4 z T
        5 q - as f
        6 side -
        7 ./all * re-exported
        8 ./all2 - as all re-exported
        9 ./re p re-exported
        9 ./re q as r re-exported
        10  local as outer re-exported
        11  main as default re-exported
        12 ./req g as g
        12 ./req h as i
        13 ./dyn - as j
        14 k - as k
        14 ./lazy -
        ",
    );
    assert!(references("typescript", text).contains("14 call k | open/0 in late"));
    assert!(symbols("typescript", text).contains("15 function kept/0-0 [exported]"));
}

#[test]
fn exports_of_commonjs_are_symbols_or_names() {
    let text = r#"
module.exports = { A, b: inner, c() {}, d: (x) => x, e: 1 };
exports.f = function (a) {};
exports.g = inner;
module.exports.h = class { m() {} };
function inner() {}
"#;
    assert_lines(
        &symbols("javascript", text),
        "
        2 method c/0-0 [exported]
        2 function d/1-1: =? [exported]
        2 variable e: =<number> [exported]
        3 function f/1-1 [exported]
        5 class h [exported]
        5 method h.m/0-0 [exported]
        6 function inner/0-0 [exported]
        "
        .replace(": =? ", " ")
        .as_str(),
    );
    assert_lines(&imports("javascript", text), "2  inner as b re-exported\n4  inner as g re-exported");
    let all = "module.exports = function () {};";
    assert_lines(&symbols("javascript", all), "1 function default/0-0 [exported]");
    assert_lines(&symbols("javascript", "export default class extends B {}"), "1 class default [exported]");
    assert_lines(
        &symbols("typescript", "export default { a() {} }"),
        "1 variable default [exported]\n1 method default.a/0-0 [exported]",
    );
}

#[test]
fn methods_may_be_set_from_outside() {
    let text = "
function Pool() {}
Pool.prototype.acquire = function (n) { this.open(n); };
Pool.make = () => new Pool();
other.make = () => 1;
";
    assert_lines(
        &symbols("javascript", text),
        "
        2 function Pool/0-0
        3 method Pool.acquire/1-1 [exported]
        4 method Pool.make/0-0: =<Pool> [exported static]
        ",
    );
    assert!(references("javascript", text).contains("3 call this | open/1 in Pool.acquire"));
    assert!(references("javascript", text).contains("5 write other | make"));
}

#[test]
fn the_grammar_that_understands_a_text_is_taken() {
    let cast = "const a = <Pool>b; a.m();";
    assert!(symbols("typescript", cast).contains("a: =<Pool>"), "a cast of TypeScript is no element");
    assert!(!crate::extract::testing::facts("typescript", "const a = <A/>; const b = <T,>(x: T) => x;").partial);
    assert!(!crate::extract::testing::facts("javascript", "// @flow\nfunction f(a: number): string {}").partial);
}

#[test]
fn functions_tell_what_they_hand_on() {
    let text = r#"
function operate(init: (source: Pool, sub: Conn<T> | null) => void, plain: string): Pool { return make(); }
class Bus { on(name: string, take?: ((conn: Conn) => void) | null) { return name; } }
operate((source, sub) => sub.close());
new Bus(first => first.close());
"#;
    assert_lines(
        &symbols("typescript", text),
        "
        2 function operate/2-2: Pool 0.0=Pool 0.1=Conn<T>|null
        3 class Bus
        3 method Bus.on/1-2: =<string> 1.0=Conn [exported]
        ",
    );
    let found = references("typescript", text);
    for expected in ["4 call operate(0.1) | close/0", "5 call Bus(0.0) | close/0"] {
        assert!(found.contains(expected), "{expected} not in {found}");
    }
}
