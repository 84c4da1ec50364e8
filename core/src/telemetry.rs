//! Sets tracing up for a program, and spells the names of log events and fields.

/// Logs to stderr: plain on a terminal, JSON elsewhere; level from `RUST_LOG` (default `info`).
pub fn init() {
    unimplemented!()
}
