//! The grammar of the query language: `syntax.md` is its description for users.

use super::compile::{self, CompileError, NameOf, Text};
use super::lexer::{self, Field, Token, TokenKind, Value};
use super::options::{Case, Options};
use super::suggest;
use super::tree::{
    Expr, MAX_DEPTH, MAX_QUERY_BYTES, NameKind, NamePattern, Query, ResultType, SymbolPattern, TextPattern,
};
use crate::text::Language;

/// States that the regexes of a query may have together, estimated. One that fills its own limit has 15,000 to 30,000, so
/// this is four to eight times as much, and half a second of compiling.
const MAX_WEIGHT: usize = 1 << 17;

/// Why a query cannot be understood, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position}: {help}")]
pub struct ParseError {
    /// 1-based position in code points.
    pub position: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl ParseError {
    pub(super) fn new(position: usize, message: &str, help: &str) -> Self {
        Self { position, message: message.to_owned(), help: help.to_owned() }
    }
}

/// Parses the users' query language.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    if text.len() > MAX_QUERY_BYTES {
        let message = format!("query of {} bytes, more than {MAX_QUERY_BYTES}", text.len());
        return Err(ParseError::new(1, &message, "search for less at once"));
    }
    let tokens = lexer::tokens(text)?;
    let options = Options::of(&tokens)?;
    let end = text.chars().count() + 1;
    let mut parser = Parser { tokens, next: 0, depth: 0, weight: 0, options, end };
    let expr = parser.whole()?;
    let query = Query { expr, result_type: options.result_type, classes: options.classes() };
    if only_negative_text(&query.expr) {
        let help = "add a term to find, or a filter such as `path:` or `lang:` to list files";
        return Err(ParseError::new(1, "nothing but negated text or symbols", help));
    }
    Ok(query)
}

/// Parses where something is to be looked for: a query without text, which may be empty.
pub fn parse_filter(text: &str) -> Result<Query, ParseError> {
    // Every path matches: what asks for classes alone is no query by itself.
    let query = parse(&format!("{text} path:*"))?.without_lines();
    if query.asks_within() {
        let help = "give `lang:`, `path:`, `repo:`, `ref:`, `generated:` or `vendored:`";
        return Err(ParseError::new(1, "a filter has no text and no symbols", help));
    }
    Ok(query)
}

fn only_negative_text(expr: &Expr) -> bool {
    !expr.any(true, &|atom, positive| positive || !atom.is_within())
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    /// Of the regexes so far.
    weight: usize,
    options: Options,
    /// Position after the last code point.
    end: usize,
}

impl Parser {
    fn whole(&mut self) -> Result<Expr, ParseError> {
        let expr = self.or()?;
        if let Some(token) = self.tokens.get(self.next) {
            return Err(ParseError::new(token.at, "`)` without `(`", "remove it, or put the text in quotes"));
        }
        expr.ok_or_else(|| ParseError::new(1, "empty query", "write a word to find, or `path:…` to list files"))
    }

    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.next).map(|token| &token.kind)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |token| token.at)
    }

    /// `None`: nothing but options such as `case:`, which are no condition.
    fn or(&mut self) -> Result<Option<Expr>, ParseError> {
        let mut parts = Vec::new();
        let mut empty = false;
        loop {
            let at = self.position();
            match self.and()? {
                Some(part) => parts.push(part),
                None => empty = true,
            }
            let more = self.peek() == Some(&TokenKind::Or);
            if empty && (more || !parts.is_empty()) {
                let help = "write a term on both sides, or \"OR\" in quotes to find that word";
                return Err(ParseError::new(at, "`OR` with nothing on one side", help));
            }
            if !more {
                return Ok(join(parts, Expr::Or));
            }
            self.next += 1;
        }
    }

    fn and(&mut self) -> Result<Option<Expr>, ParseError> {
        let mut parts = Vec::new();
        let mut after_and = None;
        loop {
            match self.peek() {
                None | Some(TokenKind::Close | TokenKind::Or) => break,
                Some(TokenKind::And) => {
                    if parts.is_empty() || after_and.is_some() {
                        return Err(empty_and(self.position()));
                    }
                    after_and = Some(self.position());
                    self.next += 1;
                }
                Some(_) => {
                    parts.extend(self.unary()?);
                    after_and = None;
                }
            }
        }
        match after_and {
            Some(at) => Err(empty_and(at)),
            None => Ok(join(parts, Expr::And)),
        }
    }

    fn unary(&mut self) -> Result<Option<Expr>, ParseError> {
        let at = self.position();
        if self.peek() != Some(&TokenKind::Not) {
            return self.primary();
        }
        self.next += 1;
        self.deeper(at)?;
        let operand = match self.peek() {
            None | Some(TokenKind::Close | TokenKind::Or | TokenKind::And) => None,
            Some(_) => self.unary()?,
        };
        self.depth -= 1;
        let help = "write what must not match, or \"NOT\" in quotes to find that word";
        let part = operand.ok_or_else(|| ParseError::new(at, "nothing to negate", help))?;
        Ok(Some(Expr::Not(Box::new(part))))
    }

    fn primary(&mut self) -> Result<Option<Expr>, ParseError> {
        let Some(Token { at, kind }) = self.tokens.get(self.next).cloned() else { return Ok(None) };
        self.next += 1;
        match kind {
            TokenKind::Open => self.group(at).map(Some),
            TokenKind::Literal(text) => self.literal(at, &text).map(Some),
            TokenKind::Regex(pattern) => self.regex(at, pattern).map(Some),
            TokenKind::Field { field, value, at } => self.field(field, value, at),
            TokenKind::Close | TokenKind::And | TokenKind::Or | TokenKind::Not => Ok(None),
        }
    }

    fn group(&mut self, at: usize) -> Result<Expr, ParseError> {
        self.deeper(at)?;
        let inner = self.or()?;
        self.depth -= 1;
        if self.peek() != Some(&TokenKind::Close) {
            return Err(ParseError::new(at, "`(` without `)`", "close it, or put the text in quotes"));
        }
        self.next += 1;
        inner.ok_or_else(|| {
            ParseError::new(at, "nothing between `(` and `)`", "write a term, or put the text in quotes")
        })
    }

    fn deeper(&mut self, at: usize) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} nested parentheses and negations");
            return Err(ParseError::new(at, &message, "write the query flatter"));
        }
        Ok(())
    }

    fn literal(&mut self, at: usize, text: &str) -> Result<Expr, ParseError> {
        if text.is_empty() {
            return Err(ParseError::new(at, "empty phrase", "write text between the quotes"));
        }
        if self.options.result_type == ResultType::Symbols {
            return self.symbol(&Value::Plain(text.to_owned()), at);
        }
        let upper = text.chars().any(char::is_uppercase);
        self.text(at, regex_syntax::escape(text), upper)
    }

    fn regex(&mut self, at: usize, pattern: String) -> Result<Expr, ParseError> {
        if pattern.is_empty() {
            let help = "write a regex between the slashes, or put `//` in quotes to find it";
            return Err(ParseError::new(at, "empty regex", help));
        }
        if self.options.result_type == ResultType::Symbols {
            return self.symbol(&Value::Regex(pattern), at);
        }
        let upper = compile::has_upper_case_literal(&pattern);
        self.text(at + 1, pattern, upper)
    }

    /// A symbol by its name, or by the beginning of it.
    fn symbol(&self, value: &Value, at: usize) -> Result<Expr, ParseError> {
        let help = "write a name, `Pool.acquire`, or two letters of its beginning and `*`: `acq*`";
        let Value::Plain(name) = value else {
            return Err(ParseError::new(at, "a regex for the name of a symbol", help));
        };
        let pattern = SymbolPattern::read(name).map_err(|wrong| ParseError::new(at, wrong, help))?;
        let case_insensitive = self.case_insensitive(pattern.name.chars().any(char::is_uppercase));
        Ok(Expr::Symbol(SymbolPattern { case_insensitive, ..pattern }))
    }

    fn text(&mut self, at: usize, pattern: String, upper: bool) -> Result<Expr, ParseError> {
        let case_insensitive = self.case_insensitive(upper);
        self.weigh(at, &pattern, case_insensitive)?;
        if self.options.result_type == ResultType::Paths {
            let pattern = NamePattern { kind: NameKind::Regex, pattern, case_insensitive };
            compile::name_regex(&pattern, NameOf::Path).map_err(|error| compile_error(at, &error))?;
            return Ok(Expr::Path(pattern));
        }
        let pattern = TextPattern { pattern, case_insensitive, multiline: self.options.multiline };
        Text::compile(&pattern).map_err(|error| compile_error(at, &error))?;
        Ok(Expr::Text(pattern))
    }

    /// Refuses a query whose regexes are too large together, before it compiles them.
    fn weigh(&mut self, at: usize, pattern: &str, case_insensitive: bool) -> Result<(), ParseError> {
        let weight = compile::weight(pattern, case_insensitive).map_err(|error| compile_error(at, &error))?;
        self.weight = self.weight.saturating_add(weight);
        if weight > MAX_WEIGHT {
            return Err(compile_error(at, &CompileError::TooLarge));
        }
        if self.weight > MAX_WEIGHT {
            let help = "repeat less in the regexes, or ask for some of them in another query";
            return Err(ParseError::new(at, "the regexes of the query are too large together", help));
        }
        Ok(())
    }

    fn case_insensitive(&self, upper: bool) -> bool {
        match self.options.case {
            Case::Exact => false,
            Case::Either => true,
            Case::Auto => !upper,
        }
    }

    fn field(&mut self, field: Field, value: Value, at: usize) -> Result<Option<Expr>, ParseError> {
        Ok(Some(match field {
            Field::Path => Expr::Path(self.name(value, NameOf::Path, at)?),
            Field::Repository => Expr::Repository(self.name(value, NameOf::Repository, at)?),
            Field::Ref => Expr::Ref(self.name(value, NameOf::Ref, at)?),
            Field::Language => Expr::Language(language(&value, at)?),
            Field::Symbol => self.symbol(&value, at)?,
            Field::Case | Field::Multiline | Field::Type | Field::Generated | Field::Vendored => return Ok(None),
        }))
    }

    fn name(&mut self, value: Value, of: NameOf, at: usize) -> Result<NamePattern, ParseError> {
        let (kind, pattern) = match value {
            Value::Regex(pattern) => (NameKind::Regex, pattern),
            Value::Plain(pattern) if pattern.contains(['*', '?', '[', '{']) => (NameKind::Glob, pattern),
            Value::Plain(pattern) => (NameKind::Plain, pattern),
        };
        let upper = match kind {
            NameKind::Regex => compile::has_upper_case_literal(&pattern),
            NameKind::Glob | NameKind::Plain => pattern.chars().any(char::is_uppercase),
        };
        let case_insensitive = match of {
            NameOf::Path => self.case_insensitive(upper),
            // The forge compares repository names without case, git compares refs with it.
            NameOf::Repository => true,
            NameOf::Ref => false,
        };
        let at = if kind == NameKind::Regex { at + 1 } else { at };
        if kind == NameKind::Regex {
            self.weigh(at, &pattern, case_insensitive)?;
        }
        let pattern = NamePattern { kind, pattern, case_insensitive };
        compile::name_regex(&pattern, of).map_err(|error| compile_error(at, &error))?;
        Ok(pattern)
    }
}

fn empty_and(at: usize) -> ParseError {
    let help = "write a term on both sides, or \"AND\" in quotes to find that word";
    ParseError::new(at, "`AND` with nothing on one side", help)
}

fn join(mut parts: Vec<Expr>, wrap: fn(Vec<Expr>) -> Expr) -> Option<Expr> {
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(wrap(parts)),
    }
}

fn language(value: &Value, at: usize) -> Result<Language, ParseError> {
    let (Value::Plain(name) | Value::Regex(name)) = value;
    Language::from_name(name).ok_or_else(|| {
        let near = suggest::near(name, Language::all().map(Language::name));
        let help = match near.as_slice() {
            [] => "use a name such as `rust`, `python` or `c++`".to_owned(),
            names => {
                format!("did you mean {}?", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
            }
        };
        ParseError::new(at, &format!("unknown language `{name}`"), &help)
    })
}

fn compile_error(at: usize, error: &CompileError) -> ParseError {
    let (at, help) = match error {
        CompileError::Syntax { at: offset, .. } => {
            (at + offset, "mend it, or put the text in quotes to find it as it is")
        }
        CompileError::TooLarge => (at, "repeat less, or use smaller classes such as `[0-9A-Za-z_]` for `\\w`"),
        CompileError::CrossesLines => (at, "add `multiline:yes`, or search for the parts as separate terms"),
        CompileError::Glob(_) => (at, "mend it, or escape wildcards with `\\`"),
    };
    ParseError::new(at, &error.to_string(), help)
}

#[cfg(test)]
mod tests;
