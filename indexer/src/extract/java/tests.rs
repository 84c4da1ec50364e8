//! What is found in Java, on small texts.

use crate::extract::testing::{assert_lines, imports, references_of, signatures, supertypes, symbols};

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(super::GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn types_and_members() {
    let text = r#"
package a.b;

/** Keeps connections. */
@Service("x")
public final class Pool<T extends Base> extends Base<T> implements Closeable, c.Other {
  private static final int MAX = 4, MIN = 2;
  protected Conn[] conns = new Conn[3];
  Map<String, Conn> byName;
  public Pool(int n) throws IOException { super(n); }

  /**
   * Takes one.
   */
  @Override @Deprecated
  public Conn acquire(final int t, String... more) { int local = 1; return null; }
  <R> R generic(Class<R> c) { return null; }
  abstract static class Inner { abstract void f(); }
  interface Listener extends EventListener { int X = 1; void on(Event e); default void d() {} static void s() {} }
  enum Color implements Named { RED(1) { void x() {} }, GREEN; private final int v; Color(int v) { this.v = v; } }
  record Point(int x, List<Conn> y) implements Shape { Point { check(x); } }
  @interface Ann { String value() default "x"; }
  Runnable task = new Runnable() { public void run() {} };
}
class PoolTest { @Test void works() {} public static void main(String[] args) {} }
"#;
    assert_lines(
        &symbols("java", text),
        r#"
        6 class Pool [exported] "Keeps connections."
        7 constant Pool.MAX: int [static]
        7 constant Pool.MIN: int [static]
        8 field Pool.conns: Conn[]
        9 field Pool.byName: Map<String,Conn>
        10 constructor Pool.Pool/1-1 [exported]
        16 method Pool.acquire/1-*: Conn (int,String...) [exported deprecated] "Takes one."
        17 method Pool.generic/1-1: R (Class)
        18 class Pool.Inner [abstract]
        18 method Pool.Inner.f/0-0: void [abstract]
        19 interface Pool.Listener
        19 constant Pool.Listener.X: int [exported static]
        19 method Pool.Listener.on/1-1: void [exported abstract]
        19 method Pool.Listener.d/0-0: void [exported]
        19 method Pool.Listener.s/0-0: void [exported static]
        20 enum Pool.Color
        20 variant Pool.Color.RED: Color [exported]
        20 method Pool.Color.RED.x/0-0: void for Color
        20 variant Pool.Color.GREEN: Color [exported]
        20 field Pool.Color.v: int
        20 constructor Pool.Color.Color/1-1
        21 class Pool.Point
        21 property Pool.Point.x: int [exported accessor]
        21 property Pool.Point.y: List<Conn> [exported accessor]
        21 constructor Pool.Point.Point/2-2
        22 interface Pool.Ann
        22 method Pool.Ann.value/0-0: String [exported abstract]
        23 field Pool.task: Runnable
        23 method Pool.task.run/0-0: void [exported] for Runnable
        25 class PoolTest [test]
        25 method PoolTest.works/0-0: void [test]
        25 method PoolTest.main/1-1: void [exported test static entry]
        "#,
    );
    assert_lines(
        &signatures("java", text),
        r#"
        @Service("x") public final class Pool<T extends Base> extends Base<T> implements Closeable, c.Other
        MAX
        MIN
        protected Conn[] conns
        Map<String, Conn> byName
        public Pool(int n) throws IOException
        @Override @Deprecated public Conn acquire(final int t, String... more)
        <R> R generic(Class<R> c)
        abstract static class Inner
        abstract void f()
        interface Listener extends EventListener
        int X
        void on(Event e)
        default void d()
        static void s()
        enum Color implements Named
        RED(1)
        void x()
        GREEN
        private final int v
        Color(int v)
        record Point(int x, List<Conn> y) implements Shape
        int x
        List<Conn> y
        Point
        @interface Ann
        String value() default "x"
        Runnable task
        public void run()
        class PoolTest
        @Test void works()
        public static void main(String[] args)
        "#,
    );
    assert_lines(
        &supertypes("java", text),
        "
        6 Pool extends Base
        6 Pool implements Closeable
        6 Pool implements c.Other
        19 Listener extends EventListener
        20 Color implements Named
        21 Point implements Shape
        ",
    );
}

/// Each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = r#"
class Pool extends a.Base<T> {
  Pool() { this(1); }
  Pool(int n) { super(n, 2); }
  void run(Job job, String... more) {
    job.m();
    this.m();
    m();
    this.field.m();
    field.m();
    super.m(1);
    Pool.this.m();
    more[0].m();
    Conn c = new Conn(1);
    c.m();
    var d = new db.Conn(2);
    d.m();
    for (Conn x : conns) { x.m(); }
    for (var y : list) { y.m(); }
    try (Res r = open(); var s = open()) { r.m(); s.m(); } catch (DbException e) { e.m(); } catch (A | B e) { e.m(); }
    list.forEach(z -> z.m());
    list.map((Conn k) -> k.m());
    ((Conn) o).m();
    if (o instanceof Conn k && k.ok()) { k.m(); }
    switch (o) { case Conn q -> q.m(); case Rec(int a, Conn b) -> b.m(); default -> {} }
    Pool.make(1).m();
    a.b.Pool.make(2);
    get().m();
    "x".m();
    (a ? c : d).m();
    new Thread() { void run() { this.m(); m(); } }.start();
    new ArrayList<Conn>(3).get(0).m();
    { Job c = null; c.m(); }
    c.m();
  }
}
"#;
    assert_lines(
        &references_of("java", text, &["call", "new"]),
        "
        3 new  (<int>) | Pool/1 in Pool.Pool
        4 new a (<int>,<int>) | Base/2 in Pool.Pool
        6 call <Job> | m/0 in Pool.run
        7 call this | m/0 in Pool.run
        8 call m/0 in Pool.run
        9 call this.field | m/0 in Pool.run
        10 call field | m/0 in Pool.run
        11 call super (<int>) | m/1 in Pool.run
        12 call <Pool> | m/0 in Pool.run
        13 call <String[]>[] | m/0 in Pool.run
        14 new  (<int>) | Conn/1 in Pool.run
        15 call <Conn> | m/0 in Pool.run
        16 new db (<int>) | Conn/1 in Pool.run
        17 call <db.Conn> | m/0 in Pool.run
        18 call <Conn> | m/0 in Pool.run
        19 call list[] | m/0 in Pool.run
        20 call open/0 in Pool.run
        20 call open/0 in Pool.run
        20 call <Res> | m/0 in Pool.run
        20 call open() | m/0 in Pool.run
        20 call <DbException> | m/0 in Pool.run
        20 call ? | m/0 in Pool.run
        21 call list | forEach/1 in Pool.run
        21 call ? | m/0 in Pool.run
        22 call list | map/1 in Pool.run
        22 call <Conn> | m/0 in Pool.run
        23 call <Conn> | m/0 in Pool.run
        24 call <Conn> | ok/0 in Pool.run
        24 call <Conn> | m/0 in Pool.run
        25 call <Conn> | m/0 in Pool.run
        25 call <Conn> | m/0 in Pool.run
        26 call Pool (<int>) | make/1 in Pool.run
        26 call Pool.make() | m/0 in Pool.run
        27 call a.b.Pool (<int>) | make/1 in Pool.run
        28 call get/0 in Pool.run
        28 call get() | m/0 in Pool.run
        29 call <String> | m/0 in Pool.run
        30 call <Conn> | m/0 in Pool.run
        31 new Thread/0 in Pool.run
        31 call <Thread> | m/0 in Pool.run.run
        31 call m/0 in Pool.run.run
        31 call <Thread> | start/0 in Pool.run
        32 new  (<int>) | ArrayList/1 in Pool.run
        32 call <ArrayList<Conn>> (<int>) | get/1 in Pool.run
        32 call <ArrayList<Conn>>.get() | m/0 in Pool.run
        33 call <Job> | m/0 in Pool.run
        34 call <Conn> | m/0 in Pool.run
        ",
    );
}

#[test]
fn uses_that_are_no_calls() {
    let text = "
@Entity(name = NAME)
class Pool<T> {
  @Autowired List<Conn> list;
  @a.Marked T one(@NonNull Conn c, T t) throws DbException {
    c.size = LIMIT;
    this.n++;
    total += Color.RED.value;
    handle(Conn::new, this::close, Pool::make);
    Class<?> k = Conn.class;
    return a.b.C.FIELD;
  }
}
";
    assert_lines(
        &references_of("java", text, &["read", "write", "type", "decorate", "new"]),
        "
        2 decorate Entity in Pool
        2 read NAME in Pool
        4 decorate Autowired in Pool.list
        4 type List in Pool.list
        4 type Conn in Pool.list
        5 decorate a | Marked in Pool.one
        5 decorate NonNull in Pool.one
        5 type Conn in Pool.one
        5 type DbException in Pool.one
        6 write <Conn> | size in Pool.one
        6 read LIMIT in Pool.one
        7 write this | n in Pool.one
        8 write total in Pool.one
        8 type Color in Pool.one
        8 read Color | RED in Pool.one
        8 read Color.RED | value in Pool.one
        9 new Conn in Pool.one
        9 read this | close in Pool.one
        9 type Pool in Pool.one
        9 read Pool | make in Pool.one
        10 type Class in Pool.one
        10 type Conn in Pool.one
        11 read a in Pool.one
        11 read a | b in Pool.one
        11 read a.b | C in Pool.one
        11 read a.b.C | FIELD in Pool.one
        ",
    );
}

#[test]
fn what_a_file_imports() {
    let text = "
import java.util.List;
import java.util.*;
import static java.util.Collections.emptyList;
import static a.C.*;
";
    assert_lines(
        &imports("java", text),
        "
        2 java.util List
        3 java.util *
        4 java.util.Collections emptyList
        5 a.C *
        ",
    );
}

/// `send` of two classes, and of the class itself.
#[test]
fn same_names_are_told_apart() {
    let text = "
class A { void send() {} }
class B { void send() {} }
class C {
  void send() {}
  void f(A a, B b) {
    a.send();
    b.send();
    send();
    other.send();
  }
}
";
    assert_lines(
        &symbols("java", text),
        "
        2 class A
        2 method A.send/0-0: void
        3 class B
        3 method B.send/0-0: void
        4 class C
        5 method C.send/0-0: void
        6 method C.f/2-2: void
        ",
    );
    assert_lines(
        &references_of("java", text, &["call"]),
        "
        7 call <A> | send/0 in C.f
        8 call <B> | send/0 in C.f
        9 call send/0 in C.f
        10 call other | send/0 in C.f
        ",
    );
}

#[test]
fn arguments_and_overloads_are_told() {
    let text = r#"
class Pool<T> {
  int size(int[] all, T one, List<String>... more) { return 0; }
  void size() {}
  Pool(long n) {}
  Pool(final T[] n) {}
  void alone(int n) {}
  void run(int n, String[] words, T any) {
    size(1 + n, 2L, 'a', n > 1, !done, "a" + n, null, -1.5f, words.length << 2, (byte) n, any, words[0], n > 1 ? n : 2);
    size(any, any);
    alone(/* none */);
  }
}
"#;
    assert_lines(
        &references_of("java", text, &["call"]),
        "
        9 call  (<int>,<long>,<char>,<boolean>,<boolean>,<String>,<null>,<float>,<int>,<byte>,?,<String[]>[],<int>) | size/13 in Pool.run
        10 call size/2 in Pool.run
        11 call alone/0 in Pool.run
        ",
    );
    assert_lines(
        &symbols("java", text),
        "
        2 class Pool
        3 method Pool.size/2-*: int (int[],?,List...)
        4 method Pool.size/0-0: void ()
        5 constructor Pool.Pool/1-1: ? (long)
        6 constructor Pool.Pool/1-1: ? (?[])
        7 method Pool.alone/1-1: void
        8 method Pool.run/3-3: void
        ",
    );
}
