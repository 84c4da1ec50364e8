//! The request of a Lambda event as it would come over TCP, and what of two answers is to be the same.

use super::lambda_runtime::{LambdaAnswer, LambdaEvent};

/// Headers that a connection makes, and those that tell the time.
const OWN: [&str; 5] = ["connection", "content-length", "date", "keep-alive", "transfer-encoding"];

impl LambdaEvent {
    /// Asks the same of a server, with no gateway between: without the stage, its cookies in one header.
    pub async fn over_tcp(&self, url: &str) -> Result<LambdaAnswer, reqwest::Error> {
        let staged = self.path.strip_prefix('/').and_then(|path| path.strip_prefix(self.stage.as_str()));
        let path = if self.stage.is_empty() { None } else { staged }.unwrap_or(&self.path);
        let question = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let method = reqwest::Method::from_bytes(self.method.as_bytes()).unwrap_or_default();
        let mut request = client.request(method, format!("{url}{path}{question}"));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.cookies.is_empty() {
            request = request.header("cookie", self.cookies.join("; "));
        }
        let answer = request.body(self.body.clone().unwrap_or_default()).send().await?;
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<_> =
            answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        headers.sort();
        headers.dedup();
        Ok(LambdaAnswer { status: answer.status().as_u16(), headers, body: answer.bytes().await?.to_vec() })
    }
}

impl LambdaAnswer {
    /// Without what differs by nature: the headers of a connection, and balances.
    #[must_use]
    pub fn comparable(mut self) -> Self {
        self.headers.retain(|(name, _)| !OWN.contains(&name.as_str()) && !name.contains("ratelimit"));
        self
    }
}
