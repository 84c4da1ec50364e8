//! The threads that the process of one job waits with, where its memory allows them.

use std::hint::black_box;

use tokio::runtime::{Builder, Runtime};

use crate::error::IndexError;

const WORKERS: usize = 2;
/// The workers' and that of the thread that follows orders.
const STACKS: usize = WORKERS + 1;
/// What a thread has as its stack.
const STACK: usize = 2 << 20;
/// What else they need to start.
const MARGIN: usize = 1 << 20;

/// tokio panics where it cannot start a thread, and waits for ever for those that it has started. So their memory is asked
/// for first.
pub(super) fn start() -> Result<Runtime, IndexError> {
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(STACKS * STACK + MARGIN).map_err(|_| IndexError::OutOfMemory)?;
    // Or the compiler leaves the question out.
    black_box(&mut room);
    drop(room);
    let built = Builder::new_multi_thread().worker_threads(WORKERS).thread_stack_size(STACK).enable_all().build();
    built.map_err(IndexError::io("start the threads of a job"))
}
