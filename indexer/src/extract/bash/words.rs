//! Which words can be functions of a script.

/// What shells bring themselves, and programs that every system has.
const BUILTINS: &[&str] = &[
    "[",
    "alias",
    "awk",
    "basename",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cat",
    "cd",
    "chmod",
    "chown",
    "command",
    "compgen",
    "complete",
    "continue",
    "cp",
    "cut",
    "date",
    "declare",
    "dirname",
    "dirs",
    "disown",
    "echo",
    "enable",
    "env",
    "eval",
    "exec",
    "exit",
    "export",
    "expr",
    "false",
    "fc",
    "fg",
    "find",
    "getopts",
    "grep",
    "hash",
    "head",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "ln",
    "local",
    "logout",
    "ls",
    "mapfile",
    "mkdir",
    "mktemp",
    "mv",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "rm",
    "rmdir",
    "sed",
    "set",
    "shift",
    "shopt",
    "sleep",
    "sort",
    "source",
    "suspend",
    "tail",
    "tee",
    "test",
    "time",
    "times",
    "touch",
    "tr",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "uname",
    "uniq",
    "unset",
    "wait",
    "wc",
    "xargs",
];

/// Whether a word can be the name of a function, and is none that shells bring.
pub fn is_function_name(word: &str) -> bool {
    let is_sign = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-' | ':' | '.' | '+' | '@');
    word.starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
        && word.chars().all(is_sign)
        && BUILTINS.binary_search(&word).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_that_are_no_builtins() {
        assert!(BUILTINS.is_sorted());
        let names = ["take", "log::info", "_x", "run-it"];
        assert!(names.into_iter().all(is_function_name));
        assert!(!["echo", "/bin/ls", "$cmd", "-x", "", "a=b", "[", "1"].into_iter().any(is_function_name));
    }
}
