//! Callers told apart, language by language.
