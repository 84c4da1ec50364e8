//! GitHub's REST API, as far as it is used here. A [`Client`] holds the connections of a process and what is known of rate
//! limits; a [`Session`] asks with one token. Nothing is retried: a caller knows better whether to come again.

mod app;
mod deliveries;
mod error;
mod hooks;
mod oauth;
mod pages;
mod repositories;
mod session;
mod tips;
mod tokens;
mod transport;

use std::sync::Arc;

pub use self::deliveries::Delivery;
pub use self::error::GithubError;
pub use self::hooks::{Hook, HookConfig, HookResponse, HookSettings};
pub use self::oauth::{Authorization, UserToken};
pub use self::pages::Listed;
pub use self::repositories::{GithubAccount, GithubInstallation, GithubRepository};
pub use self::session::Session;
pub use self::tips::{Tip, TipAnswer};
pub use self::tokens::Tokens;

use self::app::App;
use self::oauth::OAuth;
use self::transport::Transport;
use crate::config::Config;
use crate::crypto::Secret;
use crate::db::repositories::Credential;

/// The API as one process uses it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    transport: Arc<Transport>,
    tokens: Tokens,
    operator: Option<Secret>,
    oauth: Option<OAuth>,
}

impl Client {
    /// By the settings of the process; nothing is asked yet. An error: the App's key is none, or TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, GithubError> {
        let app = config.github_app.as_ref().map(|(id, pem)| App::new(*id, pem.expose())).transpose()?;
        let transport = Arc::new(Transport::new(&config.github_api_url)?);
        let tokens = Tokens::new(Arc::clone(&transport), app);
        let operator = config.github_webhook_token.clone();
        let oauth = config.github_client.clone().map(|(id, secret)| OAuth { id, secret });
        Ok(Self(Arc::new(Parts { transport, tokens, operator, oauth })))
    }

    /// Origin of the clone URLs of this GitHub: that of the API where it is an Enterprise Server.
    pub fn web_origin(&self) -> &str {
        self.0.transport.web_origin()
    }

    /// Whether a normalised clone URL is of this GitHub.
    pub fn knows(&self, clone_url: &str) -> bool {
        clone_url.strip_prefix(self.web_origin()).is_some_and(|path| path.starts_with('/'))
    }

    /// The tokens of the App's installations.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// As the App itself. [`GithubError::NoApp`] where none is configured.
    pub fn app(&self) -> Result<Session, GithubError> {
        let jwt = self.0.tokens.app()?.jwt()?;
        Ok(self.session("app".to_owned(), Some(jwt)))
    }

    /// As an installation of the App.
    pub async fn installation(&self, id: i64) -> Result<Session, GithubError> {
        let token = self.0.tokens.installation_token(id).await?;
        Ok(self.session(format!("installation {id}"), Some(token)))
    }

    /// As the owner of a token.
    pub fn user(&self, token: Secret) -> Session {
        // Limits are those of the token, which must not be the name of anything.
        let hash = crate::crypto::to_hex(&crate::crypto::sha256(token.expose().as_bytes())[..8]);
        self.session(format!("token {hash}"), Some(token))
    }

    /// As the operator, whose token serves where nothing else does. `None`: there is none.
    pub fn operator(&self) -> Option<Session> {
        self.0.operator.clone().map(|token| self.session("operator".to_owned(), Some(token)))
    }

    /// As whoever a repository is fetched for: its installation, the owner of its token (`stored`, which the caller has
    /// opened), else the operator. `None`: there is no token at all.
    pub async fn session_for(
        &self,
        credential: Credential,
        stored: Option<Secret>,
    ) -> Result<Option<Session>, GithubError> {
        match (credential, stored) {
            (Credential::Installation(id), _) => self.installation(id).await.map(Some),
            (Credential::Token(_), Some(token)) => Ok(Some(self.user(token))),
            (Credential::Token(_), None) => Ok(None),
            (Credential::None, _) => Ok(self.operator()),
        }
    }

    /// As nobody: public repositories, 60 requests an hour.
    pub fn anonymous(&self) -> Session {
        self.session("anonymous".to_owned(), None)
    }

    fn session(&self, budget: String, token: Option<Secret>) -> Session {
        Session::new(Arc::clone(&self.0.transport), budget, token)
    }
}
