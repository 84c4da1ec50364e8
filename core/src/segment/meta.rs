//! What built a segment, and its totals.

use super::Cursor;
use super::error::SegmentError;

const SECTION: &str = "meta";

/// Raised when the builder writes other bytes for the same documents although the format stays.
pub(super) const BUILDER: u32 = 1;

/// What built a segment, and its totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    /// `TEXT_VERSION` of the program that built it.
    pub(super) text_version: u32,
    /// `BUILDER` of that program.
    pub(super) builder: u32,
    /// Bytes of text before compression.
    pub(super) text_bytes: u64,
    /// Language number and version of its extractor, ascending; empty: the segment holds no symbols.
    pub(super) extractors: Vec<(u16, u32)>,
}

impl Meta {
    /// The section.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut section = Vec::new();
        section.extend(self.text_version.to_le_bytes());
        section.extend(self.builder.to_le_bytes());
        section.extend(self.text_bytes.to_le_bytes());
        section.extend((self.extractors.len() as u16).to_le_bytes());
        for (language, version) in &self.extractors {
            section.extend(language.to_le_bytes());
            section.extend(version.to_le_bytes());
        }
        section
    }

    /// Reads a section; what a newer writer appended is left alone.
    pub(super) fn decode(section: &[u8]) -> Result<Self, SegmentError> {
        let mut cursor = Cursor::new(SECTION, section);
        let (text_version, builder, text_bytes) = (cursor.u32()?, cursor.u32()?, cursor.u64()?);
        let n_extractors = cursor.u16()?;
        let extractors = (0..n_extractors).map(|_| Ok((cursor.u16()?, cursor.u32()?)));
        let extractors = extractors.collect::<Result<_, SegmentError>>()?;
        Ok(Self { text_version, builder, text_bytes, extractors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_skips_what_a_newer_writer_appended() {
        let meta = Meta { text_version: 1, builder: 2, text_bytes: 3, extractors: vec![(4, 5), (6, 7)] };
        let mut section = meta.encode();
        section.extend(b"later");
        assert_eq!(Meta::decode(&section).unwrap(), meta);
        assert!(Meta::decode(&section[..20]).is_err());
    }
}
