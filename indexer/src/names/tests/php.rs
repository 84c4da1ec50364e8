//! PHP.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r#"
== composer.json
{ "autoload": { "psr-4": { "Acme\\": "src/" } } }
== src/Db/Conn.php
<?php
namespace Acme\Db;
interface Closer { public function close(): void; }
class Conn implements Closer { public function close(): void {} }
== src/Db/Pool.php
<?php
namespace Acme\Db;
trait Checks { protected function check(): void { $this->close(); } }
class Pool {
    use Checks;
    private ?Conn $first = null;
    public static function make(): self { return new self(); }
    public function acquire(): Conn {
        $this->check();
        $this->first->close();
        return $this->first;
    }
    public function close(): void { $this->acquire()->close(); }
}
function open(): Pool { return Pool::make(); }
== src/Queue.php
<?php
namespace Acme;
class Queue {
    public function acquire() {}
    public function close() {}
    public static function make(): static { return new static(); }
}
function open(): Queue { return Queue::make(); }
== src/Service.php
<?php
namespace Acme;
use Acme\Db\Pool;
use function Acme\Db\open as open_pool;
require_once __DIR__ . '/plain.php';
class Service {
    private $queue;
    public function __construct(private Pool $pool) { $this->queue = new Queue(); }
    public function acquire() { return $this->pool->acquire(); }
    public function close() { $this->queue->close(); $this->acquire()->close(); }
    public function run(Db\Closer $closer, $unknown) {
        $made = Pool::make();
        $made->close();
        open_pool()->acquire();
        open()->close();
        $closer->close();
        $unknown->acquire();
        plain_help();
        (new \Acme\Queue())->acquire();
    }
}
== src/plain.php
<?php
function plain_help() {}
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    src/Db/Pool.php:3 close call in Checks.check -> src/Db/Pool.php#Pool.close candidate 8
    src/Db/Pool.php:3 close call in Checks.check -> src/Db/Conn.php#Closer.close candidate 8
    src/Db/Pool.php:3 close call in Checks.check -> src/Db/Conn.php#Conn.close candidate 8
    src/Db/Pool.php:3 close call in Checks.check -> src/Queue.php#Queue.close candidate 8
    src/Db/Pool.php:3 close call in Checks.check -> src/Service.php#Service.close candidate 8
    src/Db/Pool.php:7 self new in Pool.make -> src/Db/Pool.php#Pool own 99
    src/Db/Pool.php:9 check call in Pool.acquire -> src/Db/Pool.php#Checks.check own 99
    src/Db/Pool.php:10 close call in Pool.acquire -> src/Db/Conn.php#Conn.close receiver 99
    src/Db/Pool.php:13 acquire call in Pool.close -> src/Db/Pool.php#Pool.acquire own 99
    src/Db/Pool.php:13 close call in Pool.close -> src/Db/Conn.php#Conn.close receiver 99
    src/Db/Pool.php:15 make call in open -> src/Db/Pool.php#Pool.make qualified 99
    src/Queue.php:6 static new in Queue.make -> src/Queue.php#Queue own 99
    src/Queue.php:8 make call in open -> src/Queue.php#Queue.make qualified 99
    src/Service.php:8 Queue new in Service.__construct -> src/Queue.php#Queue package 90
    src/Service.php:9 acquire call in Service.acquire -> src/Db/Pool.php#Pool.acquire receiver 99
    src/Service.php:10 close call in Service.close -> src/Queue.php#Queue.close receiver 99
    src/Service.php:10 acquire call in Service.close -> src/Service.php#Service.acquire own 99
    src/Service.php:10 close call in Service.close -> src/Db/Conn.php#Conn.close receiver 99
    src/Service.php:12 make call in Service.run -> src/Db/Pool.php#Pool.make qualified 99
    src/Service.php:13 close call in Service.run -> src/Db/Pool.php#Pool.close receiver 99
    src/Service.php:14 open_pool call in Service.run -> src/Db/Pool.php#open import 99
    src/Service.php:14 acquire call in Service.run -> src/Db/Pool.php#Pool.acquire receiver 99
    src/Service.php:15 open call in Service.run -> src/Queue.php#open package 90
    src/Service.php:15 close call in Service.run -> src/Queue.php#Queue.close receiver 99
    src/Service.php:16 close call in Service.run -> src/Db/Conn.php#Closer.close receiver 99
    src/Service.php:17 acquire call in Service.run -> src/Service.php#Service.acquire candidate 13
    src/Service.php:17 acquire call in Service.run -> src/Queue.php#Queue.acquire candidate 13
    src/Service.php:17 acquire call in Service.run -> src/Db/Pool.php#Pool.acquire candidate 13
    src/Service.php:18 plain_help call in Service.run -> src/plain.php#plain_help package 90
    src/Service.php:19 Queue new in Service.run -> src/Queue.php#Queue qualified 99
    src/Service.php:19 acquire call in Service.run -> src/Queue.php#Queue.acquire receiver 99
    ",
    );
}

#[test]
fn a_thing_of_type_object_may_be_anything() {
    assert_lines(
        &Repository::new(
            r#"
== a.php
<?php
class Pool { function acquire() {} }
class Queue { function acquire() {} }
function run(object $any, Pool $pool) { $any->acquire(); $pool->acquire(); }
"#,
        )
        .calls(),
        "
    a.php:4 acquire call in run -> a.php#Pool.acquire candidate 20
    a.php:4 acquire call in run -> a.php#Queue.acquire candidate 20
    a.php:4 acquire call in run -> a.php#Pool.acquire receiver 99
    ",
    );
}
