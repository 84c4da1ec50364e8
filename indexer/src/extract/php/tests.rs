//! What is found in PHP, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references_of, signatures, supertypes, symbols};

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn types_and_their_members() {
    let text = r#"<?php
namespace App\Db;
const MAX = 3;
define('OLD', 1);
/**
 * Keeps connections.
 */
#[Attr(1)]
abstract class Pool extends Base implements Source, \Countable {
    use Shared, Other { a as protected b; }
    public const int SIZE = 3, LEAST = 4;
    private ?Conn $conn = null;
    /** @var list<Conn> */
    public static array $all = [], $two;
    public $made = MAX;
    public function __construct(private readonly Logger $log, int $n = 3, ...$rest) { $local = 1; }
    abstract protected function open(): static;
    /** @return \App\Row|null */
    public static function make(string $url, &$b) {}
    function inferred() { return new Row(); }
    public string $hooked { get => $this->x; }
}
interface Source extends A, B { public function read(int ...$x): int; }
trait Shared { }
enum Suit: string implements HasColor { case Hearts = 'H'; case Spades = 'S'; const X = 1; }
/** @deprecated */
function top(int|string $a, ?Foo $c = null): ?Foo { function inner() {} }
class PoolTest extends TestCase { public function testIt() {} public function setUp(): void {}
  #[Route('/')] public function web() {} }
$global = new class(1) extends Base { public function m() {} };
"#;
    assert_lines(
        &symbols("php", text),
        r#"
        3 constant MAX: =<int> [exported]
        4 constant OLD [exported]
        9 class Pool [exported abstract] "Keeps connections."
        11 constant Pool.SIZE: int [exported]
        11 constant Pool.LEAST: int [exported]
        12 field Pool.conn: ?Conn
        14 field Pool.all: list<Conn> [exported static] "@var list<Conn>"
        14 field Pool.two: list<Conn> [exported static] "@var list<Conn>"
        15 field Pool.made: =MAX [exported]
        16 constructor Pool.__construct/1-* [exported]
        16 field Pool.log: Logger
        17 method Pool.open/0-0: Self [abstract]
        19 method Pool.make/2-2: App\Row|null [exported static] "@return \App\Row|null"
        20 method Pool.inferred/0-0: =<Row> [exported]
        21 property Pool.hooked: string [exported accessor]
        23 interface Source [exported]
        23 method Source.read/0-*: int [exported abstract]
        24 trait Shared [exported]
        25 enum Suit [exported]
        25 variant Suit.Hearts [exported]
        25 variant Suit.Spades [exported]
        25 constant Suit.X: =<int> [exported]
        27 function top/1-2: ?Foo [exported deprecated] "@deprecated"
        27 function top.inner/0-0 [exported]
        28 class PoolTest [exported test]
        28 method PoolTest.testIt/0-0 [exported test]
        28 method PoolTest.setUp/0-0: void [exported]
        29 method PoolTest.web/0-0 [exported entry]
        30 class class@anonymous
        30 method class@anonymous.m/0-0 [exported]
        "#,
    );
    assert_lines(
        &supertypes("php", text),
        "
        9 Pool extends Base
        9 Pool implements Source
        9 Pool implements Countable
        10 Pool embeds Shared
        10 Pool embeds Other
        23 Source extends A
        23 Source extends B
        25 Suit implements HasColor
        28 PoolTest extends TestCase
        30 class@anonymous extends Base
        ",
    );
    assert!(signatures("php", text).contains("\nabstract class Pool extends Base implements Source, \\Countable\n"));
}

/// Receivers are what the resolver lives on: each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_variables_are() {
    let text = r#"<?php
class A extends B {
  /** @param Row[] $rows */
  function f(Pool $a, ?Db\Conn $b, $c, array $rows, $d = new Pool(1)) {
    $a->m(1);
    $b?->m(...$z);
    $c->m();
    $d->m();
    foreach ($rows as $k => $row) { $row->m($k); }
    $x = \App\Pool::make(1)->sub;
    $x->m();
    [$y, $z] = [new Pool(), g()];
    $y->m(); $z->m();
    $this->conn->m();
    self::m(); static::m(); parent::m();
    try {} catch (X | Y $e) { $e->m(); }
    $fn = fn(Pool $q) => $q->m($a->n());
    $g = function ($p) use ($a): Bar { $p->m(); $a->m(); $x->m(); };
    if ($c instanceof Pool && $c->ok()) { $c->m(); } else { $c->m(); }
    (new Foo)->m();
    $dyn(1); $this->$dyn();
    strlen(...);
    \App\g(); namespace\h();
    new static(); new self(2);
    clone($a)->m();
    ($c ?? $a)->m();
    $all[0]->m();
    /** @var Row $w */
    $w = any();
    $w->m();
    "{$a->p} $a->q";
  }
}
"#;
    assert_lines(
        &references_of("php", text, &["call", "new"]),
        r"
        4 new Pool/1 in A.f
        5 call <Pool> | m/1 in A.f
        6 call <?Db\Conn> | m in A.f
        7 call ? | m/0 in A.f
        8 call <Pool> | m/0 in A.f
        9 call <Row[]>[] | m/1 in A.f
        10 call App\Pool | make/1 in A.f
        11 call App\Pool::make().sub | m/0 in A.f
        12 new Pool/0 in A.f
        12 call g/0 in A.f
        13 call <Pool> | m/0 in A.f
        13 call g() | m/0 in A.f
        14 call this.conn | m/0 in A.f
        15 call Self | m/0 in A.f
        15 call Self | m/0 in A.f
        15 call super | m/0 in A.f
        16 call <X|Y> | m/0 in A.f
        17 call <Pool> | m/1 in A.f
        17 call <Pool> | n/0 in A.f
        18 call ? | m/0 in A.f
        18 call <Pool> | m/0 in A.f
        18 call ? | m/0 in A.f
        19 call ? | ok/0 in A.f
        19 call <Pool> | m/0 in A.f
        19 call ? | m/0 in A.f
        20 new Foo/0 in A.f
        20 call <Foo> | m/0 in A.f
        23 call App | g/0 in A.f
        23 call h/0 in A.f
        24 new static/0 in A.f
        24 new self/1 in A.f
        25 call <Pool> | m/0 in A.f
        26 call <Pool> | m/0 in A.f
        27 call ?[] | m/0 in A.f
        29 call any/0 in A.f
        30 call <Row> | m/0 in A.f
        ",
    );
}

#[test]
fn uses_that_are_no_calls() {
    let text = r#"<?php
#[Cached(1)]
function f(Pool|int $a, self $b): Db\Conn {
  $a->size = Foo::LIMIT;
  Foo::$all[] = MAX;
  return [Foo::class, 'cb'] + [$this, 'cb'] + Suit::A;
}
"#;
    assert_lines(
        &references_of("php", text, &["read", "write", "type", "decorate"]),
        r"
        2 decorate Cached/1 in f
        3 type Pool in f
        3 type Db | Conn in f
        4 write <Pool|int> | size in f
        4 read Foo in f
        4 read Foo | LIMIT in f
        5 read Foo in f
        5 read Foo | all in f
        5 read MAX in f
        6 read Foo in f
        6 read Foo | cb in f
        6 read this | cb in f
        6 read Suit in f
        6 read Suit | A in f
        ",
    );
}

#[test]
fn uses_of_other_files() {
    let text = r"<?php
namespace App;
use App\Log\{Logger, Inner\Writer as W};
use function App\helper;
use const App\LIMIT;
use Foo\Bar as Baz, Qux;
use function App\{a, b as c};
require_once __DIR__ . '/lib.php';
include 'x/y.php';
";
    assert_lines(
        &imports("php", text),
        r"
        3 App\Log\Logger -
        3 App\Log\Inner\Writer - as W
        4 App helper
        5 App LIMIT
        6 Foo\Bar - as Baz
        6 Qux -
        7 App a
        7 App b as c
        8 lib.php *
        9 x/y.php *
        ",
    );
    assert_eq!(crate::extract::testing::facts("php", text).package.as_deref(), Some("App"));
}
