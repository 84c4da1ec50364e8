//! Java.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r#"
== src/main/java/acme/db/Closer.java
package acme.db;
public interface Closer { void close(); default void twice() { close(); } }
== src/main/java/acme/db/Conn.java
package acme.db;
public class Conn implements Closer { public void close() {} }
== src/main/java/acme/db/Pool.java
package acme.db;
import java.util.ArrayList;
import java.util.List;
public class Pool extends Base {
  private final List<Conn> conns = new ArrayList<>();
  private Conn first;
  public static Pool make() { return new Pool(); }
  public Conn acquire() { check(); for (Conn conn : conns) { conn.close(); } return this.first; }
  public void close() { first.close(); conns.get(0).close(); }
  static class Base { void check() {} void close() {} }
}
== src/main/java/acme/db/Base.java
package acme.db;
class Base { protected void check() { close(); } void close() {} }
== src/main/java/acme/queue/Queue.java
package acme.queue;
public class Queue<T> {
  public void acquire() {}
  public void close() {}
  public static <T> Queue<T> make() { return new Queue<>(); }
  public T first() { return null; }
}
== src/main/java/acme/Service.java
package acme;
import acme.db.*;
import acme.queue.Queue;
import static acme.queue.Queue.make;
import java.util.Map;
public class Service {
  private final Pool pool;
  private final Queue<Conn> queue = make();
  Map<String, Pool> byName;
  Service(Pool pool) { this.pool = pool; }
  Conn acquire() { return pool.acquire(); }
  void close() { queue.close(); this.pool.close(); queue.first().close(); }
  void run(Object unknown, Closer closer) {
    acquire().close();
    var made = Pool.make();
    made.close();
    new Service(made).acquire().twice();
    closer.close();
    byName.get("a").close();
    Runnable later = () -> made.acquire();
    unknown.toString();
  }
}
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    src/main/java/acme/Service.java:8 make call in Service.queue -> src/main/java/acme/queue/Queue.java#Queue.make import 99
    src/main/java/acme/Service.java:11 acquire call in Service.acquire -> src/main/java/acme/db/Pool.java#Pool.acquire receiver 99
    src/main/java/acme/Service.java:12 close call in Service.close -> src/main/java/acme/queue/Queue.java#Queue.close receiver 99
    src/main/java/acme/Service.java:12 close call in Service.close -> src/main/java/acme/db/Pool.java#Pool.close receiver 99
    src/main/java/acme/Service.java:12 first call in Service.close -> src/main/java/acme/queue/Queue.java#Queue.first receiver 99
    src/main/java/acme/Service.java:12 close call in Service.close -> src/main/java/acme/db/Conn.java#Conn.close receiver 99
    src/main/java/acme/Service.java:14 acquire call in Service.run -> src/main/java/acme/Service.java#Service.acquire own 99
    src/main/java/acme/Service.java:14 close call in Service.run -> src/main/java/acme/db/Conn.java#Conn.close receiver 99
    src/main/java/acme/Service.java:15 make call in Service.run -> src/main/java/acme/db/Pool.java#Pool.make qualified 99
    src/main/java/acme/Service.java:16 close call in Service.run -> src/main/java/acme/db/Pool.java#Pool.close receiver 99
    src/main/java/acme/Service.java:17 Service new in Service.run -> src/main/java/acme/Service.java#Service.Service own 99
    src/main/java/acme/Service.java:17 acquire call in Service.run -> src/main/java/acme/Service.java#Service.acquire receiver 99
    src/main/java/acme/Service.java:17 twice call in Service.run -> src/main/java/acme/db/Closer.java#Closer.twice receiver 99
    src/main/java/acme/Service.java:18 close call in Service.run -> src/main/java/acme/db/Closer.java#Closer.close receiver 99
    src/main/java/acme/Service.java:19 close call in Service.run -> src/main/java/acme/db/Pool.java#Pool.close receiver 99
    src/main/java/acme/Service.java:20 acquire call in Service.run -> src/main/java/acme/db/Pool.java#Pool.acquire receiver 99
    src/main/java/acme/db/Base.java:2 close call in Base.check -> src/main/java/acme/db/Base.java#Base.close own 99
    src/main/java/acme/db/Closer.java:2 close call in Closer.twice -> src/main/java/acme/db/Closer.java#Closer.close own 99
    src/main/java/acme/db/Pool.java:5 ArrayList new in Pool.conns -> external:java.util ArrayList import 99
    src/main/java/acme/db/Pool.java:7 Pool new in Pool.make -> src/main/java/acme/db/Pool.java#Pool file 99
    src/main/java/acme/db/Pool.java:8 check call in Pool.acquire -> src/main/java/acme/db/Base.java#Base.check own 99
    src/main/java/acme/db/Pool.java:8 close call in Pool.acquire -> src/main/java/acme/db/Conn.java#Conn.close receiver 99
    src/main/java/acme/db/Pool.java:9 close call in Pool.close -> src/main/java/acme/db/Conn.java#Conn.close receiver 99
    src/main/java/acme/db/Pool.java:9 close call in Pool.close -> src/main/java/acme/db/Conn.java#Conn.close receiver 99
    src/main/java/acme/queue/Queue.java:5 Queue new in Queue.make -> src/main/java/acme/queue/Queue.java#Queue file 99
    ",
    );
}
