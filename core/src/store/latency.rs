//! A store behind a network that is made up: GETs wait as they would for a bucket, and are counted.

use std::f64::consts::TAU;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, Result};
use tokio::time::{Instant, sleep_until};

use crate::store::between::{Behind, Between, Request};
use crate::store::remote::Remote;
use crate::store::{Backend, Store, StoreError};

/// What a GET waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// Time to the first byte of half of the GETs; the times are distributed log-normally.
    pub p50: Duration,
    /// The same of nine in ten.
    pub p90: Duration,
    /// Share of GETs that wait for `slow` instead.
    pub slow_share: f64,
    /// See `slow_share`.
    pub slow: Duration,
    /// What all GETs share, after their first byte.
    pub bytes_per_second: u64,
    /// Where the chances begin; the same seed and the same order of GETs give the same times.
    pub seed: u64,
}

/// What was sent to a store.
#[derive(Debug, Default)]
pub struct Traffic {
    gets: AtomicU64,
    lists: AtomicU64,
    bytes: AtomicU64,
}

/// A bucket as cold queries are promised for: GETs of 22 ms in the median and 42 at p90, one in a hundred of 300 ms, at
/// 80 MB/s together.
impl Default for Latency {
    fn default() -> Self {
        Self {
            p50: Duration::from_millis(22),
            p90: Duration::from_millis(42),
            slow_share: 0.01,
            slow: Duration::from_millis(300),
            bytes_per_second: 80_000_000,
            seed: 1,
        }
    }
}

impl Traffic {
    /// GETs sent so far.
    pub fn gets(&self) -> u64 {
        self.gets.load(Ordering::Relaxed)
    }

    /// Requests for names, sent so far.
    pub fn lists(&self) -> u64 {
        self.lists.load(Ordering::Relaxed)
    }

    /// Bytes that were answered.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Store {
    /// The same objects, read as from a bucket that is `latency` away, and what is sent to it. HEAD can be read and not
    /// swapped where this is a folder.
    pub fn far_away(&self, latency: Latency) -> Result<(Self, Arc<Traffic>), StoreError> {
        let inner: Arc<dyn ObjectStore> = match &self.backend {
            Backend::Folder(folder) => {
                let local = LocalFileSystem::new_with_prefix(folder.root());
                Arc::new(local.map_err(|error| StoreError::Options(error.to_string()))?)
            }
            Backend::Remote(remote) => remote.object_store(),
        };
        let traffic = Arc::new(Traffic::default());
        let distance = Distance { waits: Waits::new(latency), traffic: Arc::clone(&traffic) };
        let far = Behind::new(inner, Arc::new(distance));
        Ok((Self { backend: Backend::Remote(Remote::far_away(Arc::new(far))) }, traffic))
    }
}

/// Draws how long requests take that share one line.
#[derive(Debug)]
pub struct Waits {
    latency: Latency,
    link: Mutex<Link>,
}

/// What lies between.
#[derive(Debug)]
struct Distance {
    waits: Waits,
    traffic: Arc<Traffic>,
}

/// One line that all answers come through, one after the other.
#[derive(Debug)]
struct Link {
    free: Option<Instant>,
    chance: u64,
}

impl Between for Distance {
    type Sent = Request;

    async fn before(&self, request: Request) -> Result<Request> {
        if request == Request::Get {
            self.traffic.gets.fetch_add(1, Ordering::Relaxed);
            sleep_until(Instant::now() + self.waits.first_byte()).await;
        }
        if request == Request::List {
            self.traffic.lists.fetch_add(1, Ordering::Relaxed);
        }
        Ok(request)
    }

    async fn after(&self, request: Request, bytes: u64) -> Result<()> {
        if request == Request::Get {
            self.traffic.bytes.fetch_add(bytes, Ordering::Relaxed);
            sleep_until(self.waits.received(bytes)).await;
        }
        Ok(())
    }
}

impl Waits {
    /// Of a line that nobody uses yet.
    pub fn new(latency: Latency) -> Self {
        Self { latency, link: Mutex::new(Link { free: None, chance: latency.seed }) }
    }

    /// The time to the first byte of the next answer.
    pub fn first_byte(&self) -> Duration {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let (slow, a, b) = (link.uniform(), link.uniform(), link.uniform());
        if slow < self.latency.slow_share {
            return self.latency.slow;
        }
        // A normal value by Box and Muller (1958); 1.2816 is its quantile at nine in ten.
        let normal = (-2.0 * (1.0 - a).ln()).sqrt() * (TAU * b).cos();
        let spread = (self.latency.p90.as_secs_f64() / self.latency.p50.as_secs_f64()).ln() / 1.2816;
        self.latency.p50.mul_f64((spread * normal).exp())
    }

    /// When so many bytes are through the line, behind those that are under way.
    pub fn received(&self, bytes: u64) -> Instant {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let start = link.free.map_or(now, |free| free.max(now));
        let end = start + Duration::from_secs_f64(bytes as f64 / self.latency.bytes_per_second as f64);
        link.free = Some(end);
        end
    }
}

impl Link {
    /// SplitMix64 (Steele, Lea and Flood, 2014), as a number from 0 to 1.
    fn uniform(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::TenantId;
    use crate::store::{Kind, StoreOptions};

    #[tokio::test]
    async fn gets_take_what_is_said_and_share_the_line() {
        let tenant = TenantId(Uuid::from_u128(1));
        let near = Store::open(&StoreOptions::Memory).unwrap();
        let key = near.put(tenant, Kind::Segment, Uuid::from_u128(2), vec![7; 4_000_000].into()).await.unwrap();
        let (far, traffic) = near.far_away(Latency { slow_share: 0.0, ..Latency::default() }).unwrap();
        let start = Instant::now();
        far.get_ranges(tenant, Kind::Segment, key, &[0..1, 3_999_999..4_000_000]).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(5));
        assert_eq!((traffic.gets(), traffic.bytes()), (2, 2));
        let start = Instant::now();
        far.get_ranges(tenant, Kind::Segment, key, &[0..1_600_000, 2_400_000..4_000_000]).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(40), "3.2 MB at 80 MB/s take 40 ms: {:?}", start.elapsed());
    }

    #[test]
    fn first_bytes_are_distributed_as_said() {
        let waits = Waits::new(Latency::default());
        let mut times: Vec<f64> = (0..20_000).map(|_| waits.first_byte().as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let slow = times.iter().filter(|time| **time == 300.0).count();
        assert!((21.0..23.0).contains(&times[10_000]) && (40.0..44.0).contains(&times[18_000]), "{}", times[18_000]);
        assert!((150..250).contains(&slow), "{slow}");
    }
}
