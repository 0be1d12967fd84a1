//! The results, as a table.

use lockstep_report::faults::{Means, REPEATS, Row, Scores, Search};
use std::fmt::Write as _;

/// Above the lines on a terminal.
pub(crate) fn heading() -> String {
    format!(
        "{:<4} {:<8} {:<9} {:<34} {:>8} {:>6}  {}\n",
        "id", "tier", "where", "found by", "seconds", "again", "fault"
    )
}

/// A line on a terminal.
pub(crate) fn line(row: &Row) -> String {
    let by: Vec<&str> = found_by(row).map(Means::name).collect();
    let by = if by.is_empty() { "-".to_owned() } else { by.join(", ") };
    let fastest = found_by(row).filter_map(|means| row.searches.get(&means));
    let fastest = fastest.map(|search| search.seconds).min_by(f64::total_cmp);
    format!(
        "{:<4} {:<8} {:<9} {by:<34} {:>8} {:>6}  {}\n",
        row.id,
        row.tier,
        row.reach,
        fastest.map_or("-".to_owned(), |seconds| format!("{seconds:.2}")),
        again(row),
        row.title
    )
}

fn found_by(row: &Row) -> impl Iterator<Item = Means> {
    Means::ALL.into_iter().filter(|means| row.detection(*means).is_some())
}

fn again(row: &Row) -> String {
    row.repeats.map_or("-".to_owned(), |repeats| format!("{repeats}/{REPEATS}"))
}

/// The whole report.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "# Known executor bugs, planted, and what finds them\n\n\
         Each row is a bug that an executor once had, planted in Lockstep's own executors or in what they \
         share with the judge, and looked for in a process of its own: by `lockstep fuzz` from one seed, by \
         the built-in set of `lockstep check` with the blocks that once showed a bug, by official tests as they are, by official tests packed into blocks, by real blocks, by the conformance suite alone. `again`: how many \
         of five campaigns from the block that gave it away found it; that block agrees without the fault.\n\n",
    );
    let _ = writeln!(text, "{}", Scores::of(rows));
    text.push_str("| fault | what goes wrong | had by | tier | where |");
    let means: Vec<Means> = Means::ALL
        .into_iter()
        .filter(|means| rows.iter().any(|row| row.searches.contains_key(means)))
        .collect();
    for means in &means {
        let _ = write!(text, " {} |", means.name());
    }
    text.push_str(" again | kind of difference |\n|");
    text.push_str(&"---|".repeat(5 + means.len() + 2));
    text.push('\n');
    for row in rows {
        let Row { id, title, precedent, tier, reach, .. } = row;
        let _ = write!(text, "| {id} | {title} | {precedent} | {tier} | {reach} |");
        for means in &means {
            let cell = row.searches.get(means).map_or("-".to_owned(), cell);
            let _ = write!(text, " {cell} |");
        }
        let kind = found_by(row).next().and_then(|means| row.detection(means));
        let kind = kind.map_or("-", |detection| &detection.kind);
        let _ = writeln!(text, " {} | {kind} |", again(row));
    }
    text
}

fn cell(search: &Search) -> String {
    let Search { looked_at, seconds, runs, detection } = search;
    let runs = if *runs == 1 { String::new() } else { format!(", {runs} runs") };
    match detection {
        Some(_) => format!("{seconds:.2} s, {looked_at}{runs}"),
        None => format!("**no** ({seconds:.0} s, {looked_at}{runs})"),
    }
}
