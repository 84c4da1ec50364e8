//! Rust.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r"
== Cargo.toml
[workspace]
members = ['db']
== db/Cargo.toml
[package]
name = 'my-db'
== db/src/lib.rs
mod pool;
pub mod queue;
pub use pool::{Pool, connect as open};
pub use crate::queue::*;
== db/src/pool.rs
use std::sync::{Arc, Mutex};
use super::queue::Queue;

pub struct Conn;
impl Conn {
    pub fn close(&self) {}
}

pub trait Source {
    fn acquire(&self) -> Conn;
    fn twice(&self) { self.acquire(); }
}

pub struct Pool { queue: Mutex<Queue>, shared: Arc<Conn>, all: Vec<Conn> }

impl Pool {
    pub fn new() -> Self { Self { queue: Mutex::new(Queue::new()), shared: Arc::new(Conn), all: vec![] } }
    pub fn close(&self) {
        self.queue.lock().unwrap().close();
        self.shared.close();
        for conn in &self.all { conn.close(); }
        if let Some(first) = self.all.first() { first.close() }
        drop(self.acquire());
    }
}

impl Source for Pool {
    fn acquire(&self) -> Conn { Conn }
}

pub fn connect() -> Option<Pool> { Some(Pool::new()) }

#[cfg(test)]
mod tests {
    use super::*;
    fn one() { connect(); Pool::new().twice(); }
}
== db/src/queue.rs
pub struct Queue;
impl Queue {
    pub fn new() -> Queue { Queue }
    pub fn close(&mut self) {}
    pub fn acquire(&self) {}
}
pub fn reset() {}
== app/src/main.rs
mod pool;
use my_db::{open, Pool, reset, Source};
fn main() {
    let found = open().unwrap();
    found.close();
    let other = my_db::queue::Queue::new();
    other.acquire();
    Source::acquire(&found);
    reset();
    pool::connect();
    std::mem::swap(1, 2);
}
fn run(pool: &Pool, unknown: impl Fn()) -> Result<(), ()> {
    pool.acquire().close();
    Ok(())
}
== app/src/pool.rs
pub fn connect() { crate::helper(); }
pub struct Pool;
impl Pool { pub fn close(&self) {} pub fn acquire(&self) {} }
";

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    x
    ",
    );
}
