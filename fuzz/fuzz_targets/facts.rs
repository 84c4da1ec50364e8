//! Facts of any bytes beside any text: what comes back can be written again, and says the same.

#![no_main]

use kotadb_core::facts::Facts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((len, rest)) = data.split_first_chunk::<2>() else { return };
    let (text, bytes) = rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()));
    if let Ok(facts) = Facts::decode(bytes, text) {
        let written = facts.encode(text).expect("what was read is true of its text");
        assert_eq!(Facts::decode(&written, text).expect("what was written is read"), facts);
        for offset in 0..text.len() as u32 {
            let _ = facts.enclosing(offset);
        }
    }
});
