//! Python.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r"
== db/__init__.py
from .pool import Pool as Pool
from .helpers import *
== db/pool.py
from __future__ import annotations
import os
from .base import Base

class Conn:
    def close(self): ...

class Pool(Base):
    def __init__(self, size: int):
        self.size = size
        self.conns: list[Conn] = []

    def acquire(self) -> Conn:
        self.check()
        return self.conns.pop()

    @classmethod
    def make(cls) -> Pool:
        return cls(1)

    def close(self):
        for conn in self.conns:
            conn.close()
        os.close(1)
== db/base.py
class Base:
    def check(self):
        self.close()
    def close(self): ...
== db/helpers.py
def connect(): ...
def close(): ...
== other/queue.py
class Queue:
    def acquire(self): ...
    def close(self): ...
== app.py
from db import Pool, connect
import db.pool
from other import queue as q

def run(pool: Pool, unknown):
    pool.acquire().close()
    unknown.acquire()
    connect()
    p = Pool.make()
    p.close()
    db.pool.Conn().close()
    q.Queue().acquire()

class Service:
    def __init__(self, pool: Pool):
        self.pool = pool
    def acquire(self):
        return self.pool.acquire()
    def close(self):
        with self.acquire() as conn:
            conn.close()
";

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    app.py:6 acquire call in run -> db/pool.py#Pool.acquire receiver 98
    app.py:6 close call in run -> db/pool.py#Conn.close receiver 98
    app.py:7 acquire call in run -> app.py#Service.acquire candidate 20
    app.py:7 acquire call in run -> db/pool.py#Pool.acquire candidate 3
    app.py:7 acquire call in run -> other/queue.py#Queue.acquire candidate 3
    app.py:8 connect call in run -> db/helpers.py#connect import 99
    app.py:9 make call in run -> db/pool.py#Pool.make qualified 98
    app.py:10 close call in run -> db/pool.py#Pool.close receiver 98
    app.py:11 Conn call in run -> db/pool.py#Conn qualified 98
    app.py:11 close call in run -> db/pool.py#Conn.close receiver 98
    app.py:12 Queue call in run -> other/queue.py#Queue qualified 98
    app.py:12 acquire call in run -> other/queue.py#Queue.acquire receiver 98
    app.py:18 acquire call in Service.acquire -> db/pool.py#Pool.acquire receiver 98
    app.py:20 acquire call in Service.close -> app.py#Service.acquire own 98
    app.py:21 close call in Service.close -> db/pool.py#Conn.close receiver 98
    db/base.py:3 close call in Base.check -> db/base.py#Base.close own 98
    db/pool.py:14 check call in Pool.acquire -> db/base.py#Base.check own 98
    db/pool.py:23 close call in Pool.close -> db/pool.py#Conn.close receiver 98
    db/pool.py:24 close call in Pool.close -> external:os close qualified 98
    ",
    );
}

const CALLABLES: &str = r"
== a.py
import typing_extensions as te

class Conn:
    def close(self): ...

class Other:
    def close(self): ...
    def copy(self): ...

class Pool:
    def copy(self) -> te.Self: ...
    def close(  # a comment is no parameter
        self, n: int
    ) -> Conn:
        self.copy().close(1).close()

class Maker:
    def __call__(self) -> Pool: ...

def run(make: Maker, anything: te.Any):
    make().copy().close(1)
    anything.copy()

class Rows:
    def __getitem__(self, at: int) -> Conn: ...

class Pairs:
    def __iter__(self) -> te.Iterator[Conn]: ...

def each(rows: Rows, pairs: Pairs):
    rows[0].close()
    for pair in pairs:
        pair.close()
";

#[test]
fn instances_that_are_called_and_types_of_their_own_are_known() {
    assert_lines(
        &Repository::new(CALLABLES).calls(),
        "
    a.py:15 copy call in Pool.close -> a.py#Pool.copy own 98
    a.py:15 close call in Pool.close -> a.py#Pool.close receiver 98
    a.py:15 close call in Pool.close -> a.py#Conn.close receiver 98
    a.py:21 copy call in run -> a.py#Pool.copy receiver 98
    a.py:21 close call in run -> a.py#Pool.close receiver 98
    a.py:22 copy call in run -> a.py#Other.copy candidate 20
    a.py:22 copy call in run -> a.py#Pool.copy candidate 3
    a.py:31 close call in each -> a.py#Conn.close receiver 98
    a.py:33 close call in each -> a.py#Conn.close receiver 98
    ",
    );
}

const DECLARED: &str = r"
== a.py
import copy
class Base:
    def add(self): ...

class Ordered(Base):
    def add(self): ...

class Cases:
    kind: type[Base]
    other = Base

class OrderedCases(Cases):
    kind = Ordered
    other = Ordered

    def run(self):
        made = self.kind()
        made.add()
        copy.deepcopy(made).add()
        self.other().add()

def same(one: Base, other: object):
    return other.add()
";

#[test]
fn what_a_class_above_declares_counts() {
    assert_lines(
        &Repository::new(DECLARED).calls(),
        "
    a.py:17 kind call in OrderedCases.run -> a.py#Cases.kind own 98
    a.py:18 add call in OrderedCases.run -> a.py#Base.add receiver 98
    a.py:19 deepcopy call in OrderedCases.run -> external:copy deepcopy qualified 98
    a.py:19 add call in OrderedCases.run -> a.py#Base.add receiver 98
    a.py:20 other call in OrderedCases.run -> a.py#OrderedCases.other own 98
    a.py:20 add call in OrderedCases.run -> a.py#Ordered.add receiver 98
    a.py:23 add call in same -> a.py#Base.add candidate 20
    a.py:23 add call in same -> a.py#Ordered.add candidate 3
    ",
    );
}
