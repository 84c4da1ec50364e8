//! Callers told apart, language by language, with what other tools get wrong as cases: a method of a field taken for the one
//! round it, receivers whose type is only inferred, namesakes in one file, a static call taken for a new instance.

mod bash;
mod c;
mod changes;
mod csharp;
mod go;
mod java;
mod php;
mod pieces;
mod python;
mod ruby;
mod rust;
mod sketched;
mod typescript;
