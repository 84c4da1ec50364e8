//! Who somebody is: API keys, and the tokens that Supabase signs for users.
//!
//! Tokens are JSON Web Tokens (RFC 7519). Which key verifies one is decided by the key, not by the token: an elliptic curve key
//! verifies ES256, an RSA key RS256, a shared secret HS256, and nothing else is known.

mod api_key;
mod jwks;
mod jwt;
mod supabase;

pub use self::api_key::ApiKey;
pub use self::jwt::TokenError;
pub use self::supabase::Supabase;
