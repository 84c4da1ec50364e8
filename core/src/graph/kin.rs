//! Who stands below whom, in blocks, both ways: by the node above, and by the node below. A file may say so of types of other
//! files, so a row names the file that says it.

use super::codec::{Cursor, put_signed, put_varint};
use super::error::GraphError;
use super::keys::{KeyRows, Keys};
use crate::facts::Relation;

/// A relation as builders and writers handle it, seen from one of the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KinRow {
    /// The other node.
    pub(super) node: u32,
    /// Place in the table of manners.
    pub(super) manner: u32,
    pub(super) relation: Relation,
    /// The file that says so, and where.
    pub(super) file: u32,
    pub(super) site: u32,
}

/// Relations of some nodes.
#[derive(Debug, Default)]
pub(super) struct KinBlock {
    keys: Keys,
    rows: Vec<KinRow>,
}

impl KinBlock {
    pub(super) fn memory(&self) -> usize {
        self.keys.memory() + size_of_val(&self.rows[..])
    }

    pub(super) fn rows(&self, node: u32) -> &[KinRow] {
        &self.rows[self.keys.range(node)]
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("inheritance", raw);
        let keys = Keys::decode(&mut cursor)?;
        let [mut nodes, mut manners, mut relations, mut files, mut sites] = cursor.columns()?;
        let mut rows = Vec::with_capacity(relations.remaining());
        let mut file = 0;
        for (key, n_rows) in keys.each() {
            let mut node = key;
            for _ in 0..n_rows {
                node = nodes.moved(node)?;
                file = files.moved(file)?;
                let relation = Relation::ALL.get(usize::from(relations.u8()?)).copied();
                let relation = relation.ok_or_else(|| relations.error("is of a kind that is unknown"))?;
                rows.push(KinRow { node, manner: manners.varint()?, relation, file, site: sites.varint()? });
            }
        }
        [nodes, manners, relations, files, sites].into_iter().try_for_each(Cursor::finish)?;
        Ok(Self { keys, rows })
    }
}

/// Writes relations.
#[derive(Debug, Default)]
pub(super) struct KinRows {
    keys: KeyRows,
    columns: [Vec<u8>; 5],
    file: u32,
}

impl KinRows {
    pub(super) fn weight(&self) -> usize {
        self.columns[2].len()
    }

    pub(super) fn n_keys(&self) -> usize {
        self.keys.len()
    }

    /// Appends the relations of one node, sorted.
    pub(super) fn push(&mut self, key: u32, rows: &[KinRow]) {
        let [nodes, manners, relations, files, sites] = &mut self.columns;
        let mut before = key;
        for row in rows {
            put_signed(nodes, i64::from(row.node) - i64::from(before));
            put_varint(manners, row.manner);
            relations.push(row.relation as u8);
            put_signed(files, i64::from(row.file) - i64::from(self.file));
            put_varint(sites, row.site);
            (before, self.file) = (row.node, row.file);
        }
        self.keys.push(key, rows.len());
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        let taken = std::mem::take(self);
        taken.keys.with_columns(&taken.columns)
    }
}

/// Relations seen from both sides: (key, row) by the node above, then by the node below, sorted.
pub(super) fn both_ways(kin: &[(u32, u32, KinRow)]) -> [Vec<(u32, KinRow)>; 2] {
    let seen = |key: fn(&(u32, u32, KinRow)) -> (u32, u32)| {
        let row = |one: &(u32, u32, KinRow)| (key(one).0, KinRow { node: key(one).1, ..one.2 });
        let mut rows: Vec<_> = kin.iter().map(row).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    };
    [seen(|one| (one.1, one.0)), seen(|one| (one.0, one.1))]
}
