//! What is found in Swift, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references_of, supertypes, symbols};

const TEXT: &str = r#"import Foundation
import struct A.B
/// Keeps.
public final class Pool<T>: Base<T>, Source where T: X {
    static let max = 3
    private var conn: Conn? = nil
    let log: Logger, n: Int
    var free: Int { return size }
    init(url: String, n: Int = 3) throws { self.conn = Conn(url: url) }
    deinit {}
    func acquire(_ a: Int, with b: String..., c: Foo = x) async throws -> Conn? {
        let p = Pool(url: "x")
        var q: Foo = make()
        p.acquire(1)?.close()
        self.conn!.m()
        super.run()
        items.forEach { $0.m() }
        for x in items { x.m() }
        guard let y = p.f() else { return nil }
        if let z = q { z.m() }
        q.size = 4
        items.map { (a: Int) in a.m() }
        (q as! Foo).m()
        c.m()
        let w = try await y.go()
        w.m()
    }
    static func make() -> Self { self.m() }
    class func cm() {}
    subscript(i: Int) -> Int { 1 }
    enum E: Int, Codable {
        case a(Int), b = 2
        case c
        func g() {}
    }
    struct In { var v: Int }
    typealias Alias = [String: Pool]
}
protocol P: Q, R {
    func f() -> Int
    var k: Int { get }
    associatedtype A
}
extension Pool: Hashable where T: Y {
    func ext() { self.m() }
}
class PoolTests: XCTestCase { func testIt() {} }
func main() { print("a \(x.size)") }
let top = 1
actor Act {}
"#;

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn types_and_members() {
    assert_lines(
        &symbols("swift", TEXT),
        r#"
        4 class Pool [exported] "Keeps."
        5 field Pool.max: =<Int> [exported static]
        6 field Pool.conn: Conn?
        7 field Pool.log: Logger [exported]
        7 field Pool.n: Int [exported]
        8 property Pool.free: Int [exported accessor]
        9 constructor Pool.init/1-2 [exported]
        10 method Pool.deinit/0-0 [exported]
        11 method Pool.acquire/1-*: Conn? [exported async]
        28 method Pool.make/0-0: Self [exported static]
        29 method Pool.cm/0-0 [exported static]
        30 method Pool.subscript/1-1: Int [exported]
        31 enum Pool.E [exported]
        32 variant Pool.E.a [exported]
        32 variant Pool.E.b [exported]
        33 variant Pool.E.c [exported]
        34 method Pool.E.g/0-0 [exported]
        36 struct Pool.In [exported]
        36 field Pool.In.v: Int [exported]
        37 type_alias Pool.Alias: [String:Pool] [exported]
        39 trait P [exported]
        40 method P.f/0-0: Int [exported abstract]
        41 property P.k: Int [exported accessor]
        42 type_alias P.A [exported]
        45 method Pool.ext/0-0 [exported]
        47 class PoolTests [exported test]
        47 method PoolTests.testIt/0-0 [exported test]
        48 function main/0-0 [exported entry]
        49 variable top: =<Int> [exported]
        50 class Act [exported]
        "#,
    );
    assert_lines(
        &supertypes("swift", TEXT),
        "
        4 Pool extends Base
        4 Pool implements Source
        31 E implements Int
        31 E implements Codable
        39 P extends Q
        39 P extends R
        44 Pool implements Hashable
        47 PoolTests extends XCTestCase
        ",
    );
    assert_lines(&imports("swift", TEXT), "1 Foundation -\n2 A.B -");
}

#[test]
fn receivers_are_told_by_what_locals_are() {
    assert_lines(
        &references_of("swift", TEXT, &["call"]),
        "
        9 call Conn/1 in Pool.init
        12 call Pool/1 in Pool.acquire
        13 call make/0 in Pool.acquire
        14 call Pool() | acquire/1 in Pool.acquire
        14 call Pool().acquire() | close/0 in Pool.acquire
        15 call this.conn | m/0 in Pool.acquire
        16 call super | run/0 in Pool.acquire
        17 call items | forEach/1 in Pool.acquire
        17 call items[] | m/0 in Pool.acquire
        18 call items[] | m/0 in Pool.acquire
        19 call Pool() | f/0 in Pool.acquire
        20 call <Foo> | m/0 in Pool.acquire
        22 call items | map/1 in Pool.acquire
        22 call <Int> | m/0 in Pool.acquire
        23 call <Foo> | m/0 in Pool.acquire
        24 call <Foo> | m/0 in Pool.acquire
        25 call Pool().f() | go/0 in Pool.acquire
        26 call Pool().f().go().await | m/0 in Pool.acquire
        28 call Self | m/0 in Pool.make
        45 call this | m/0 in Pool.ext
        48 call print/1 in main
        ",
    );
}
