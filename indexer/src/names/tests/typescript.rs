//! TypeScript and JavaScript.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r#"
== package.json
{ "name": "acme" }
== src/db/index.ts
export * from './pool.js';
export { helper as help } from './helpers';
== src/db/pool.ts
export interface Closer { close(): void; }
export class Conn implements Closer { close() {} }
export abstract class Base {
  abstract acquire(): Conn;
  check() { return this.acquire(); }
}
export class Pool extends Base {
  static make() { return new Pool(1); }
  private conns: Conn[] = [];
  constructor(private readonly size: number, private first = new Conn()) { super(); }
  get conn(): Conn { return this.conns[0]; }
  acquire(): Conn { return this.conns.pop()!; }
  close() { this.conns.forEach(conn => conn.close()); this.first.close(); }
}
== src/db/helpers.ts
import type { Pool } from './pool';
export function helper(pool: Pool) { pool.check().close(); }
== src/queue.ts
export default class Queue { acquire() {} close() {} static make() { return new Queue(); } }
export const close = (queue: Queue) => queue.close();
== src/service.ts
import { Pool, help } from './db';
import Queue, { close as shut } from './queue';
import * as db from './db';

export class Service {
  constructor(private pool: Pool, private queue?: Queue) {}
  acquire() { return this.pool.acquire(); }
  async close() {
    this.queue?.close();
    this.pool.conn.close();
    (await this.open()).close();
  }
  async open() { return Pool.make(); }
  run(unknown: any) {
    this.acquire().close();
    const q = new Queue();
    q.acquire();
    shut(q);
    help(new db.Pool(2));
    const { pool } = this;
    pool.close();
    unknown.acquire();
    [new Queue()].map(one => one.close());
    const made = Queue.make();
    made.close();
  }
}
== src/legacy.js
const { Pool } = require('./db/pool');
const Queue = require('./queue').default;
function run() {
  const pool = new Pool();
  pool.acquire();
  Queue.make().close();
}
module.exports = { run };
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    src/db/helpers.ts:2 check call in helper -> src/db/pool.ts#Base.check receiver 99
    src/db/helpers.ts:2 close call in helper -> src/db/pool.ts#Conn.close receiver 99
    src/db/pool.ts:5 acquire call in Base.check -> src/db/pool.ts#Base.acquire own 99
    src/db/pool.ts:8 Pool new in Pool.make -> src/db/pool.ts#Pool file 99
    src/db/pool.ts:10 Conn new in Pool.constructor -> src/db/pool.ts#Conn file 99
    src/db/pool.ts:13 close call in Pool.close -> src/db/pool.ts#Conn.close receiver 99
    src/db/pool.ts:13 close call in Pool.close -> src/db/pool.ts#Conn.close receiver 99
    src/legacy.js:4 Pool new in run -> src/db/pool.ts#Pool import 99
    src/legacy.js:5 acquire call in run -> src/db/pool.ts#Pool.acquire receiver 99
    src/legacy.js:6 make call in run -> src/queue.ts#Queue.make candidate 2
    src/legacy.js:6 make call in run -> src/db/pool.ts#Pool.make candidate 2
    src/legacy.js:6 close call in run -> src/queue.ts#Queue.close candidate 20
    src/legacy.js:6 close call in run -> src/service.ts#Service.close candidate 9
    src/legacy.js:6 close call in run -> src/db/pool.ts#Closer.close candidate 9
    src/legacy.js:6 close call in run -> src/db/pool.ts#Conn.close candidate 9
    src/legacy.js:6 close call in run -> src/db/pool.ts#Pool.close candidate 9
    src/legacy.js:6 close call in run -> src/queue.ts#close candidate 9
    src/queue.ts:1 Queue new in Queue.make -> src/queue.ts#Queue file 99
    src/queue.ts:2 close call in close -> src/queue.ts#Queue.close receiver 99
    src/service.ts:7 acquire call in Service.acquire -> src/db/pool.ts#Pool.acquire receiver 99
    src/service.ts:9 close call in Service.close -> src/queue.ts#Queue.close receiver 99
    src/service.ts:10 close call in Service.close -> src/db/pool.ts#Conn.close receiver 99
    src/service.ts:11 open call in Service.close -> src/service.ts#Service.open own 99
    src/service.ts:11 close call in Service.close -> src/db/pool.ts#Pool.close receiver 99
    src/service.ts:13 make call in Service.open -> src/db/pool.ts#Pool.make qualified 99
    src/service.ts:15 acquire call in Service.run -> src/service.ts#Service.acquire own 99
    src/service.ts:15 close call in Service.run -> src/db/pool.ts#Conn.close receiver 99
    src/service.ts:16 Queue new in Service.run -> src/queue.ts#Queue import 99
    src/service.ts:17 acquire call in Service.run -> src/queue.ts#Queue.acquire receiver 99
    src/service.ts:18 shut call in Service.run -> src/queue.ts#close import 99
    src/service.ts:19 help call in Service.run -> src/db/helpers.ts#helper import 99
    src/service.ts:19 Pool new in Service.run -> src/db/pool.ts#Pool qualified 99
    src/service.ts:21 close call in Service.run -> src/db/pool.ts#Pool.close receiver 99
    src/service.ts:22 acquire call in Service.run -> src/service.ts#Service.acquire candidate 36
    src/service.ts:22 acquire call in Service.run -> src/queue.ts#Queue.acquire candidate 11
    src/service.ts:22 acquire call in Service.run -> src/db/pool.ts#Base.acquire candidate 11
    src/service.ts:22 acquire call in Service.run -> src/db/pool.ts#Pool.acquire candidate 11
    src/service.ts:23 Queue new in Service.run -> src/queue.ts#Queue import 99
    src/service.ts:23 close call in Service.run -> src/queue.ts#Queue.close receiver 99
    src/service.ts:24 make call in Service.run -> src/queue.ts#Queue.make qualified 99
    src/service.ts:25 close call in Service.run -> src/queue.ts#Queue.close receiver 99
    ",
    );
}

const CALLBACKS: &str = r#"
== src/bus.ts
export class Conn { close() {} }
export class Other { close() {} }
export class Bus {
  constructor(run?: ((this: Bus, conn: Conn) => void) | null) {}
  on(name: string, take: (other: Other, conn: Conn) => void): void {}
}
export function operate<T>(init: (bus: Bus, conn: Conn) => void) { return init; }
== src/main.ts
import { Bus, operate } from './bus';
operate((bus, conn) => { conn.close(); bus.on('x', (a, b) => { a.close(); b.close(); }); });
new Bus(conn => conn.close());
"#;

#[test]
fn parameters_of_callbacks_are_what_they_are_handed() {
    assert_lines(
        &Repository::new(CALLBACKS).calls(),
        "
    src/main.ts:2 operate call -> src/bus.ts#operate import 99
    src/main.ts:2 close call -> src/bus.ts#Conn.close receiver 99
    src/main.ts:2 on call -> src/bus.ts#Bus.on receiver 99
    src/main.ts:2 close call -> src/bus.ts#Other.close receiver 99
    src/main.ts:2 close call -> src/bus.ts#Conn.close receiver 99
    src/main.ts:3 Bus new -> src/bus.ts#Bus import 99
    src/main.ts:3 close call -> src/bus.ts#Conn.close receiver 99
    ",
    );
}

const PIECES: &str = r#"
== src/api.ts
export interface Scheduler { schedule(work: string): void; schedule(work: number): void; }
export interface Next { next(): void; }
export interface Last { next(): void; }
export function run(one: Next | Last, scheduler: Scheduler) { one.next(); scheduler.schedule(1); }
"#;

#[test]
fn overloads_are_one_and_members_of_a_union_are_all_meant() {
    assert_lines(
        &Repository::new(PIECES).calls(),
        "
    src/api.ts:4 next call in run -> src/api.ts#Next.next receiver 99
    src/api.ts:4 next call in run -> src/api.ts#Last.next receiver 99
    src/api.ts:4 schedule call in run -> src/api.ts#Scheduler.schedule receiver 99
    ",
    );
}

const ELEMENTS: &str = r#"
== src/row.tsx
export function Row(props: { size: number }) { return <td>{props.size}</td>; }
== src/other.jsx
export const Row = () => <tr />;
== src/table.tsx
import { Row } from './row';
import { Row as Other } from './other';
export function Table() { return <table><Row size={1} /><Other /></table>; }
"#;

#[test]
fn elements_of_one_name_are_told_apart() {
    assert_lines(
        &Repository::new(ELEMENTS).calls(),
        "
    src/table.tsx:3 Row call in Table -> src/row.tsx#Row import 99
    src/table.tsx:3 Other call in Table -> src/other.jsx#Row import 99
    ",
    );
}

const GETTERS: &str = r#"
== src/frame.ts
export class Session { send() {} }
export class Page { send() {} get frame(): Frame { return make(); } }
export abstract class Frame {
  abstract get client(): Session;
  abstract page(): Page;
}
export function run(frame: Frame) { frame.client.send(); frame.page().frame.client.send(); frame.page().send(); }
"#;

#[test]
fn getters_without_a_body_give_what_they_say() {
    assert_lines(
        &Repository::new(GETTERS).calls(),
        "
    src/frame.ts:7 send call in run -> src/frame.ts#Session.send receiver 99
    src/frame.ts:7 page call in run -> src/frame.ts#Frame.page receiver 99
    src/frame.ts:7 send call in run -> src/frame.ts#Session.send receiver 99
    src/frame.ts:7 page call in run -> src/frame.ts#Frame.page receiver 99
    src/frame.ts:7 send call in run -> src/frame.ts#Page.send receiver 99
    ",
    );
}

const POLYFILLS: &str = r#"
== src/stack.ts
export class StackPolyfill { use() {} static make() { return new StackPolyfill(); } }
export class Other { use() {} }
export const Stack: typeof StackPolyfill = globalThis.Stack ?? StackPolyfill;
== src/main.ts
import { Stack } from './stack';
class Service {
  #stack = new Stack();
  run() { this.#stack.use(); Stack.make().use(); }
}
"#;

#[test]
fn classes_in_variables_are_found() {
    assert_lines(
        &Repository::new(POLYFILLS).calls(),
        "
    src/main.ts:3 Stack new in Service.#stack -> src/stack.ts#Stack import 99
    src/main.ts:4 use call in Service.run -> src/stack.ts#StackPolyfill.use receiver 99
    src/main.ts:4 make call in Service.run -> src/stack.ts#StackPolyfill.make receiver 99
    src/main.ts:4 use call in Service.run -> src/stack.ts#StackPolyfill.use receiver 99
    src/stack.ts:1 StackPolyfill new in StackPolyfill.make -> src/stack.ts#StackPolyfill file 99
    ",
    );
}

const LITERALS: &str = r#"
== src/common.ts
export const has = (of: object, name: string) => name in of;
export interface Plugin { size: number; fix: (state: State) => void; }
export class State { fix() {} }
== src/traps.ts
import { has } from './common';
export const traps: ProxyHandler<object> = {
  has(state, name) { return has(state, name); },
  get(state, name) { return has(state, name) ? this.fix() : state.plugins.fix(state); },
};
"#;

#[test]
fn members_of_literals_are_not_seen_bare_and_fields_may_hold_functions() {
    assert_lines(
        &Repository::new(LITERALS).calls(),
        "
    src/traps.ts:3 has call in traps.has -> src/common.ts#has import 99
    src/traps.ts:4 has call in traps.get -> src/common.ts#has import 99
    src/traps.ts:4 fix call in traps.get -> src/common.ts#Plugin.fix candidate 48
    src/traps.ts:4 fix call in traps.get -> src/common.ts#State.fix candidate 25
    src/traps.ts:4 fix call in traps.get -> src/common.ts#Plugin.fix candidate 48
    src/traps.ts:4 fix call in traps.get -> src/common.ts#State.fix candidate 25
    ",
    );
}

const RENAMED: &str = r#"
== src/a.ts
function one() {}
export { one as first }
== src/b.ts
function two() {}
export { two as second }
== src/main.ts
import { first } from './a';
import { second } from './b';
export function run() { first(); second(); }
"#;

/// Both say it of a module without a name, which is the file itself, and they lie in one folder.
#[test]
fn what_files_of_a_folder_export_by_other_names_is_their_own() {
    assert_lines(
        &Repository::new(RENAMED).calls(),
        "
    src/main.ts:3 first call in run -> src/a.ts#one import 99
    src/main.ts:3 second call in run -> src/b.ts#two import 99
    ",
    );
}
