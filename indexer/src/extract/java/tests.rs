//! What is found in Java, on small texts.
