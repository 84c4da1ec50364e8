//! What is found in C++, on small texts.

use crate::extract::testing::{assert_lines, imports, references, references_of, supertypes, symbols};

#[test]
fn classes_namespaces_and_templates() {
    let text = r#"
namespace a::b {
namespace { int hidden; }
template <typename T>
concept Small = sizeof(T) < 4;
/// Keeps connections.
template <typename T>
class Pool final : public Base<T>, protected virtual ns::Other {
public:
  Pool();
  explicit Pool(int n) : size_(n), Base(n) {}
  virtual ~Pool() = default;
  Conn* acquire(int t = 1) const override;
  static Pool make();
  bool operator==(const Pool& o) const;
  operator bool() const;
  virtual void pure() = 0;
  template <class U> U map(U u, Args... more);
  enum class Color : int { Red, Green };
private:
  int size_ = 3;
  std::unique_ptr<Conn> conn_;
  Conn many_[4];
  static constexpr int kMax = 4;
  using Ptr = T*;
  struct Inner { int x; };
};
template <typename T>
Conn* Pool<T>::acquire(int t) const { return nullptr; }
}
a::Pool::~Pool() {}
bool a::Pool::operator==(const Pool& o) const { return true; }
int a::Pool::count = 0;
auto trail(int x) -> Conn*;
struct Plain : Base {};
class API_EXPORT Marked : public Base { void m(); };
using Table = std::map<int, Pool*>;
extern "C" { int cfun(void); }
[[deprecated]] void old() {}
TEST_F(Suite, Name) { check(); }
"#;
    assert_lines(
        &symbols("c++", text),
        r#"
        2 module a [exported]
        2 module a.b [exported]
        3 variable a.b.hidden: int
        5 interface a.b.Small [exported]
        8 class a.b.Pool [exported] "Keeps connections."
        10 constructor a.b.Pool.Pool/0-0 [exported declaration]
        11 constructor a.b.Pool.Pool/1-1 [exported]
        12 method a.b.Pool.~Pool/0-0 [exported]
        13 method a.b.Pool.acquire/0-1: Conn [exported declaration]
        14 method a.b.Pool.make/0-0: Pool [exported static declaration]
        15 method a.b.Pool.operator==/1-1: bool [exported declaration]
        16 method a.b.Pool.operator bool/0-0: bool [exported declaration]
        17 method a.b.Pool.pure/0-0: void [exported abstract]
        18 method a.b.Pool.map/1-*: U [exported declaration]
        19 enum a.b.Pool.Color [exported]
        19 variant a.b.Pool.Color.Red [exported]
        19 variant a.b.Pool.Color.Green [exported]
        21 field a.b.Pool.size_: int
        22 field a.b.Pool.conn_: std::unique_ptr<Conn>
        23 field a.b.Pool.many_: Conn[]
        24 field a.b.Pool.kMax: int [static]
        25 type_alias a.b.Pool.Ptr: T
        26 struct a.b.Pool.Inner
        26 field a.b.Pool.Inner.x: int [exported]
        29 method a.b.Pool.acquire/1-1: Conn [exported]
        31 method a::Pool.~Pool/0-0 [exported]
        32 method a::Pool.operator==/1-1: bool [exported]
        33 field a::Pool.count: int [exported]
        34 function trail/1-1: Conn [exported declaration]
        35 struct Plain [exported]
        36 class Marked [exported]
        36 method Marked.m/0-0: void [declaration]
        37 type_alias Table: std::map<int,Pool> [exported]
        38 function cfun/0-0: int [exported declaration]
        39 function old/0-0: void [exported deprecated]
        40 function Suite.Name/0-* [exported test entry]
        "#,
    );
    assert_lines(
        &supertypes("c++", text),
        "
        8 Pool extends Base
        8 Pool extends ns::Other
        35 Plain extends Base
        36 Marked extends Base
        ",
    );
}

/// Each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = r#"
void Pool::run(Job& job, std::shared_ptr<Conn> s, T* t) {
  job.m();
  this->m();
  this->conn_.m();
  conn_->m();
  s->m();
  s.reset();
  auto c = new Conn(1);
  c->m();
  auto p = std::make_unique<Conn>(2);
  p->m();
  Conn d(3);
  d.m();
  ns::Conn e{4};
  e.m();
  Conn g = make();
  g.m();
  auto h = Pool::make();
  h.m();
  std::vector<Conn> list;
  for (auto& x : list) x.m();
  for (const Conn& x : other) x.m();
  Conn array[2];
  array[0].m();
  auto fn = [&, k = get()](Job j) { j.m(); k.m(); c->m(); };
  fn(1);
  static_cast<Conn*>(q)->m();
  dynamic_cast<ns::Conn&>(q).m();
  std::move(d).m();
  (*p).m();
  auto [u, v] = pair();
  v.m();
  if (auto it = find(1); it) it->second.m();
  try { } catch (const Error& e) { e.m(); }
  helper<int>(3);
  job.tmpl<Conn>(4);
  ::global(5);
  a::b::free(6);
  throw Error("x");
}
"#;
    assert_lines(
        &references_of("c++", text, &["call", "new", "macro"]),
        "
        3 call <Job> | m/0 in Pool.run
        4 call this | m/0 in Pool.run
        5 call this.conn_ | m/0 in Pool.run
        6 call conn_ | m/0 in Pool.run
        7 call <Conn> | m/0 in Pool.run
        8 call <std::shared_ptr<Conn>> | reset/0 in Pool.run
        9 new Conn/1 in Pool.run
        10 call <Conn> | m/0 in Pool.run
        11 call std | make_unique/1 in Pool.run
        12 call <Conn> | m/0 in Pool.run
        13 new Conn/1 in Pool.run
        14 call <Conn> | m/0 in Pool.run
        15 new ns | Conn/1 in Pool.run
        16 call <ns::Conn> | m/0 in Pool.run
        17 call make/0 in Pool.run
        18 call <Conn> | m/0 in Pool.run
        19 call Pool | make/0 in Pool.run
        20 call Pool::make() | m/0 in Pool.run
        22 call <std::vector<Conn>>[] | m/0 in Pool.run
        23 call <Conn> | m/0 in Pool.run
        25 call <Conn[]>[] | m/0 in Pool.run
        26 call get/0 in Pool.run
        26 call <Job> | m/0 in Pool.run
        26 call get() | m/0 in Pool.run
        26 call <Conn> | m/0 in Pool.run
        28 call <Conn> | m/0 in Pool.run
        29 call <ns::Conn> | m/0 in Pool.run
        30 call std | move/1 in Pool.run
        30 call <Conn> | m/0 in Pool.run
        31 call <Conn> | m/0 in Pool.run
        32 call pair/0 in Pool.run
        33 call pair().1 | m/0 in Pool.run
        34 call find/1 in Pool.run
        34 call find().second | m/0 in Pool.run
        35 call <Error> | m/0 in Pool.run
        36 call helper/1 in Pool.run
        37 call <Job> | tmpl/1 in Pool.run
        38 call global/1 in Pool.run
        39 call a::b | free/1 in Pool.run
        40 call Error/1 in Pool.run
        ",
    );
}

#[test]
fn uses_that_are_no_calls() {
    let text = "
template <class T>
Conn* f(const Pool<T>& p, T t) {
  p.size = Color::Red;
  Pool<Conn>::count++;
  ns::kMax;
  return p.first;
}
Pool::Pool() : size_(LIMIT) {}
";
    assert_lines(
        &references_of("c++", text, &["read", "write", "type"]),
        "
        3 type Conn in f
        3 type Pool in f
        4 write <Pool<T>> | size in f
        4 type Color in f
        4 read Color | Red in f
        5 type Pool in f
        5 type Conn in f
        5 write Pool<Conn> | count in f
        6 type ns in f
        6 type ns | kMax in f
        7 read <Pool<T>> | first in f
        9 write this | size_ in Pool.Pool
        9 read LIMIT in Pool.Pool
        ",
    );
}

#[test]
fn includes_and_using() {
    let text = r#"
#include <vector>
#include "pool.h"
using namespace std;
using ns::Thing;
namespace fs = std::filesystem;
"#;
    assert_lines(
        &imports("c++", text),
        r#"
        2 <vector> -
        3 "pool.h" -
        4 std *
        5 ns Thing
        6 std::filesystem - as fs
        "#,
    );
}

#[test]
fn same_names_are_told_apart() {
    let text = "
struct A { void send() {} };
struct B { void send() { helper(); } void helper(); };
void send();
void f(A a, B* b) {
  a.send();
  b->send();
  send();
  A::send();
}
";
    assert_lines(
        &symbols("c++", text),
        "
        2 struct A [exported]
        2 method A.send/0-0: void [exported]
        3 struct B [exported]
        3 method B.send/0-0: void [exported]
        3 method B.helper/0-0: void [exported declaration]
        4 function send/0-0: void [exported declaration]
        5 function f/2-2: void [exported]
        ",
    );
    assert_lines(
        &references_of("c++", text, &["call"]),
        "
        3 call helper/0 in B.send
        6 call <A> | send/0 in f
        7 call <B> | send/0 in f
        8 call send/0 in f
        9 call A | send/0 in f
        ",
    );
}

#[test]
fn annotations_of_locks_are_used_where_they_stand() {
    let text = "class Pool {\n  void close() EXCLUSIVE_LOCKS_REQUIRED(mutex_);\n  int n_ GUARDED_BY(mutex_);\n};\n#define GUARDED_BY(x) guard(x)\n";
    let found = references("c++", text);
    assert!(found.contains("2 call EXCLUSIVE_LOCKS_REQUIRED"), "{found}");
    assert!(found.contains("3 call GUARDED_BY in Pool.n_"), "{found}");
    assert!(!found.contains("5 call GUARDED_BY"), "{found}");
}

#[test]
fn arguments_that_read_like_parameters() {
    let text = "
void Block::f() {
  Slice input(rep_);
  Slice key(user_key(input), a::make(input, this), a::kMax);
  std::function<Status(int)> later;
  Slice other(int n);
}
";
    assert_lines(
        &references("c++", text),
        "
        3 new Slice/1 in Block.f
        3 read rep_ in Block.f
        4 new Slice/3 in Block.f
        4 call user_key/1 in Block.f
        4 type a in Block.f
        4 call a | make/2 in Block.f
        4 type a in Block.f
        4 read a | kMax in Block.f
        5 type std | function in Block.f
        5 type Status in Block.f
        6 new Slice/1 in Block.f
        ",
    );
}

#[test]
fn prototypes_in_functions_and_lost_declarations_call_nothing() {
    let text = "\
void f() {
  extern int cb(Fill(int));
}
extern int foo13 __P((int, char *)) foo14(int);
";
    assert_lines(&references_of("cc", text, &["call"]), "4 call __P");
}

#[test]
fn macros_with_names_are_left_where_they_stand() {
    let text = "\
/*
  DECLARE_FOO(\"bar\")
  int x = bar();
*/
DEFINE_LATEST_GETTER(version, fresh) { return 1; }
int g() {
  WITH_LOCK(get(1))
  int y = get(2);
}
";
    let found = references_of("cc", text, &["call"]);
    assert!(
        !found.contains("DECLARE_FOO") && found.contains("7 call get/1") && found.contains("8 call get/1"),
        "{found}"
    );
    assert!(symbols("cc", text).contains("version") && !symbols("cc", text).contains("fresh"));
}
