//! What the lexer knows of languages: families share their marks, and each has its words.

use kotadb_core::text::Language;

/// How strings are quoted.
pub(super) struct Quote {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// Whether a backslash takes the next byte with it.
    pub(super) escapes: bool,
    /// Whether it goes over line ends.
    pub(super) goes_on: bool,
}

/// A language.
pub(super) struct Grammar {
    /// What begins a comment to the end of the line.
    pub(super) lines: &'static [&'static str],
    /// What begins and ends another.
    pub(super) blocks: &'static [(&'static str, &'static str)],
    /// The longer ones first.
    pub(super) quotes: &'static [Quote],
    /// Words, with blanks between them.
    words: &'static str,
    /// Whether its words are the same in capitals.
    ignores_case: bool,
    /// Whether `'a` may be a lifetime.
    pub(super) has_lifetimes: bool,
    /// Whether types begin with a capital.
    pub(super) has_types: bool,
    /// Whether it is prose: a line that begins with `#` is a heading, and numbers and names are plain.
    pub(super) is_prose: bool,
}

const fn quote(mark: &'static str, escapes: bool, goes_on: bool) -> Quote {
    Quote { open: mark, close: mark, escapes, goes_on }
}

/// One that takes every byte for itself, over lines.
const fn raw(open: &'static str, close: &'static str) -> Quote {
    Quote { open, close, escapes: false, goes_on: true }
}

const DOUBLE: Quote = quote("\"", true, false);
const SINGLE: Quote = quote("'", true, false);
const COMMON: &[Quote] = &[DOUBLE, SINGLE];
const TRIPLE: &[Quote] = &[quote("\"\"\"", true, true), DOUBLE, SINGLE];
const PYTHON_QUOTES: &[Quote] = &[quote("\"\"\"", true, true), quote("'''", true, true), DOUBLE, SINGLE];
const SCRIPT: &[Quote] = &[DOUBLE, SINGLE, quote("`", true, true)];
const GO_QUOTES: &[Quote] = &[DOUBLE, SINGLE, quote("`", false, true)];
const LUA_QUOTES: &[Quote] = &[raw("[[", "]]"), DOUBLE, SINGLE];
const CPP_QUOTES: &[Quote] = &[raw("R\"(", ")\""), DOUBLE, SINGLE];
const CSHARP_QUOTES: &[Quote] = &[raw("\"\"\"", "\"\"\""), raw("@\"", "\""), DOUBLE, SINGLE];
const MARKDOWN_QUOTES: &[Quote] = &[raw("```", "```"), quote("`", false, false)];
const RUST_QUOTES: &[Quote] =
    &[raw("r##\"", "\"##"), raw("r#\"", "\"#"), raw("r\"", "\""), quote("\"", true, true), quote("'", true, false)];
const SHELL_QUOTES: &[Quote] = &[quote("\"", true, true), quote("'", false, true)];
const SQL_QUOTES: &[Quote] = &[quote("'", false, true), quote("\"", false, false)];
const DOUBLE_ONLY: &[Quote] = &[quote("\"", true, true)];

const SLASHES: &[(&str, &str)] = &[("/*", "*/")];

/// Marks as in C.
const fn braces(quotes: &'static [Quote], words: &'static str) -> Grammar {
    Grammar {
        lines: &["//"],
        blocks: SLASHES,
        quotes,
        words,
        ignores_case: false,
        has_lifetimes: false,
        has_types: true,
        is_prose: false,
    }
}

/// Other marks for lines.
const fn lines(
    lines: &'static [&'static str],
    blocks: &'static [(&'static str, &'static str)],
    quotes: &'static [Quote],
    words: &'static str,
) -> Grammar {
    let (ignores_case, has_lifetimes, has_types, is_prose) = (false, false, false, false);
    Grammar { lines, blocks, quotes, words, ignores_case, has_lifetimes, has_types, is_prose }
}

const C_WORDS: &str = "auto bool break case char const continue default do double else enum extern false float for goto if \
    inline int long register restrict return short signed sizeof static struct switch true typedef union unsigned void \
    volatile while NULL define include ifdef ifndef endif elif undef pragma";
const CPP_WORDS: &str = "alignas alignof auto bool break case catch char class concept const consteval constexpr const_cast \
    continue co_await co_return co_yield decltype default delete do double dynamic_cast else enum explicit export extern false \
    final float for friend goto if inline int long mutable namespace new noexcept nullptr operator override private protected \
    public reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this \
    thread_local throw true try typedef typeid typename union unsigned using virtual void volatile while define include ifdef \
    ifndef endif elif undef pragma NULL";
const RUST_WORDS: &str = "as async await bool box break char const continue crate dyn else enum extern f32 f64 false fn for i128 \
    i16 i32 i64 i8 if impl in isize let loop match mod move mut pub ref return self Self static str struct super trait true type \
    u128 u16 u32 u64 u8 union unsafe use usize where while";
const PYTHON_WORDS: &str = "False None True and as assert async await break case class continue def del elif else except finally \
    for from global if import in is lambda match nonlocal not or pass raise return self try while with yield";
const SCRIPT_WORDS: &str = "abstract any as async await boolean break case catch class const constructor continue debugger declare \
    default delete do else enum export extends false finally for from function get if implements import in infer instanceof \
    interface is keyof let namespace never new null number object of private protected public readonly return satisfies set \
    static string super switch this throw true try type typeof undefined unknown var void while yield";
const GO_WORDS: &str = "any bool break byte case chan const continue default defer else error fallthrough false float32 float64 for \
    func go goto if import int int16 int32 int64 int8 interface iota map nil package range return rune select string struct \
    switch true type uint uint16 uint32 uint64 uint8 uintptr var";
const JAVA_WORDS: &str = "abstract assert boolean break byte case catch char class const continue default do double else enum \
    extends false final finally float for if implements import instanceof int interface long native new null package permits \
    private protected public record return sealed short static strictfp super switch synchronized this throw throws transient \
    true try var void volatile while yield";
const CSHARP_WORDS: &str = "abstract as async await base bool break byte case catch char checked class const continue decimal \
    default delegate do double else enum event explicit extern false finally fixed float for foreach get if implicit in int \
    interface internal is lock long namespace new null object operator out override params private protected public readonly \
    record ref return sbyte sealed set short sizeof static string struct switch this throw true try typeof uint ulong unchecked \
    unsafe ushort using var virtual void volatile where while yield";
const KOTLIN_WORDS: &str = "abstract as break by class companion const constructor continue crossinline data do else enum external \
    false final finally for fun get if import in infix inline inner interface internal is lateinit null object open operator out \
    override package private protected public reified return sealed set super suspend this throw true try typealias val var \
    vararg when where while case def extends given implicit lazy match new trait type with yield then";
const SWIFT_WORDS: &str = "Any Self actor as associatedtype async await break case catch class continue convenience default defer deinit \
    do else enum extension fallthrough false fileprivate final for func get guard if import in init inout internal is lazy let \
    mutating nil nonisolated open operator override private protocol public repeat required rethrows return self set some static \
    struct subscript super switch throw throws true try typealias unowned var weak where while";
const PHP_WORDS: &str = "abstract and array as bool break callable case catch class clone const continue declare default do echo else \
    elseif empty enum extends false final finally float fn for foreach function global if implements include include_once \
    instanceof int interface isset list match mixed namespace new null or print private protected public readonly require \
    require_once return static string switch this throw trait true try unset use var void while xor yield";
const RUBY_WORDS: &str = "alias and attr_accessor attr_reader begin break case class def defined? do else elsif end ensure extend false \
    for if in include lambda module next nil not or private proc protected public raise redo require require_relative rescue retry \
    return self super then true undef unless until when while yield";
const SHELL_WORDS: &str = "alias break case cd continue declare do done echo elif else esac eval exec exit export false fi for function \
    if in local printf read readonly return select set shift source then time trap true typeset unset until while";
const LUA_WORDS: &str = "and break do else elseif end false for function goto if in local nil not or repeat return self then true until while";
const SQL_WORDS: &str = "add all alter and any as asc begin between bigint boolean by bytea case cast check collate column commit \
    constraint create cross current database default deferrable delete desc distinct do drop else end except exists explain false \
    filter for foreign from full function grant group having if in index inner insert integer intersect interval into is join \
    jsonb key language lateral left like limit not null on or order outer over partition policy primary references replace return \
    returning returns revoke right role rollback schema security select set table temp text then timestamptz to trigger true union \
    unique update using uuid values view when where with";
const HASKELL_WORDS: &str = "case class data deriving do else family forall foreign if import in infix infixl infixr instance let mdo \
    module newtype of qualified rec then type where";
const ELIXIR_WORDS: &str = "after alias and case catch cond def defimpl defmacro defmodule defp defprotocol defstruct do else end \
    false fn for if import in nil not or quote raise receive require rescue true try unless unquote use when with";
const MAKE_WORDS: &str =
    "define else endef endif export ifdef ifeq ifndef ifneq include override undefine unexport vpath";
const DATA_WORDS: &str = "false no null off on true yes";
const DOCKER_WORDS: &str =
    "ADD ARG AS CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR";
const LISP_WORDS: &str = "and begin cond def define defmacro defn defun do else fn if lambda let let* letrec loop nil ns or quote recur \
    require set set! t true unless when";

static RUST: Grammar = Grammar { has_lifetimes: true, ..braces(RUST_QUOTES, RUST_WORDS) };
static C: Grammar = braces(COMMON, C_WORDS);
static CPP: Grammar = braces(CPP_QUOTES, CPP_WORDS);
static PYTHON: Grammar = Grammar { has_types: true, ..lines(&["#"], &[], PYTHON_QUOTES, PYTHON_WORDS) };
static TYPESCRIPT: Grammar = braces(SCRIPT, SCRIPT_WORDS);
static GO: Grammar = braces(GO_QUOTES, GO_WORDS);
static JAVA: Grammar = braces(TRIPLE, JAVA_WORDS);
static CSHARP: Grammar = braces(CSHARP_QUOTES, CSHARP_WORDS);
static KOTLIN: Grammar = braces(TRIPLE, KOTLIN_WORDS);
static SWIFT: Grammar = braces(TRIPLE, SWIFT_WORDS);
static PHP: Grammar = Grammar { lines: &["//", "#"], ..braces(COMMON, PHP_WORDS) };
static RUBY: Grammar = Grammar { has_types: true, ..lines(&["#"], &[("=begin", "=end")], COMMON, RUBY_WORDS) };
static SHELL: Grammar = lines(&["#"], &[], SHELL_QUOTES, SHELL_WORDS);
static LUA: Grammar = lines(&["--"], &[("--[[", "]]")], LUA_QUOTES, LUA_WORDS);
static SQL: Grammar = Grammar { ignores_case: true, ..lines(&["--"], SLASHES, SQL_QUOTES, SQL_WORDS) };
static HASKELL: Grammar =
    Grammar { has_types: true, ..lines(&["--"], &[("{-", "-}"), ("(*", "*)")], DOUBLE_ONLY, HASKELL_WORDS) };
static ELIXIR: Grammar = Grammar { has_types: true, ..lines(&["#"], &[], PYTHON_QUOTES, ELIXIR_WORDS) };
static MAKE: Grammar = lines(&["#"], &[], COMMON, MAKE_WORDS);
static DATA: Grammar = lines(&["#"], &[], COMMON, DATA_WORDS);
static JSON: Grammar = lines(&["//"], SLASHES, &[DOUBLE], DATA_WORDS);
static INI: Grammar = lines(&["#", ";"], &[], &[], DATA_WORDS);
static DOCKER: Grammar = lines(&["#"], &[], COMMON, DOCKER_WORDS);
static MARKUP: Grammar = lines(&[], &[("<!--", "-->")], &[DOUBLE], "");
static MARKDOWN: Grammar = Grammar { is_prose: true, ..lines(&[], &[("<!--", "-->")], MARKDOWN_QUOTES, "") };
static STYLE: Grammar = lines(&["//"], SLASHES, COMMON, "important media supports import charset keyframes");
static LISP: Grammar = lines(&[";"], &[("#|", "|#")], DOUBLE_ONLY, LISP_WORDS);
static PERCENT: Grammar = lines(&["%"], &[], DOUBLE_ONLY, "");
static OTHER: Grammar = braces(COMMON, CPP_WORDS);
static HASHES: Grammar = lines(&["#"], &[], COMMON, SHELL_WORDS);

impl Grammar {
    /// What is known of a language; `None`: it has no colours.
    pub(super) fn of(language: Language) -> Option<&'static Self> {
        Some(match language.name() {
            "rust" => &RUST,
            "c" | "devicetree" | "linker-script" | "opencl" | "yacc" | "lex" => &C,
            "c++" | "cuda" | "glsl" | "hlsl" | "wgsl" | "objective-c" => &CPP,
            "python" | "meson" | "bazel" => &PYTHON,
            "typescript" | "javascript" | "vue" | "svelte" | "graphql" => &TYPESCRIPT,
            "go" => &GO,
            "java" | "groovy" => &JAVA,
            "c#" | "f#" => &CSHARP,
            "kotlin" | "scala" => &KOTLIN,
            "swift" => &SWIFT,
            "php" => &PHP,
            "ruby" | "crystal" => &RUBY,
            "bash" | "awk" | "sed" | "kconfig" => &SHELL,
            "lua" => &LUA,
            "sql" => &SQL,
            "haskell" | "ada" | "vhdl" | "lean" | "ocaml" => &HASKELL,
            "elixir" => &ELIXIR,
            "make" => &MAKE,
            "yaml" | "toml" | "nix" => &DATA,
            "json" => &JSON,
            "ini" => &INI,
            "dockerfile" => &DOCKER,
            "xml" | "html" => &MARKUP,
            "markdown" => &MARKDOWN,
            "css" | "scss" | "less" => &STYLE,
            "clojure" | "emacs-lisp" | "lisp" | "scheme" | "racket" => &LISP,
            "tex" | "erlang" | "prolog" | "matlab" => &PERCENT,
            "dart" | "d" | "zig" | "solidity" | "verilog" | "protobuf" | "pascal" => &OTHER,
            "perl" | "r" | "julia" | "nim" | "powershell" | "cmake" | "terraform" | "tcl" => &HASHES,
            _ => return None,
        })
    }

    /// Whether it is a word of the language.
    pub(super) fn knows(&self, word: &[u8]) -> bool {
        let is_it = |known: &str| match self.ignores_case {
            true => known.as_bytes().eq_ignore_ascii_case(word),
            false => known.as_bytes() == word,
        };
        self.words.split_ascii_whitespace().any(is_it)
    }
}
