//! HEAD read again only if it is another: what a reader that has seen it asks for.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use bytes::Bytes;

use crate::id::TenantId;
use crate::store::maps::{FileId, file_id};
use crate::store::{Backend, Root, Store, StoreError, head_path};

/// What tells one HEAD from another without reading it.
#[derive(Clone)]
pub struct HeadMark(pub(super) Mark);

/// HEAD as it was read.
#[derive(Debug)]
pub struct ReadHead {
    /// What it holds.
    pub root: Root,
    /// What tells it from another.
    pub mark: HeadMark,
    /// Its length.
    pub bytes: u64,
}

#[derive(Clone)]
pub(super) enum Mark {
    /// There is none.
    Absent,
    /// As the kernel names a file. A swap puts another file in its place, and as long as this one is open, no other
    /// gets its number.
    File(FileId, #[expect(dead_code, reason = "open, so that its number is not given away")] Arc<File>),
    /// As the store names a version.
    Etag(String),
    /// The store names no versions: read it again.
    Unknown,
}

impl fmt::Debug for HeadMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Mark::Absent => "HeadMark(absent)",
            Mark::File(..) => "HeadMark(file)",
            Mark::Etag(_) => "HeadMark(etag)",
            Mark::Unknown => "HeadMark(unknown)",
        })
    }
}

impl Store {
    /// Reads HEAD unless it still is the one that `seen` marks (`None` then): one request, which for an unchanged HEAD
    /// carries no bytes. Where the tenant has none yet, a default root.
    pub async fn head_since(&self, tenant: TenantId, seen: Option<&HeadMark>) -> Result<Option<ReadHead>, StoreError> {
        let object = head_path(tenant);
        let seen = seen.map(|mark| &mark.0);
        let read = match &self.backend {
            Backend::Folder(folder) => folder.read_head_since(&object, seen)?,
            Backend::Remote(remote) => remote.read_head_since(&object, seen).await?,
        };
        let Some((bytes, mark)) = read else { return Ok(None) };
        let size = bytes.as_ref().map_or(0, Bytes::len) as u64;
        let root = bytes.map_or_else(|| Ok(Root::default()), |bytes| Root::decode(&bytes));
        Ok(Some(ReadHead { root: root.map_err(|error| error.of_object(object))?, mark: HeadMark(mark), bytes: size }))
    }

    /// Whether reading a range is no request to another machine.
    pub fn is_near(&self) -> bool {
        match &self.backend {
            Backend::Folder(_) => true,
            Backend::Remote(remote) => remote.is_near(),
        }
    }
}

/// What was read of HEAD, unless it is the one that was seen.
pub(super) type Since = Option<(Option<Bytes>, Mark)>;

/// One system call where nothing has changed.
pub(super) fn read_file_since(path: &Path, seen: Option<&Mark>) -> io::Result<Since> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((!matches!(seen, Some(Mark::Absent))).then_some((None, Mark::Absent)));
        }
        metadata => metadata?,
    };
    if matches!(seen, Some(Mark::File(id, _)) if *id == file_id(&metadata)) {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let id = file_id(&file.metadata()?);
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(Some((Some(bytes.into()), Mark::File(id, Arc::new(file)))))
}
