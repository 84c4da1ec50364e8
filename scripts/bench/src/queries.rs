//! The 21 queries, how each tool is asked them, and what Zoekt and ripgrep took for them on the machine where both were
//! measured side by side: Linux 6.1, 2 cores, Zoekt c4d8f353, ripgrep 13.0.0, 2026-11-23. Ratios of the same ripgrep carry
//! Zoekt's figures over to another machine.

/// One query.
#[derive(Clone, Copy, Debug)]
pub struct BenchQuery {
    /// Its name.
    pub name: &'static str,
    /// As our query language writes it.
    pub ours: &'static str,
    /// The pattern for ripgrep and csearch; empty: file names are asked.
    pub pattern: &'static str,
    /// How the pattern is read.
    pub kind: Kind,
    /// Which files are asked.
    pub within: Within,
    /// Milliseconds: Zoekt's page p50, page p99, all p50; ripgrep's whole process.
    pub measured: Measured,
}

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Literal,
    /// As it is, in either case.
    LiteralAnyCase,
    /// A regex.
    Regex,
    /// File names that contain it.
    FileName,
}

/// Which files are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// All of them.
    Tree,
    /// Names that end so.
    Suffix(&'static str),
    /// Below a folder.
    Folder(&'static str),
}

/// What was measured elsewhere, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Zoekt, first 50 files, median.
    pub page_p50: f64,
    /// Zoekt, first 50 files, 99 of 100.
    pub page_p99: f64,
    /// Zoekt, every match counted.
    pub all_p50: f64,
    /// ripgrep 13.0.0 in the same run.
    pub rg: f64,
}

const fn query(
    name: &'static str,
    ours: &'static str,
    pattern: (Kind, &'static str),
    within: Within,
    [page_p50, page_p99, all_p50, rg]: [f64; 4],
) -> BenchQuery {
    BenchQuery {
        name,
        ours,
        pattern: pattern.1,
        kind: pattern.0,
        within,
        measured: Measured { page_p50, page_p99, all_p50, rg },
    }
}

/// All of them, in the order of the report.
pub const QUERIES: [BenchQuery; 21] = {
    use Kind::{FileName, Literal, LiteralAnyCase, Regex};
    use Within::{Folder, Suffix, Tree};
    [
        query(
            "lit-rare-1",
            r#""xfs_iomap_prealloc_size" case:yes"#,
            (Literal, "xfs_iomap_prealloc_size"),
            Tree,
            [0.67, 2.71, 0.74, 771.2],
        ),
        query(
            "lit-rare-2",
            r#""tcp_v4_syn_recv_sock" case:yes"#,
            (Literal, "tcp_v4_syn_recv_sock"),
            Tree,
            [0.49, 0.65, 0.58, 334.7],
        ),
        query(
            "lit-common-1",
            r#""spin_lock_irqsave" case:yes"#,
            (Literal, "spin_lock_irqsave"),
            Tree,
            [4.58, 9.96, 21.24, 354.7],
        ),
        query(
            "lit-common-2",
            r#""EXPORT_SYMBOL_GPL(" case:yes"#,
            (Literal, "EXPORT_SYMBOL_GPL("),
            Tree,
            [3.70, 10.81, 18.72, 340.8],
        ),
        query("lit-very-common", r#""return" case:yes"#, (Literal, "return"), Tree, [7.06, 15.47, 540.56, 557.5]),
        query(
            "lit-phrase",
            r#""out of memory" case:yes"#,
            (Literal, "out of memory"),
            Tree,
            [5.47, 16.08, 3.51, 327.9],
        ),
        query("ci-common", r#""enomem" case:no"#, (LiteralAnyCase, "enomem"), Tree, [6.40, 12.42, 67.98, 502.0]),
        query(
            "ci-rare",
            r#""deadlock detected" case:no"#,
            (LiteralAnyCase, "deadlock detected"),
            Tree,
            [0.87, 2.78, 0.66, 363.1],
        ),
        query(
            "re-literal-parts",
            r"/kmalloc\(.*GFP_ATOMIC\)/ case:yes",
            (Regex, r"kmalloc\(.*GFP_ATOMIC\)"),
            Tree,
            [9.65, 17.81, 10.29, 341.1],
        ),
        query(
            "re-alternation",
            r"/(mutex_lock|mutex_unlock)\(&[a-z]+->lock\)/ case:yes",
            (Regex, r"(mutex_lock|mutex_unlock)\(&[a-z]+->lock\)"),
            Tree,
            [37.84, 52.20, 71.93, 345.9],
        ),
        query(
            "re-probe",
            r"/static\s+int\s+\w+_probe\(/ case:yes",
            (Regex, r"static\s+int\s+\w+_probe\("),
            Tree,
            [90.33, 111.87, 274.23, 377.9],
        ),
        query(
            "re-anchored",
            r"/^#define\s+\w+_MAX\b/ case:yes",
            (Regex, r"^#define\s+\w+_MAX\b"),
            Tree,
            [2040.69, 2050.72, 3760.20, 816.6],
        ),
        query(
            "re-no-literal",
            "/[A-Z]{3}_[0-9]{4}[a-z]/ case:yes",
            (Regex, "[A-Z]{3}_[0-9]{4}[a-z]"),
            Tree,
            [9381.65, 9447.93, 9325.23, 1434.3],
        ),
        query(
            "sym-def",
            r#""struct task_struct {" case:yes"#,
            (Literal, "struct task_struct {"),
            Tree,
            [1.27, 2.89, 1.15, 363.9],
        ),
        query("sym-word", r"/\bvfs_read\b/ case:yes", (Regex, r"\bvfs_read\b"), Tree, [4.61, 14.41, 3.45, 339.0]),
        query(
            "path-ext",
            r#""request_irq" path:*.h case:yes"#,
            (Literal, "request_irq"),
            Suffix(".h"),
            [6.35, 12.26, 4.88, 153.7],
        ),
        query(
            "path-dir",
            r#""netif_napi_add" path:/drivers/net/ethernet/ case:yes"#,
            (Literal, "netif_napi_add"),
            Folder("drivers/net/ethernet"),
            [3.04, 10.37, 2.37, 25.0],
        ),
        query("path-only", "path:Kconfig case:yes", (FileName, "Kconfig"), Tree, [1.92, 6.42, 1.52, 69.4]),
        query(
            "none-literal",
            r#""zzyzx_not_in_kernel_q" case:yes"#,
            (Literal, "zzyzx_not_in_kernel_q"),
            Tree,
            [0.34, 0.74, 0.32, 328.0],
        ),
        query(
            "none-common-trigrams",
            r#""return_mutex_printk_static" case:yes"#,
            (Literal, "return_mutex_printk_static"),
            Tree,
            [0.65, 1.26, 0.60, 336.2],
        ),
        query(
            "none-regex",
            r"/kmalloc_[0-9]+_free_[a-z]+_zz/ case:yes",
            (Regex, r"kmalloc_[0-9]+_free_[a-z]+_zz"),
            Tree,
            [0.96, 1.69, 0.63, 329.2],
        ),
    ]
};

/// ripgrep's figure for this one met a partly cold page cache.
pub const UNFAIR_RG: &str = "lit-rare-1";

/// Regexes in which no three letters in a row are certain.
pub const NO_LITERAL: &[&str] = &["re-no-literal"];
