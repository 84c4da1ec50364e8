//! What is found in Bash, on small texts.

use super::*;
use crate::extract::testing::{assert_lines, imports, references, signatures, symbols};

const TEXT: &str = r#"#!/bin/bash
source "$DIR/lib.sh"
. ./x.sh
export FOO=1 BAR
readonly LIMIT=2
declare -x Z="a"
plain=5
# Takes one.
take() {
  local a=1 b
  b=$(other "$a" 2)
  plain=$FOO
  for i in 1 2; do each "$i" "${LIMIT}"; done
  FOO=2 run_it --x ${b:-x} | log::filter
  trap 'cleanup' EXIT
  /usr/bin/ls; "$cmd" x; echo hi
  inner() { take; }
}
function give { take; }
cat <<EOF
$(inner) $FOO
EOF
test_it() { give; }
main() { :; }
main "$@"
"#;

#[test]
fn the_grammar_has_every_word() {
    assert_eq!(GRAMMAR.unknown(), Vec::<&str>::new());
}

#[test]
fn functions_and_exported_variables() {
    assert_lines(
        &symbols("bash", TEXT),
        r#"
        4 variable FOO [exported]
        5 constant LIMIT [exported]
        6 variable Z [exported]
        9 function take/0-* [exported] "Takes one."
        17 function take.inner/0-* [exported]
        19 function give/0-* [exported]
        23 function test_it/0-* [exported test]
        24 function main/0-* [exported entry]
        "#,
    );
    assert!(signatures("bash", TEXT).contains("function give\n"));
    assert_lines(&imports("bash", TEXT), "2 $DIR/lib.sh -\n3 ./x.sh -");
}

#[test]
fn commands_and_variables_are_used() {
    assert_lines(
        &references("bash", TEXT),
        "
        2 read DIR
        4 read BAR
        7 write plain
        11 call other/2 in take
        12 write plain in take
        12 read FOO in take
        13 call each/2 in take
        13 read LIMIT in take
        14 write FOO in take
        14 call run_it/2 in take
        14 call log::filter/0 in take
        15 read cleanup in take
        16 read cmd in take
        17 call take/0 in take.inner
        19 call take/0 in give
        21 call inner/0
        21 read FOO
        23 call give/0 in test_it
        25 call main/1
        ",
    );
}
