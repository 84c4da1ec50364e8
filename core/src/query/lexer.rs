//! From the text of a query to tokens with positions. What a field or a pattern means is `parse`'s business.

use super::parse::ParseError;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// 1-based position of its first code point.
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open,
    Close,
    And,
    Or,
    /// `NOT`, or a `-` that sticks to what it negates.
    Not,
    /// A word or phrase to be found as it is.
    Literal(String),
    /// Between slashes; the token's position is the opening slash.
    Regex(String),
    Field {
        field: Field,
        value: Value,
        /// Position of the value.
        at: usize,
    },
}

/// A field by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Path,
    Language,
    Symbol,
    Repository,
    Ref,
    Case,
    Multiline,
    Type,
    Generated,
    Vendored,
}

/// The value of a field, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Plain(String),
    Regex(String),
}

impl Field {
    /// The first name of a field is the one in messages.
    const NAMES: [(&'static str, Self); 17] = [
        ("path", Self::Path),
        ("file", Self::Path),
        ("f", Self::Path),
        ("lang", Self::Language),
        ("language", Self::Language),
        ("l", Self::Language),
        ("sym", Self::Symbol),
        ("symbol", Self::Symbol),
        ("repo", Self::Repository),
        ("r", Self::Repository),
        ("ref", Self::Ref),
        ("b", Self::Ref),
        ("case", Self::Case),
        ("multiline", Self::Multiline),
        ("type", Self::Type),
        ("generated", Self::Generated),
        ("vendored", Self::Vendored),
    ];

    fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// Its longest common name.
    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }

    /// Whether it is no condition, but says how the whole query is to be taken.
    pub(super) fn is_option(self) -> bool {
        matches!(self, Self::Case | Self::Multiline | Self::Type | Self::Generated | Self::Vendored)
    }

    /// What a value looks like, for error messages.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Path => "`path:src/net` or `path:*.rs`",
            Self::Language => "`lang:rust`",
            Self::Symbol => "`sym:acquire`, `sym:Pool.acquire` or `sym:acq*`",
            Self::Repository => "`repo:owner/name`",
            Self::Ref => "`ref:main` or `ref:*`",
            Self::Case => "`case:yes`, `case:no` or `case:auto`",
            Self::Multiline => "`multiline:yes` or `multiline:no`",
            Self::Type => "`type:line`, `type:file`, `type:path` or `type:symbol`",
            Self::Generated => "`generated:yes`, `generated:no` or `generated:only`",
            Self::Vendored => "`vendored:yes`, `vendored:no` or `vendored:only`",
        }
    }
}

/// Cuts `text` into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn token(&mut self) -> Result<Option<Token>, ParseError> {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let at = self.at + 1;
        let Some(first) = self.peek(0) else { return Ok(None) };
        let kind = match first {
            '(' => self.single(TokenKind::Open),
            ')' => self.single(TokenKind::Close),
            '"' => TokenKind::Literal(self.phrase()?),
            '/' => TokenKind::Regex(self.regex()?),
            '-' if self.negates() => self.single(TokenKind::Not),
            _ => self.word_or_field()?,
        };
        Ok(Some(Token { at, kind }))
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn single(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    /// `-` negates what it sticks to; `->`, `--flag`, `-=` and a `-` alone are text.
    fn negates(&self) -> bool {
        self.peek(1).is_some_and(|next| !next.is_whitespace() && !matches!(next, '-' | '>' | '=' | ')'))
    }

    /// Whether a token may end here.
    fn at_end_of_token(&self) -> bool {
        self.peek(0).is_none_or(|next| next.is_whitespace() || next == ')')
    }

    fn phrase(&mut self) -> Result<String, ParseError> {
        let start = self.at + 1;
        let mut out = String::new();
        self.at += 1;
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => {
                    return Err(ParseError::new(
                        start,
                        "phrase without a closing `\"`",
                        "add one, or write `\\\"` for a quote inside",
                    ));
                }
                (Some('\\'), Some(next @ ('"' | '\\'))) => {
                    out.push(next);
                    self.at += 2;
                }
                (Some('"'), _) => break,
                (Some(other), _) => {
                    out.push(other);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        if !self.at_end_of_token() {
            let help = "put a space after the phrase, or write `\\\"` for a quote inside";
            return Err(ParseError::new(self.at + 1, "text directly after a phrase", help));
        }
        Ok(out)
    }

    fn regex(&mut self) -> Result<String, ParseError> {
        let start = self.at;
        let Some(end) = self.regex_end(start) else {
            let help = "add one, or put the text in quotes to find it as it is";
            return Err(ParseError::new(start + 1, "regex without a closing `/`", help));
        };
        self.at = end + 1;
        if !self.at_end_of_token() {
            let help = "write `\\/` for a slash inside, or put the text in quotes to find it as it is";
            return Err(ParseError::new(self.at + 1, "text directly after a regex", help));
        }
        Ok(self.chars[start + 1..end].iter().collect())
    }

    /// The slash that ends the regex begun at `start`. `\/` stays as it is: the regex crate reads it as a slash.
    fn regex_end(&self, start: usize) -> Option<usize> {
        let mut at = start + 1;
        loop {
            match self.chars.get(at)? {
                '\\' => at += 2,
                '/' => return Some(at),
                _ => at += 1,
            }
        }
    }

    fn word_or_field(&mut self) -> Result<TokenKind, ParseError> {
        let name: String = self.chars[self.at..].iter().take_while(|c| c.is_ascii_lowercase()).collect();
        let colon = name.len();
        // `path::Path` is code.
        if let (Some(':'), false, Some(field)) =
            (self.peek(colon), self.peek(colon + 1) == Some(':'), Field::from_name(&name))
        {
            self.at += colon + 1;
            return self.field(field, &name);
        }
        let at = self.at;
        let word = self.word()?;
        Ok(match word.as_str() {
            "AND" => TokenKind::And,
            "OR" => TokenKind::Or,
            "NOT" => TokenKind::Not,
            _ => {
                debug_assert!(self.at > at, "a word has at least one code point");
                TokenKind::Literal(word)
            }
        })
    }

    fn field(&mut self, field: Field, name: &str) -> Result<TokenKind, ParseError> {
        let at = self.at + 1;
        let value = match self.peek(0) {
            Some('"') => Value::Plain(self.phrase()?),
            Some('/') if self.is_regex_value() => Value::Regex(self.regex()?),
            _ => Value::Plain(self.word()?),
        };
        let (Value::Plain(text) | Value::Regex(text)) = &value;
        if text.is_empty() {
            let help = format!("write {}, or \"{name}:\" in quotes to find that text", field.example());
            return Err(ParseError::new(at, &format!("`{name}:` without a value"), &help));
        }
        Ok(TokenKind::Field { field, value, at })
    }

    /// `path:/src/` is a regex, `path:/src/net` a path from the root.
    fn is_regex_value(&self) -> bool {
        self.regex_end(self.at)
            .and_then(|end| self.chars.get(end + 1))
            .map_or_else(|| self.regex_end(self.at).is_some(), |next| next.is_whitespace() || *next == ')')
    }

    /// Up to white space or a parenthesis that was not opened in the word.
    fn word(&mut self) -> Result<String, ParseError> {
        let start = self.at;
        let mut open = Vec::new();
        while let Some(next) = self.peek(0).filter(|next| !next.is_whitespace()) {
            match next {
                '(' => open.push(self.at),
                ')' if open.pop().is_none() => break,
                _ => {}
            }
            self.at += 1;
        }
        match open.pop() {
            Some(at) => Err(ParseError::new(at + 1, "`(` without `)`", "close it, or put the text in quotes")),
            None => Ok(self.chars[start..self.at].iter().collect()),
        }
    }
}
