//! C#.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r#"
== Db/Pool.cs
using System.Collections.Generic;
namespace Acme.Db;
public interface ICloser { void Close(); }
public class Conn : ICloser { public void Close() {} }
public partial class Pool : Base
{
    private readonly List<Conn> conns = new();
    public Conn First => conns[0];
    public static Pool Make() => new Pool();
    public Conn Acquire() { Check(); foreach (var conn in conns) { conn.Close(); } return First; }
}
== Db/Pool.Close.cs
namespace Acme.Db
{
    public partial class Pool
    {
        public void Close() { First.Close(); Acquire().Close(); }
    }
    public abstract class Base { protected void Check() {} }
}
== Queues/Queue.cs
namespace Acme.Queues;
public class Queue<T>
{
    public T Acquire() => default;
    public void Close() {}
    public static Queue<T> Make() => new();
}
== App/Service.cs
using Acme.Db;
using Acme.Queues;
namespace Acme.App;
public class Service
{
    private readonly Pool _pool;
    public Queue<Conn> Queue { get; set; }
    public Service(Pool pool) { _pool = pool; }
    public Conn Acquire() { return _pool.Acquire(); }
    public void Close() { Queue.Close(); this._pool.Close(); Queue.Acquire().Close(); }
    public void Run(ICloser closer, Pool given, dynamic unknown)
    {
        Acquire().Close();
        var made = Pool.Make();
        made.Close();
        given?.Close();
        closer.Close();
        Queue<Conn> q = new();
        q.Close();
        new Service(made).Acquire();
        unknown.Acquire();
    }
}
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    App/Service.cs:9 Acquire call in Service.Acquire -> Db/Pool.cs#Pool.Acquire receiver 99
    App/Service.cs:10 Close call in Service.Close -> Queues/Queue.cs#Queue.Close receiver 99
    App/Service.cs:10 Close call in Service.Close -> Db/Pool.Close.cs#Pool.Close receiver 99
    App/Service.cs:10 Acquire call in Service.Close -> Queues/Queue.cs#Queue.Acquire receiver 99
    App/Service.cs:10 Close call in Service.Close -> Db/Pool.cs#Conn.Close receiver 99
    App/Service.cs:13 Acquire call in Service.Run -> App/Service.cs#Service.Acquire own 99
    App/Service.cs:13 Close call in Service.Run -> Db/Pool.cs#Conn.Close receiver 99
    App/Service.cs:14 Make call in Service.Run -> Db/Pool.cs#Pool.Make qualified 99
    App/Service.cs:15 Close call in Service.Run -> Db/Pool.Close.cs#Pool.Close receiver 99
    App/Service.cs:16 Close call in Service.Run -> Db/Pool.Close.cs#Pool.Close receiver 99
    App/Service.cs:17 Close call in Service.Run -> Db/Pool.cs#ICloser.Close receiver 99
    App/Service.cs:18 Queue new in Service.Run -> Queues/Queue.cs#Queue import 99
    App/Service.cs:19 Close call in Service.Run -> Queues/Queue.cs#Queue.Close receiver 99
    App/Service.cs:20 Service new in Service.Run -> App/Service.cs#Service.Service own 99
    App/Service.cs:20 Acquire call in Service.Run -> App/Service.cs#Service.Acquire receiver 99
    App/Service.cs:21 Acquire call in Service.Run -> App/Service.cs#Service.Acquire candidate 13
    App/Service.cs:21 Acquire call in Service.Run -> Db/Pool.cs#Pool.Acquire candidate 13
    App/Service.cs:21 Acquire call in Service.Run -> Queues/Queue.cs#Queue.Acquire candidate 13
    Db/Pool.Close.cs:5 Close call in Pool.Close -> Db/Pool.cs#Conn.Close receiver 99
    Db/Pool.Close.cs:5 Acquire call in Pool.Close -> Db/Pool.cs#Pool.Acquire own 99
    Db/Pool.Close.cs:5 Close call in Pool.Close -> Db/Pool.cs#Conn.Close receiver 99
    Db/Pool.cs:9 Pool new in Pool.Make -> Db/Pool.cs#Pool file 99
    Db/Pool.cs:10 Check call in Pool.Acquire -> Db/Pool.Close.cs#Base.Check own 99
    Db/Pool.cs:10 Close call in Pool.Acquire -> Db/Pool.cs#Conn.Close receiver 99
    ",
    );
}

#[test]
fn a_thing_of_type_object_may_be_anything() {
    assert_lines(
        &Repository::new(
            r#"
== a.cs
class Pool { public void Acquire() {} }
class Queue { public void Acquire() {} }
class Use { void Run(object any, Pool pool, dynamic more) { any.Acquire(); pool.Acquire(); more.Acquire(); } }
"#,
        )
        .calls(),
        "
    a.cs:3 Acquire call in Use.Run -> a.cs#Pool.Acquire candidate 20
    a.cs:3 Acquire call in Use.Run -> a.cs#Queue.Acquire candidate 20
    a.cs:3 Acquire call in Use.Run -> a.cs#Pool.Acquire receiver 99
    a.cs:3 Acquire call in Use.Run -> a.cs#Pool.Acquire candidate 20
    a.cs:3 Acquire call in Use.Run -> a.cs#Queue.Acquire candidate 20
    ",
    );
}
