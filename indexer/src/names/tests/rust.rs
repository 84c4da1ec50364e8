//! Rust.

use kotadb_core::facts::Role;

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r"
== Cargo.toml
[package]
name = 'acme'
== src/lib.rs
pub mod db;
pub mod queue;
mod service;
pub use db::pool::Pool;
== src/db/mod.rs
pub mod pool;
pub fn open() -> pool::Pool { pool::Pool::new() }
== src/db/pool.rs
use super::open as open_again;
pub trait Close { fn close(&self); fn twice(&self) { self.close(); } }
#[derive(Default)]
pub struct Conn;
impl Conn { pub fn close(&self) {} }
pub struct Pool { conns: Vec<Conn> }
impl Pool {
    pub fn new() -> Self { Self { conns: Vec::new() } }
    pub fn acquire(&mut self) -> Option<Conn> {
        let conn = self.conns.pop()?;
        conn.close();
        Some(conn)
    }
    pub fn again(&self) -> Pool { open_again() }
}
impl Close for Pool {
    fn close(&self) { for conn in &self.conns { conn.close(); } }
}
== src/queue.rs
pub struct Queue;
impl Queue {
    pub fn new() -> Self { Queue }
    pub fn acquire(&mut self) {}
    pub fn close(&self) {}
}
pub fn open() -> Queue { Queue::new() }
== src/service.rs
use crate::{queue::{self, Queue}, db, Pool};
use crate::db::pool::Close;
struct Service { pool: Pool, queue: Box<Queue> }
impl Service {
    fn acquire(&mut self) { self.pool.acquire(); self.queue.acquire(); }
    fn close(&self) { self.pool.close(); self.pool.twice(); self.queue.close(); }
    fn run(&mut self) {
        self.acquire();
        let mut pool = db::open();
        let conn = pool.acquire();
        if let Some(conn) = conn { conn.close(); }
        let mut queue = queue::open();
        queue.acquire();
        Pool::new().again().close();
        [Queue::new()].iter().for_each(|one| one.close());
    }
}
fn any(unknown: impl Fn() -> u8, closer: &dyn Close) { unknown(); closer.close(); }
fn generic<C: Close>(closer: &C) { closer.close(); }
";

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    src/db/mod.rs:2 new call in open -> src/db/pool.rs#Pool.new qualified 99
    src/db/pool.rs:2 close call in Close.twice -> src/db/pool.rs#Close.close own 99
    src/db/pool.rs:11 close call in Pool.acquire -> src/db/pool.rs#Conn.close receiver 99
    src/db/pool.rs:14 open_again call in Pool.again -> src/db/mod.rs#open import 99
    src/db/pool.rs:17 close call in Pool.close -> src/db/pool.rs#Conn.close receiver 99
    src/queue.rs:7 new call in open -> src/queue.rs#Queue.new qualified 99
    src/service.rs:5 acquire call in Service.acquire -> src/db/pool.rs#Pool.acquire receiver 99
    src/service.rs:5 acquire call in Service.acquire -> src/queue.rs#Queue.acquire receiver 99
    src/service.rs:6 close call in Service.close -> src/db/pool.rs#Pool.close receiver 99
    src/service.rs:6 twice call in Service.close -> src/db/pool.rs#Close.twice receiver 99
    src/service.rs:6 close call in Service.close -> src/queue.rs#Queue.close receiver 99
    src/service.rs:8 acquire call in Service.run -> src/service.rs#Service.acquire own 99
    src/service.rs:9 open call in Service.run -> src/db/mod.rs#open qualified 99
    src/service.rs:10 acquire call in Service.run -> src/db/pool.rs#Pool.acquire receiver 99
    src/service.rs:11 close call in Service.run -> src/db/pool.rs#Conn.close receiver 99
    src/service.rs:12 open call in Service.run -> src/queue.rs#open qualified 99
    src/service.rs:13 acquire call in Service.run -> src/queue.rs#Queue.acquire receiver 99
    src/service.rs:14 new call in Service.run -> src/db/pool.rs#Pool.new qualified 99
    src/service.rs:14 again call in Service.run -> src/db/pool.rs#Pool.again receiver 99
    src/service.rs:14 close call in Service.run -> src/db/pool.rs#Pool.close receiver 99
    src/service.rs:15 new call in Service.run -> src/queue.rs#Queue.new qualified 99
    src/service.rs:15 close call in Service.run -> src/service.rs#Service.close candidate 10
    src/service.rs:15 close call in Service.run -> src/queue.rs#Queue.close candidate 8
    src/service.rs:15 close call in Service.run -> src/db/pool.rs#Close.close candidate 8
    src/service.rs:15 close call in Service.run -> src/db/pool.rs#Conn.close candidate 8
    src/service.rs:15 close call in Service.run -> src/db/pool.rs#Pool.close candidate 8
    src/service.rs:18 close call in any -> src/db/pool.rs#Close.close receiver 99
    src/service.rs:19 close call in generic -> src/db/pool.rs#Close.close receiver 99
    ",
    );
}

const BUILDERS: &str = r"
== src/lib.rs
pub type Answer<T> = std::result::Result<T, ()>;
pub struct Conn;
impl Conn { pub fn close(&self) {} }
pub struct Other;
impl Other { pub fn close(&self) {} pub fn build(&self) {} }
pub struct Arg { action: Option<Other> }
impl Arg {
    pub fn new() -> Self { Arg { action: None } }
    pub fn action(mut self) -> Self { self }
    pub fn build(&self) -> Answer<Conn> { Ok(self.char()) }
    fn char(&self) -> Conn { Conn }
    fn check(&self) { assert_eq!(self.char().close(), ()); }
}
pub enum Pair { One(Conn), Two(Conn) }
impl Pair { fn close(&self) {} }
fn run(pair: Pair) -> Answer<()> {
    Arg::new().action().build()?.close();
    if let Pair::Two(conn) = &pair { conn.close(); }
    pair.close();
    Ok(())
}
";

#[test]
fn methods_and_fields_of_one_name_are_told_apart() {
    assert_lines(
        &Repository::new(BUILDERS).calls(),
        "
    src/lib.rs:8 Arg new in Arg.new -> src/lib.rs#Arg file 99
    src/lib.rs:10 char call in Arg.build -> src/lib.rs#Arg.char own 99
    src/lib.rs:12 char call in Arg.check -> src/lib.rs#Arg.char own 99
    src/lib.rs:12 close call in Arg.check -> src/lib.rs#Conn.close receiver 99
    src/lib.rs:17 new call in run -> src/lib.rs#Arg.new qualified 99
    src/lib.rs:17 action call in run -> src/lib.rs#Arg.action receiver 99
    src/lib.rs:17 build call in run -> src/lib.rs#Arg.build receiver 99
    src/lib.rs:17 close call in run -> src/lib.rs#Conn.close receiver 99
    src/lib.rs:18 close call in run -> src/lib.rs#Conn.close receiver 99
    src/lib.rs:19 close call in run -> src/lib.rs#Pair.close receiver 99
    ",
    );
}

const CHAINS: &str = r"
== src/lib.rs
pub struct Conn;
impl Conn { pub fn close(&self) -> u8 { 0 } }
pub struct Other;
impl Other { pub fn close(&self) -> u8 { 1 } }
pub struct Pool { conns: Vec<Conn> }
impl Pool { fn all(&self) -> impl Iterator<Item = &Conn> { self.conns.iter() } fn one(&self) -> Option<&Conn> { None } }
fn last(pairs: Vec<(Other, Conn)>) { pairs.iter().filter(|(_, conn)| conn.close() > 0).count(); for (_, conn) in pairs { conn.close(); } }
fn run(pool: &Pool) { pool.all().map(|conn| conn.close()).count(); pool.one().map(|conn| conn.close()); }
";

#[test]
fn closures_get_what_iterators_and_options_hold() {
    assert_lines(
        &Repository::new(CHAINS).calls(),
        "
    src/lib.rs:7 close call in last -> src/lib.rs#Conn.close receiver 99
    src/lib.rs:7 close call in last -> src/lib.rs#Conn.close receiver 99
    src/lib.rs:8 all call in run -> src/lib.rs#Pool.all receiver 99
    src/lib.rs:8 close call in run -> src/lib.rs#Conn.close receiver 99
    src/lib.rs:8 one call in run -> src/lib.rs#Pool.one receiver 99
    src/lib.rs:8 close call in run -> src/lib.rs#Conn.close receiver 99
    ",
    );
}

const STANDING: &str = r"
== src/lib.rs
use std::ops::Deref;
pub struct Stream { state: State }
impl Stream { fn close(&self) {} }
pub struct State(Other, Stream);
impl State { fn close(&self) {} }
pub struct Other;
impl Other { fn close(&self) {} }
pub struct Ptr { at: u32 }
impl Deref for Ptr { type Target = Stream; fn deref(&self) -> &Stream { todo!() } }
pub enum Frame<T = u8> { Data(Other, State), Head { id: Stream, body: T } }
fn run(ptr: &Ptr, state: &State, frame: Frame) {
    ptr.close();
    ptr.state.close();
    state.1.close();
    match frame { Frame::Data(_, state) => state.close(), Frame::Head { id, .. } => id.close() }
}
";

#[test]
fn what_stands_for_another_and_what_is_taken_apart_is_known() {
    assert_lines(
        &Repository::new(STANDING).calls(),
        "
    src/lib.rs:12 close call in run -> src/lib.rs#Stream.close receiver 99
    src/lib.rs:13 close call in run -> src/lib.rs#State.close receiver 99
    src/lib.rs:14 close call in run -> src/lib.rs#Stream.close receiver 99
    src/lib.rs:15 close call in run -> src/lib.rs#State.close receiver 99
    src/lib.rs:15 close call in run -> src/lib.rs#Stream.close receiver 99
    ",
    );
}

const BOUNDS: &str = r"
== src/lib.rs
pub trait Database { type Connection: Connection; }
pub trait Connection { fn close(&self); }
pub trait Decode<DB> { fn decode(value: u8) -> Self; }
pub trait Kind<DB> { fn compatible() -> bool; }
pub struct Other;
impl Other { fn close(&self) {} fn decode() {} fn compatible() {} }
pub struct Floating<DB: Database> { raw: DB::Connection }
impl<DB: Database> Floating<DB> { fn end(&self) { self.raw.close(); } }
fn get<T, D>(one: &T, raw: &<D as Database>::Connection)
where
    T: Decode<u8> + Kind<u8>,
    T: Send,
    D: Database,
{
    if T::compatible() { T::decode(1); }
    <[u8] as Kind<u8>>::compatible();
    raw.close();
}
";

#[test]
fn parameters_are_what_they_are_bound_by() {
    assert_lines(
        &Repository::new(BOUNDS).calls(),
        "
    src/lib.rs:8 close call in Floating.end -> src/lib.rs#Connection.close receiver 99
    src/lib.rs:15 compatible call in get -> src/lib.rs#Kind.compatible receiver 99
    src/lib.rs:15 decode call in get -> src/lib.rs#Decode.decode receiver 99
    src/lib.rs:16 compatible call in get -> src/lib.rs#Kind.compatible qualified 99
    src/lib.rs:17 close call in get -> src/lib.rs#Connection.close receiver 99
    ",
    );
}

const METHODS: &str = r#"
== src/lib.rs
pub trait Close { fn close(&self); }
pub struct Pool;
impl Pool { fn close(&self) {} fn all(&self) { self.close(); } }
impl Close for Pool { fn close(&self) {} }
pub trait ToText { fn text_of(&self) -> u8; }
impl ToText for str { fn text_of(&self) -> u8 { 1 } }
impl ToText for u8 { fn text_of(&self) -> u8 { 2 } }
fn run(unknown: impl Fn() -> u8) { "a".text_of(); unknown().text_of(); }
pub struct Name(u8);
impl From<Name> for String { fn from(name: Name) -> String { todo!() } }
impl From<String> for Name { fn from(name: String) -> Name { todo!() } }
fn name(name: Name) { String::from(name); }
"#;

#[test]
fn methods_of_traits_are_one_with_what_is_written_for_them() {
    assert_lines(
        &Repository::new(METHODS).calls(),
        "
    src/lib.rs:3 close call in Pool.all -> src/lib.rs#Pool.close own 99
    src/lib.rs:8 text_of call in run -> src/lib.rs#ToText.text_of unique 96
    src/lib.rs:8 text_of call in run -> src/lib.rs#str.text_of unique 96
    src/lib.rs:8 text_of call in run -> src/lib.rs#u8.text_of unique 96
    src/lib.rs:8 text_of call in run -> src/lib.rs#ToText.text_of unique 96
    src/lib.rs:8 text_of call in run -> src/lib.rs#str.text_of unique 96
    src/lib.rs:8 text_of call in run -> src/lib.rs#u8.text_of unique 96
    src/lib.rs:12 from call in name -> src/lib.rs#String.from candidate 22
    ",
    );
}

const BEHIND: &str = r"
== Cargo.toml
[package]
name = 'acme'
== src/lib.rs
mod count;
mod deep;
pub struct Stream;
impl Show for Stream { fn show(&self) {} }
pub trait Show { fn show(&self); }
pub struct Handle<'a>(&'a Stream);
impl std::ops::Deref for Handle<'_> {
    type Target = Stream;
    fn deref(&self) -> &Stream { self.0 }
}
impl Show for Handle<'_> { fn show(&self) { (**self).show() } }
impl Show for &Other { fn show(&self) { (**self).show() } }
pub struct Other;
pub trait Begin {
    fn begin(&self) -> impl Future<Output = Result<Stream, ()>> + Send + '_;
    async fn run(&self) { let stream = self.begin().await?; stream.show(); }
}
pub trait Kept { type Item: Show; }
impl<K: Kept> Handle<K> {
    fn item(&self) -> Result<&mut K::Item, ()> { todo() }
    fn use_it(&self) { self.item()?.show(); }
}
fn cow() { <Vec<u8> as Show>::show(1); <<T as ToOwned>::Owned as Show>::show(2); }
== src/count.rs
#[macro_export]
macro_rules! count { ($x:expr) => { 1 } }
pub fn count() {}
== src/deep.rs
fn all() { crate::count!(1); }
";

#[test]
fn what_stands_behind_something_else_is_found() {
    assert_lines(
        &Repository::new(BEHIND).calls(),
        "
    src/deep.rs:1 count macro in all -> src/count.rs#count package 99
    src/lib.rs:11 show call in Handle.show -> src/lib.rs#Stream.show receiver 99
    src/lib.rs:12 show call in Other.show -> src/lib.rs#Other.show own 99
    src/lib.rs:16 begin call in Begin.run -> src/lib.rs#Begin.begin own 99
    src/lib.rs:16 show call in Begin.run -> src/lib.rs#Stream.show receiver 99
    src/lib.rs:21 item call in Handle.use_it -> src/lib.rs#Handle.item own 99
    src/lib.rs:21 show call in Handle.use_it -> src/lib.rs#Show.show receiver 99
    src/lib.rs:23 show call in cow -> src/lib.rs#Show.show receiver 99
    src/lib.rs:23 show call in cow -> src/lib.rs#Show.show qualified 99
    ",
    );
}

const FEW: &str = r"
== src/lib.rs
pub struct One;
impl One { pub fn close(&self) {} }
pub struct Two;
impl Two { pub fn close(&self) {} }
pub struct Three;
impl Three { pub fn close(&self) {} }
pub struct Four;
impl Four { pub fn close(&self) {} }
fn run(file: &std::fs::File) { file.close(); }
";

#[test]
fn what_seems_to_be_outside_may_be_one_of_few() {
    assert_lines(
        &Repository::new(FEW).calls(),
        "
    src/lib.rs:9 close call in run -> src/lib.rs#One.close candidate 2
    src/lib.rs:9 close call in run -> src/lib.rs#Two.close candidate 2
    src/lib.rs:9 close call in run -> src/lib.rs#Three.close candidate 2
    src/lib.rs:9 close call in run -> src/lib.rs#Four.close candidate 2
    src/lib.rs:9 close call in run -> external:std fs.File.close receiver 99
    ",
    );
}

const AROUND: &str = r"
== src/lib.rs
mod inner;
pub fn open() {}
== src/inner.rs
pub fn open() {}
mod deep { pub fn run() { super::open(); crate::open(); self::own(); } fn own() {} }
";

#[test]
fn calls_through_the_modules_round_them_are_told_apart() {
    assert_lines(
        &Repository::new(AROUND).calls(),
        "
    src/inner.rs:2 open call in deep.run -> src/inner.rs#open qualified 99
    src/inner.rs:2 open call in deep.run -> src/lib.rs#open qualified 99
    src/inner.rs:2 own call in deep.run -> src/inner.rs#deep.own qualified 99
    ",
    );
}

const WRITTEN: &str = r#"
== src/lib.rs
use std::io::Write;
pub struct One;
impl Write for One { fn write(&mut self, all: &[u8]) -> usize { 0 } }
pub struct Two;
impl Write for Two { fn write(&mut self, all: &[u8]) -> usize { 1 } }
pub struct Other;
impl Other { pub fn write(&mut self, all: &[u8]) {} }
fn run<W: Write>(mut to: W) { to.write(b"1"); }
pub trait Close { fn close(&self); }
impl Close for u8 { fn close(&self) {} }
"#;

#[test]
fn what_is_bound_by_a_trait_from_outside_is_what_is_written_for_it() {
    assert_lines(
        &Repository::new(WRITTEN).calls(),
        "
    src/lib.rs:8 write call in run -> src/lib.rs#One.write candidate 78
    src/lib.rs:8 write call in run -> src/lib.rs#Two.write candidate 78
    src/lib.rs:8 write call in run -> external:std io.Write.write receiver 99
    ",
    );
}

#[test]
fn what_is_written_for_types_outside_overrides_its_trait() {
    assert_lines(
        &Repository::new(WRITTEN).edges(|role| role == Role::Override),
        "
    src/lib.rs:10 close override in u8.close -> src/lib.rs#Close.close own 99
    ",
    );
}
