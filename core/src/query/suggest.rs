//! Near names for a word that is none: the help of an error message.

/// The names at most two edits from `word` (one for short words), nearest first, at most three.
pub fn near<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let limit = if word.len() < 4 { 1 } else { 2 };
    let mut found: Vec<(usize, &str)> = names
        .map(|name| {
            let chars: Vec<char> = name.chars().collect();
            let begins = word.len() >= 2 && chars.starts_with(&word);
            (if begins { 1 } else { edits(&word, &chars) }, name)
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).take(3).collect()
}

/// Levenshtein's distance, one row at a time.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_near_names() {
        let names = ["rust", "ruby", "java", "javascript", "c"];
        assert_eq!(near("rsut", names.into_iter()), ["rust"]);
        assert_eq!(near("javascrip", names.into_iter()), ["javascript"]);
        assert_eq!(near("jav", names.into_iter()), ["java", "javascript"]);
        assert!(near("haskell", names.into_iter()).is_empty());
    }
}
