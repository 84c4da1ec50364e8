//! The variables as people read them: the table of README.md and `.env.example`. Tests compare both files with these.

use std::fmt::Write;

use super::table::VARIABLES;
use super::variable::{Need, Program, Variable};

/// What stands before the table in README.md.
pub const TABLE_BEGIN: &str = "<!-- variables: made by `kotadb-api-server --print-config-table` -->\n";
/// What stands behind it.
pub const TABLE_END: &str = "<!-- variables end -->\n";

/// The table, in Markdown.
pub fn markdown() -> String {
    let mut text = String::from("| variable | read by | required | default | means |\n|---|---|---|---|---|\n");
    for variable in VARIABLES {
        let secret = if variable.is_secret { " (secret)" } else { "" };
        let Variable { name, means, readers, .. } = variable;
        let row =
            format!("`{name}`{secret} | {} | {} | {} | {means}", words(readers), need(variable), default(variable));
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "| {row} |");
    }
    text
}

/// `.env.example`: every variable of the programs, those with a default as comments that show it.
pub fn env_example() -> String {
    let mut text = String::from(
        "# Every variable that the programs read; made by `kotadb-api-server --print-env-example`. What is required is open,\n\
         # the rest is a comment. Copy to `.env` and keep that out of git.\n",
    );
    for variable in VARIABLES.iter().filter(|variable| variable.is_of_programs()) {
        let is_required = matches!(variable.need, Need::Always | Need::Saas(_));
        let mark = if is_required { "" } else { "# " };
        let _ = writeln!(text, "\n# {}", variable.means.replace('`', "'"));
        let _ = writeln!(text, "{mark}{}={}", variable.name, variable.default.unwrap_or_default());
    }
    text
}

impl Variable {
    /// The folders of the account are nobody's to set here, and what only workflows read stands in their secrets.
    fn is_of_programs(&self) -> bool {
        let is_program = |reader: &Program| !matches!(reader, Program::Script | Program::Ci | Program::Build);
        self.readers.iter().any(is_program) && !self.is_of_the_account()
    }
}

fn words(programs: &[Program]) -> String {
    programs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn need(variable: &Variable) -> String {
    match variable.need {
        Need::Optional => String::new(),
        Need::Always => "always".to_owned(),
        Need::Saas(programs) => format!("`saas`: {}", words(programs)),
        Need::When(words) => words.to_owned(),
    }
}

fn default(variable: &Variable) -> String {
    let literal = variable.default.map(|text| format!("`{text}`"));
    literal.or_else(|| variable.computed.map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_one_row_and_no_secret_a_default() {
        let table = markdown();
        for variable in VARIABLES {
            let begins = format!("| `{}`", variable.name);
            let rows = table.lines().filter(|row| row.starts_with(&begins) && !row[begins.len()..].starts_with(['_']));
            assert_eq!(rows.count(), 1, "{}", variable.name);
            assert!(!variable.is_secret || variable.default.is_none(), "{}", variable.name);
            assert!(!variable.means.contains('|') && !variable.means.ends_with('.'), "{}", variable.name);
        }
        assert!(table.contains("| `DATABASE_URL` (secret) | router, indexer, Lambda, `kotadb`, scripts | always |  |"));
    }

    #[test]
    fn what_is_required_is_open_in_the_example() {
        let example = env_example();
        assert!(example.contains("\nDATABASE_URL=\n") && example.contains("\n# PORT=8080\n"), "{example}");
        assert!(!example.contains("SAAS_STAGING_API_KEY") && !example.contains("HOME="));
    }
}
