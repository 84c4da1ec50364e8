//! The text of one file: as it is in the working tree, or as a commit has it.

use bytes::Bytes;
use kotadb_core::search::{Overlay, OverlayFile};
use kotadb_core::segment::{Class, Segment};
use kotadb_core::store::{Kind, SkipReason, Tip};
use kotadb_core::text::Language;

use super::{LocalError, LocalIndex};
use crate::error::IndexError;
use crate::inspect;

/// A file of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalFile {
    /// Its text.
    Text {
        /// As it is.
        text: Bytes,
        /// git mode.
        mode: u32,
        /// Class of the path.
        class: Class,
        /// Language of the path.
        language: Language,
    },
    /// It is there and not in the index: why.
    LeftOut(SkipReason),
    /// There is none of that path.
    None,
}

impl LocalIndex {
    /// Reads a file of `tip` with what lies over it.
    pub async fn read(&self, tip: &Tip, overlay: Option<&Overlay>, path: &[u8]) -> Result<LocalFile, LocalError> {
        if let Some(overlay) = overlay {
            if let Ok(nth) = overlay.files.binary_search_by(|file| file.path.as_slice().cmp(path)) {
                let OverlayFile { mode, class, language, content, .. } = &overlay.files[nth];
                let (mode, class, language) = (*mode, *class, *language);
                return Ok(LocalFile::Text { text: content.clone(), mode, class, language });
            }
            if overlay.removed.iter().any(|removed| removed == path) {
                return Ok(LocalFile::None);
            }
        }
        let snapshot = inspect::snapshot(&self.store, self.tenant, tip).await?;
        let Some(entry) = snapshot.find(path).map(|nth| snapshot.entry(nth)) else {
            let skipped = snapshot.skipped.iter().find(|skipped| skipped.path == path);
            return Ok(skipped.map_or(LocalFile::None, |skipped| LocalFile::LeftOut(skipped.reason)));
        };
        let key = snapshot.segments[entry.segment as usize];
        let (bytes, len) = self.store.get_tail(self.tenant, Kind::Segment, key, u64::MAX).await?;
        let hot = Segment::hot_range(&bytes, len).map_err(IndexError::from)?;
        let segment = Segment::open(bytes.slice(hot.start as usize..), len).map_err(IndexError::from)?;
        let frame = segment.frame_range(entry.doc);
        let frame = bytes.get(frame.start as usize..frame.end as usize).unwrap_or_default();
        let text = segment.decode_frame(entry.doc, frame).map_err(IndexError::from)?.into();
        Ok(LocalFile::Text { text, mode: entry.mode, class: entry.class, language: entry.language })
    }

    /// Files of a tip that are in the index, and paths that are not.
    pub async fn count(&self, tip: &Tip) -> Result<(u64, u64), LocalError> {
        let snapshot = inspect::snapshot(&self.store, self.tenant, tip).await?;
        Ok((snapshot.len() as u64, snapshot.skipped.len() as u64))
    }
}
