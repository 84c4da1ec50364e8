//! Bash.

use crate::names::testing::{Repository, assert_lines};

const SCRIPTS: &str = r#"
== bin/run.sh
#!/bin/bash
source "$(dirname "$0")/../lib/db.sh"
. ./common.sh
close() { say closing; }
open_db
close
log run | say
== lib/db.sh
open_db() { close_db && log open; }
close_db() { close; }
close() { :; }
== bin/common.sh
log() { echo "$1"; }
say() { log "$@"; }
== other/tool.sh
#!/bin/bash
log() { printf '%s\n' "$1"; }
open_db() { log other; }
log tool
open_db
"#;

#[test]
fn callers_of_namesakes_are_told_apart() {
    assert_lines(
        &Repository::new(SCRIPTS).calls(),
        "
    bin/common.sh:2 log call in say -> bin/common.sh#log file 99
    bin/run.sh:4 say call in close -> bin/common.sh#say import 99
    bin/run.sh:5 open_db call -> lib/db.sh#open_db import 99
    bin/run.sh:6 close call -> bin/run.sh#close file 99
    bin/run.sh:7 log call -> bin/common.sh#log import 99
    bin/run.sh:7 say call -> bin/common.sh#say import 99
    lib/db.sh:1 close_db call in open_db -> lib/db.sh#close_db file 99
    lib/db.sh:1 log call in open_db -> bin/common.sh#log candidate 20
    lib/db.sh:1 log call in open_db -> other/tool.sh#log candidate 20
    lib/db.sh:2 close call in close_db -> lib/db.sh#close file 99
    other/tool.sh:3 log call in open_db -> other/tool.sh#log file 99
    other/tool.sh:4 log call -> other/tool.sh#log file 99
    other/tool.sh:5 open_db call -> other/tool.sh#open_db file 99
    ",
    );
}
