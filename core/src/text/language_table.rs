//! What names a language: a uniform table, one row each, whose index is the language's stable number.
//!
//! Rows are only ever appended; a row that turns out wrong is mended in place and `TEXT_VERSION` raised. Extensions,
//! file names and interpreters follow GitHub's Linguist where it is unambiguous; where it decides by content we take
//! the commoner reading (`.h` is C, `.m` is Objective-C, `.v` is Verilog).

/// One language.
pub(super) struct Facts {
    /// As written after `lang:`.
    pub(super) name: &'static str,
    /// Other words for it.
    pub(super) aliases: &'static [&'static str],
    /// Whole file names, or their part before the first dot.
    pub(super) file_names: &'static [&'static str],
    /// What follows the last dot of a file name.
    pub(super) extensions: &'static [&'static str],
    /// Programs that a `#!` line may name, without version.
    pub(super) interpreters: &'static [&'static str],
}

type Words = &'static [&'static str];

const fn row(name: &'static str, aliases: Words, file_names: Words, extensions: Words, interpreters: Words) -> Facts {
    Facts { name, aliases, file_names, extensions, interpreters }
}

/// Every language; all words in lower case.
#[rustfmt::skip]
pub(super) static LANGUAGES: &[Facts] = &[
    row("text", &["txt", "plain"], &["readme", "license", "copying", "authors"], &["txt", "text"], &[]),
    row("rust", &["rs"], &[], &["rs"], &["rust-script"]),
    row("python", &["py", "python3"], &["sconstruct", "sconscript", "wscript"], &["py", "pyi", "pyw", "pyx"], &["python", "pypy"]),
    row("typescript", &["ts", "tsx"], &[], &["ts", "tsx", "mts", "cts"], &["deno", "ts-node", "tsx", "bun"]),
    row("javascript", &["js", "jsx", "node"], &[], &["js", "jsx", "mjs", "cjs"], &["node", "nodejs"]),
    row("go", &["golang"], &[], &["go"], &[]),
    row("java", &[], &[], &["java"], &[]),
    row("c", &[], &[], &["c", "h"], &["tcc"]),
    row("c++", &["cpp", "cxx", "cc"], &[], &["cpp", "cc", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "inl", "tpp"], &[]),
    row("c#", &["csharp", "cs"], &[], &["cs", "csx"], &[]),
    row("ruby", &["rb"], &["gemfile", "rakefile", "vagrantfile", "podfile", "fastfile"], &["rb", "rake", "gemspec", "ru"], &["ruby", "jruby"]),
    row("php", &[], &[], &["php", "phtml", "php5"], &["php"]),
    row("bash", &["sh", "shell", "zsh"], &[".bashrc", ".bash_profile", ".profile", ".zshrc", "pkgbuild"], &["sh", "bash", "zsh", "ksh", "bats"], &["sh", "bash", "zsh", "dash", "ksh", "ash"]),
    row("kotlin", &["kt"], &[], &["kt", "kts"], &["kotlin"]),
    row("swift", &[], &[], &["swift"], &["swift"]),
    row("scala", &[], &[], &["scala", "sc", "sbt"], &["scala"]),
    row("lua", &[], &[], &["lua"], &["lua", "luajit"]),
    row("markdown", &["md"], &[], &["md", "markdown", "mdx", "mkd"], &[]),
    row("json", &["jsonc"], &[], &["json", "jsonc", "json5", "geojson", "webmanifest", "jsonl"], &[]),
    row("yaml", &["yml"], &[], &["yaml", "yml"], &[]),
    row("toml", &[], &["cargo.lock", "poetry.lock", "uv.lock"], &["toml"], &[]),
    row("xml", &[], &[], &["xml", "xsd", "xsl", "xslt", "svg", "plist", "wsdl", "csproj", "vcxproj"], &[]),
    row("html", &["htm"], &[], &["html", "htm", "xhtml"], &[]),
    row("css", &[], &[], &["css"], &[]),
    row("sql", &[], &[], &["sql", "psql", "ddl"], &[]),
    row("make", &["makefile", "mk"], &["makefile", "gnumakefile", "kbuild"], &["mk", "mak", "make"], &["make"]),
    row("dockerfile", &["docker"], &["dockerfile", "containerfile"], &["dockerfile"], &[]),
    row("assembly", &["asm"], &[], &["s", "asm", "nasm"], &[]),
    row("devicetree", &["dts"], &[], &["dts", "dtsi", "dtso"], &[]),
    row("perl", &["pl"], &[], &["pl", "pm", "pod"], &["perl"]),
    row("haskell", &["hs"], &[], &["hs", "lhs"], &["runhaskell", "runghc"]),
    row("objective-c", &["objc"], &[], &["m", "mm"], &[]),
    row("scss", &["sass"], &[], &["scss", "sass"], &[]),
    row("less", &[], &[], &["less"], &[]),
    row("vue", &[], &[], &["vue"], &[]),
    row("svelte", &[], &[], &["svelte"], &[]),
    row("dart", &[], &[], &["dart"], &["dart"]),
    row("elixir", &["ex"], &[], &["ex", "exs"], &["elixir"]),
    row("erlang", &["erl"], &["rebar.config"], &["erl", "hrl"], &["escript"]),
    row("clojure", &["clj"], &[], &["clj", "cljs", "cljc", "edn"], &[]),
    row("ocaml", &["ml"], &[], &["ml", "mli"], &["ocaml"]),
    row("f#", &["fsharp", "fs"], &[], &["fs", "fsi", "fsx"], &[]),
    row("r", &[], &[], &["r", "rmd"], &["rscript"]),
    row("julia", &["jl"], &[], &["jl"], &["julia"]),
    row("matlab", &["octave"], &[], &["matlab"], &["octave"]),
    row("fortran", &[], &[], &["f", "f90", "f95", "f03", "f08", "for"], &[]),
    row("pascal", &["delphi"], &[], &["pas", "pp", "dpr"], &[]),
    row("ada", &[], &[], &["adb", "ads"], &[]),
    row("d", &[], &[], &["d", "di"], &["rdmd"]),
    row("nim", &[], &[], &["nim", "nims"], &["nim"]),
    row("zig", &[], &[], &["zig", "zon"], &[]),
    row("groovy", &["gradle"], &["jenkinsfile"], &["groovy", "gradle"], &["groovy"]),
    row("powershell", &["pwsh", "ps1"], &[], &["ps1", "psm1", "psd1"], &["pwsh"]),
    row("batch", &["bat", "cmd"], &[], &["bat", "cmd"], &[]),
    row("cmake", &[], &["cmakelists.txt"], &["cmake"], &[]),
    row("meson", &[], &["meson.build", "meson_options.txt", "meson.options"], &[], &[]),
    row("bazel", &["starlark"], &["build", "workspace", "build.bazel", "workspace.bazel"], &["bzl", "bazel", "star"], &[]),
    row("kconfig", &[], &["kconfig"], &[], &[]),
    row("terraform", &["hcl", "tf"], &[], &["tf", "tfvars", "hcl"], &[]),
    row("protobuf", &["proto"], &[], &["proto"], &[]),
    row("graphql", &["gql"], &[], &["graphql", "gql"], &[]),
    row("restructuredtext", &["rst"], &[], &["rst"], &[]),
    row("tex", &["latex"], &[], &["tex", "sty", "cls", "bib"], &[]),
    row("asciidoc", &["adoc"], &[], &["adoc", "asciidoc"], &[]),
    row("ini", &["conf"], &[".editorconfig", ".gitconfig"], &["ini", "cfg", "conf", "properties"], &[]),
    row("diff", &["patch"], &[], &["diff", "patch"], &[]),
    row("awk", &[], &[], &["awk"], &["awk", "gawk", "mawk"]),
    row("sed", &[], &[], &["sed"], &["sed"]),
    row("tcl", &[], &[], &["tcl"], &["tclsh", "wish"]),
    row("vim", &["viml"], &[".vimrc"], &["vim"], &[]),
    row("emacs-lisp", &["elisp"], &[".emacs"], &["el"], &["emacs"]),
    row("lisp", &["common-lisp"], &[], &["lisp", "lsp", "cl"], &["sbcl"]),
    row("scheme", &["scm"], &[], &["scm", "ss"], &["guile"]),
    row("racket", &["rkt"], &[], &["rkt"], &["racket"]),
    row("prolog", &[], &[], &["prolog"], &["swipl"]),
    row("lean", &[], &[], &["lean"], &[]),
    row("nix", &[], &[], &["nix"], &[]),
    row("solidity", &["sol"], &[], &["sol"], &[]),
    row("verilog", &["systemverilog", "sv"], &[], &["v", "vh", "sv", "svh"], &[]),
    row("vhdl", &[], &[], &["vhd", "vhdl"], &[]),
    row("cuda", &["cu"], &[], &["cu", "cuh"], &[]),
    row("opencl", &[], &[], &["opencl"], &[]),
    row("glsl", &[], &[], &["glsl", "vert", "frag", "comp", "geom"], &[]),
    row("hlsl", &[], &[], &["hlsl", "fx"], &[]),
    row("wgsl", &[], &[], &["wgsl"], &[]),
    row("webassembly", &["wat"], &[], &["wat", "wast"], &[]),
    row("linker-script", &["ld"], &[], &["ld", "lds"], &[]),
    row("m4", &["autoconf"], &["configure.ac", "configure.in"], &["m4", "ac"], &[]),
    row("yacc", &["bison"], &[], &["y", "yy"], &[]),
    row("lex", &["flex"], &[], &["l", "ll"], &[]),
    row("jinja", &["j2"], &[], &["j2", "jinja", "jinja2"], &[]),
    row("csv", &["tsv"], &[], &["csv", "tsv"], &[]),
    row("crystal", &["cr"], &[], &["cr"], &["crystal"]),
];
