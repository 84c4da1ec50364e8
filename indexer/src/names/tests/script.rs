//! TypeScript and JavaScript.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r#"
== package.json
{"name": "root", "workspaces": ["packages/*"]}
== tsconfig.json
{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["app/*"] } } } // all
== packages/db/package.json
{"name": "@acme/db", "exports": {".": "./dist/index.js"}}
== packages/db/src/index.ts
export * from './pool.js';
export { Queue as Line } from './queue';
export { default as connect } from './connect';
== packages/db/src/pool.ts
import { Queue } from './queue';
export interface Conn { close(): void }
export class Base { protected check(): void {} close() {} }
export class Pool extends Base {
  private queue: Queue;
  private conns: Conn[] = [];
  static make(): Pool { return new Pool(); }
  async acquire(): Promise<Conn> {
    this.check();
    await this.queue.push(1);
    return this.conns[0];
  }
  close() {
    super.close();
    this.conns.forEach((conn) => conn.close());
    for (const conn of this.conns) conn.close();
  }
}
== packages/db/src/queue.ts
export class Queue { push(n: number) {} close() {} acquire() {} }
== packages/db/src/connect.ts
import { Pool } from './pool';
export default function connect(): Pool { return Pool.make(); }
== app/main.ts
import { Pool, Line, connect } from '@acme/db';
import helper, { close } from '@/helper';
import * as fs from 'node:fs';
import { readFile } from 'fs';
const pool = connect();
async function run(other: Pool, unknown) {
  const conn = await other.acquire();
  conn.close();
  pool.close();
  new Line().acquire();
  unknown.acquire();
  helper();
  close();
  fs.readFileSync('x');
  readFile('y');
  console.close();
}
== app/helper.js
const { Pool } = require('./old');
module.exports = function helper() { new Pool().close(); };
module.exports.close = () => 1;
== app/old.js
class Pool { close() {} }
module.exports = { Pool };
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    x
    ",
    );
}
