//! Ruby.

use crate::names::testing::{Repository, assert_lines};

const POOLS: &str = r#"
== lib/acme/conn.rb
module Acme
  class Conn
    def close; end
  end
end
== lib/acme/pool.rb
require_relative "conn"
module Acme
  module Checks
    def check; end
  end
  class Pool
    include Checks
    attr_reader :first
    def self.make
      new(1)
    end
    def initialize(size)
      @first = Conn.new
    end
    def acquire
      check
      first.close
      @first.close
      @first
    end
  end
end
== lib/acme/more.rb
module Acme
  class Pool
    def close
      acquire.close
    end
  end
end
== lib/queue.rb
class Queue
  def acquire; end
  def close; end
  def self.make = new
end
== lib/acme/service.rb
module Acme
  class Service
    def initialize
      @pool = Pool.new(1)
      @queue = ::Queue.new
    end
    def acquire
      @pool.acquire
    end
    def close
      @queue.close
      self.acquire
    end
    def run(unknown)
      made = Pool.make
      made.close
      acquire
      Acme::Pool.make.acquire
      unknown.acquire
      ::Queue.make.close
    end
  end
end
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(POOLS).calls(),
        "
    lib/acme/more.rb:4 acquire call in Acme.Pool.close -> lib/acme/pool.rb#Acme.Pool.acquire own 99
    lib/acme/more.rb:4 close call in Acme.Pool.close -> lib/acme/conn.rb#Acme.Conn.close receiver 99
    lib/acme/pool.rb:10 new new in Acme.Pool.make -> lib/acme/more.rb#Acme.Pool own 99
    lib/acme/pool.rb:13 Conn new in Acme.Pool.initialize -> lib/acme/conn.rb#Acme.Conn file 99
    lib/acme/pool.rb:16 check call in Acme.Pool.acquire -> lib/acme/pool.rb#Acme.Checks.check own 99
    lib/acme/pool.rb:17 first call in Acme.Pool.acquire -> lib/acme/pool.rb#Acme.Pool.first own 99
    lib/acme/pool.rb:17 close call in Acme.Pool.acquire -> lib/acme/conn.rb#Acme.Conn.close receiver 99
    lib/acme/pool.rb:18 close call in Acme.Pool.acquire -> lib/acme/conn.rb#Acme.Conn.close receiver 99
    lib/acme/service.rb:4 Pool new in Acme.Service.initialize -> lib/acme/more.rb#Acme.Pool file 99
    lib/acme/service.rb:4 Pool new in Acme.Service.initialize -> lib/acme/pool.rb#Acme.Pool file 99
    lib/acme/service.rb:5 Queue new in Acme.Service.initialize -> lib/queue.rb#Queue package 90
    lib/acme/service.rb:8 acquire call in Acme.Service.acquire -> lib/acme/pool.rb#Acme.Pool.acquire receiver 99
    lib/acme/service.rb:11 close call in Acme.Service.close -> lib/queue.rb#Queue.close receiver 99
    lib/acme/service.rb:12 acquire call in Acme.Service.close -> lib/acme/service.rb#Acme.Service.acquire own 99
    lib/acme/service.rb:15 make call in Acme.Service.run -> lib/acme/pool.rb#Acme.Pool.make qualified 99
    lib/acme/service.rb:16 close call in Acme.Service.run -> lib/acme/more.rb#Acme.Pool.close receiver 99
    lib/acme/service.rb:17 acquire call in Acme.Service.run -> lib/acme/service.rb#Acme.Service.acquire own 99
    lib/acme/service.rb:18 make call in Acme.Service.run -> lib/acme/pool.rb#Acme.Pool.make qualified 99
    lib/acme/service.rb:18 acquire call in Acme.Service.run -> lib/acme/pool.rb#Acme.Pool.acquire receiver 99
    lib/acme/service.rb:19 acquire call in Acme.Service.run -> lib/acme/service.rb#Acme.Service.acquire candidate 13
    lib/acme/service.rb:19 acquire call in Acme.Service.run -> lib/acme/pool.rb#Acme.Pool.acquire candidate 13
    lib/acme/service.rb:19 acquire call in Acme.Service.run -> lib/queue.rb#Queue.acquire candidate 13
    lib/acme/service.rb:20 make call in Acme.Service.run -> lib/queue.rb#Queue.make qualified 99
    lib/acme/service.rb:20 close call in Acme.Service.run -> lib/queue.rb#Queue.close receiver 99
    lib/queue.rb:4 new new in Queue.make -> lib/queue.rb#Queue own 99
    ",
    );
}
