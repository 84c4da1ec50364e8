//! What is found in C, on small texts.

use crate::extract::testing::{assert_lines, imports, references_of, signatures, symbols};

#[test]
fn the_grammars_have_every_word() {
    let plus = super::PLUS.unknown();
    let both: Vec<_> = super::C.unknown().into_iter().filter(|word| plus.contains(word)).collect();
    assert_eq!(both, Vec::<&str>::new());
}

#[test]
fn only_what_may_hold_facts_makes_a_text_partial() {
    let is_partial = |text: &str| crate::extract::testing::facts("c", text).partial;
    assert!(!is_partial("static int __init f(void) { return 0; }"));
    assert!(is_partial("int f(void) { if (a { b(); }"));
}

#[test]
fn functions_types_and_variables() {
    let text = r#"
#define LIMIT 10
/* The larger one. */
#define MAX(a, b) ((a) > (b) ? (a) : (b))
/**
 * struct pool - keeps connections
 * @size: how many
 */
struct pool {
	int size;
	struct conn *conns[4], spare;
	int (*open)(struct file *f);
	unsigned flags : 3;
	struct { int a; } inner;
	union { int x; };
};
struct fwd;
typedef struct { int y; } point_t;
typedef struct pool pool_t, *pool_p;
typedef int (*callback_t)(void *);
enum color { RED = 1, GREEN };
enum { A };
static const struct ops my_ops = { .open = my_open };
extern int counter;
const char *name = "x";
int proto(struct pool *p, ...);
// Takes one.
static inline struct conn *acquire(struct pool *p, int (*done)(int))
{
	struct conn *c = p->conns[0];
	return c;
}
static int old(a, b)
	int a;
	char *b;
{
	return a;
}
int any();
int main(void) { return 0; }
"#;
    assert_lines(
        &symbols("c", text),
        r#"
        2 macro LIMIT/0-0 [exported]
        4 macro MAX/2-2 [exported] "The larger one."
        9 struct pool [exported] "struct pool - keeps connections"
        10 field pool.size: int [exported]
        11 field pool.conns: conn [exported]
        11 field pool.spare: conn [exported]
        12 field pool.open [exported]
        13 field pool.flags: unsigned [exported]
        14 field pool.inner [exported]
        14 field pool.inner.a: int [exported]
        15 field pool.x: int [exported]
        18 struct point_t [exported]
        18 field point_t.y: int [exported]
        19 type_alias pool_t: pool [exported]
        19 type_alias pool_p: pool [exported]
        20 type_alias callback_t [exported]
        21 enum color [exported]
        21 variant color.RED [exported]
        21 variant color.GREEN [exported]
        22 variant A [exported]
        23 constant my_ops: ops
        24 variable counter: int [exported declaration]
        25 variable name: char [exported]
        26 function proto/1-*: int [exported declaration]
        28 function acquire/2-2: conn "Takes one."
        33 function old/2-2: int
        39 function any/0-*: int [exported declaration]
        40 function main/0-0: int [exported entry]
        "#,
    );
    assert_lines(
        &signatures("c", text),
        "
        #define LIMIT 10
        #define MAX(a, b) ((a) > (b) ? (a) : (b))
        struct pool
        int size
        *conns[4]
        spare
        int (*open)(struct file *f)
        unsigned flags : 3
        struct
        int a
        int x
        typedef struct
        int y
        pool_t
        *pool_p
        typedef int (*callback_t)(void *)
        enum color
        RED = 1
        GREEN
        A
        static const struct ops my_ops
        extern int counter
        const char *name
        int proto(struct pool *p, ...)
        static inline struct conn *acquire(struct pool *p, int (*done)(int))
        static int old(a, b) int a; char *b
        int any()
        int main(void)
        ",
    );
}

/// Each call is told apart from others of its name; function pointers and locals too.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = "
int f(struct pool *p, pool_t q, int (*done)(int))
{
	struct conn *c = p->conns[0], d;
	p->open(p);
	(*p->close)(p, 1);
	q.stats->reset();
	c->send(c);
	d.send(&d);
	(*p).open(p);
	((struct conn *)p)->send(p);
	container_of(p, struct conn, node)->send(p);
	get(1)->send();
	done(1);
	__auto_type e = make();
	e->send();
	for (struct job *j = first(); j; j = j->next)
		j->run();
	{ struct other *c; c->send(); }
	c->send(c);
	return (&(struct conn){ 0 })->send();
}
";
    assert_lines(
        &references_of("c", text, &["call", "new", "macro"]),
        "
        5 call <pool> | open/1 in f
        6 call <pool> | close/2 in f
        7 call <pool_t>.stats | reset/0 in f
        8 call <conn> | send/1 in f
        9 call <conn> | send/1 in f
        10 call <pool> | open/1 in f
        11 call <conn> | send/1 in f
        12 call container_of/3 in f
        12 call <conn> | send/1 in f
        13 call get/1 in f
        13 call get() | send/0 in f
        15 call make/0 in f
        16 call make() | send/0 in f
        17 call first/0 in f
        18 call <job> | run/0 in f
        19 call <other> | send/0 in f
        20 call <conn> | send/1 in f
        21 call <conn> | send/0 in f
        ",
    );
}

#[test]
fn uses_that_are_no_calls() {
    let text = "
static const struct file_operations ops = {
	.open = my_open,
	.owner.name = NAME,
	.inner = { .x = 1 },
	[ID] = { 0 },
};
size_t f(struct pool *p, u32 n)
{
	p->size = n;
	p->stats.count++;
	counter += LIMIT;
	p->open = my_open;
	register_it(&my_open, sizeof(struct conn));
	goto out;
out:
	return offsetof(struct pool, size);
}
";
    assert_lines(
        &references_of("c", text, &["read", "write", "type"]),
        "
        2 type file_operations in ops
        3 write <file_operations> | open in ops
        3 read my_open in ops
        4 write <file_operations> | owner in ops
        4 write <file_operations>.owner | name in ops
        4 read NAME in ops
        5 write <file_operations> | inner in ops
        5 write <file_operations>.inner | x in ops
        8 type pool in f
        8 type u32 in f
        10 write <pool> | size in f
        11 read <pool> | stats in f
        11 write <pool>.stats | count in f
        12 write counter in f
        12 read LIMIT in f
        13 write <pool> | open in f
        13 read my_open in f
        14 read my_open in f
        14 type conn in f
        17 type pool in f
        17 read <pool> | size in f
        ",
    );
}

/// Unknown words and macros without semicolons do not hide what follows.
#[test]
fn macros_define_what_their_form_says() {
    let text = r#"
SYSCALL_DEFINE3(read, unsigned int, fd, struct file *, f, size_t, count)
{
	return f->read(count);
}
static DEFINE_MUTEX(lock);
LIST_HEAD(list);
DEFINE_PER_CPU(struct pool, pools);
static int __init start(void)
{
	DECLARE_WAITQUEUE(wait, current);
	return add(&wait);
}
module_init(start);
EXPORT_SYMBOL_GPL(acquire);
MODULE_LICENSE("GPL")
int after(void) __attribute__((cold));
static void __exit stop(void) { }
module_exit(stop)
int last(int x) { return x; }
TEST(adds) { check(); }
#define for_each(p, list) for (p = first(list); p; p = (list)->next(p, "f(")) /* g() */
"#;
    assert_lines(
        &symbols("c", text),
        "
        2 function read/0-* [exported entry]
        6 variable lock
        7 variable list [exported]
        8 variable pools [exported]
        9 function start/0-0: int [entry]
        17 function after/0-0: int [exported declaration]
        18 function stop/0-0: void [entry]
        20 function last/1-1 [exported]
        21 function adds/0-* [exported test entry]
        22 macro for_each/2-2 [exported]
        ",
    );
    assert_lines(
        &references_of("c", text, &["call"]),
        "
        2 call SYSCALL_DEFINE3 in read
        4 call <file> | read/1 in read
        6 call DEFINE_MUTEX/1 in lock
        7 call LIST_HEAD/1 in list
        8 call DEFINE_PER_CPU/1 in pools
        11 call DECLARE_WAITQUEUE/2 in start
        12 call add/1 in start
        14 call module_init/1
        15 call EXPORT_SYMBOL_GPL/1
        16 call MODULE_LICENSE/1
        19 call module_exit/1 in last
        21 call TEST in adds
        21 call check/0 in adds
        22 call first in for_each
        22 call ? | next in for_each
        ",
    );
}

#[test]
fn both_branches_of_ifdef_count() {
    let text = r#"
#ifdef CONFIG_A
int f(int a) { return a; }
#else
static inline int f(int a) { return 0; }
#endif
#if defined(B) && LIMIT > 2
struct s { int a;
#ifdef C
	int b;
#endif
};
#elif D
int g(void);
#endif
#ifdef __cplusplus
extern "C" {
#endif
int h(void);
#ifdef __cplusplus
}
#endif
"#;
    assert_lines(
        &symbols("c", text),
        "
        3 function f/1-1: int [exported]
        5 function f/1-1: int
        8 struct s [exported]
        8 field s.a: int [exported]
        10 field s.b: int [exported]
        14 function g/0-0: int [exported declaration]
        19 function h/0-0: int [exported declaration]
        ",
    );
}

#[test]
fn includes() {
    let text = r#"
#include <linux/fs.h>
#include "db/pool.h"
#include CONFIG_FILE
"#;
    assert_lines(
        &imports("c", text),
        r#"
        2 <linux/fs.h> -
        3 "db/pool.h" -
        "#,
    );
}

/// `send` of two structs, a function and a local.
#[test]
fn same_names_are_told_apart() {
    let text = "
struct a { void (*send)(void); };
struct b { void (*send)(void); };
static void send(void) { }
void f(struct a *a, struct b *b, void (*send)(void))
{
	a->send();
	b->send();
	send();
}
void g(void)
{
	send();
}
";
    assert_lines(
        &symbols("c", text),
        "
        2 struct a [exported]
        2 field a.send [exported]
        3 struct b [exported]
        3 field b.send [exported]
        4 function send/0-0: void
        5 function f/3-3: void [exported]
        11 function g/0-0: void [exported]
        ",
    );
    assert_lines(
        &references_of("c", text, &["call"]),
        "
        7 call <a> | send/0 in f
        8 call <b> | send/0 in f
        13 call send/0 in g
        ",
    );
}

#[test]
fn a_header_of_classes_is_read_as_another_language() {
    let text = "
/* class of things */
namespace app {
class Pool {
public:
	int acquire(int n);
};
}
";
    assert_lines(
        &symbols("c", text),
        r#"
        3 module app [exported] "class of things"
        4 class app.Pool [exported]
        6 method app.Pool.acquire/1-1: int [exported declaration]
        "#,
    );
}

#[test]
fn what_stands_in_a_function_that_cannot_be_read_is_none() {
    let text = "int f(void) {\n  fetch(\n}\n  vmcase(OP_ADD) {\n    run();\n  }\nSYSCALL_DEFINE1(read, int, fd) {\n  go(fd);\n}\n";
    let found = symbols("c", text);
    assert!(!found.contains("OP_ADD") && found.contains("function read"), "{found}");
}

#[test]
fn calls_that_read_like_declarations() {
    let text = "
void f(int *ud) {
  int nd;
  getkey(cast(lua_State *, NULL), &key, nd);
  int n = *(cast(int*, ud));
  vmdispatch (GET_OPCODE(i)) {
    vmcase(OP_MOVE) { a(nd); }
  }
  int size = sizeof(pair(a, b));
}
typedef enum { LIST_ERRORS(GENERATE)
  LAST } codes;
enum { A = 1, OBSOLETE(max64)
  B };
enum { C = 1
  OLD(max64)
  OLD(max256) };
";
    assert_lines(
        &references_of("c", text, &["call"]),
        "
        4 call getkey in f
        4 call cast/2 in f
        5 call cast/2 in f
        6 call vmdispatch/1 in f
        6 call GET_OPCODE/1 in f
        7 call vmcase in f
        7 call a/1 in f
        9 call pair/2 in f
        11 call LIST_ERRORS in codes
        13 call OBSOLETE
        16 call OLD/1 in C
        17 call OLD/1 in C
        ",
    );
    assert!(!symbols("c", text).contains("GET_OPCODE"));
}
