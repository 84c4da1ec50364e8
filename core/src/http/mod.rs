//! What all routes share: state, errors, extractors, the layer stack, and serving over TCP or as a Lambda.
