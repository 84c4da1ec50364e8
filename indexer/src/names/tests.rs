//! Callers told apart, language by language, with what other tools get wrong as cases.

mod changes;
mod python;
mod sketched;
