//! Any text as a query, asked of any content: an error that says where, or an answer whose count is the number of its lines.

#![no_main]

use kotadb_core::query::{Entry, Plan, parse};
use kotadb_core::text::Language;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, content) = input;
    let Ok(query) = parse(text) else { return };
    let Ok(plan) = Plan::new(&query) else { return };
    let Some(scope) = plan.scope("owner/name", "refs/heads/main", true) else { return };
    let entry = Entry::new(b"src/main.rs", Language::TEXT);
    let lines = plan.evaluate(&scope, entry, content, usize::MAX);
    assert_eq!(plan.count(&scope, entry, content), lines.map(|lines| lines.len() as u64));
});
