//! Languages by facts that are written by hand: where imports lead, and callers of namesakes.

use crate::names::testing::{Repository, assert_lines};

#[track_caller]
fn assert_calls(text: &str, expected: &str) {
    assert_lines(&Repository::sketched(text).calls(), expected);
}

#[test]
fn go_finds_packages_by_module_and_folder() {
    let text = "
== go.mod
module example.org/acme
== db/pool.go
package db
struct Pool
field conn of Pool : *Conn
struct Base
above Pool embeds Base
struct Conn
method Acquire/0-0 of Pool : (*Conn,error)
  call this.conn | Close/0
  call this | Check/0
method Check/0-0 of Base
method Close/0-0 of Conn
function Open/0-0 : *Pool
interface Closer
  method Close/0-0
== db/more.go
package db
function reset/0-0
  call Open/0
== other/queue.go
package other
struct Queue
method Acquire/0-0 of Queue
function Open/0-0
== main.go
package main
import example.org/acme/db
import example.org/acme/other as o
import fmt
function main/0-0
  call db | Open/0
  call db.Open() | Acquire/0
  call db.Open().Acquire().0 | Close/0
  call o | Open/0
  call <o.Queue> | Acquire/0
  call fmt | Println/1
";
    assert_calls(
        text,
        "
    db/more.go:3 Open call in reset -> db/pool.go#Open package 99
    db/pool.go:8 Close call in Pool.Acquire -> db/pool.go#Conn.Close receiver 99
    db/pool.go:9 Check call in Pool.Acquire -> db/pool.go#Base.Check own 99
    main.go:6 Open call in main -> db/pool.go#Open qualified 99
    main.go:7 Acquire call in main -> db/pool.go#Pool.Acquire receiver 99
    main.go:8 Close call in main -> db/pool.go#Conn.Close receiver 99
    main.go:9 Open call in main -> other/queue.go#Open qualified 99
    main.go:10 Acquire call in main -> other/queue.go#Queue.Acquire receiver 99
    main.go:11 Println call in main -> external:fmt Println qualified 99
    ",
    );
    let inherited = Repository::sketched(text).edges(|role| role.name() == "inherit" || role.name() == "override");
    assert!(inherited.contains("inherit in Conn -> db/pool.go#Closer unique 85"), "{inherited}");
    assert!(inherited.contains("override in Conn.Close -> db/pool.go#Closer.Close"), "{inherited}");
}

#[test]
fn java_finds_classes_by_package_import_and_wildcard() {
    assert_calls(
        "
== src/a/Pool.java
package a
class Pool
  field conn : Conn
  method acquire/0-0 : Conn
    call close/0
    call this.conn | close/0
  method close/0-0
  method make/0-0 : Pool !static
== src/a/Conn.java
package a
class Conn
  method close/0-0
== src/b/Pool.java
package b
class Pool
  method acquire/0-0
  method close/0-0
== src/c/Main.java
package c
import a Pool
import a.Pool make
import b *
class Main
  field pools : List<Pool>
  method run/0-0
    call Pool | make/0
    call make/0
    call Pool.make().acquire() | close/0
    call this.pools[] | acquire/0
    call <b.Pool> | acquire/0
  ",
        "
    src/a/Pool.java:5 close call in Pool.acquire -> src/a/Pool.java#Pool.close own 99
    src/a/Pool.java:6 close call in Pool.acquire -> src/a/Conn.java#Conn.close receiver 99
    src/c/Main.java:8 make call in Main.run -> src/a/Pool.java#Pool.make qualified 99
    src/c/Main.java:9 make call in Main.run -> src/a/Pool.java#Pool.make import 99
    src/c/Main.java:10 close call in Main.run -> src/a/Conn.java#Conn.close receiver 99
    src/c/Main.java:11 acquire call in Main.run -> src/a/Pool.java#Pool.acquire receiver 99
    src/c/Main.java:12 acquire call in Main.run -> src/b/Pool.java#Pool.acquire receiver 99
    ",
    );
}

#[test]
fn c_finds_definitions_behind_headers() {
    assert_calls(
        "
== include/db.h
struct pool
  field ops : ops
struct ops
  field acquire
function db_open/0-0 : pool !declaration !exported
== src/db.c
import \"db.h\"
function db_open/0-0 : pool !exported
  call helper/0
function helper/0-0 !static
== src/other.c
function helper/0-0 !static
function close/1-1 !exported
== app/main.c
import <db.h>
function main/0-0 !exported
  call db_open/0
  call db_open().ops | acquire/1
  call helper/0
  call close/1
",
        "
    app/main.c:3 db_open call in main -> src/db.c#db_open import 99
    app/main.c:4 acquire call in main -> include/db.h#ops.acquire receiver 99
    app/main.c:5 helper call in main -> src/db.c#helper candidate 60
    app/main.c:5 helper call in main -> src/other.c#helper candidate 45
    app/main.c:6 close call in main -> src/other.c#close package 99
    src/db.c:3 helper call in db_open -> src/db.c#helper file 99
    ",
    );
}

#[test]
fn cpp_finds_members_of_classes_and_namespaces() {
    assert_calls(
        "
== db/pool.hpp
module db
  class Base
    method check/0-0
  class Pool
    method acquire/0-0 : Conn !declaration
  above Pool extends Base
  class Conn
    method close/0-0
== db/pool.cpp
import \"pool.hpp\"
module db
  method acquire/0-0 of Pool : Conn
    call <std::unique_ptr<Conn>> | close/0
== main.cpp
import \"db/pool.hpp\"
class Pool
  method acquire/0-0
function main/0-0
  call <Pool> | acquire/0
",
        "
    db/pool.cpp:4 close call in db.Pool.acquire -> db/pool.hpp#db.Conn.close receiver 99
    main.cpp:5 acquire call in main -> main.cpp#Pool.acquire receiver 99
    ",
    );
}

#[test]
fn csharp_finds_types_by_namespace_and_using() {
    assert_calls(
        "
== Db/Pool.cs
package Acme.Db
class Pool
  method Acquire/0-0 : Conn
    call Close/0
class Conn
  method Close/0-0
== Db/Pool.Part.cs
package Acme.Db
class Pool
  method Close/0-0
== App/Main.cs
package Acme.App
import Acme.Db
class Main
  field pool : Pool
  method Run/0-0
    call this.pool | Acquire/0
    call this.pool.Acquire() | Close/0
    call this.pool | Close/0
",
        "
    App/Main.cs:6 Acquire call in Main.Run -> Db/Pool.cs#Pool.Acquire receiver 99
    App/Main.cs:7 Close call in Main.Run -> Db/Pool.cs#Conn.Close receiver 99
    App/Main.cs:8 Close call in Main.Run -> Db/Pool.Part.cs#Pool.Close receiver 99
    Db/Pool.cs:4 Close call in Pool.Acquire -> Db/Pool.Part.cs#Pool.Close own 99
    ",
    );
}

#[test]
fn ruby_and_php_and_bash_find_their_own() {
    assert_calls(
        "
== lib/pool.rb
module Db
  module Checks
    method check/0-0
  class Pool
    method acquire/0-0
      call check/0
  above Pool embeds Checks
== lib/more.rb
module Db
  class Pool
    method close/0-0
== app.rb
import lib/pool
class Pool
  method acquire/0-0
method run/0-0
  call <Db::Pool> | acquire/0
  call <Db::Pool> | close/0
  call <Pool> | acquire/0
== src/Db/Pool.php
package App\\Db
class Pool
  method acquire/0-0 : self
  method close/0-0
== src/Main.php
package App
import App\\Db\\Pool
class Main
  field pool : Pool
  method run/0-0
    call this.pool | acquire/0
    call this.pool.acquire() | close/0
    call <\\App\\Db\\Pool> | close/0
== bin/run.sh
import ./lib.sh
function main/0-0
  call helper/0
== bin/lib.sh
function helper/0-0
== other/lib.sh
function helper/0-0
",
        "
    app.rb:5 acquire call in run -> lib/pool.rb#Db.Pool.acquire receiver 99
    app.rb:6 close call in run -> lib/more.rb#Db.Pool.close receiver 99
    app.rb:7 acquire call in run -> app.rb#Pool.acquire receiver 99
    bin/run.sh:3 helper call in main -> bin/lib.sh#helper import 99
    lib/pool.rb:6 check call in Db.Pool.acquire -> lib/pool.rb#Db.Checks.check own 99
    src/Main.php:6 acquire call in Main.run -> src/Db/Pool.php#Pool.acquire receiver 99
    src/Main.php:7 close call in Main.run -> src/Db/Pool.php#Pool.close receiver 99
    src/Main.php:8 close call in Main.run -> src/Db/Pool.php#Pool.close receiver 99
    ",
    );
}
