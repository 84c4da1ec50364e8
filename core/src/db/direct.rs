//! One connection for what the pooler cannot carry or no role of ours may do: migrations, making databases and logins, and
//! what tests do behind the program's back. Everything it sends is one message of the simple protocol, so it is sound even
//! if the URL turns out to be a transaction pooler.

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};

use super::DbError;
use super::options::parse;

/// A direct connection to Postgres.
#[derive(Debug)]
pub struct Direct {
    connection: PgConnection,
    endpoint: String,
}

impl Direct {
    /// Connects to `DATABASE_DIRECT_URL`.
    pub async fn connect(url: &str) -> Result<Self, DbError> {
        let (options, endpoint) = parse(url)?;
        Self::with(options, endpoint).await
    }

    async fn with(options: PgConnectOptions, endpoint: String) -> Result<Self, DbError> {
        match options.connect().await {
            Ok(connection) => Ok(Self { connection, endpoint }),
            Err(error) => Err(DbError::from_sqlx(&error, &endpoint)),
        }
    }

    /// Runs any number of statements.
    pub async fn execute(&mut self, sql: &str) -> Result<(), DbError> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await;
        done.map(|_| ()).map_err(|error| DbError::from_sqlx(&error, &self.endpoint))
    }

    /// The first column of every row, which must be text.
    pub async fn texts(&mut self, sql: &str) -> Result<Vec<String>, DbError> {
        let rows: Result<Vec<PgRow>, _> = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| DbError::from_sqlx(&error, &self.endpoint))?;
        let texts = rows.iter().map(|row| row.try_get::<String, _>(0));
        texts.collect::<Result<_, _>>().map_err(|error| DbError::from_sqlx(&error, &self.endpoint))
    }

    /// Ends the connection in order.
    pub async fn close(self) {
        // A connection that cannot even say goodbye is closed all the same.
        drop(self.connection.close().await);
    }
}

/// A text as an SQL literal.
pub fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A name as a quoted SQL identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(literal("a'b\\"), "E'a\\'b\\\\'");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
    }
}
