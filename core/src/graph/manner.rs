//! How one symbol uses another, without where: edges of one manner are very many, so the file has a table of them.

use super::codec::{Cursor, put_varint};
use super::edge::{Confidence, Edge, Inheritance, Tier};
use super::error::GraphError;
use crate::facts::Role;

/// How one symbol uses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Manner {
    /// What is done with it.
    pub role: Role,
    /// Which rule found it.
    pub tier: Tier,
    /// How sure that is.
    pub confidence: Confidence,
}

impl Manner {
    pub(super) fn of(edge: &Edge) -> Self {
        // More than certain is certain.
        let confidence = Confidence(edge.confidence.0.min(100));
        Self { role: edge.role, tier: edge.tier, confidence }
    }

    pub(super) fn of_kin(one: &Inheritance) -> Self {
        Self { role: Role::Inherit, tier: one.tier, confidence: Confidence(one.confidence.0.min(100)) }
    }

    /// As one number, which is part of no format.
    pub(super) fn code(self) -> u32 {
        u32::from(self.role as u8) << 16 | u32::from(self.tier as u8) << 8 | u32::from(self.confidence.0)
    }

    pub(super) fn from_code(code: u32) -> Option<Self> {
        let [confidence, tier, role, _] = code.to_le_bytes();
        let (role, tier) = (Role::ALL.get(usize::from(role))?, Tier::ALL.get(usize::from(tier))?);
        Some(Self { role: *role, tier: *tier, confidence: Confidence(confidence) })
    }

    /// As a share of one.
    pub fn share(self) -> f32 {
        f32::from(self.confidence.0) / 100.0
    }
}

/// The manners of a file, the most frequent first.
#[derive(Clone, Debug, Default)]
pub(super) struct Manners(pub(super) Vec<Manner>);

impl Manners {
    /// Of (code, times).
    pub(super) fn by_frequency(counts: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|&(code, times)| (std::cmp::Reverse(times), code));
        Self(counts.iter().filter_map(|&(code, _)| Manner::from_code(code)).collect())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.iter().for_each(|manner| put_varint(&mut out, manner.code()));
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("manners", bytes);
        let mut manners = Vec::new();
        while !cursor.is_empty() {
            let manner = Manner::from_code(cursor.varint()?).filter(|manner| manner.confidence.0 <= 100);
            manners.push(manner.ok_or_else(|| cursor.error("has a role, tier or confidence that is unknown"))?);
        }
        Ok(Self(manners))
    }

    /// The number of each manner, by its code.
    pub(super) fn numbers(&self) -> std::collections::HashMap<u32, u32> {
        self.0.iter().zip(0..).map(|(manner, number)| (manner.code(), number)).collect()
    }
}
