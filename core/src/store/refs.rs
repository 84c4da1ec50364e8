//! The refs object of a repository: every tracked ref but the default. The layout of its bytes is in `format.md`.

use bytes::Bytes;

use crate::id::ObjectId;
use crate::store::codec::{Damage, Decoder, Encoder, Envelope, Format, Sections};
use crate::store::{ObjectKey, StoreError, Tip};

const FORMAT: Format = Format { magic: *b"KDBF", version: 1, min_reader: 1 };

const TIPS: u8 = 1;

/// The refs object of a repository: every tracked ref but the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    /// By full ref name, ascending.
    pub tips: Vec<Tip>,
}

impl Refs {
    /// The bytes of a refs object.
    pub fn encode(&self) -> Bytes {
        let mut tips = Encoder::default();
        tips.number(self.tips.len() as u64);
        for tip in &self.tips {
            tips.text(tip.ref_name.as_bytes());
            tips.raw(&tip.commit.0);
            tips.raw(&tip.snapshot.to_bytes());
        }
        let mut envelope = Envelope::new(FORMAT);
        envelope.section(TIPS, &tips);
        envelope.finish().into()
    }

    /// Reads a refs object.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        decode(bytes).map_err(|damage| StoreError::corrupt("refs", damage))
    }
}

fn decode(bytes: &[u8]) -> Result<Refs, Damage> {
    let tips = Sections::open(FORMAT, bytes)?.section(TIPS)?;
    let mut decoder = Decoder::new(&tips);
    let count = decoder.count(1 + 20 + ObjectKey::LEN)?;
    let mut tips = Vec::with_capacity(count);
    for _ in 0..count {
        let name = std::str::from_utf8(decoder.text()?).map_err(|_| decoder.damage("ref name is not UTF-8"))?;
        let commit = ObjectId(decoder.array()?);
        tips.push(Tip { ref_name: name.to_owned(), commit, snapshot: ObjectKey::from_bytes(decoder.array()?) });
    }
    decoder.finish()?;
    Ok(Refs { tips })
}
