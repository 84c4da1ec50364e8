//! What is found in Lua, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references_of, symbols};

const TEXT: &str = r#"
local db = require("db.pool")
require "other"
local M = {}
-- Keeps.
M.size = 3
function M.new(url, ...)
  local self = setmetatable({}, M)
  self.conn = Conn.new(url)
  return self
end
function M:acquire(a)
  self:open(a)
  self.conn:get()
  local x = db.new(1)
  x:run(...)
  for k, v in pairs(x.list) do v:m() end
  helper(a)
  local function inner() end
  inner()
end
local function helper(a) return a end
function global() M.new() end
M.late = function(x) x.y() end
local fn = function() end
Level = 4
local plain = 3
Level = plain
return { run = helper, go = function() end }
"#;

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn functions_tables_and_globals() {
    assert_lines(
        &symbols("lua", TEXT),
        r#"
        4 class M
        6 field M.size: =<number> [exported] "Keeps."
        7 function M.new/0-* [exported]
        12 method M.acquire/0-1 [exported]
        22 function helper/0-1
        23 function global/0-0 [exported]
        24 function M.late/0-1 [exported]
        25 function fn/0-0
        26 variable Level: =<number> [exported]
        29 function go/0-0 [exported]
        "#,
    );
    assert_lines(&imports("lua", TEXT), "2 db.pool - as db\n3 other -");
}

#[test]
fn receivers_are_told_by_what_locals_are() {
    assert_lines(
        &references_of("lua", TEXT, &["call"]),
        "
        3 call require/1
        8 call setmetatable/2 in M.new
        9 call Conn | new/1 in M.new
        13 call this | open/1 in M.acquire
        14 call this.conn | get/0 in M.acquire
        15 call db | new/1 in M.acquire
        16 call db.new() | run in M.acquire
        17 call pairs/1 in M.acquire
        17 call db.new().list[] | m/0 in M.acquire
        18 call helper/1 in M.acquire
        23 call M | new/0 in global
        24 call ? | y/0 in M.late
        ",
    );
    assert_lines(&references_of("lua", TEXT, &["write"]), "9 write <M> | conn in M.new\n28 write Level");
}
