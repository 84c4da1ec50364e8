//! The rule that tells text from binary. What happens to binary blobs (skipped, with a reason) is the indexer's choice.

/// How far git looks for a NUL (`FIRST_FEW_BYTES` in its `xdiff-interface.c`).
pub const BINARY_LOOK: usize = 8_000;

/// git's rule: a NUL within the first 8,000 bytes.
pub fn is_binary(content: &[u8]) -> bool {
    content[..content.len().min(BINARY_LOOK)].contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_early_nul_makes_a_blob_binary() {
        let mut content = vec![b'a'; 9_000];
        assert!(!is_binary(&content) && !is_binary(b""));
        content[8_000] = 0;
        assert!(!is_binary(&content), "the 8,001st byte is not looked at");
        content[7_999] = 0;
        assert!(is_binary(&content));
        assert!(is_binary(b"\0"));
    }
}
