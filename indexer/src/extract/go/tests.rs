//! What is found in Go, on small texts.

use crate::extract::testing::{assert_lines, imports, references_of, signatures, supertypes, symbols};

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(super::GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn functions_types_and_variables() {
    let text = r#"
package pool

// Limit is.
const Limit, other = 10, "x"
const (
	A Kind = iota
	B
	_
)
var shared, second = NewPool(1), 3
var ErrGone error = errors.New("x")

type Kind int
type Alias = map[string]*Pool

// Reader reads.
type Reader interface {
	io.Reader
	Closer
	Read(p []byte, more ...Option) (n int, err error)
	~int | ~string
}

// Pool keeps connections.
type Pool[T any] struct {
	*Base
	db.Conn
	mu   sync.Mutex `json:"x"`
	a, b []*Conn
	done func(int) error
	in   struct{ x int }
}

type (
	X struct{ Y }
	z int
)

// NewPool makes one.
func NewPool(size int, more ...Option) (*Pool, error) { return nil, nil }
func (p *Pool[T]) Acquire(ctx context.Context, a, b int) *Conn {
	const local = 3
	type inner struct{ f int }
	return nil
}
func (Kind) String() (s string) { return }

// Deprecated: gone.
func old()
func main()                  {}
func TestPool(t *testing.T)  {}
func Testing(t *testing.T)   {}
"#;
    assert_lines(
        &symbols("go", text),
        r#"
        5 constant Limit: =<int> [exported] "Limit is."
        5 constant other: =<string> "Limit is."
        7 constant A: Kind [exported]
        8 constant B: Kind [exported]
        11 variable shared: =NewPool()
        11 variable second: =<int>
        12 variable ErrGone: error [exported]
        14 type_alias Kind: int [exported]
        15 type_alias Alias: map[string]Pool [exported]
        18 interface Reader [exported] "Reader reads."
        21 method Reader.Read/1-*: (int,error) [exported abstract]
        26 struct Pool [exported] "Pool keeps connections."
        27 field Pool.Base: Base [exported]
        28 field Pool.Conn: db.Conn [exported]
        29 field Pool.mu: sync.Mutex
        30 field Pool.a: []Conn
        30 field Pool.b: []Conn
        31 field Pool.done
        32 field Pool.in
        32 field Pool.in.x: int
        36 struct X [exported]
        36 field X.Y: Y [exported]
        37 type_alias z: int
        41 function NewPool/1-*: (Pool,error) [exported] "NewPool makes one."
        42 method Pool.Acquire/3-3: Conn [exported]
        44 struct Pool.Acquire.inner
        44 field Pool.Acquire.inner.f: int
        47 method Kind.String/0-0: string [exported]
        50 function old/0-0 [deprecated declaration] "Deprecated: gone."
        51 function main/0-0 [entry]
        52 function TestPool/1-1 [exported test]
        53 function Testing/1-1 [exported]
        "#,
    );
    assert_lines(
        &signatures("go", text),
        r#"
        Limit
        other
        A Kind = iota
        B
        shared
        second
        var ErrGone error = errors.New("x")
        type Kind int
        type Alias = map[string]*Pool
        type Reader interface
        Read(p []byte, more ...Option) (n int, err error)
        type Pool[T any] struct
        *Base
        db.Conn
        mu sync.Mutex `json:"x"`
        a
        b
        done func(int) error
        in struct{ x int }
        x int
        X struct
        Y
        z int
        func NewPool(size int, more ...Option) (*Pool, error)
        func (p *Pool[T]) Acquire(ctx context.Context, a, b int) *Conn
        type inner struct
        f int
        func (Kind) String() (s string)
        func old()
        func main()
        func TestPool(t *testing.T)
        func Testing(t *testing.T)
        "#,
    );
    assert_lines(
        &supertypes("go", text),
        "
        19 Reader extends io.Reader
        20 Reader extends Closer
        27 Pool embeds Base
        28 Pool embeds db.Conn
        36 X embeds Y
        ",
    );
}

/// Each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = r#"
package pool

func (p *Pool) run(c *Conn, list []*Conn, done func(), more ...Conn) (err error) {
	p.m()
	p.conns[0].m()
	c.m(1, more...)
	list[1].m()
	more[0].m()
	done()
	err.m()
	d, e := NewPool(1)
	d.m()
	e.m()
	f := &Conn{1}
	f.m()
	for i, x := range list {
		x.m()
		i.m()
	}
	for k := range p.byName {
		k.m()
	}
	if g, ok := y.(*Conn); ok {
		g.m()
	}
	switch v := any.(type) {
	case *Conn:
		v.m()
	case *Pool, *Job:
		v.m()
	default:
		v.m()
	}
	var h Conn
	h.m()
	var j = make(map[string]*Conn)
	j["x"].m()
	new(Conn).m()
	ch := make(chan Conn)
	q := <-ch
	q.m()
	select {
	case msg := <-ch:
		msg.m()
	}
	db.Open(1).Query("x")
	func(c *Job) { c.m() }(nil)
	defer c.m()
	go c.m()
	generic[int](3)
	s := append(list, c)
	s[0].m()
	Kind(3)
	c, err = next(c)
	{
		c := c.next()
		c.m()
	}
	c.m()
	Pool.run(p)
	(*p).m()
	return nil
}

func each[T any](t T, u []T) { t.m(); u[0].m() }
"#;
    assert_lines(
        &references_of("go", text, &["call", "new"]),
        "
        5 call this | m/0 in Pool.run
        6 call this.conns[] | m/0 in Pool.run
        7 call <Conn> | m in Pool.run
        8 call <[]Conn>[] | m/0 in Pool.run
        9 call <[]Conn>[] | m/0 in Pool.run
        11 call <error> | m/0 in Pool.run
        12 call NewPool/1 in Pool.run
        13 call NewPool().0 | m/0 in Pool.run
        14 call NewPool().1 | m/0 in Pool.run
        15 new Conn in Pool.run
        16 call <Conn> | m/0 in Pool.run
        18 call <[]Conn>[] | m/0 in Pool.run
        19 call ? | m/0 in Pool.run
        22 call ? | m/0 in Pool.run
        25 call <Conn> | m/0 in Pool.run
        29 call <Conn> | m/0 in Pool.run
        31 call any | m/0 in Pool.run
        33 call any | m/0 in Pool.run
        36 call <Conn> | m/0 in Pool.run
        37 call make/1 in Pool.run
        38 call <map[string]Conn>[] | m/0 in Pool.run
        39 call new/1 in Pool.run
        39 call <Conn> | m/0 in Pool.run
        40 call make/1 in Pool.run
        42 call <chan<Conn>>[] | m/0 in Pool.run
        45 call <chan<Conn>>[] | m/0 in Pool.run
        47 call db | Open/1 in Pool.run
        47 call db.Open() | Query/1 in Pool.run
        48 call <Job> | m/0 in Pool.run
        49 call <Conn> | m/0 in Pool.run
        50 call <Conn> | m/0 in Pool.run
        51 call generic/1 in Pool.run
        52 call append/2 in Pool.run
        53 call <[]Conn>[] | m/0 in Pool.run
        54 call Kind/1 in Pool.run
        55 call next/1 in Pool.run
        57 call <Conn> | next/0 in Pool.run
        58 call <Conn>.next() | m/0 in Pool.run
        60 call <Conn> | m/0 in Pool.run
        61 call Pool | run/1 in Pool.run
        62 call this | m/0 in Pool.run
        66 call ? | m/0 in each
        66 call <[]T>[] | m/0 in each
        ",
    );
}

#[test]
fn uses_that_are_no_calls() {
    let text = "
package pool

func f(p *db.Pool, k Kind[Key]) error {
	p.size, other = 1, limit
	p.stats.n++
	local := []Conn{{id: 1}, {id: k}}
	byName := map[string]*Conn{KEY: {id: 2}}
	handle(onDone, p.onClose)
	return db.Conn{ID: local}
}
";
    assert_lines(
        &references_of("go", text, &["read", "write", "type", "new"]),
        "
        4 type db | Pool in f
        4 type Kind in f
        4 type Key in f
        5 write <db.Pool> | size in f
        5 write other in f
        5 read limit in f
        6 read <db.Pool> | stats in f
        6 write <db.Pool>.stats | n in f
        7 type Conn in f
        7 write <Conn> | id in f
        7 write <Conn> | id in f
        8 type Conn in f
        8 read KEY in f
        8 write <Conn> | id in f
        9 read onDone in f
        9 read <db.Pool> | onClose in f
        10 new db | Conn in f
        10 write <db.Conn> | ID in f
        ",
    );
}

#[test]
fn what_a_file_imports() {
    let text = r#"
package pool

import "fmt"
import (
	db "example.com/x/db"
	. "math"
	_ "embed"
)
"#;
    assert_lines(
        &imports("go", text),
        "
        4 fmt -
        6 example.com/x/db - as db
        7 math *
        8 embed - as _
        ",
    );
}

/// `Send` of two types, a function and a local.
#[test]
fn same_names_are_told_apart() {
    let text = "
package p

type A struct{}
type B struct{}

func (a *A) Send() {}
func (b B) Send()  {}
func Send()        {}
func f(a *A, b B, Send func()) {
	a.Send()
	b.Send()
	Send()
}
func g() {
	Send()
	other.Send()
}
";
    assert_lines(
        &symbols("go", text),
        "
        4 struct A [exported]
        5 struct B [exported]
        7 method A.Send/0-0 [exported]
        8 method B.Send/0-0 [exported]
        9 function Send/0-0 [exported]
        10 function f/3-3
        15 function g/0-0
        ",
    );
    assert_lines(
        &references_of("go", text, &["call"]),
        "
        11 call <A> | Send/0 in f
        12 call <B> | Send/0 in f
        16 call Send/0 in g
        17 call other | Send/0 in g
        ",
    );
}
