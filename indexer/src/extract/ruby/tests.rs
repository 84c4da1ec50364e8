//! What is found in Ruby, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references, references_of, supertypes, symbols};

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn modules_classes_and_members() {
    let text = r#"
module Db
  # Keeps connections.
  class Pool < Base::Source
    include Enumerable
    attr_reader :size, :conn
    MAX = 3
    Error = Class.new(StandardError)
    Point = Struct.new(:x) do
      def far?; x; end
    end
    @@all = {}

    def initialize(url, size: 4, *rest, &block)
      @conn = Conn.new(url)
      @size ||= size
      @size = 1
      local = 2
    end

    def self.make(url) = new(url)

    class << self
      def shared; @shared ||= new("x"); end
    end

    alias take acquire
    alias_method :fetch, :acquire
    define_method(:twice) { |a, b = 1| a }

    def ==(other); end
    def name=(value); end
    private def hidden; end
    def open; end
    private
    def secret(a, *b); end
    protected def guarded; end
    public
    def shown; @conn; end
    private :open
  end
  module_function
  def helper; end
end
class Db::Pool
  def again; end
end
def main; end
$level = 1
local = 3
"#;
    assert_lines(
        &symbols("ruby", text),
        r#"
        2 module Db [exported]
        4 class Db.Pool [exported] "Keeps connections."
        6 property Db.Pool.size: =this.@size [exported accessor]
        6 property Db.Pool.conn: =this.@conn [exported accessor]
        7 constant Db.Pool.MAX: =<Integer> [exported]
        8 class Db.Pool.Error [exported]
        9 class Db.Pool.Point [exported]
        9 property Db.Pool.Point.x [exported accessor]
        10 method Db.Pool.Point.far?/0-0: =x [exported accessor]
        12 field Db.Pool.@@all: =<Hash> [static]
        14 constructor Db.Pool.initialize/1-* [exported]
        15 field Db.Pool.@conn: =<Conn>
        16 field Db.Pool.@size: =<Integer>
        21 method Db.Pool.make/1-1: =<Self> [exported static]
        24 method Db.Pool.shared/0-0: =<Self> [exported static accessor]
        24 field Db.Pool.@shared: =<Self> [static]
        27 method Db.Pool.take/0-*: =acquire [exported accessor]
        28 method Db.Pool.fetch/0-*: =acquire [exported accessor]
        29 method Db.Pool.twice/1-2: =? [exported]
        31 method Db.Pool.==/1-1 [exported]
        32 method Db.Pool.name=/1-1 [exported]
        33 method Db.Pool.hidden/0-0 [accessor]
        34 method Db.Pool.open/0-0 [accessor]
        36 method Db.Pool.secret/1-*
        37 method Db.Pool.guarded/0-0 [accessor]
        39 method Db.Pool.shown/0-0: =this.@conn [exported accessor]
        43 method Db.helper/0-0 [exported static accessor]
        45 class Db.Pool [exported]
        46 method Db.Pool.again/0-0 [exported accessor]
        48 function main/0-0 [exported accessor]
        49 variable $level: =<Integer> [exported]
        "#
        .replace(": =? ", " ")
        .as_str(),
    );
    assert_lines(
        &supertypes("ruby", text),
        "
        4 Pool extends Base::Source
        5 Pool embeds Enumerable
        8 Error extends StandardError
        ",
    );
}

/// Receivers are what the resolver lives on: each call is told apart from others of its name.
#[test]
fn receivers_are_told_by_what_locals_are() {
    let text = r#"
class A < B
  def f(a, b = Pool.new, *c, k: Db::Conn.new)
    a.m(1)
    b.m
    k.m(*a)
    x = Db::Pool.new(1)
    x.m
    Pool.make(1).sub.m
    y, z = Pool.new, g(1)
    y.m; z.m
    [x].each { |e| e.m }
    @pools.select(&:ok).each do |p| p.m end
    h.each { |q, r| r.m }
    @conn.m
    self.m
    self.class.m
    m
    m2 1, k: 2
    other = other || Pool.new
    other.m
    begin; rescue Db::Error => error; error.m; end
    case a
    in Conn => conn then conn.m
    in {name:} then name.m
    end
    ->(l) { l.m }
    w = @w ||= Pool.new
    w.m
    super
    super(1).m
    send(:m3, 1)
    "a#{t.m}".m
    a&.n
    for i in xs do i.m end
    Pool.new.tap { |o| o.m }
  end
  def self.g
    new.m
    self.m
  end
end
"#;
    assert_lines(
        &references_of("ruby", text, &["call", "new"]),
        "
        3 new Pool/0 in A.f
        3 new Db | Conn/0 in A.f
        4 call ? | m/1 in A.f
        5 call <Pool> | m/0 in A.f
        6 call <Db::Conn> | m in A.f
        7 new Db | Pool/1 in A.f
        8 call <Db::Pool> | m/0 in A.f
        9 call Pool | make/1 in A.f
        9 call Pool.make() | sub/0 in A.f
        9 call Pool.make().sub | m/0 in A.f
        10 new Pool/0 in A.f
        10 call g/1 in A.f
        11 call <Pool> | m/0 in A.f
        11 call g() | m/0 in A.f
        12 call <Array> | each/0 in A.f
        12 call <Db::Pool> | m/0 in A.f
        13 call this.@pools | select/0 in A.f
        13 call this.@pools[] | ok in A.f
        13 call this.@pools.select | each/0 in A.f
        13 call this.@pools[] | m/0 in A.f
        14 call h/0 in A.f
        14 call h | each/0 in A.f
        14 call h[].1 | m/0 in A.f
        15 call this.@conn | m/0 in A.f
        16 call this | m/0 in A.f
        17 call this | class/0 in A.f
        17 call Self | m/0 in A.f
        18 call m/0 in A.f
        19 call m2 in A.f
        20 new Pool/0 in A.f
        21 call <Pool> | m/0 in A.f
        22 call <Db::Error> | m/0 in A.f
        24 call <Conn> | m/0 in A.f
        25 call ? | m/0 in A.f
        27 call ? | m/0 in A.f
        28 new Pool/0 in A.f
        29 call <Pool> | m/0 in A.f
        30 call super | f in A.f
        31 call super | f/1 in A.f
        31 call super.f | m/0 in A.f
        32 call send/2 in A.f
        32 call m3 in A.f
        33 call t/0 in A.f
        33 call t | m/0 in A.f
        33 call <String> | m/0 in A.f
        34 call ? | n/0 in A.f
        35 call xs/0 in A.f
        35 call xs[] | m/0 in A.f
        36 new Pool/0 in A.f
        36 call <Pool> | tap/0 in A.f
        36 call <Pool> | m/0 in A.f
        39 new Self/0 in A.g
        39 call <Self> | m/0 in A.g
        40 call Self | m/0 in A.g
        ",
    );
}

#[test]
fn uses_that_are_no_calls() {
    let text = "
class C
  before_action :check, only: :index
  def f
    @a = LIMIT
    @a.b = Db::LIMIT
    @a += 1
    method(:g)
    raise Error, $stdin
    $~
  end
end
";
    assert_lines(
        &references_of("ruby", text, &["read", "write"]),
        "
        3 read check in C
        5 read LIMIT in C.f
        6 read this | @a in C.f
        6 write this.@a | b in C.f
        6 read Db in C.f
        6 read Db | LIMIT in C.f
        7 write this | @a in C.f
        8 read g in C.f
        9 read Error in C.f
        9 read $stdin in C.f
        ",
    );
}

#[test]
fn requires() {
    let text = "
require 'json'
require_relative '../db/pool'
require_relative 'conn'
autoload :Late, 'db/late'
require \"a#{b}\"
";
    assert_lines(
        &imports("ruby", text),
        "
        2 json -
        3 ../db/pool -
        4 ./conn -
        5 db/late Late
        ",
    );
}

#[test]
fn examples_are_tests_and_know_their_class() {
    let text = r#"
RSpec.describe Db::Pool do
  let(:conn) { Db::Conn.new }
  subject { described_class.new(conn) }
  it "takes one" do
    subject.acquire
    conn.close
  end
end
class PoolTest < Minitest::Test
  def test_size; end
  test "it runs" do
    run_it
  end
end
"#;
    assert_lines(
        &symbols("ruby", text),
        "
        5 function takes one/0-0 [test]
        10 class PoolTest [exported test]
        11 method PoolTest.test_size/0-0 [exported test accessor]
        12 function PoolTest.it runs/0-0 [test]
        ",
    );
    let found = references("ruby", text);
    for line in [
        "6 call <Db::Pool> | acquire/0 in takes one",
        "7 call <Db::Conn> | close/0 in takes one",
        "13 call run_it/0 in PoolTest.it runs",
    ] {
        assert!(found.contains(line), "{line} in\n{found}");
    }
}
