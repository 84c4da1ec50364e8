//! One request through `git http-backend`: the environment of RFC 3875, the body streamed in, the answer streamed out.

use std::io;
use std::path::Path;
use std::process::Stdio;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Most bytes of headers that the program may answer with.
const MOST_HEADER_BYTES: usize = 64 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// What a caller of ours may have set for its own repository; it must not reach this one.
const REMOVED: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_CONFIG_PARAMETERS",
    "CONTENT_LENGTH",
];

/// Settings of the served repository: it may belong to another user, and is fetched from in part and by id.
const SETTINGS: [(&str, &str); 4] = [
    ("safe.directory", "*"),
    ("uploadpack.allowFilter", "true"),
    ("uploadpack.allowAnySHA1InWant", "true"),
    ("http.receivepack", "false"),
];

/// Runs the program for `endpoint` of the repository in `folder`.
pub(super) async fn run(folder: &Path, endpoint: &str, request: Request) -> io::Result<Response> {
    let mut child = command(folder, endpoint, &request).spawn()?;
    let (Some(stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("the program has no pipes"));
    };
    // The program may answer before it has read all of the body, so both go on at once.
    tokio::spawn(feed(stdin, request.into_body()));
    let (head, rest) = read_head(&mut stdout).await?;
    let (status, headers) = parse_head(&head)?;
    let mut response = Response::new(Body::from_stream(read_on(rest, stdout, child)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn command(folder: &Path, endpoint: &str, request: &Request) -> Command {
    let mut command = Command::new("git");
    command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    for name in REMOVED {
        command.env_remove(name);
    }
    command
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", endpoint)
        .env("REQUEST_METHOD", request.method().as_str())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("GIT_CONFIG_COUNT", SETTINGS.len().to_string());
    for (i, (key, value)) in SETTINGS.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{i}"), key).env(format!("GIT_CONFIG_VALUE_{i}"), value);
    }
    let passed = [
        (CONTENT_TYPE, "CONTENT_TYPE"),
        (CONTENT_LENGTH, "CONTENT_LENGTH"),
        (CONTENT_ENCODING, "HTTP_CONTENT_ENCODING"),
        (HeaderName::from_static("git-protocol"), "GIT_PROTOCOL"),
    ];
    for (header, variable) in passed {
        if let Some(value) = request.headers().get(header).and_then(|value| value.to_str().ok()) {
            command.env(variable, value);
        }
    }
    command
}

/// Ends with the pipe: a program that stops reading has its answer ready.
async fn feed(mut stdin: ChildStdin, body: Body) {
    let mut chunks = body.into_data_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        if stdin.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

/// Reads up to the empty line; gives the lines before it and the bytes read beyond it.
async fn read_head(stdout: &mut ChildStdout) -> io::Result<(Bytes, Bytes)> {
    let mut read = BytesMut::with_capacity(4096);
    loop {
        if let Some((end, skip)) = head_end(&read) {
            let head = read.split_to(end).freeze();
            let _ = read.split_to(skip);
            return Ok((head, read.freeze()));
        }
        if stdout.read_buf(&mut read).await? == 0 || read.len() > MOST_HEADER_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the program's answer has no end of headers"));
        }
    }
}

fn head_end(read: &[u8]) -> Option<(usize, usize)> {
    let find = |mark: &[u8]| read.windows(mark.len()).position(|window| window == mark);
    let crlf = find(b"\r\n\r\n").map(|end| (end, 4));
    let lf = find(b"\n\n").map(|end| (end, 2));
    crlf.into_iter().chain(lf).min()
}

fn parse_head(head: &[u8]) -> io::Result<(StatusCode, HeaderMap)> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("the program's answer has {what}"));
    let text = std::str::from_utf8(head).map_err(|_| malformed("headers that are not text"))?;
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("a header line without a colon"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            status = code.parse().map_err(|_| malformed("a status that is no number"))?;
            continue;
        }
        let name: HeaderName = name.parse().map_err(|_| malformed("a header name that is none"))?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| malformed("a header value that is none"))?);
    }
    Ok((status, headers))
}

/// What was read with the headers, then the rest of the output. The child is held so that it dies with the answer.
fn read_on(rest: Bytes, stdout: ChildStdout, child: Child) -> impl Stream<Item = io::Result<Bytes>> {
    let output = stream::try_unfold((stdout, child), |(mut stdout, mut child)| async move {
        let mut chunk = BytesMut::with_capacity(READ_BYTES);
        if stdout.read_buf(&mut chunk).await? > 0 {
            return Ok(Some((chunk.freeze(), (stdout, child))));
        }
        child.wait().await?;
        Ok(None)
    });
    stream::once(async move { Ok(rest) }).chain(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_at_the_first_empty_line() {
        assert_eq!(head_end(b"a: b\r\n\r\nbody\n\n"), Some((4, 4)));
        assert_eq!(head_end(b"a: b\n\nbody\r\n\r\n"), Some((4, 2)));
        assert_eq!(head_end(b"a: b\r\n"), None);
    }

    #[test]
    fn heads_are_status_and_headers() {
        let (status, headers) = parse_head(b"Status: 404 Not Found\r\nContent-Type: text/plain").unwrap();
        assert_eq!(
            (status, &headers["content-type"]),
            (StatusCode::NOT_FOUND, &HeaderValue::from_static("text/plain"))
        );
        assert!(parse_head(b"nonsense").is_err());
        assert!(parse_head(b"Status: many").is_err());
    }
}
