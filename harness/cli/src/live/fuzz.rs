//! What there is to see of a campaign.

use super::{LONGEST, after, cut};
use lockstep_cases::generate::{Feature, Features, Shape};
use lockstep_jobs::{
    finding::Finding as Found,
    fuzz::{Status, Sums},
};
use lockstep_live::{
    View,
    view::{Coverage, Finding, Tile, Worker},
};

/// Fills in how far a campaign is. `replay` gives the command that shows a finding again.
pub(crate) fn progress(
    view: &mut View,
    first_seed: u64,
    status: Status<'_>,
    replay: &dyn Fn(&Found) -> String,
) {
    let (tally, sums) = (status.tally, &status.tally.sums);
    let seeds = tally.next_seed.saturating_sub(first_seed);
    view.progress(status.elapsed.as_secs_f64(), seeds);
    view.tiles = tiles(sums, tally.hung, tally.killed);
    view.coverage = coverage(sums);
    view.workers = status.at_work.iter().map(|at| worker(at, "worker")).collect();
    for (signature, found) in &tally.findings {
        let Some(first) = found.representatives.first() else { continue };
        if !view.found_again(signature, found.count) {
            let seen = after(status.elapsed.as_secs_f64());
            view.find(row(signature, first, found.count, seen, replay(first)));
        }
    }
}

/// A finding, as it is shown.
fn row(signature: &str, found: &Found, count: u64, seen: String, replay: String) -> Finding {
    let differences = found.differences.iter().map(ToString::to_string);
    let texts: Vec<String> = differences.chain(found.reason.clone()).collect();
    Finding {
        signature: signature.to_owned(),
        executor: found.executor.clone(),
        kind: found.kind.name().to_owned(),
        trial: found.block.clone(),
        text: cut(&texts.join("\n"), LONGEST),
        replay,
        seen,
        count,
        change: 0,
    }
}

/// A worker and what it is at.
pub(super) fn worker(at: &lockstep_jobs::AtWork, name: &str) -> Worker {
    let name = format!("{name} {}", at.worker);
    Worker { name, executor: at.executor.clone(), trial: at.trial.clone() }
}

fn tiles(sums: &Sums, hung: u64, killed: u64) -> Vec<Tile> {
    let percent = |part: u64, of: u64| format!("{:.0} %", 100.0 * part as f64 / of.max(1) as f64);
    let mut tiles = vec![
        Tile::new("blocks", sums.blocks),
        Tile::new("transactions", sums.transactions),
        Tile::new("of transactions succeed", percent(sums.succeeded, sums.executed)),
        Tile::new("of blocks are valid", percent(sums.accepted, sums.blocks)),
        Tile::new("blocks in the deep lane", sums.deep),
        Tile::new("re-executions", sums.re_executions),
    ];
    let rest = [
        ("runs of other programs", sums.by_clients),
        ("runs of executors that do not support the block", sums.unsupported),
        ("workers hung", hung),
        ("workers were killed from outside", killed),
    ];
    tiles.extend(
        rest.iter().filter(|(_, count)| *count > 0).map(|(name, count)| Tile::new(name, count)),
    );
    tiles
}

fn coverage(sums: &Sums) -> Vec<Coverage> {
    let features = Feature::ALL.iter().filter(|feature| !sums.features.has(**feature));
    let shapes = Shape::ALL.iter().filter(|shape| !sums.shapes.contains(shape));
    vec![
        Coverage {
            name: "features".to_owned(),
            reached: sums.features.iter().count(),
            all: Features::all().iter().count(),
            missing: features.map(|feature| feature.name().to_owned()).collect(),
        },
        Coverage {
            name: "shapes".to_owned(),
            reached: sums.shapes.len(),
            all: Shape::ALL.len(),
            missing: shapes.map(|shape| shape.name().to_owned()).collect(),
        },
    ]
}
