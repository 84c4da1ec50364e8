//! What GitHub sends: signatures and the parts of webhook payloads that we read.
