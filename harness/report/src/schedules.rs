//! Strategies of `lockstep explore`, compared on planted faults.

use lockstep_faults::Fault;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};

/// What one strategy needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Its name; `threads` is none.
    pub strategy: String,
    /// Schedules until the fault was detected, each time that it began; `None` where it was not.
    pub needed: Vec<Option<u64>>,
    /// Of so many repetitions of failing schedules, how many gave the same steps and the same failure.
    pub replayed: (u32, u32),
}

impl Count {
    /// The median of the schedules until it was detected; `None` where it was not in most cases.
    pub fn median(&self) -> Option<u64> {
        let mut needed = self.needed.clone();
        // What was not found comes last.
        needed.sort_unstable_by_key(|needed| needed.unwrap_or(u64::MAX));
        needed.get(needed.len().checked_sub(1)? / 2).copied().flatten()
    }
}

/// A fault, and what each strategy needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The fault.
    pub id: String,
    /// What it does.
    pub title: String,
    /// The block; `None` where none was found on which a schedule fails.
    pub block: Option<String>,
    /// By strategy.
    pub counts: Vec<Count>,
}

impl Compared {
    /// Nothing is known yet.
    pub fn new(fault: &Fault) -> Self {
        let (id, title) = (fault.id.to_owned(), fault.title.to_owned());
        Self { id, title, block: None, counts: Vec::new() }
    }

    /// The median of the best strategy, threads not counted.
    pub fn best(&self) -> Option<u64> {
        let made = self.counts.iter().filter(|count| count.strategy != "threads");
        made.filter_map(Count::median).min()
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}", self.id)?;
        if self.block.is_none() {
            return write!(f, " no block was found on which a schedule fails");
        }
        for count in &self.counts {
            let median = count.median().map_or("-".to_owned(), |median| median.to_string());
            write!(f, " {} {median:>5}", count.strategy)?;
        }
        Ok(())
    }
}

/// The comparison as Markdown. A strategy that has not detected a fault after `most` schedules has not found it.
pub fn comparison(rows: &[Compared], most: u64) -> String {
    let begins = rows.iter().flat_map(|row| &row.counts).map(|count| count.needed.len()).max();
    let mut text = format!(
        "# Strategies of `lockstep explore`\n\n\
         Made by `lockstep faults --schedules --out reports`, with a program that carries the faults. For each fault \
         one generated block of up to 8 transactions on which some schedule fails; `block_stm` with 3 workers, or as many as is said; \
         schedules until the fault was detected, the median of {} beginnings with other random choices; in \
         brackets how often it was not detected within {most}. `threads` is no strategy: the same block again and \
         again, on threads as the system runs them.\n\n",
        begins.unwrap_or_default()
    );
    let strategies: Vec<&str> = rows
        .iter()
        .map(|row| &row.counts)
        .max_by_key(|counts| counts.len())
        .map_or(Vec::new(), |counts| counts.iter().map(|count| count.strategy.as_str()).collect());
    let _ = writeln!(text, "| fault | what it does | {} | block |", strategies.join(" | "));
    let _ = writeln!(text, "|---|---|{}---|", "--:|".repeat(strategies.len()));
    let (mut same, mut of) = (0, 0);
    for row in rows {
        let cell = |strategy: &&str| {
            let Some(count) = row.counts.iter().find(|count| count.strategy == **strategy) else {
                return "-".to_owned();
            };
            let missed = count.needed.iter().filter(|needed| needed.is_none()).count();
            let median = count.median().map_or(format!("> {most}"), |median| median.to_string());
            if missed == 0 { median } else { format!("{median} ({missed})") }
        };
        let cells: Vec<String> = strategies.iter().map(cell).collect();
        let block = row.block.as_deref().unwrap_or("none found");
        let _ = writeln!(text, "| {} | {} | {} | {block} |", row.id, row.title, cells.join(" | "));
        for count in &row.counts {
            (same, of) = (same + count.replayed.0, of + count.replayed.1);
        }
    }
    let found = rows.iter().filter(|row| row.best().is_some_and(|best| best <= 1_000)).count();
    let _ = writeln!(
        text,
        "\nWithin 1,000 schedules in the median, by the best strategy: {found} of {} faults. Failing schedules \
         that gave the same steps and the same failure when they were run again from their text: {same} of {of}.",
        rows.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_found_comes_last() {
        let count = |needed: &[Option<u64>]| Count {
            strategy: "pct".to_owned(),
            needed: needed.to_vec(),
            replayed: (0, 0),
        };
        assert_eq!(count(&[Some(9), Some(1), None]).median(), Some(9));
        assert_eq!(count(&[None, Some(1), None]).median(), None);
        assert_eq!(count(&[]).median(), None);
    }

    #[test]
    fn the_table_tells_what_was_missed() {
        let fault = lockstep_faults::named("G13").unwrap();
        let counts = ["pct", "threads"].map(|strategy| Count {
            strategy: strategy.to_owned(),
            needed: if strategy == "pct" { vec![Some(7); 3] } else { vec![None, None, Some(4)] },
            replayed: if strategy == "pct" { (9, 9) } else { (0, 0) },
        });
        let row = Compared {
            block: Some("generated::seed=1".to_owned()),
            counts: counts.into(),
            ..Compared::new(fault)
        };
        assert_eq!(row.best(), Some(7));
        let text = comparison(&[row], 2_000);
        assert!(text.contains("| 7 | > 2000 (2) |"), "{text}");
        assert!(text.contains("1 of 1 faults") && text.contains("9 of 9."), "{text}");
    }
}
