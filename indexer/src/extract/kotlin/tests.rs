//! What is found in Kotlin, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, facts, imports, references_of, supertypes, symbols};

const TEXT: &str = r#"package a.b

import x.y.Z
import x.y.*
import x.y.W as V

/** Keeps. */
@Attr(1)
abstract class Pool<T>(private val log: Logger, n: Int = 3) : Base<T>(n), Source by log {
    val size: Int = 3
    private var conn: Conn? = null
    val free: Int
        get() = size

    constructor(a: Int) : this(Logger(), a)

    override suspend fun acquire(a: Int, b: Int = 2, vararg c: String): Conn = log.make(a)

    abstract fun open(): Int

    companion object {
        const val MAX = 3

        fun make() = Pool(1)
    }

    enum class E(val v: Int) : I {
        A(1),
        B(2);

        fun g() {}
    }

    fun run(list: List<Foo>, other: b.Conn) {
        val p = Pool(1)
        p.acquire(2)?.close()
        this.conn!!.m()
        super.run()
        list.forEach { it.m() }
        list.map { x -> x.m() }
        for (y in list) y.m()
        when (val z = f()) {
            is Foo -> z.m()
        }
        p.size = 4
        (p as Foo).m()
        other.m(*spread)
        p?.let { it.m() }
        try { g() } catch (e: Err) { e.m() }
        log.info("a ${p.n}")
    }
}

interface I : J {
    fun f(): Int
    val k: Int
}

object Single {
    fun z() {}
}

typealias Alias = Map<String, Pool>

fun Pool.ext(a: Int): Int = 1

val top by lazy { 1 }
const val TOP = 1

fun main() {
    Single.z()
}
"#;

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn types_and_members() {
    assert_lines(
        &symbols("kotlin", TEXT),
        r#"
        9 class Pool [exported abstract] "Keeps."
        9 field Pool.log: Logger
        10 field Pool.size: Int [exported]
        11 field Pool.conn: Conn?
        12 property Pool.free: Int [exported accessor]
        15 constructor Pool.constructor/1-1 [exported]
        17 method Pool.acquire/1-*: Conn [exported async]
        19 method Pool.open/0-0: Int [exported abstract]
        22 constant Pool.MAX: =<Int> [exported static]
        24 method Pool.make/0-0: =Pool() [exported static]
        27 enum Pool.E [exported]
        27 field Pool.E.v: Int [exported]
        28 variant Pool.E.A [exported]
        29 variant Pool.E.B [exported]
        31 method Pool.E.g/0-0 [exported]
        34 method Pool.run/2-2 [exported]
        54 interface I [exported]
        55 method I.f/0-0: Int [exported abstract]
        56 field I.k: Int [exported]
        59 class Single [exported]
        60 method Single.z/0-0 [exported static]
        63 type_alias Alias: Map<String,Pool> [exported]
        65 function Pool.ext/1-1: Int [exported]
        67 variable top [exported]
        68 constant TOP: =<Int> [exported]
        70 function main/0-0 [exported entry]
        "#,
    );
    assert_lines(
        &supertypes("kotlin", TEXT),
        "9 Pool extends Base\n9 Pool implements Source\n27 E implements I\n54 I extends J",
    );
    assert_lines(&imports("kotlin", TEXT), "3 x.y.Z -\n4 x.y *\n5 x.y.W - as V");
    assert_eq!(facts("kotlin", TEXT).package.as_deref(), Some("a.b"));
}

#[test]
fn receivers_are_told_by_what_locals_are() {
    assert_lines(
        &references_of("kotlin", TEXT, &["call"]),
        "
        15 call Logger/0 in Pool.constructor
        17 call log | make/1 in Pool.acquire
        24 call Pool/1 in Pool.make
        35 call Pool/1 in Pool.run
        36 call Pool() | acquire/1 in Pool.run
        36 call Pool().acquire() | close/0 in Pool.run
        37 call this.conn | m/0 in Pool.run
        38 call super | run/0 in Pool.run
        39 call <List<Foo>> | forEach/1 in Pool.run
        39 call <List<Foo>>[] | m/0 in Pool.run
        40 call <List<Foo>> | map/1 in Pool.run
        40 call <List<Foo>>[] | m/0 in Pool.run
        41 call <List<Foo>>[] | m/0 in Pool.run
        42 call f/0 in Pool.run
        43 call f() | m/0 in Pool.run
        46 call <Foo> | m/0 in Pool.run
        47 call <b.Conn> | m in Pool.run
        48 call Pool() | let/1 in Pool.run
        48 call Pool() | m/0 in Pool.run
        49 call g/0 in Pool.run
        49 call <Err> | m/0 in Pool.run
        50 call log | info/1 in Pool.run
        67 call lazy/1 in top
        71 call Single | z/0 in main
        ",
    );
}
