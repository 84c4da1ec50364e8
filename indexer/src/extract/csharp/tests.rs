//! What is found in C#, on small texts.

use crate::extract::testing::{assert_lines, imports, references_of, signatures, supertypes, symbols};

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(super::GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn types_and_members() {
    let text = r#"
namespace App.Db {
  /// <summary>
  /// Keeps connections.
  /// </summary>
  [Service("x")]
  public sealed partial class Pool<T> : Base<T>, IDisposable where T : class {
    private const int Max = 4, Min = 2;
    public static readonly Conn Shared = new Conn(1);
    protected Conn[] conns;
    public event EventHandler Changed;
    public event Action Other { add { } remove { } }
    public int Size { get; private set; } = 3;
    public Conn First => conns[0];
    public Conn this[int i] { get { return conns[i]; } }
    public Pool(int n, string s = "x") : base(n) { }
    ~Pool() { }
    // Takes one.
    [Obsolete] public async Task<Conn> AcquireAsync(int t, params string[] more) { int local = 1; int Inner(int a) => a; }
    public static bool operator ==(Pool<T> a, Pool<T> b) => true;
    public static implicit operator int(Pool<T> p) => 1;
    void IDisposable.Dispose() { }
    public abstract void Abs();
    enum Color : byte { Red = 1, Green }
  }
  public interface IThing : IOther { void Do(int x); int P { get; } }
  public record Point(int X, int Y) : Shape(X);
  public record struct Pair(int A);
  public struct Plain : IThing { public int f; }
  public delegate int Callback(string s);
  public static class Extensions { public static int Twice(this Pool p, int k) => k; }
}
namespace App.Other { class PoolTests { [Fact] void Works() { } static void Main() { } } }
"#;
    assert_lines(
        &symbols("c#", text),
        r#"
        7 class Pool [exported] "Keeps connections."
        8 constant Pool.Max: int [static]
        8 constant Pool.Min: int [static]
        9 field Pool.Shared: Conn [exported static]
        10 field Pool.conns: Conn[]
        11 property Pool.Changed: EventHandler [exported]
        12 property Pool.Other: Action [exported accessor]
        13 property Pool.Size: int [exported accessor]
        14 property Pool.First: Conn [exported accessor]
        15 property Pool.this[]: Conn [exported accessor]
        16 constructor Pool.Pool/1-2 [exported]
        17 method Pool.~Pool/0-0
        19 method Pool.AcquireAsync/1-*: Task<Conn> [exported async deprecated] "Takes one."
        19 function Pool.AcquireAsync.Inner/1-1: int
        20 method Pool.operator ==/2-2: bool [exported static]
        21 method Pool.operator int/1-1: int [exported static]
        22 method Pool.Dispose/0-0: void for IDisposable
        23 method Pool.Abs/0-0: void [exported abstract]
        24 enum Pool.Color
        24 variant Pool.Color.Red: Color [exported]
        24 variant Pool.Color.Green: Color [exported]
        26 interface IThing [exported]
        26 method IThing.Do/1-1: void [exported abstract]
        26 property IThing.P: int [exported accessor]
        27 class Point [exported]
        27 property Point.X: int [exported accessor]
        27 property Point.Y: int [exported accessor]
        28 struct Pair [exported]
        28 property Pair.A: int [exported accessor]
        29 struct Plain [exported]
        29 field Plain.f: int [exported]
        30 type_alias Callback [exported]
        31 class Extensions [exported]
        31 method Extensions.Pool.Twice/1-2: int [exported static]
        33 module App.Other [exported]
        33 class App.Other.PoolTests [test]
        33 method App.Other.PoolTests.Works/0-0: void [test]
        33 method App.Other.PoolTests.Main/0-0: void [test static entry]
        "#,
    );
    assert_lines(
        &signatures("c#", text),
        r#"
        [Service("x")] public sealed partial class Pool<T> : Base<T>, IDisposable where T : class
        Max
        Min
        public static readonly Conn Shared
        protected Conn[] conns
        public event EventHandler Changed
        public event Action Other
        public int Size
        public Conn First
        public Conn this[int i]
        public Pool(int n, string s = "x")
        ~Pool()
        [Obsolete] public async Task<Conn> AcquireAsync(int t, params string[] more)
        int Inner(int a)
        public static bool operator ==(Pool<T> a, Pool<T> b)
        public static implicit operator int(Pool<T> p)
        void IDisposable.Dispose()
        public abstract void Abs()
        enum Color : byte
        Red = 1
        Green
        public interface IThing : IOther
        void Do(int x)
        int P
        public record Point(int X, int Y) : Shape(X)
        int X
        int Y
        public record struct Pair(int A)
        int A
        public struct Plain : IThing
        public int f
        public delegate int Callback(string s)
        public static class Extensions
        public static int Twice(this Pool p, int k)
        namespace App.Other
        class PoolTests
        [Fact] void Works()
        static void Main()
        "#,
    );
    assert_lines(
        &supertypes("c#", text),
        "
        7 Pool extends Base
        7 Pool implements IDisposable
        26 IThing extends IOther
        27 Point extends Shape
        29 Plain implements IThing
        ",
    );
}

/// Each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = "
namespace App;
class Pool : Base<int> {
  Pool() : this(1) { }
  Pool(int n) : base(n, 2) { }
  async Task Run(Job job, Action done, params Conn[] more) {
    job.M();
    this.M();
    M();
    this.field.M();
    field.M();
    base.M(1);
    more[0].M();
    done();
    Conn c = new Conn(1);
    c.M();
    var d = new Db.Conn(2);
    d?.M();
    Conn e = new(3);
    e.M();
    foreach (var x in list) { x.M(); }
    foreach (Conn y in list) { y.M(); }
    using (var r = Open()) { r.M(); }
    using var q = Open();
    q.M();
    try { } catch (DbException f) when (f.Bad()) { f.M(); }
    list.ForEach(z => z.M());
    list.Select((Conn k) => k.M());
    ((Conn)o).M();
    (o as Conn).M();
    if (o is Conn w && w.Ok()) { w.M(); }
    switch (o) { case Conn v: v.M(); break; }
    var s = o switch { Job u => u.M(), { X: 1 } => 2, _ => 3 };
    (await GetAsync()).M();
    Pool<int>.Make(1).M();
    Generic<int>(2);
    c.Gen<Conn>(3);
    if (Try(out Conn n)) { n.M(); }
    var (p, g) = Pair();
    g.M();
    int Local(int a) { return a; }
    Local(1);
    from i in items where i.M() select i.N();
    { Job c = null; c.M(); }
    c.M();
  }
}
";
    assert_lines(
        &references_of("c#", text, &["call", "new"]),
        "
        4 new Pool/1 in Pool.Pool
        5 new Base/2 in Pool.Pool
        7 call <Job> | M/0 in Pool.Run
        8 call this | M/0 in Pool.Run
        9 call M/0 in Pool.Run
        10 call this.field | M/0 in Pool.Run
        11 call field | M/0 in Pool.Run
        12 call super | M/1 in Pool.Run
        13 call <Conn[]>[] | M/0 in Pool.Run
        15 new Conn/1 in Pool.Run
        16 call <Conn> | M/0 in Pool.Run
        17 new Db | Conn/1 in Pool.Run
        18 call <Db.Conn> | M/0 in Pool.Run
        19 new Conn/1 in Pool.Run
        20 call <Conn> | M/0 in Pool.Run
        21 call list[] | M/0 in Pool.Run
        22 call <Conn> | M/0 in Pool.Run
        23 call Open/0 in Pool.Run
        23 call Open() | M/0 in Pool.Run
        24 call Open/0 in Pool.Run
        25 call Open() | M/0 in Pool.Run
        26 call <DbException> | Bad/0 in Pool.Run
        26 call <DbException> | M/0 in Pool.Run
        27 call list | ForEach/1 in Pool.Run
        27 call ? | M/0 in Pool.Run
        28 call list | Select/1 in Pool.Run
        28 call <Conn> | M/0 in Pool.Run
        29 call <Conn> | M/0 in Pool.Run
        30 call <Conn> | M/0 in Pool.Run
        31 call <Conn> | Ok/0 in Pool.Run
        31 call <Conn> | M/0 in Pool.Run
        32 call <Conn> | M/0 in Pool.Run
        33 call <Job> | M/0 in Pool.Run
        34 call GetAsync/0 in Pool.Run
        34 call GetAsync().await | M/0 in Pool.Run
        35 call Pool<int> | Make/1 in Pool.Run
        35 call Pool<int>.Make() | M/0 in Pool.Run
        36 call Generic/1 in Pool.Run
        37 call <Conn> | Gen/1 in Pool.Run
        38 call Try/1 in Pool.Run
        38 call <Conn> | M/0 in Pool.Run
        39 call Pair/0 in Pool.Run
        40 call Pair().1 | M/0 in Pool.Run
        42 call Local/1 in Pool.Run
        43 call items[] | M/0 in Pool.Run
        43 call items[] | N/0 in Pool.Run
        44 call <Job> | M/0 in Pool.Run
        45 call <Conn> | M/0 in Pool.Run
        ",
    );
}

#[test]
fn uses_that_are_no_calls() {
    let text = "
[Table(Name = NAME)]
class Pool<T> where T : IThing {
  [Inject] List<Conn> list;
  T One([NotNull] Conn? c, T t) {
    c.Size = Limit;
    Count++;
    Changed += OnChanged;
    var made = new Pool<int> { Size = 3, Name = c };
    return Color.Red + typeof(Conn) + nameof(Size);
  }
}
";
    assert_lines(
        &references_of("c#", text, &["read", "write", "type", "decorate", "new"]),
        "
        2 decorate Table in Pool
        2 read NAME in Pool
        3 type IThing in Pool
        4 decorate Inject in Pool.list
        4 type List in Pool.list
        4 type Conn in Pool.list
        5 decorate NotNull in Pool.One
        5 type Conn in Pool.One
        6 write <Conn> | Size in Pool.One
        6 read Limit in Pool.One
        7 write Count in Pool.One
        8 write Changed in Pool.One
        8 read OnChanged in Pool.One
        9 new Pool/0 in Pool.One
        9 write <Pool<int>> | Size in Pool.One
        9 write <Pool<int>> | Name in Pool.One
        10 type Color in Pool.One
        10 read Color | Red in Pool.One
        10 type Conn in Pool.One
        10 read Size in Pool.One
        ",
    );
}

#[test]
fn usings() {
    let text = "
global using Foo.Bar;
using System;
using static System.Math;
using Text = System.Text.StringBuilder;
";
    assert_lines(
        &imports("c#", text),
        "
        2 Foo.Bar *
        3 System *
        4 System.Math *
        5 System.Text StringBuilder as Text
        ",
    );
}

/// `Send` of two classes, and of the class itself.
#[test]
fn same_names_are_told_apart() {
    let text = "
class A { void Send() { } }
class B { void Send() { } }
class C {
  void Send() { }
  void F(A a, B b, Action Send2) {
    a.Send();
    b.Send();
    Send();
    Send2();
    other.Send();
  }
}
";
    assert_lines(
        &symbols("c#", text),
        "
        2 class A
        2 method A.Send/0-0: void
        3 class B
        3 method B.Send/0-0: void
        4 class C
        5 method C.Send/0-0: void
        6 method C.F/3-3: void
        ",
    );
    assert_lines(
        &references_of("c#", text, &["call"]),
        "
        7 call <A> | Send/0 in C.F
        8 call <B> | Send/0 in C.F
        9 call Send/0 in C.F
        11 call other | Send/0 in C.F
        ",
    );
}
