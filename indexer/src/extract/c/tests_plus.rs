//! What is found in C++, on small texts.
