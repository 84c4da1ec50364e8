//! What is found in Scala, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, facts, imports, references_of, supertypes, symbols};

const TEXT: &str = r#"package a.b
package c
import x.y.Z
import x.y._
import x.y.{A, B => C}
/** Keeps. */
abstract class Pool[T](private val log: Logger, n: Int = 3, var w: W) extends Base[T](n) with Source {
  val size: Int = 3
  private var conn: Conn = null
  lazy val x = new Foo(1)
  def acquire(a: Int, b: Int = 2)(implicit c: String): Conn = { log.make(a) }
  def abs: Int
  type Alias = Map[String, Pool]
  def run(list: List[Foo], other: b.Conn): Unit = {
    val p = Pool(1)
    p.acquire(2).close()
    this.conn.get.m()
    super.run()
    list.foreach(it => it.m())
    for (y <- list; z = y.g) yield z.m()
    other match { case Foo(q) => q.m() ; case r: Bar => r.m() }
    p.size = 4
    list map f
    val g = (h: Foo) => h.m()
    other.m[Int](1)
    s"a ${p.n}"
  }
  def this(a: Int) = this(a, 1)
}
object Pool { val MAX = 3; def make(): Pool = new Pool(1) }
trait Source extends A with B { def f(a: Int*): Int }
case class D(a: Int, b: String)
enum E { case A, B; case C(x: Int) }
given ord: Ordering[Int] = make()
extension (p: Pool) def ext(a: Int) = p.m()
object Main extends App { println(1) }
def top(a: Int) = 1
"#;

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn types_and_members() {
    assert_lines(
        &symbols("scala", TEXT),
        r#"
        7 class Pool [exported abstract] "Keeps."
        7 field Pool.log: Logger
        7 field Pool.n: Int
        7 field Pool.w: W [exported]
        8 field Pool.size: Int [exported]
        9 field Pool.conn: Conn
        10 field Pool.x: =<Foo> [exported]
        11 method Pool.acquire/1-2: Conn [exported]
        12 method Pool.abs/0-0: Int [exported abstract accessor]
        13 type_alias Pool.Alias: Map[String,Pool] [exported]
        14 method Pool.run/2-2: Unit [exported]
        28 constructor Pool.this/1-1 [exported]
        30 class Pool [exported]
        30 field Pool.MAX: =<Int> [exported static]
        30 method Pool.make/0-0: Pool [exported static]
        31 trait Source [exported]
        31 method Source.f/0-*: Int [exported abstract]
        32 class D [exported]
        32 field D.a: Int [exported]
        32 field D.b: String [exported]
        33 enum E [exported]
        33 variant E.A [exported]
        33 variant E.B [exported]
        33 variant E.C [exported]
        33 field E.C.x: Int
        34 constant ord: Ordering[Int] [exported]
        35 method Pool.ext/1-1: =<Pool>.m() [exported]
        36 class Main [exported]
        37 function top/1-1: =<Int> [exported]
        "#,
    );
    assert_lines(
        &supertypes("scala", TEXT),
        "
        7 Pool extends Base
        7 Pool embeds Source
        31 Source extends A
        31 Source extends B
        36 Main extends App
        ",
    );
    assert_lines(&imports("scala", TEXT), "3 x.y.Z -\n4 x.y *\n5 x.y A\n5 x.y B as C");
    assert_eq!(facts("scala", TEXT).package.as_deref(), Some("a.b.c"));
}

#[test]
fn receivers_are_told_by_what_locals_are() {
    assert_lines(
        &references_of("scala", TEXT, &["call", "new"]),
        "
        10 new Foo/1 in Pool.x
        11 call log | make/1 in Pool.acquire
        15 call Pool/1 in Pool.run
        16 call Pool() | acquire/1 in Pool.run
        16 call Pool().acquire() | close/0 in Pool.run
        17 call this.conn.get | m/0 in Pool.run
        18 call super | run/0 in Pool.run
        19 call <List[Foo]> | foreach/1 in Pool.run
        19 call <List[Foo]>[] | m/0 in Pool.run
        20 call <List[Foo]>[].g | m/0 in Pool.run
        21 call ? | m/0 in Pool.run
        21 call <Bar> | m/0 in Pool.run
        23 call <List[Foo]> | map/1 in Pool.run
        24 call <Foo> | m/0 in Pool.run
        25 call <b.Conn> | m/1 in Pool.run
        30 new Pool/1 in Pool.make
        34 call make/0 in ord
        35 call <Pool> | m/0 in Pool.ext
        36 call println/1 in Main
        ",
    );
}
