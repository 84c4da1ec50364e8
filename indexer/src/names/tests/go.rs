//! Go.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r#"
== go.mod
module example.org/acme
== db/pool.go
package db

type Closer interface{ Close() }
type Conn struct{}

func (c *Conn) Close() {}

type Base struct{}

func (b *Base) Check() {}

type Pool struct {
	Base
	conns []*Conn
	first *Conn
}

func Open() (*Pool, error) { return &Pool{}, nil }

func (p *Pool) Acquire() *Conn {
	p.Check()
	for _, conn := range p.conns {
		conn.Close()
	}
	return p.first
}
func (p *Pool) Close() { p.first.Close() }
== db/more.go
package db

func reset() { p, _ := Open(); p.Close() }
== queue/queue.go
package queue

type Queue struct{}

func Open() *Queue        { return new(Queue) }
func (q Queue) Acquire()  {}
func (q Queue) Close()    {}
== main.go
package main

import (
	"example.org/acme/db"
	q "example.org/acme/queue"
)

type Service struct {
	pool  *db.Pool
	queue q.Queue
}

func (s *Service) Acquire() *db.Conn { return s.pool.Acquire() }
func (s *Service) Close() {
	s.Acquire().Close()
	s.queue.Close()
}
func run(closer db.Closer, byName map[string]*db.Pool) {
	pool, err := db.Open()
	pool.Acquire().Close()
	defer pool.Close()
	q.Open().Acquire()
	closer.Close()
	byName["a"].Close()
	service := &Service{}
	service.Close()
	func() { service.Acquire() }()
	_ = err
}
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    db/more.go:3 Open call in reset -> db/pool.go#Open package 99
    db/more.go:3 Close call in reset -> db/pool.go#Pool.Close receiver 99
    db/pool.go:18 Pool new in Open -> db/pool.go#Pool file 99
    db/pool.go:21 Check call in Pool.Acquire -> db/pool.go#Base.Check own 99
    db/pool.go:23 Close call in Pool.Acquire -> db/pool.go#Conn.Close receiver 99
    db/pool.go:27 Close call in Pool.Close -> db/pool.go#Conn.Close receiver 99
    main.go:13 Acquire call in Service.Acquire -> db/pool.go#Pool.Acquire receiver 99
    main.go:15 Acquire call in Service.Close -> main.go#Service.Acquire own 99
    main.go:15 Close call in Service.Close -> db/pool.go#Conn.Close receiver 99
    main.go:16 Close call in Service.Close -> queue/queue.go#Queue.Close receiver 99
    main.go:19 Open call in run -> db/pool.go#Open qualified 99
    main.go:20 Acquire call in run -> db/pool.go#Pool.Acquire receiver 99
    main.go:20 Close call in run -> db/pool.go#Conn.Close receiver 99
    main.go:21 Close call in run -> db/pool.go#Pool.Close receiver 99
    main.go:22 Open call in run -> queue/queue.go#Open qualified 99
    main.go:22 Acquire call in run -> queue/queue.go#Queue.Acquire receiver 99
    main.go:23 Close call in run -> db/pool.go#Closer.Close receiver 99
    main.go:24 Close call in run -> db/pool.go#Pool.Close receiver 99
    main.go:25 Service new in run -> main.go#Service file 99
    main.go:26 Close call in run -> main.go#Service.Close receiver 99
    main.go:27 Acquire call in run -> main.go#Service.Acquire receiver 99
    ",
    );
}

const TYPES: &str = r#"
== go.mod
module example.org/acme
== token/token.go
package token

type Pos int

func (p Pos) IsValid() bool { return p != 0 }

type List []*Node

func (l List) Add() {}

type Node struct {
	Pos  Pos
	Kids List
}

func (n *Node) Add()          {}
func (n *Node) IsValid() bool { return n.Pos.IsValid() }
== main.go
package main

import "example.org/acme/token"

func run(n *token.Node) {
	n.Pos.IsValid()
	n.Kids.Add()
	n.Kids[0].Add()
}
"#;

#[test]
fn types_made_of_others_have_methods_of_their_own() {
    assert_lines(
        &Repository::new(TYPES).calls(),
        "
    main.go:6 IsValid call in run -> token/token.go#Pos.IsValid receiver 99
    main.go:7 Add call in run -> token/token.go#List.Add receiver 99
    main.go:8 Add call in run -> token/token.go#Node.Add receiver 99
    token/token.go:17 IsValid call in Node.IsValid -> token/token.go#Pos.IsValid receiver 99
    ",
    );
}

#[test]
fn what_a_package_has_twice_is_for_several_builds() {
    assert_lines(
        &Repository::new(
            r#"
== go.mod
module acme
== pool/fast.go
package pool
type pointer struct{}
func (p pointer) get() int { return 1 }
func open() pointer { return pointer{} }
== pool/slow.go
package pool
type pointer struct{}
func (p pointer) get() int { return 2 }
func open() pointer { return pointer{} }
== pool/run.go
package pool
func run() { open().get() }
"#,
        )
        .calls(),
        "
    pool/fast.go:4 pointer new in open -> pool/fast.go#pointer file 99
    pool/run.go:2 open call in run -> pool/fast.go#open package 99
    pool/run.go:2 open call in run -> pool/slow.go#open package 99
    pool/run.go:2 get call in run -> pool/fast.go#pointer.get receiver 99
    pool/run.go:2 get call in run -> pool/slow.go#pointer.get receiver 99
    pool/slow.go:4 pointer new in open -> pool/slow.go#pointer file 99
    ",
    );
}

#[test]
fn a_switch_over_types_keeps_what_it_does_not_tell() {
    assert_lines(
        &Repository::new(
            r#"
== a.go
package a
type Shape interface { Name() string }
type Square struct{}
func (s *Square) Name() string { return "" }
func show(of Shape) {
	switch it := of.(type) {
	case *Square:
		it.Name()
	default:
		it.Name()
	}
}
"#,
        )
        .calls(),
        "
    a.go:8 Name call in show -> a.go#Square.Name receiver 99
    a.go:10 Name call in show -> a.go#Shape.Name receiver 99
    ",
    );
}

#[test]
fn a_field_may_hold_the_function_that_is_called() {
    let text = "== a.go\npackage a\nvar tests = []struct {\n\tname string\n\tgen func(n int)\n}{}\nfunc run() {\n\tfor _, t := range tests {\n\t\tt.gen(1)\n\t}\n}\n";
    let found = Repository::new(text).calls();
    assert!(found.contains("gen call in run -> a.go#"), "{found}");
}

#[test]
fn methods_of_interfaces_stand_for_all() {
    let types: String =
        (0..300).map(|n| format!("== b/t{n}.go\npackage b\ntype T{n} struct{{}}\nfunc (T{n}) Get() {{}}\n")).collect();
    let text = format!(
        "{types}== a/i.go\npackage a\ntype Getter interface {{ Get() }}\n== c/use.go\npackage c\nfunc use() {{\n\tunknown().Get()\n}}\n"
    );
    let found = Repository::new(&text).calls();
    assert!(found.contains("c/use.go:3 Get call in use -> a/i.go#Getter.Get"), "{found}");
}
