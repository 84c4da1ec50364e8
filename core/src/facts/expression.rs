//! How receivers, values and types are written down: as short texts of one grammar for all languages, in which local
//! names have been replaced by what is known of them. So the resolver needs no scopes, only names that files share.
//!
//! ```text
//! expression := primary postfix*
//! primary    := NAME        a name that is not bound locally: a type, a module, a function, a global
//!             | this        the instance: `self`, `this`, `$this`, the receiver of a Go method
//!             | super       the same, seen as the type above
//!             | Self        the type round it: `Self`, `cls`, `static`, `self` of a class method
//!             | <TYPE>      something of that type: an annotated local or parameter, `new T()`, a cast, a literal (`<str>`)
//!             | ?           nothing is known
//! postfix    := .NAME       a member
//!             | ::NAME      a name inside a type or module, where the language writes it so
//!             | ()          the result of the call
//!             | []          an element: an index, what a loop or an iterator gives
//!             | ?           the value inside: `?` of Rust, a pattern `Some(x)`
//!             | .await      the value that is waited for, also where `await` is written before
//!             | .N          an element of a tuple, N a number
//!             | (A.P)       what the function that is argument A of a call is handed as its parameter P
//! TYPE       := the type as written, without blanks, references, pointers, lifetimes, `mut`, `const`, `dyn`, `impl`; with its arguments:
//!               `Vec<Pool>`, `dict[str,Pool]`, `Pool|None`, `a.b.Pool`
//! ```
//!
//! What stands before the name of a call may be followed by what is known of its arguments, where the language has several methods
//! of one name: `this.pool (<int>,?)`, ` (<int>)` where nothing stands before it. So may the type of such a method by the types
//! that it takes: `Pool (int,String...)`.
//!
//! The type of a function may be followed by what it hands to functions that are its arguments: ` A.P=TYPE` each, or `?` first
//! where its result is not known.
//!
//! A local is replaced by `<TYPE>` where it is annotated, by the expression that it was given where that is written in
//! this grammar, and else by `?`. What would be longer than [`MAX_LEN`] bytes is `?`.

/// Longest text of an expression or type, in bytes.
pub const MAX_LEN: usize = 200;

/// Nothing is known.
pub const UNKNOWN: &str = "?";

/// What stands before a name, or the type of a method, and arguments or parameters; without these where all would be too long.
pub fn with_arguments(before: Option<Box<str>>, all: &[Box<str>]) -> Option<Box<str>> {
    let text = [before.as_deref().unwrap_or_default(), " (", &all.join(","), ")"].concat();
    if text.len() <= MAX_LEN { Some(text.into()) } else { before }
}

/// What stands before a name, and its arguments.
pub fn apart(text: &str) -> (Option<&str>, Option<&str>) {
    let (before, arguments) = match text.split_once(" (") {
        Some((before, arguments)) => (before, arguments.strip_suffix(')')),
        None => (text, None),
    };
    (Some(before).filter(|before| !before.is_empty()), arguments)
}

/// The text, or [`UNKNOWN`] where it is too long.
pub fn bounded(text: String) -> Box<str> {
    if text.len() <= MAX_LEN { text.into() } else { UNKNOWN.into() }
}
