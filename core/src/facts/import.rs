//! What a file takes from others, and what it calls that.

/// One imported name, or one imported module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Where from, as the language writes it: `crate::db` (Rust), `..db` (Python), `./db` (JavaScript), `a.b` (Java),
    /// `fmt` (Go), `"db.h"` and `<stdio.h>` with their signs (C), `lib/db` (Ruby), `./db.sh` (Bash). Empty: this file itself,
    /// which gives a name of its own to others under another one: `export { a as b }`, `export default a`.
    pub module: Box<str>,
    /// The name in that module; `*`: all of them; `default`: what it gives by default (JavaScript); `None`: the module itself.
    pub name: Option<Box<str>>,
    /// What it is called here, where that differs from the name or from the last word of the module.
    pub alias: Option<Box<str>>,
    /// Others get it from here: `pub use`, `export … from`, a name in `__all__`.
    pub reexported: bool,
    /// Where it stands, in bytes: the imported name, or the module.
    pub start: u32,
}

impl Import {
    /// What it is called in this file; `None` for `*`.
    pub fn local_name(&self) -> Option<&str> {
        Self::local_name_of(&self.module, self.alias.as_deref().or(self.name.as_deref()))
    }

    /// The same of a module and the name or alias that is given.
    pub fn local_name_of<'t>(module: &'t str, named: Option<&'t str>) -> Option<&'t str> {
        let last = || module.rsplit(['.', ':', '/', '\\']).next();
        named.or_else(last).filter(|name| *name != "*")
    }
}
