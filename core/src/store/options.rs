//! Where objects are kept, and how the settings of a program say it.

use std::fmt;
use std::path::PathBuf;

use crate::config::Config;

/// Where objects are kept. `Debug` prints no secret.
#[derive(Clone)]
pub enum StoreOptions {
    /// In memory, for tests.
    Memory,
    /// Below a folder of this machine.
    Folder(PathBuf),
    /// An S3 bucket (Tigris, AWS, moto).
    S3 {
        /// Bucket.
        bucket: String,
        /// `AWS_ENDPOINT_URL_S3`; `None`: AWS itself.
        endpoint: Option<String>,
        /// Region.
        region: String,
        /// Access key id and secret; `None`: as the environment of the machine provides them (Lambda, instance).
        credentials: Option<(String, String)>,
    },
}

impl StoreOptions {
    /// The bucket where one is configured, else the folder `objects` of the data folder.
    pub fn from_config(config: &Config) -> Self {
        match &config.bucket {
            None => Self::Folder(config.data_dir.join("objects")),
            Some(bucket) => Self::S3 {
                bucket: bucket.clone(),
                endpoint: config.s3_endpoint.clone(),
                region: config.s3_region.clone(),
                credentials: config
                    .s3_credentials
                    .as_ref()
                    .map(|(id, secret)| (id.clone(), secret.expose().to_owned())),
            },
        }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("Memory"),
            Self::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
            Self::S3 { bucket, endpoint, region, credentials: _ } => f
                .debug_struct("S3")
                .field("bucket", bucket)
                .field("endpoint", endpoint)
                .field("region", region)
                .finish_non_exhaustive(),
        }
    }
}
