//! Java.

use kotadb_core::facts::Role;
use kotadb_core::graph::Target;

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

const OVERLOADS: &str = r#"
== a/Arrays.java
package a;
public class Arrays extends Above {
  static int size(int[] all) { return 0; }
  static int size(String[] all) { return 0; }
  static int size(Object[] all) { return 0; }
  static void put(Object one) {}
  static void put(long one) {}
  static void put(String one) {}
  static void put(boolean one) {}
  static void put(Object... all) {}
  static <T> T[] join(T[] all, T one) { return all; }
  static int[] join(int[] all, int one) { return all; }
  static void close(Base base) {}
  static void close(Pool pool) {}
  static class Base {}
  static class Pool extends Base {}
  static class Small extends Pool {}
  private int[] numbers;
  void fill(Object[] all) {}
  void run(String[] words, Small small, Arrays[] all, Object any) {
    size(numbers); size(words); size(all); size(new int[0]);
    put(words.length + 1); put("a" + words); put('a' != 'b'); put(1, 2); put(any);
    join(numbers, numbers[0]); join(words, "a"); size(any.unknown());
    close(small); put(any.toString()); put(any.hashCode()); put(make());
    fill(words); fill("a"); super.fill(numbers);
  }
  String make() { return null; }
}
class Above {
  void fill(int[] all) {}
  void fill(String all) {}
}
"#;

#[test]
fn overloads_are_told_apart_by_what_they_are_given() {
    let (resolved, _) = Repository::new(OVERLOADS).resolved(1);
    let facts = &resolved[0].facts;
    let line = |target: Target| match target {
        Target::Symbol { symbol, .. } => facts.symbols[symbol as usize].line,
        _ => 0,
    };
    let mut found: Vec<(u32, Vec<u32>)> = Vec::new();
    for edge in resolved[0].edges.edges.iter().filter(|edge| edge.role == Role::Call) {
        match found.last_mut() {
            Some((site, lines)) if *site == edge.site => lines.push(line(edge.target)),
            _ => found.push((edge.site, vec![line(edge.target)])),
        }
    }
    let lines: Vec<Vec<u32>> = found.into_iter().map(|(_, lines)| lines).collect();
    let sure: [&[u32]; 9] = [&[3], &[4], &[5], &[3], &[7], &[8], &[9], &[10], &[6]];
    assert_eq!(lines[..9], sure.map(<[u32]>::to_vec));
    // Of what is not known all stay.
    let more: [&[u32]; 6] = [&[12], &[11], &[3, 4, 5], &[14], &[8], &[7]];
    assert_eq!(lines[9..15], more.map(<[u32]>::to_vec));
    // A type above is asked where nothing nearer fits.
    assert_eq!(lines[15..], [vec![8], vec![27], vec![19], vec![31], vec![30]]);
}

#[test]
fn every_call_is_looked_into_as_far() {
    let call = "put(this.name());\n".repeat(100);
    let text = format!(
        "== a/A.java\npackage a;\nclass Name {{}}\nclass A {{\nName name() {{ return null; }}\nvoid put(String s) {{}}\n\
         void put(Name n) {{}}\nvoid run() {{\n{call}}}\n}}\n"
    );
    let (resolved, _) = Repository::new(&text).resolved(1);
    let symbols = &resolved[0].facts.symbols;
    let targets = resolved[0].edges.edges.iter().filter_map(|edge| match edge.target {
        Target::Symbol { symbol, .. } if edge.role == Role::Call => Some(&symbols[symbol as usize]),
        _ => None,
    });
    let lines: Vec<u32> = targets.filter(|target| &*target.name == "put").map(|target| target.line).collect();
    assert_eq!(lines, [6; 100]);
}

#[test]
fn a_crowd_of_overloads_is_not_told_apart() {
    let (methods, calls) = ("void f(A a) {}\n".repeat(3_000), "f(null);\n".repeat(3_000));
    let text = format!("== A.java\nclass A {{\n{methods}void run() {{\n{calls}}}\n}}\n");
    let (resolved, _) = Repository::new(&text).resolved(1);
    let n_calls = resolved[0].edges.edges.iter().filter(|edge| edge.role == Role::Call).count();
    assert!(n_calls >= 3_000, "{n_calls}");
}

#[test]
fn a_method_above_that_is_alone_is_not_forgotten() {
    let text = "== A.java\nclass Base {\nvoid f(int n) {}\n}\nclass Sub extends Base {\nvoid f(String s) {}\n\
                void r() {\nf(1);\n}\n}\n";
    let found = Repository::new(text).calls();
    assert!(found.contains("A.java:7 f call in Sub.r -> A.java#Base.f"), "{found}");
}

const LITERALS: &str = r#"
== a/Util.java
package a;
import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.Map;
public class Util {
  public Util() {}
  static void put(Object one) {}
  static void put(Type one) {}
  static void show(Object one) {}
  static void show(Class<?> one) {}
  static void take(Node one) {}
  static void take(Object one) {}
  static void join(Object one) {}
  static void join(Iterator<?> all) {}
  static void join(long one) {}
  static void join(String one) {}
  static void wrap(Node one) {}
  static void wrap(long one) {}
  static class Node {}
  private String length;
  static <T> void run(Map<String, T> map, Generated made, T[] all, Util other, Class<?> of, Iterable<T> some) {
    put(String.class); show(Util.class); take(made); take(map);
    put(all[0]); join(some.iterator()); join(Double.doubleToLongBits(1.0)); join(String.valueOf(1));
    join(other.length + 1); join(all.length + 1); join(of.getName());
    Util.put(of); wrap(made);
  }
  String getName() { return null; }
}
"#;

#[test]
fn what_is_given_is_known_by_the_language() {
    let (resolved, _) = Repository::new(LITERALS).resolved(1);
    let facts = &resolved[0].facts;
    let mut found: Vec<(u32, Vec<u32>)> = Vec::new();
    for edge in resolved[0].edges.edges.iter().filter(|edge| edge.role == Role::Call) {
        let Target::Symbol { symbol, .. } = edge.target else { continue };
        match found.last_mut() {
            Some((site, lines)) if *site == edge.site => lines.push(facts.symbols[symbol as usize].line),
            _ => found.push((edge.site, vec![facts.symbols[symbol as usize].line])),
        }
    }
    let lines: Vec<Vec<u32>> = found.into_iter().map(|(_, lines)| lines).collect();
    // A class is a `Type`.
    assert_eq!(lines[..2], [vec![8], vec![10]]);
    // A class that nobody knows may be written by a program; one of the language is none of these.
    assert_eq!(lines[2..4], [vec![12, 11], vec![12]]);
    assert_eq!(lines[4..8], [vec![7], vec![14], vec![15], vec![16]]);
    // A length that is no number makes a text of what is added; what the language's classes give is known though others have the name.
    assert_eq!(lines[8..11], [vec![16], vec![15], vec![16]]);
    // In its class a constructor is not what stands before a name.
    assert_eq!(lines[11..], [vec![27], vec![8], vec![17]]);
}

#[test]
fn overloads_that_do_not_fit_make_room() {
    let methods: String = (0..12).map(|n| format!("void put(int n, Kind{n} one) {{}}\n")).collect();
    let text = format!(
        "== a/A.java\npackage a;\nclass A {{\n{methods}void put(int n, String s) {{}}\n}}\n\
         == a/B.java\npackage a;\nclass B {{\nvoid run(Made made) {{ made.other().put(1, \"a\"); }}\n}}\n"
    );
    let found = Repository::new(&text).calls();
    assert_eq!(found.lines().filter(|line| line.contains("put call")).count(), 1, "{found}");
}

const ABOVE: &str = r#"
== a/A.java
package a;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
class Base { void f(int n) {} void g(int[] all) {} void g(int one) {} }
class A extends Base {
void f() {}
static void h(Path a, Path b) {}
static void h(Path a, FileTime b, Object... more) {}
void run(Path path, FileTime time, int all[]) { f(made()); h(path, time); g(all); }
}
"#;

#[test]
fn what_takes_just_what_is_given_comes_first() {
    assert_lines(
        &Repository::new(ABOVE).calls(),
        "
    a/A.java:9 f call in A.run -> a/A.java#Base.f own 99
    a/A.java:9 h call in A.run -> a/A.java#A.h own 99
    a/A.java:9 g call in A.run -> a/A.java#Base.g own 99
    ",
    );
}

const GUESSED: &str = r#"
== a/Record.java
package a;
class Record extends ext.Base { void other(ext.Row row) { row.size(); } }
class Sized { long size() { return 1; } }
== a/A.java
package a;
import org.objectweb.asm.Type;
import java.nio.channels.FileChannel;
class Base { void t(Object one) {} void g(long n) {} }
class A extends Base {
void f(String[] all) {}
void f(Object one) {}
void t(Type type) {}
void g(int n) {}
void run(java.util.List<String> list, FileChannel channel, Record own) {
f(list.toArray(new String[0]));
t(String.class);
g(channel.size());
}
}
"#;

#[test]
fn what_a_name_alone_tells_of_a_result_is_no_certainty() {
    let found = Repository::new(GUESSED).calls();
    let line = |n: u32, of: &str| {
        let begin = format!("a/A.java:{n} {of} call");
        found.lines().filter(|line| line.trim().starts_with(&begin)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(line(11, "f").len() == 2, "{found}");
    assert!(matches!(&line(12, "t")[..], [one] if one.ends_with("Base.t own 99")), "{found}");
    assert!(matches!(&line(13, "g")[..], [one] if one.ends_with("Base.g own 99")), "{found}");
}
