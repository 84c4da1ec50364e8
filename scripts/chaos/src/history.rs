//! Every change of every row of the job table, noted by a trigger of ours, and what the rows say of the rules: at most one
//! running job a repository, and counts of tries and crashes that add up.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Deserialize;

use crate::postgres::Postgres;

const TRIGGER: &str = "CREATE SCHEMA chaos;
CREATE TABLE chaos.changes (
    nth bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), job uuid NOT NULL, repository uuid NOT NULL,
    before text, after text NOT NULL, fence bigint, attempt_before integer, attempt integer NOT NULL,
    crashes_before integer, crashes integer NOT NULL, owner text
);
CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO chaos.changes (job, repository, after, fence, attempt, crashes, owner)
        VALUES (NEW.id, NEW.repository_id, NEW.state, NEW.fence, NEW.attempt, NEW.crash_count, NEW.lease_owner);
    ELSE
        INSERT INTO chaos.changes (job, repository, before, after, fence, attempt_before, attempt, crashes_before, crashes, owner)
        VALUES (NEW.id, NEW.repository_id, OLD.state, NEW.state, NEW.fence, OLD.attempt, NEW.attempt, OLD.crash_count,
            NEW.crash_count, coalesce(NEW.lease_owner, OLD.lease_owner));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER chaos AFTER INSERT OR UPDATE OF state, fence, attempt, crash_count ON kotadb.jobs
    FOR EACH ROW EXECUTE FUNCTION chaos.note();";

/// One change of a row.
#[derive(Clone, Debug, Deserialize)]
pub struct Change {
    /// Seconds since 1970.
    pub at: f64,
    /// Of which job.
    pub job: String,
    /// Of which repository.
    pub repository: String,
    before: Option<String>,
    /// The state it went to.
    pub after: String,
    fence: Option<i64>,
    attempt_before: Option<i64>,
    attempt: i64,
    crashes_before: Option<i64>,
    crashes: i64,
    /// The worker that holds it or held it last.
    pub owner: Option<String>,
}

/// All changes, in their order.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Oldest first.
    pub changes: Vec<Change>,
}

/// Begins to note changes.
pub async fn watch(postgres: &Postgres) -> anyhow::Result<()> {
    postgres.execute(TRIGGER).await
}

impl History {
    /// All changes so far.
    pub async fn read(postgres: &Postgres) -> anyhow::Result<Self> {
        let rows = postgres
            .texts(
                "SELECT jsonb_build_object('at', extract(epoch FROM at)::float8, 'job', job, 'repository', repository,
                     'before', before, 'after', after, 'fence', fence, 'attempt_before', attempt_before, 'attempt', attempt,
                     'crashes_before', crashes_before, 'crashes', crashes, 'owner', owner)::text
                 FROM chaos.changes ORDER BY nth",
            )
            .await?;
        let changes = rows.iter().map(|row| serde_json::from_str(row).context("a change cannot be read"));
        Ok(Self { changes: changes.collect::<anyhow::Result<_>>()? })
    }

    /// How often a repository had a second running job.
    pub fn two_running(&self) -> u64 {
        let mut running: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut breaches = 0;
        for change in &self.changes {
            let jobs = running.entry(&change.repository).or_default();
            match change.after.as_str() {
                "running" => drop(jobs.insert(&change.job)),
                _ => drop(jobs.remove(change.job.as_str())),
            }
            breaches += u64::from(jobs.len() > 1);
        }
        breaches
    }

    /// Most jobs of one repository that were queued or running at once.
    pub fn most_outstanding(&self) -> usize {
        let mut outstanding: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut most = 0;
        for change in &self.changes {
            let jobs = outstanding.entry(&change.repository).or_default();
            match change.after.as_str() {
                "queued" | "running" => drop(jobs.insert(&change.job)),
                _ => drop(jobs.remove(change.job.as_str())),
            }
            most = most.max(jobs.len());
        }
        most
    }

    /// How often a job was claimed.
    pub fn claims(&self) -> u64 {
        self.changes.iter().filter(|change| change.is_claim()).count() as u64
    }

    /// How many crashes were counted.
    pub fn crashes(&self) -> u64 {
        self.changes.iter().filter(|change| change.is_crash()).count() as u64
    }

    /// Whether a job of that worker crashed.
    pub fn has_crash_of(&self, worker: u32) -> bool {
        self.of(worker).any(Change::is_crash)
    }

    /// Whether that worker took a job.
    pub fn has_claim_of(&self, worker: u32) -> bool {
        self.of(worker).any(Change::is_claim)
    }

    fn of(&self, worker: u32) -> impl Iterator<Item = &Change> {
        let worker = format!("{worker}-");
        let is_its = move |change: &&Change| change.owner.as_ref().is_some_and(|owner| owner.starts_with(&worker));
        self.changes.iter().filter(is_its)
    }

    /// Longest time from a crash to the next run of that repository.
    pub fn longest_after_crash(&self) -> f64 {
        let crashes = self.changes.iter().filter(|change| change.is_crash());
        let waits = crashes
            .map(|crash| self.runs_after(&crash.repository, crash.at).map_or(f64::INFINITY, |again| again - crash.at));
        waits.fold(0.0, f64::max)
    }

    /// How often a job was given up.
    pub fn deaths(&self) -> u64 {
        let died = |change: &&Change| change.after == "dead" && change.before.as_deref() != Some("dead");
        self.changes.iter().filter(died).count() as u64
    }

    /// Changes whose counts are not what the change means: a claim is one more try; a crash, a release and a wait that the
    /// remote asked for give it back, and only a crash is counted as one.
    pub fn miscounted(&self) -> u64 {
        let mut fences: BTreeMap<&str, i64> = BTreeMap::new();
        let mut wrong = 0;
        for change in &self.changes {
            let is_right = match (change.before.as_deref(), change.after.as_str()) {
                (Some("queued"), "running") => {
                    let fence = change.fence.unwrap_or_default();
                    let newest = fences.insert(&change.repository, fence).unwrap_or_default();
                    change.tries(1) && change.more_crashes(0) && fence > newest
                }
                // A merge adds what the other job has.
                (Some("queued"), "queued") => true,
                (Some("running"), "done") => change.tries(0) && change.more_crashes(0),
                (Some("running"), _) => {
                    (change.tries(0) && change.more_crashes(0))
                        || (change.untried() && (change.more_crashes(0) || change.more_crashes(1)))
                        // The last crash leaves the tries as they are.
                        || (change.tries(0) && change.more_crashes(1) && change.after == "dead")
                }
                _ => true,
            };
            wrong += u64::from(!is_right);
        }
        wrong
    }

    /// When a job of a repository began to run next after a moment.
    pub fn runs_after(&self, repository: &str, seconds: f64) -> Option<f64> {
        let is_next = |change: &&Change| change.is_claim() && change.repository == repository && change.at > seconds;
        self.changes.iter().find(is_next).map(|change| change.at)
    }
}

impl Change {
    /// Whether a worker took the job.
    pub fn is_claim(&self) -> bool {
        self.before.as_deref() == Some("queued") && self.after == "running"
    }

    fn is_crash(&self) -> bool {
        self.before.as_deref() == Some("running") && self.more_crashes(1)
    }

    fn tries(&self, more: i64) -> bool {
        self.attempt_before.is_none_or(|before| self.attempt == before + more)
    }

    fn untried(&self) -> bool {
        self.attempt_before.is_none_or(|before| self.attempt == (before - 1).max(0))
    }

    fn more_crashes(&self, more: i64) -> bool {
        self.crashes_before.is_none_or(|before| self.crashes == before + more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(job: &str, (before, after): (&str, &str), attempts: (i64, i64), crashes: (i64, i64)) -> Change {
        Change {
            at: 0.0,
            job: job.to_owned(),
            repository: "r".to_owned(),
            before: Some(before.to_owned()).filter(|before| !before.is_empty()),
            after: after.to_owned(),
            fence: Some(1),
            attempt_before: Some(attempts.0),
            attempt: attempts.1,
            crashes_before: Some(crashes.0),
            crashes: crashes.1,
            owner: None,
        }
    }

    fn history(changes: &[Change]) -> History {
        History { changes: changes.to_vec() }
    }

    #[test]
    fn a_second_running_job_is_seen() {
        let claim = |job| change(job, ("queued", "running"), (0, 1), (0, 0));
        let done = |job| change(job, ("running", "done"), (1, 1), (0, 0));
        assert_eq!(history(&[claim("a"), done("a"), claim("b"), done("b")]).two_running(), 0);
        assert_eq!(history(&[claim("a"), claim("b"), done("a")]).two_running(), 1);
        assert_eq!(history(&[claim("a"), change("b", ("", "queued"), (0, 0), (0, 0))]).most_outstanding(), 2);
    }

    #[test]
    fn counts_must_be_what_the_change_means() {
        let crash = change("a", ("running", "queued"), (1, 0), (0, 1));
        let release = change("a", ("running", "queued"), (1, 0), (0, 0));
        let failure = change("a", ("running", "queued"), (1, 1), (0, 0));
        assert_eq!(history(&[crash.clone(), release, failure]).miscounted(), 0);
        assert_eq!(history(&[crash]).crashes(), 1);
        for wrong in [
            change("a", ("running", "queued"), (1, 1), (0, 1)),
            change("a", ("running", "done"), (1, 0), (0, 0)),
            change("a", ("queued", "running"), (0, 0), (0, 0)),
        ] {
            assert_eq!(history(&[wrong]).miscounted(), 1);
        }
    }

    #[test]
    fn fences_must_grow_from_claim_to_claim() {
        let claim = change("a", ("queued", "running"), (0, 1), (0, 0));
        assert_eq!(history(&[claim.clone(), claim]).miscounted(), 1);
    }
}
