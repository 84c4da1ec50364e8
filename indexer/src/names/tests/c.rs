//! C and C++.

use crate::names::testing::{Repository, assert_lines};

const C: &str = r#"
== include/db.h
struct conn { int fd; };
struct ops { void (*close)(struct conn *); };
struct pool { struct conn *first; struct ops ops; };
DB_API struct pool *db_open(void);
void db_close(struct pool *pool);
== src/db.c
#include "db.h"
static void helper(struct pool *pool) {}
struct pool *db_open(void) { struct pool *p = 0; helper(p); return p; }
void db_close(struct pool *pool) { helper(pool); pool->ops.close(pool->first); }
== src/queue.c
#include "db.h"
static void helper(int n) {}
void db_queue(void) { helper(1); db_close(db_open()); }
== app/main.c
#include <db.h>
#define SHUT(p) db_close(p)
static void db_queue_all(void) {}
int main(void) { struct pool *p = db_open(); SHUT(p); db_queue_all(); return 0; }
"#;

#[test]
fn callers_of_namesakes_are_told_apart_in_c() {
    assert_lines(
        &Repository::new(C).calls(),
        "
    app/main.c:2 db_close call in SHUT -> src/db.c#db_close import 99
    app/main.c:4 db_open call in main -> src/db.c#db_open import 99
    app/main.c:4 SHUT call in main -> app/main.c#SHUT file 99
    app/main.c:4 db_queue_all call in main -> app/main.c#db_queue_all file 99
    src/db.c:3 helper call in db_open -> src/db.c#helper file 99
    src/db.c:4 helper call in db_close -> src/db.c#helper file 99
    src/db.c:4 close call in db_close -> include/db.h#ops.close receiver 99
    src/queue.c:3 helper call in db_queue -> src/queue.c#helper file 99
    src/queue.c:3 db_close call in db_queue -> src/db.c#db_close import 99
    src/queue.c:3 db_open call in db_queue -> src/db.c#db_open import 99
    ",
    );
}

const PLUS: &str = r#"
== db/base.h
#pragma once
namespace db { class Conn; class Pool;
class Base {
 public:
  virtual ~Base();
  void check();
  virtual void close() = 0;
};
}
== db/pool.h
#include "db/base.h"
#include <memory>
#include <vector>
namespace db {
struct Conn { void close(); };
class Pool : public Base {
 public:
  static Pool* make();
  Conn* acquire();
  void close() override;
 private:
  std::vector<Conn> conns_;
  std::unique_ptr<Conn> first_;
};
Pool* open();
}
== db/pool.cc
#include "db/pool.h"
namespace db {
Pool* open() { return new Pool(); }
Pool* Pool::make() { return open(); }
Conn* Pool::acquire() {
  check();
  for (auto& conn : conns_) { conn.close(); }
  first_->close();
  return first_.get();
}
void Pool::close() { acquire()->close(); }
void Conn::close() {}
}
void db::Base::check() { close(); }
== queue/queue.h
namespace queue {
class Queue { public: void acquire() {} void close() {} };
Queue open();
}
== app/main.cc
#include "db/pool.h"
#include "queue/queue.h"
using db::Pool;
class Service {
 public:
  explicit Service(Pool* pool) : pool_(pool) {}
  db::Conn* acquire() { return pool_->acquire(); }
  void close() { this->queue_.close(); acquire()->close(); }
 private:
  Pool* pool_;
  queue::Queue queue_;
};
void run(db::Pool& pool) {
  pool.acquire()->close();
  auto q = queue::open();
  q.close();
  auto made = std::make_unique<Service>(&pool);
  made->close();
  db::Pool* p = db::open();
  p->check();
  Pool::make()->close();
  Service service(p);
  service.acquire();
}
"#;

#[test]
fn callers_of_namesakes_are_told_apart_in_cpp() {
    assert_lines(
        &Repository::new(PLUS).calls(),
        "
    app/main.cc:7 acquire call in Service.acquire -> db/pool.cc#db.Pool.acquire receiver 99
    app/main.cc:8 close call in Service.close -> queue/queue.h#queue.Queue.close receiver 99
    app/main.cc:8 acquire call in Service.close -> app/main.cc#Service.acquire own 99
    app/main.cc:8 close call in Service.close -> db/pool.cc#db.Conn.close receiver 99
    app/main.cc:14 acquire call in run -> db/pool.cc#db.Pool.acquire receiver 99
    app/main.cc:14 close call in run -> db/pool.cc#db.Conn.close receiver 99
    app/main.cc:15 open call in run -> queue/queue.h#queue.open qualified 99
    app/main.cc:16 close call in run -> queue/queue.h#queue.Queue.close receiver 99
    app/main.cc:18 close call in run -> app/main.cc#Service.close receiver 99
    app/main.cc:19 open call in run -> db/pool.cc#db.open qualified 99
    app/main.cc:20 check call in run -> db/pool.cc#db::Base.check receiver 99
    app/main.cc:21 make call in run -> db/pool.cc#db.Pool.make qualified 99
    app/main.cc:21 close call in run -> db/pool.cc#db.Pool.close receiver 99
    app/main.cc:22 Service new in run -> app/main.cc#Service file 99
    app/main.cc:23 acquire call in run -> app/main.cc#Service.acquire receiver 99
    db/pool.cc:3 Pool new in db.open -> db/pool.h#db.Pool file 99
    db/pool.cc:4 open call in db.Pool.make -> db/pool.cc#db.open file 99
    db/pool.cc:6 check call in db.Pool.acquire -> db/pool.cc#db::Base.check own 99
    db/pool.cc:7 close call in db.Pool.acquire -> db/pool.cc#db.Conn.close receiver 99
    db/pool.cc:8 close call in db.Pool.acquire -> db/pool.cc#db.Conn.close receiver 99
    db/pool.cc:11 acquire call in db.Pool.close -> db/pool.cc#db.Pool.acquire own 99
    db/pool.cc:11 close call in db.Pool.close -> db/pool.cc#db.Conn.close receiver 99
    db/pool.cc:14 close call in db::Base.check -> db/base.h#db.Base.close own 99
    ",
    );
}

const BUILDS: &str = r#"
== lib/log.h
#ifdef LOUD
#define LOG(text) print(text)
#else
#define LOG(text)
#endif
== lib/main.c
#include "log.h"
void run(void) { LOG("a"); }
"#;

#[test]
fn macros_for_several_builds_are_all_meant() {
    assert_lines(
        &Repository::new(BUILDS).calls(),
        "
    lib/main.c:2 LOG call in run -> lib/log.h#LOG import 99
    lib/main.c:2 LOG call in run -> lib/log.h#LOG import 99
    ",
    );
}

#[test]
fn what_a_function_includes_counts_in_it() {
    assert_lines(
        &Repository::new(
            r#"
== jumps.h
#undef step
#define step(n) &&n
== run.c
#define step(n) n
void before(void) { step(1); }
void run(void) {
#include "jumps.h"
  step(2);
}
"#,
        )
        .calls(),
        "
    run.c:2 step call in before -> run.c#step file 99
    run.c:5 step call in run -> jumps.h#step import 99
    ",
    );
}

#[test]
fn macros_of_headers_that_are_not_included_are_not_meant() {
    assert_lines(
        &Repository::new(
            r#"
== a/limits.h
#define check(c) ((void)0)
== a/object.h
#include "limits.h"
== a/lib.h
#define check(c) assert(c)
== a/run.c
#include "object.h"
void run(void) { check(1); }
== a/other.c
#include "lib.h"
void other(void) { check(1); }
"#,
        )
        .calls(),
        "
    a/other.c:2 check call in other -> a/lib.h#check import 99
    a/run.c:2 check call in run -> a/limits.h#check package 99
    ",
    );
}

#[test]
fn branches_of_an_if_are_one_function() {
    assert_lines(
        &Repository::new(
            r#"
== a.c
#if FAST
static int get(const void *p) { return 1; }
#else
static int get(const void *p) { return 2; }
#endif
int run(void) { return get(0); }
"#,
        )
        .calls(),
        "
    a.c:6 get call in run -> a.c#get file 99
    a.c:6 get call in run -> a.c#get file 99
    ",
    );
}

#[test]
fn types_of_another_source_are_not_meant() {
    assert_lines(
        &Repository::new(
            r#"
== a_test.cc
namespace db { struct Order { int operator()(int a) { return a; } }; }
== db/list.h
namespace db { template <class T> class List { public: class Cursor { public: void next() {} }; }; }
== db/order.h
namespace db { class Slice; class Order { public: int compare(int a) const; }; }
== db/slice.h
namespace db { class Slice { public: int size() const { return 0; } }; }
== db/table.cc
#include "db/order.h"
#include "db/slice.h"
#include "db/list.h"
using db::Slice;
struct rows { Slice all; };
int count(const Slice& some, rows* of) { return some.size() + of->all.size(); }
namespace db {
class Table {
  typedef List<int> Rows;
  const Order* const order_;
  int find(Rows::Cursor at) { at.next(); return order_->compare(1); }
};
}
"#,
        )
        .calls(),
        "
    db/table.cc:6 size call in count -> db/slice.h#db.Slice.size receiver 99
    db/table.cc:6 size call in count -> db/slice.h#db.Slice.size receiver 99
    db/table.cc:11 next call in db.Table.find -> db/list.h#db.List.Cursor.next receiver 99
    db/table.cc:11 compare call in db.Table.find -> db/order.h#db.Order.compare receiver 99
    ",
    );
}

#[test]
fn names_of_types_may_stand_for_each_other_in_circles() {
    let circles = "struct B {};\ntypedef A::B A;\nusing C = D::x;\nusing D = C::x;\nA a; C c;\nvoid f() { a.g(); c.h(); C::y(); }\n";
    let chain: String = (1..3000).map(|n| format!("using T{n} = T{}::x;\n", n - 1)).collect();
    let found = Repository::new(&format!("== a.cc\n{circles}{chain}T2999 last;\nvoid g() {{ last.z(); }}\n")).calls();
    assert!(found.lines().all(|line| line.ends_with("-> nothing")), "{found}");
}

#[test]
fn many_includes_in_a_function_are_looked_at_once() {
    let include = "#include \"b.h\"\n".repeat(5_000);
    let uses = "x;".repeat(20_000);
    let text =
        format!("== a.c\nvoid f() {{\n{include}{uses}\nadd(1);\n}}\n== b.h\n{include}int add(int n) {{ return n; }}\n");
    let found = Repository::new(&text).calls();
    assert!(found.contains("add call in f -> b.h#add import"), "{found}");
}

#[test]
fn a_pointer_to_what_has_brackets_of_its_own_is_followed() {
    assert_lines(
        &Repository::new(
            r#"
== slice.h
class Slice { public: char operator[](int n) const; int size() const { return 0; } };
== other.h
class Other { public: int size() const { return 1; } };
== use.cc
#include "slice.h"
int all(const Slice* keys, int n) { return keys[n].size(); }
"#,
        )
        .calls(),
        "
    use.cc:2 size call in all -> slice.h#Slice.size receiver 99
    ",
    );
}

#[test]
fn types_of_headers_that_are_not_included_are_not_meant() {
    assert_lines(
        &Repository::new(
            r#"
== db.cc
#include "port.h"
namespace db {
class Db { port::Mutex mutex_; void f() { mutex_.lock(); } };
}
== port.h
#include "posix.h"
== example.h
namespace db { namespace port { class Mutex { public: void lock() {} }; } }
== posix.h
namespace db { namespace port {
class Mutex { public: void lock() {} int n; };
class Cond { Mutex* mu_; void wait() { get(mu_->n); mu_->lock(); } };
} }
"#,
        )
        .edges(|role| role != kotadb_core::facts::Role::Type && role != kotadb_core::facts::Role::Import),
        "
    db.cc:3 mutex_ read in db.Db.f -> db.cc#db.Db.mutex_ own 99
    db.cc:3 lock call in db.Db.f -> posix.h#db.port.Mutex.lock receiver 99
    posix.h:3 mu_ read in db.port.Cond.wait -> posix.h#db.port.Cond.mu_ own 99
    posix.h:3 n read in db.port.Cond.wait -> posix.h#db.port.Mutex.n receiver 99
    posix.h:3 mu_ read in db.port.Cond.wait -> posix.h#db.port.Cond.mu_ own 99
    posix.h:3 lock call in db.port.Cond.wait -> posix.h#db.port.Mutex.lock receiver 99
    ",
    );
}

#[test]
fn sources_for_several_builds_define_one_function() {
    assert_lines(
        &Repository::new(
            r#"
== env.h
namespace db {
class Env { public: static Env* make(); virtual int get(int n) = 0; };
}
== posix.cc
#include "env.h"
namespace db {
static int open(int n) { return n; }
Env* Env::make() { return nullptr; }
int Env::get(int n) { return open(n); }
}
== windows.cc
#include "env.h"
namespace db {
static int open(int n) { return -n; }
Env* Env::make() { return nullptr; }
}
== use.cc
#include "env.h"
int use(db::Env* env) { db::Env::make(); return env->get(1); }
"#,
        )
        .calls(),
        "
    posix.cc:5 open call in db.Env.get -> posix.cc#db.open file 99
    use.cc:2 make call in use -> posix.cc#db.Env.make qualified 99
    use.cc:2 make call in use -> windows.cc#db.Env.make qualified 99
    use.cc:2 get call in use -> env.h#db.Env.get receiver 99
    use.cc:2 get call in use -> posix.cc#db.Env.get receiver 99
    ",
    );
}

#[test]
fn constants_of_an_enum_are_seen_where_the_enum_is() {
    assert_lines(
        &Repository::new(
            r#"
== value.h
namespace db {
enum Kind { kNull, kNumber };
class Value { public: enum { kMost = 4 }; int size(); };
}
== use.cc
#include "value.h"
int use() { return db::kNumber + db::Value::kMost; }
"#,
        )
        .edges(|role| role == kotadb_core::facts::Role::Read),
        "
    use.cc:2 kNumber read in use -> value.h#db.Kind.kNumber qualified 99
    use.cc:2 kMost read in use -> value.h#db.Value.kMost qualified 99
    ",
    );
}

#[test]
fn a_function_of_a_namespace_may_stand_behind_an_unknown_name() {
    let text = "== a.cc\nnamespace db { int open(int n) { return n; } }\nint use() { return other::open(1); }\n";
    let found = Repository::new(text).calls();
    assert!(found.contains("a.cc#db.open"), "{found}");
}

#[test]
fn includes_are_asked_of_all_of_a_name() {
    let others: String = (0..200).map(|n| format!("== a/h{n}.h\n#define check(c) {n}\n")).collect();
    let text = format!(
        "{others}== z/z.h\n#define check(c) assert(c)\n== z/use.c\n#include \"z.h\"\nvoid use(void) {{ check(1); }}\n"
    );
    let found = Repository::new(&text).calls();
    assert!(found.contains("z/use.c:2 check call in use -> z/z.h#check"), "{found}");
}

#[test]
fn what_a_parameter_is_by_default_is_told_by_the_declaration() {
    assert_lines(
        &Repository::new(
            r#"
== db.h
namespace db {
int show(int n);
int show(double n, int digits = 1, bool is_short = false);
}
== db.cc
#include "db.h"
namespace db {
int show(int n) { return n; }
int show(double n, int digits, bool is_short) { return digits; }
}
== use.cc
#include "db.h"
int use() { return db::show(1.5, 2); }
"#,
        )
        .calls(),
        "
    use.cc:2 show call in use -> db.cc#db.show qualified 99
    ",
    );
}

#[test]
fn overloads_of_a_namespace_in_several_sources_are_not_one() {
    let text = "== a.cc\nnamespace n { int show(const A& a) { return 1; } }\n\
        == b.cc\nnamespace n { int show(const B& b) { return 2; } }\n\
        == u.cc\nint use() { return n::show(1); }\n";
    let found = Repository::new(text).calls();
    assert!(found.contains("b.cc#n.show") && !found.contains("99"), "{found}");
}

#[test]
fn another_overload_of_as_many_parameters_leaves_open_which_has_defaults() {
    let text = "== w.h\nclass W { void go(int a, int b = 2); void go(const char* s, char c); };\n\
        == w.cc\n#include \"w.h\"\nvoid W::go(int a, int b) {}\nvoid W::go(const char* s, char c) {}\n\
        void use(W& w) { w.go(1); }\n";
    let found = Repository::new(text).calls();
    let sure = found.lines().filter(|line| line.contains("go call") && line.contains("w.cc#"));
    assert_eq!(sure.filter(|line| line.ends_with("99")).count(), 0, "{found}");
}
