//! Facts that a compiler told, a line each, with tabs between: what the programs in `producers/` write.
//!
//! ```text
//! def  SYMBOL  PATH  OFFSET  NAME  REASON    defined there; a reason why others cannot name it, or nothing
//! use  SYMBOL  PATH  OFFSET  call            what the name there means (`-`: nothing of this tree), and whether it is called
//! ```

use anyhow::Context;

use super::{Class, Truth};
use crate::tree::{Place, Tree};

/// Reads all lines. Files that the tree does not have are skipped.
pub fn read(bytes: &[u8], tree: &Tree, truth: &mut Truth) -> anyhow::Result<()> {
    for (number, line) in std::str::from_utf8(bytes)?.lines().enumerate() {
        one(line, tree, truth).with_context(|| format!("line {}: `{line}`", number + 1))?;
    }
    Ok(())
}

fn one(line: &str, tree: &Tree, truth: &mut Truth) -> anyhow::Result<()> {
    let columns: Vec<&str> = line.split('\t').collect();
    let place = |path: &str, offset: &str| {
        let file = tree.find(path);
        Ok::<_, anyhow::Error>(file.map(|file| offset.parse().map(|offset| Place { file, offset })).transpose()?)
    };
    match columns[..] {
        ["def", symbol, path, offset, name, reason] => {
            let Some(place) = place(path, offset)? else { return Ok(()) };
            truth.define(place, name.to_owned(), symbol, class(reason));
        }
        ["use", symbol, path, offset, call] => {
            let Some(place) = place(path, offset)? else { return Ok(()) };
            truth.use_of(place, symbol);
            if call == "call" {
                truth.told.insert(place);
            }
        }
        _ => anyhow::bail!("neither `def` with 6 columns nor `use` with 5"),
    }
    Ok(())
}

fn class(reason: &str) -> Class {
    match reason {
        "" => Class::Wanted,
        "local" | "parameter" | "type parameter" => Class::Local(reason.to_owned()),
        _ => Class::LeftOut(reason.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sites::{Form, Site};
    use crate::tree::File;

    fn truth(lines: &str) -> anyhow::Result<Truth> {
        let text = b"int f(int a) { return a; }\nint main() { return p->f(1); }\n".to_vec();
        let tree = Tree::new(vec![File::new("a.c".into(), text)]);
        let mut truth = Truth::default();
        read(lines.as_bytes(), &tree, &mut truth)?;
        truth.finish(&tree, "c");
        Ok(truth)
    }

    #[test]
    fn definitions_uses_and_calls_are_told() {
        let truth = truth(
            "def\tc:f\ta.c\t4\tf\t\ndef\tc:a\ta.c\t10\ta\tparameter\nuse\tc:a\ta.c\t22\t\nuse\tc:f\ta.c\t50\tcall\nuse\t-\tgone.c\t1\tcall\n",
        )
        .unwrap();
        assert_eq!(truth.definitions.len(), 2);
        let [site] = &truth.sites[..] else { panic!("one call, not {:?}", truth.sites) };
        assert_eq!((site.place.offset, site.form), (50, Form::Member));
        assert!(truth.is_inside(&site.meanings));
        let parameter = &truth.uses[&Place { file: 0, offset: 22 }];
        assert!(!truth.is_inside(parameter), "a parameter is no symbol");
    }

    /// Calls of a small tree as a compiler told them: form, name and line of the target, 0 for what is outside.
    fn told(folder: &str, language: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let tree = Tree::read(&root.join(folder)).unwrap();
        let truth = Truth::read(&root.join(format!("{folder}.truth")), &tree, language).unwrap();
        let show = |site: &Site| {
            let lines: Vec<usize> = truth.homes(&site.meanings).map(|home| tree.line(home)).collect();
            format!("{} {} {lines:?}", site.form.name(), tree.word(site.place))
        };
        truth.sites.iter().map(show).collect()
    }

    #[test]
    fn javac_tells_overloads_apart() {
        let calls = ["bare next [10]", "member next [11]", "bare Pool [7]", "member next [10]"];
        assert_eq!(told("java", "java"), calls, "of `next()` and `next(int)` the right one, also behind `super`");
    }

    #[test]
    fn go_tells_interfaces_from_what_is_embedded() {
        let calls = ["member Next [5]", "member Next [9]", "bare Sum [13]", "bare len []", "member ToUpper []"];
        assert_eq!(told("go", "go"), calls);
    }

    #[test]
    fn clang_tells_of_declarations_and_of_what_macros_are_given() {
        let next = "[5, 6]";
        let calls = [
            "bare TWICE [1]".to_owned(),
            format!("member Next {next}"),
            "bare Free [6]".to_owned(),
            "member As [8]".to_owned(),
            "bare TWICE [1]".to_owned(),
            format!("member Next {next}"),
            format!("bare Next {next}"),
        ];
        assert_eq!(told("cxx", "c++"), calls);
    }

    #[test]
    fn a_bad_line_is_an_error() {
        assert!(truth("def\tc:f\ta.c\n").is_err());
        assert!(truth("use\tc:f\ta.c\tfour\t\n").is_err());
    }
}
