//! What a file is called, without where it lies and of which kind it is.

/// The name of a file without its folders and what follows its first dot; of `.bashrc` it is `bashrc`.
pub fn stem(path: &[u8]) -> &[u8] {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name.split(|byte| *byte == b'.').find(|part| !part.is_empty()).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_what_is_left_of_a_name() {
        for (path, expected) in
            [("a/b.c/open.test.c", "open"), ("Makefile", "Makefile"), ("x/.bashrc", "bashrc"), ("..", ".."), ("", "")]
        {
            assert_eq!(stem(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }
}
