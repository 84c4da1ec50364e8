//! The objects of the double and the requests for them.

use std::collections::BTreeMap;

use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};

use super::answers::{self, xml};
use super::{Asked, Shared, lock};

/// All objects, and what is still in parts.
#[derive(Debug, Default)]
pub(super) struct Objects {
    by_name: BTreeMap<String, Object>,
    parts: BTreeMap<String, BTreeMap<u32, Bytes>>,
    count: u64,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    etag: String,
}

impl Objects {
    /// Whether there is such an object.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    fn put(&mut self, name: &str, bytes: Bytes) -> String {
        self.count += 1;
        let etag = format!("\"{}\"", self.count);
        self.by_name.insert(name.to_owned(), Object { bytes, etag: etag.clone() });
        etag
    }
}

impl Shared {
    /// Does what is asked, at once.
    pub(super) fn answer(&self, asked: &Asked, body: Bytes) -> Response {
        let has = |name: &str| asked.value(name).is_some();
        match (asked.method.clone(), asked.object.is_empty()) {
            (Method::GET, true) => self.list(asked),
            (Method::POST, true) if has("delete") => self.delete_several(&body),
            (Method::POST, false) if has("uploads") => self.begin_parts(asked),
            (Method::PUT, false) if has("partNumber") => self.put_part(asked, body),
            (Method::POST, false) if has("uploadId") => self.finish_parts(asked),
            (Method::DELETE, false) if has("uploadId") => self.forget_parts(asked),
            (Method::PUT, false) => self.put(asked, body),
            (Method::GET | Method::HEAD, false) => self.get(asked),
            (Method::DELETE, false) => {
                lock(&self.objects).by_name.remove(&asked.object);
                answers::empty(StatusCode::NO_CONTENT)
            }
            _ => answers::error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        }
    }

    fn put(&self, asked: &Asked, bytes: Bytes) -> Response {
        let mut objects = lock(&self.objects);
        let there = objects.by_name.get(&asked.object).map(|object| object.etag.clone());
        let is_refused = match (&asked.if_match, asked.if_none_match) {
            (Some(expected), _) => there.as_ref() != Some(expected),
            (None, true) => there.is_some(),
            (None, false) => false,
        };
        if is_refused {
            return answers::error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        if asked.object.ends_with("/HEAD") {
            lock(&self.heads).note(&asked.object, &bytes, |name| objects.has(name));
        }
        let etag = objects.put(&asked.object, bytes);
        answers::with_etag(answers::empty(StatusCode::OK), &etag)
    }

    fn get(&self, asked: &Asked) -> Response {
        let found = lock(&self.objects).by_name.get(&asked.object).cloned();
        let Some(Object { bytes, etag }) = found else {
            return answers::error(StatusCode::NOT_FOUND, "NoSuchKey");
        };
        let answer = match asked.range.as_deref() {
            None => answers::whole(bytes),
            Some(range) => answers::part(&bytes, range),
        };
        answers::with_etag(answer, &etag)
    }

    fn list(&self, asked: &Asked) -> Response {
        let prefix = asked.value("prefix").unwrap_or_default();
        let objects = lock(&self.objects);
        let found = objects.by_name.iter().filter(|(name, _)| name.starts_with(prefix));
        let lines = found.map(|(name, object)| {
            format!(
                "<Contents><Key>{name}</Key><LastModified>2020-01-02T03:04:05.000Z</LastModified><ETag>{}</ETag><Size>{}</Size>\
                 </Contents>",
                object.etag.replace('"', "&quot;"),
                object.bytes.len()
            )
        });
        xml(&format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
            lines.collect::<String>()
        ))
    }

    fn delete_several(&self, body: &[u8]) -> Response {
        let text = String::from_utf8_lossy(body);
        let names = text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>")).map(|(name, _)| name);
        let mut objects = lock(&self.objects);
        let mut deleted = String::new();
        for name in names {
            objects.by_name.remove(name);
            deleted.push_str(&format!("<Deleted><Key>{name}</Key></Deleted>"));
        }
        xml(&format!("<DeleteResult>{deleted}</DeleteResult>"))
    }

    fn begin_parts(&self, asked: &Asked) -> Response {
        let mut objects = lock(&self.objects);
        objects.count += 1;
        let id = format!("upload-{}", objects.count);
        objects.parts.insert(id.clone(), BTreeMap::new());
        let name = &asked.object;
        xml(&format!(
            "<InitiateMultipartUploadResult><Key>{name}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        ))
    }

    fn put_part(&self, asked: &Asked, bytes: Bytes) -> Response {
        let number = asked.value("partNumber").and_then(|number| number.parse().ok());
        let mut objects = lock(&self.objects);
        let parts = asked.value("uploadId").and_then(|id| objects.parts.get_mut(id));
        let (Some(number), Some(parts)) = (number, parts) else {
            return answers::error(StatusCode::NOT_FOUND, "NoSuchUpload");
        };
        parts.insert(number, bytes);
        answers::with_etag(answers::empty(StatusCode::OK), &format!("\"part-{number}\""))
    }

    fn finish_parts(&self, asked: &Asked) -> Response {
        let mut objects = lock(&self.objects);
        let Some(parts) = asked.value("uploadId").and_then(|id| objects.parts.remove(id)) else {
            return answers::error(StatusCode::NOT_FOUND, "NoSuchUpload");
        };
        let mut whole = BytesMut::new();
        parts.values().for_each(|part| whole.extend_from_slice(part));
        let etag = objects.put(&asked.object, whole.freeze()).replace('"', "&quot;");
        xml(&format!("<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"))
    }

    fn forget_parts(&self, asked: &Asked) -> Response {
        if let Some(id) = asked.value("uploadId") {
            lock(&self.objects).parts.remove(id);
        }
        answers::empty(StatusCode::NO_CONTENT)
    }
}
