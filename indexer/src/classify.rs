//! The class of a path: attributes first, then what its folders and name say. Follows linguist's habits
//! (`vendor.yml`, `documentation.yml`, `generated.rb` of github-linguist), cut down to what needs no content.

use kotadb_core::segment::Class;

use crate::attributes::Attributes;

/// Folders of code that came from elsewhere.
const VENDORED: &[&str] =
    &["vendor", "vendors", "third_party", "third-party", "thirdparty", "node_modules", "bower_components"];
/// Folders of tests, benches, examples and fixtures.
const TESTS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "__tests__",
    "spec",
    "specs",
    "testdata",
    "test-data",
    "test_data",
    "fixtures",
    "__mocks__",
    "e2e",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "example",
    "examples",
    "selftests",
    "samples",
];
/// Folders of prose.
const DOCS: &[&str] = &["doc", "docs", "documentation", "man"];
/// Extensions of prose.
const DOC_EXTENSIONS: &[&str] = &["md", "markdown", "mdx", "rst", "adoc", "asciidoc", "org", "pod", "rdoc", "textile"];
/// First words of the names of prose.
const DOC_NAMES: &[&str] = &[
    "readme",
    "license",
    "licence",
    "copying",
    "changelog",
    "changes",
    "contributing",
    "authors",
    "notice",
    "history",
    "news",
];
/// Names of lock files.
const LOCK_FILES: &[&str] = &[
    "cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "deno.lock",
    "poetry.lock",
    "pipfile.lock",
    "pdm.lock",
    "uv.lock",
    "go.sum",
    "gemfile.lock",
    "composer.lock",
    "mix.lock",
    "pubspec.lock",
    "podfile.lock",
    "flake.lock",
    "packages.lock.json",
    "gradle.lockfile",
    "cabal.project.freeze",
    "rebar.lock",
    "conan.lock",
];
/// Ends of the names of generated files.
const GENERATED_ENDS: &[&str] = &[
    ".min.js",
    ".min.css",
    ".min.mjs",
    "-min.js",
    "-min.css",
    ".bundle.js",
    ".js.map",
    ".css.map",
    ".mjs.map",
    ".pb.go",
    ".pb.cc",
    ".pb.h",
    "_pb2.py",
    "_pb2_grpc.py",
    "_pb.js",
    "_pb.d.ts",
    ".g.dart",
    ".freezed.dart",
    ".designer.cs",
    ".g.cs",
    "_generated.go",
    ".generated.go",
    ".generated.ts",
    ".snap",
];
/// Ends of the names of tests, before the extension.
const TEST_ENDS: &[&str] = &["_test", "_tests", "_spec", ".test", ".spec", "_bench", ".stories"];

/// The class of a path with what attributes say of it.
pub fn classify(path: &[u8], attributes: Attributes) -> Class {
    let lower = String::from_utf8_lossy(path).to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let original = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
    if attributes.vendored.unwrap_or_else(|| has_folder(folders, VENDORED)) {
        Class::Vendored
    } else if attributes.generated.unwrap_or_else(|| is_generated(name)) {
        Class::Generated
    } else if attributes.documentation == Some(true) {
        Class::Docs
    } else if has_folder(folders, TESTS) || is_test(name, original) {
        Class::Test
    } else if attributes.documentation.is_none() && (has_folder(folders, DOCS) || is_prose(name)) {
        Class::Docs
    } else {
        Class::Source
    }
}

fn has_folder(folders: &str, names: &[&str]) -> bool {
    folders.split('/').any(|folder| names.contains(&folder))
}

fn is_generated(name: &str) -> bool {
    LOCK_FILES.contains(&name)
        || name.starts_with("zz_generated")
        || GENERATED_ENDS.iter().any(|end| name.ends_with(end))
}

/// Java and C# name tests by the last word of a camel-case name, hence the original spelling.
fn is_test(name: &str, original: &[u8]) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let camel = [
        &b"Test.java"[..],
        b"Tests.java",
        b"Test.kt",
        b"Tests.kt",
        b"Test.cs",
        b"Tests.cs",
        b"Test.php",
        b"Tests.swift",
    ];
    name == "conftest.py"
        || (name.starts_with("test_") && name.ends_with(".py"))
        || TEST_ENDS.iter().any(|end| stem.ends_with(end))
        || camel.iter().any(|end| original.ends_with(end))
}

fn is_prose(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let word = name.split(['.', '-', '_']).next().unwrap_or(name);
    let plain = matches!(extension, "" | "txt" | "html");
    DOC_EXTENSIONS.contains(&extension)
        || (DOC_NAMES.contains(&word) && (plain || extension == word || !name.contains('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_path() {
        for (path, class) in [
            ("src/main.rs", Class::Source),
            ("Makefile", Class::Source),
            ("CMakeLists.txt", Class::Source),
            ("requirements.txt", Class::Source),
            ("src/latest.rs", Class::Source),
            ("src/news.rs", Class::Source),
            ("src/Contest.java", Class::Source),
            ("tests/it/main.rs", Class::Test),
            ("pkg/a_test.go", Class::Test),
            ("pkg/test_a.py", Class::Test),
            ("src/a.spec.ts", Class::Test),
            ("src/FooTest.java", Class::Test),
            ("examples/a.rs", Class::Test),
            ("README", Class::Docs),
            ("README.md", Class::Docs),
            ("LICENSE-MIT", Class::Docs),
            ("CHANGES.txt", Class::Docs),
            ("Documentation/mm/a.c", Class::Docs),
            ("Cargo.lock", Class::Generated),
            ("web/app.min.js", Class::Generated),
            ("api/a.pb.go", Class::Generated),
            ("vendor/a/README.md", Class::Vendored),
            ("a/node_modules/b/index.test.js", Class::Vendored),
            ("vendor", Class::Source),
        ] {
            assert_eq!(classify(path.as_bytes(), Attributes::default()), class, "{path}");
        }
    }

    #[test]
    fn attributes_decide() {
        let not_vendored = Attributes { vendored: Some(false), ..Attributes::default() };
        assert_eq!(classify(b"vendor/a.c", not_vendored), Class::Source);
        let generated = Attributes { generated: Some(true), ..Attributes::default() };
        assert_eq!(classify(b"src/a.c", generated), Class::Generated);
        let not_generated = Attributes { generated: Some(false), ..Attributes::default() };
        assert_eq!(classify(b"Cargo.lock", not_generated), Class::Source);
        let not_documentation = Attributes { documentation: Some(false), ..Attributes::default() };
        assert_eq!(classify(b"docs/a.md", not_documentation), Class::Source);
        let documentation = Attributes { documentation: Some(true), ..Attributes::default() };
        assert_eq!(classify(b"src/a.c", documentation), Class::Docs);
    }
}
