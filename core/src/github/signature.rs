//! `X-Hub-Signature-256`: HMAC-SHA-256 of the raw body. GitHub's older SHA-1 header is never read.
//! Format: <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>.

use std::str::FromStr;

use crate::crypto;

/// The value of the header: `sha256=` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature([u8; 32]);

/// Not `sha256=` and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`X-Hub-Signature-256` must be `sha256=` and 64 hexadecimal digits")]
pub struct MalformedSignature;

impl FromStr for Signature {
    type Err = MalformedSignature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("sha256=").ok_or(MalformedSignature)?.as_bytes();
        let mut tag = [0; 32];
        if digits.len() != 2 * tag.len() {
            return Err(MalformedSignature);
        }
        for (byte, pair) in tag.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(Self(tag))
    }
}

impl Signature {
    /// Whether one of the two secrets made it. Both are always tried, so the time does not tell which.
    pub fn is_by_any(&self, secrets: &[Vec<u8>; 2], body: &[u8]) -> bool {
        let [first, second] = secrets.each_ref().map(|secret| crypto::verify_hmac_sha256(secret, body, &self.0));
        first | second
    }
}

fn hex_digit(digit: u8) -> Result<u8, MalformedSignature> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(MalformedSignature)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation.
    const DOCUMENTED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn documented_vector_verifies_with_either_secret() {
        let signature: Signature = DOCUMENTED.parse().unwrap();
        let secret = b"It's a Secret to Everybody".to_vec();
        let other = b"another".to_vec();
        assert!(signature.is_by_any(&[secret.clone(), other.clone()], b"Hello, World!"));
        assert!(signature.is_by_any(&[other.clone(), secret.clone()], b"Hello, World!"));
        assert!(!signature.is_by_any(&[other.clone(), other], b"Hello, World!"));
        assert!(!signature.is_by_any(&[secret.clone(), secret], b"Hello, World?"));
    }

    #[test]
    fn malformed_headers_are_refused() {
        for text in
            ["", "sha1=00", "sha256=", &DOCUMENTED[..70], &format!("{DOCUMENTED}0"), &DOCUMENTED.replace('7', "g")]
        {
            assert_eq!(text.parse::<Signature>(), Err(MalformedSignature), "{text}");
        }
        assert!(DOCUMENTED.replace("757107ea", "757107EA").parse::<Signature>().is_ok());
        assert!("sha256=".to_owned().parse::<Signature>().is_err());
        let wide = format!("sha256={}", "é".repeat(32));
        assert!(wide.parse::<Signature>().is_err());
    }
}
