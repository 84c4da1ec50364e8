//! What is found in Go, on small texts.
