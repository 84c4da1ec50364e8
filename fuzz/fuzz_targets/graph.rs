//! The reader of graphs on blocks and a hot tail of any content whose checksums and trailer are true. Layout:
//! `core/src/graph/format.md`.

#![no_main]

use std::sync::Arc;

use kotadb_core::graph::{Block, Graph, GraphError, Place, Shelf, View};
use libfuzzer_sys::fuzz_target;

const TRAILER: usize = 64;

/// Every block is the same bytes.
struct Same(Vec<u8>);

impl Shelf for Same {
    fn find(&self, graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
        graph.decode(place.kind, place.block, &self.0).map(|block| Some(Arc::new(block)))
    }
}

fuzz_target!(|data: &[u8]| {
    // The first two bytes are the length of the base's hot tail, the next two that of the delta's; the rest is a block.
    let Some((lengths, rest)) = data.split_first_chunk::<4>() else { return };
    let length = |at: usize| usize::from(u16::from_le_bytes([lengths[at], lengths[at + 1]]));
    let (base, rest) = rest.split_at(length(0).min(rest.len()));
    let (delta, block) = rest.split_at(length(2).min(rest.len()));
    let (Some(base), delta) = (open(base), open(delta)) else { return };
    let Ok(view) = View::new(base, delta, Box::new(Same(sealed(block)))) else { return };
    let _answer = ask(&view);
});

fn open(tail: &[u8]) -> Option<Arc<Graph>> {
    let mut hot = sealed(tail);
    // Blocks are said to lie in the first megabyte.
    let (start, len) = (1 << 20, (1 << 20) + hot.len() + TRAILER);
    hot.extend(trailer(start, len));
    Graph::open(&hot, len as u64).ok().map(Arc::new)
}

/// Bytes as one zstd frame of a raw block, which is the simplest there is, behind their checksum.
fn sealed(raw: &[u8]) -> Vec<u8> {
    let raw = &raw[..raw.len().min(1 << 16)];
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0b1010_0000];
    frame.extend((raw.len() as u32).to_le_bytes());
    frame.extend(&((raw.len() as u32) << 3 | 1).to_le_bytes()[..3]);
    frame.extend(raw);
    let mut block = crc32c::crc32c(&frame).to_le_bytes().to_vec();
    block.extend(frame);
    block
}

fn trailer(hot: usize, len: usize) -> Vec<u8> {
    let mut trailer = b"KotaGRF\n".to_vec();
    trailer.extend([1, 0, 1, 0, 0, 0, 0, 0]);
    for number in [hot, len] {
        trailer.extend((number as u64).to_le_bytes());
    }
    trailer.extend([0; 28]);
    let crc = crc32c::crc32c(&trailer);
    trailer.extend(crc.to_le_bytes());
    trailer
}

/// A block may be of another shape than its kind: that is an error, and the others are asked all the same.
fn ask(view: &View) -> Result<(), GraphError> {
    for file in view.files_under(b"").into_iter().take(50) {
        let _ = (view.uses(file), view.used_by(file), view.find(file, 0));
        for node in view.nodes_of(file).take(50) {
            let _ = (view.node(node).map(|node| node.label()), view.kin(node, true), view.kin(node, false));
            let _ = (view.edges_in(node), view.edges_out(node), view.external(node));
        }
    }
    let _ = (view.externals_of("x"), view.unclear("x"));
    view.top().map(drop)
}
