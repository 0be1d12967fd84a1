//! A report as one page of HTML that needs nothing else: no network, no files beside it.

mod charts;

use super::{
    bench::{name, speedup},
    board::{Board, Leader, Pair, kind, label, verdict},
    faults::Means,
    markdown,
};
use crate::{
    found::Found,
    history::{Moment, history},
    profile::{Profile, Score},
    record::ProvedRoots,
    results::{ClientRun, Killed},
    samples::{Circumstances, SampleSet, statistics::geometric_mean},
    simulation::{Sum, measured_sums, sums, validation},
    slow_blocks::SlowBlock,
};
use askama::Template;
use charts::{Bar, Line, Size, color};
use lockstep_cases::workload::{Contention, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// Distributions of receipts that are drawn: more would not be looked at.
const MOST_DISTRIBUTIONS: usize = 8;

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    warnings: Vec<String>,
    leaders: Vec<Leader>,
    legend: Vec<(String, String)>,
    bars: String,
    scaling: String,
    shards: String,
    scatter_gas: String,
    scatter_bound: String,
    receipts: Vec<(String, String)>,
    trend_chart: String,
    trend: Vec<Moment>,
    slow_blocks: Vec<SlowBlock>,
    found: Vec<Found>,
    mutants: Killed,
    clients: Vec<ClientRun>,
    pairs: Vec<Pair>,
    simulated: Simulated,
    profiles: Vec<Score>,
    rows: Vec<Cells>,
    checks: Vec<Check>,
    fault_scores: String,
    faults: Vec<Vec<String>>,
    circumstances: Vec<(String, String)>,
}

/// The cells of a row of the large table, as text.
struct Cells {
    kind: &'static str,
    block: String,
    place: String,
    executor: String,
    mode: String,
    transactions: usize,
    megagas: String,
    speedup: String,
    /// For sorting; empty where there is none.
    speedup_number: String,
    control: String,
    ceiling: String,
    limit: String,
    reached: String,
    processor: String,
    memory: String,
    again: u64,
    p50: String,
    p99: String,
    megagas_a_second: String,
    slot: String,
    blink: String,
    ns_per_gas: String,
    stages: [String; 5],
    verdict: &'static str,
    machine: String,
}

/// Blocks on simulated cores.
struct Simulated {
    blocks: usize,
    chart: String,
    sums: Vec<Sum>,
    validation: Vec<String>,
}

/// A run of `check`.
struct Check {
    file: String,
    counts: crate::record::Counts,
    source_rows: Vec<(String, crate::record::Counts)>,
    reasons: Vec<(usize, String)>,
}

/// The page.
///
/// # Errors
/// When the template cannot be rendered.
pub fn render(board: &Board) -> Result<String, String> {
    page(board).render().map_err(|error| error.to_string())
}

fn page(board: &Board) -> Page {
    let rivals = rivals(board);
    let series = series(board, &rivals);
    let newest = board.measurements.iter().map(|(_, record)| &record.circumstances.started).max();
    let title = newest.map_or("Lockstep report".to_owned(), |started| {
        format!("Lockstep report, {}", started.split('T').next().unwrap_or(started))
    });
    let legend = rivals.iter().enumerate().map(|(nth, name)| {
        let charts::Rgb(red, green, blue) = color(nth);
        (name.clone(), format!("rgb({red},{green},{blue})"))
    });
    Page {
        title,
        warnings: board.warnings(),
        leaders: board.leaders(),
        legend: legend.collect(),
        bars: bars(board, &rivals),
        scaling: scaling(board),
        shards: shards(board),
        scatter_gas: scatter(board, &series, false),
        scatter_bound: scatter(board, &series, true),
        receipts: receipts(board, &series),
        trend_chart: trend(board, &series),
        trend: history(board),
        slow_blocks: board.slow_blocks.clone(),
        found: board.found.clone(),
        mutants: Killed::of(&board.mutants),
        clients: board.clients.clone(),
        pairs: board.pairs(),
        simulated: simulated(board),
        profiles: board.profiles.iter().map(Profile::in_one_row).collect(),
        rows: board.sets().map(|(at, set)| cells(set, at.machine.name())).collect(),
        checks: checks(board),
        fault_scores: board.scores().map(|scores| scores.to_string()).unwrap_or_default(),
        faults: faults(board),
        circumstances: board
            .measurements
            .iter()
            .map(|(file, record)| (file.clone(), markdown::circumstances(&record.circumstances)))
            .collect(),
    }
}

/// Executors with their threads, in one order for all charts; the rivals first.
fn series(board: &Board, rivals: &[String]) -> Vec<String> {
    let labels: BTreeSet<String> = board.sets().map(|(_, set)| label(set)).collect();
    let others = labels.into_iter().filter(|label| !rivals.contains(label));
    rivals.iter().cloned().chain(others).collect()
}

/// Those who were measured on most workloads: others were only looked at for their threads, say.
fn rivals(board: &Board) -> Vec<String> {
    let mut workloads: BTreeMap<String, usize> = BTreeMap::new();
    standing(board).for_each(|(_, set)| *workloads.entry(label(set)).or_default() += 1);
    let most = workloads.values().max().copied().unwrap_or_default();
    let rivals = workloads.into_iter().filter(|(_, count)| count * 2 >= most);
    rivals.map(|(label, _)| label).collect()
}

fn place_of(series: &[String], set: &SampleSet) -> usize {
    series.iter().position(|name| *name == label(set)).unwrap_or_default()
}

/// Workloads in memory.
fn standing(board: &Board) -> impl Iterator<Item = (&Circumstances, &SampleSet)> {
    let sets = board.standing().into_iter();
    sets.filter(|(_, set)| kind(set) == "workloads" && set.place == "memory")
}

/// A bar for each executor on each workload.
fn bars(board: &Board, rivals: &[String]) -> String {
    let mut order: Vec<String> = Vec::new();
    let mut rows: BTreeMap<String, BTreeMap<usize, Bar>> = BTreeMap::new();
    for (_, set) in standing(board).filter(|(_, set)| rivals.contains(&label(set))) {
        let (Some(value), Some(low), Some(high)) = (set.told(), set.speedup_low, set.speedup_high)
        else {
            continue;
        };
        let nth = place_of(rivals, set);
        let bar = Bar { series: nth, value, low, high, limit: set.limit() };
        let row = name(set);
        if !rows.contains_key(&row) {
            order.push(row.clone());
        }
        rows.entry(row).or_default().insert(nth, bar);
    }
    let rows: Vec<(String, Vec<Bar>)> = order
        .into_iter()
        .filter_map(|name| Some((name.clone(), rows.remove(&name)?.into_values().collect())))
        .collect();
    if rows.is_empty() { String::new() } else { charts::bars(&rows) }
}

/// Geometric means over the threads, of those blocks that were measured with several numbers of them in one
/// go, with the limit.
fn scaling(board: &Board) -> String {
    type OfThreads<'a> = BTreeMap<usize, Vec<&'a SampleSet>>;
    let mut by_executor: BTreeMap<&str, OfThreads<'_>> = BTreeMap::new();
    for (_, record) in &board.measurements {
        let threads: BTreeSet<usize> = record.sets.iter().map(|set| set.threads).collect();
        let sets = record.sets.iter().filter(|set| set.place == "memory" && set.told().is_some());
        for set in sets.filter(|_| threads.len() > 1) {
            by_executor.entry(&set.executor).or_default().entry(set.threads).or_default().push(set);
        }
    }
    let mut lines = Vec::new();
    let executors = by_executor.iter().filter(|(_, threads)| threads.len() > 1).enumerate();
    for (nth, (executor, threads)) in executors {
        let points = |value: fn(&SampleSet) -> Option<f64>| {
            let of = |(threads, sets): (&usize, &Vec<&SampleSet>)| {
                let values: Vec<f64> = sets.iter().filter_map(|set| value(set)).collect();
                (*threads as f64, geometric_mean(&values))
            };
            threads.iter().map(of).collect::<Vec<_>>()
        };
        let line = |name: String, points, dashed| Line { name, series: nth, points, dashed };
        lines.push(line((*executor).to_owned(), points(SampleSet::told), false));
        lines.push(line(format!("limit of {executor}"), points(SampleSet::limit), true));
    }
    charts::lines(Size::Large, "threads", "speedup", &lines)
}

/// Speedups by the share of transactions that need two shards: the workload `islands`.
fn shards(board: &Board) -> String {
    let mut by_executor: BTreeMap<String, BTreeMap<u64, f64>> = BTreeMap::new();
    for (_, set) in board.sets().filter(|(_, set)| set.place == "memory") {
        let Some((workload, size)) = Workload::of_id(&set.workload) else { continue };
        let part = match size.contention {
            Some(Contention::Foreign(part)) => part,
            None => 0.0,
            Some(_) => continue,
        };
        if let ("islands", Some(speedup)) = (workload.name, set.told()) {
            let of_executor = by_executor.entry(label(set)).or_default();
            of_executor.insert((100.0 * part).round() as u64, speedup);
        }
    }
    let lines: Vec<Line> = by_executor
        .into_iter()
        .filter(|(_, points)| points.len() > 2)
        .enumerate()
        .map(|(series, (name, points))| {
            let points = points.into_iter().map(|(part, speedup)| (part as f64, speedup)).collect();
            Line { name, series, points, dashed: false }
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    charts::lines(Size::Large, "% of transactions across shards", "speedup", &lines)
}

/// Curves of simulated cores, with what was measured at the threads that there are.
fn simulated(board: &Board) -> Simulated {
    let all = &board.simulations;
    let sums = sums(all);
    let line = |name: &str, series, dashed, value: fn(&Sum) -> f64| {
        let points = sums.iter().map(|sum| (sum.cores as f64, value(sum))).collect();
        Line { name: name.to_owned(), series, points, dashed }
    };
    let measured = measured_sums(all).into_iter().map(|(threads, sum)| (threads as f64, sum));
    let lines = [
        line("block_stm, simulated", 0, false, |sum| sum.block_stm),
        line("access_list, a model", 2, false, |sum| sum.access_list),
        line("an ideal schedule", 5, true, |sum| sum.ideal),
        Line {
            name: "block_stm, measured".to_owned(),
            series: 1,
            points: measured.collect(),
            dashed: false,
        },
    ];
    let chart = charts::lines(Size::Large, "cores, simulated", "speedup", &lines);
    Simulated { blocks: all.len(), chart, sums, validation: validation(all) }
}

/// Real blocks, over their gas or over the limit that their dependencies set.
fn scatter(board: &Board, series: &[String], over_limit: bool) -> String {
    let mut lines: BTreeMap<usize, Line> = BTreeMap::new();
    let real = board.sets().filter(|(_, set)| kind(set) == "real blocks" && set.place == "memory");
    for (_, set) in real {
        let at = if over_limit {
            set.bound.map(|bound| bound.dependencies.min(16.0))
        } else {
            Some(set.gas as f64 / 1e6)
        };
        let (Some(speedup), Some(at)) = (set.told(), at) else { continue };
        let nth = place_of(series, set);
        let line = lines.entry(nth).or_insert_with(|| Line {
            name: label(set),
            series: nth,
            points: Vec::new(),
            dashed: false,
        });
        line.points.push((at, speedup));
    }
    let lines: Vec<Line> = lines.into_values().collect();
    let x = if over_limit {
        "limit that dependencies set on any number of threads (16 and more at 16)"
    } else {
        "gas of the block, in millions"
    };
    charts::scatter(x, "speedup", &lines, over_limit)
}

/// Times to the receipts of single transactions, of some workloads.
fn receipts(board: &Board, series: &[String]) -> Vec<(String, String)> {
    let mut by_block: BTreeMap<String, Vec<&SampleSet>> = BTreeMap::new();
    for (_, set) in standing(board).filter(|(_, set)| set.candidate_receipts.is_some()) {
        by_block.entry(name(set)).or_default().push(set);
    }
    let charts = by_block.into_iter().take(MOST_DISTRIBUTIONS).map(|(block, sets)| {
        let points = |quantiles: &[u64]| {
            let each = quantiles.iter().enumerate();
            each.map(|(step, ns)| (step as f64 * 5.0, *ns as f64 / 1e6)).collect()
        };
        let baseline = sets[0].baseline_receipts.as_ref().map(|times| Line {
            name: "sequential".to_owned(),
            series: 5,
            points: points(&times.quantiles_ns),
            dashed: true,
        });
        let ours = sets.iter().filter_map(|set| {
            Some(Line {
                name: label(set),
                series: place_of(series, set),
                points: points(&set.candidate_receipts.as_ref()?.quantiles_ns),
                dashed: false,
            })
        });
        let lines: Vec<Line> = ours.chain(baseline).collect();
        let (x, y) = ("% of all transactions", "ms until the receipt is final");
        (block, charts::lines(Size::Small, x, y, &lines))
    });
    charts.collect()
}

fn trend(board: &Board, series: &[String]) -> String {
    let moments: Vec<Moment> =
        history(board).into_iter().filter(|moment| moment.kind == "workloads").collect();
    let times: BTreeSet<&String> = moments.iter().map(|moment| &moment.started).collect();
    if times.len() < 2 {
        return String::new();
    }
    let line = |(nth, name): (usize, &String)| {
        let of_it = moments.iter().filter(|moment| moment.executor == *name);
        let points = of_it.filter(|moment| moment.group.blocks > 0).map(|moment| {
            let at = times.iter().position(|time| **time == moment.started);
            (at.unwrap_or_default() as f64 + 1.0, moment.group.geometric_mean)
        });
        Line { name: name.clone(), series: nth, points: points.collect(), dashed: false }
    };
    let lines: Vec<Line> = series.iter().enumerate().map(line).collect();
    charts::lines(
        Size::Large,
        "measurement, from the oldest",
        "geometric mean of workloads",
        &lines,
    )
}

fn cells(set: &SampleSet, machine: String) -> Cells {
    let times = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let milliseconds =
        |ns: Option<u64>| ns.map_or_else(String::new, |ns| format!("{:.3}", ns as f64 / 1e6));
    let rate = set.gas_per_second();
    let receipts = set.candidate_receipts.as_ref();
    let speedups = set.stage_speedups();
    let stage = |nth: usize| speedups.get(nth).map(|(_, speedup)| speedup.median);
    Cells {
        kind: kind(set),
        block: name(set),
        place: if set.place.is_empty() { "memory".to_owned() } else { set.place.clone() },
        executor: label(set),
        mode: set.mode.to_string(),
        transactions: set.transactions,
        megagas: format!("{:.1}", set.gas as f64 / 1e6),
        speedup: speedup(set).unwrap_or_else(|| set.reason.clone().unwrap_or_default()),
        speedup_number: set.told().map(|speedup| speedup.to_string()).unwrap_or_default(),
        control: format!("{:.2}", set.control),
        ceiling: times(set.ceiling()),
        limit: times(set.limit()),
        reached: set.reached().map_or_else(String::new, |share| format!("{:.0} %", share * 100.0)),
        processor: times(Some(set.processor_ratio())),
        memory: times(set.memory_ratio()),
        again: set.re_executions,
        p50: milliseconds(receipts.map(|times| times.p50_ns())),
        p99: milliseconds(receipts.map(|times| times.p99_ns)),
        megagas_a_second: format!("{:.0}", rate / 1e6),
        slot: format!("{:.1}", rate * 12.0 / 1e9),
        blink: format!("{:.0}", rate * 0.4 / 1e6),
        ns_per_gas: format!("{:.3}", if rate > 0.0 { 1e9 / rate } else { 0.0 }),
        stages: std::array::from_fn(|nth| times(stage(nth))),
        verdict: verdict(set),
        machine,
    }
}

fn checks(board: &Board) -> Vec<Check> {
    let check = |(file, record): &(String, crate::record::Record)| Check {
        file: file.clone(),
        counts: record.counts,
        source_rows: record
            .by_source
            .iter()
            .map(|((source, fork), counts)| (format!("{} {fork}", source.name()), *counts))
            .collect(),
        reasons: record
            .reasons
            .iter()
            .map(|((_, reason), count)| (*count, reason.clone()))
            .chain(record.roots.iter().map(proved))
            .collect(),
    };
    board.checks.iter().map(check).collect()
}

/// The state roots of a fork that witnesses prove.
fn proved((fork, roots): (&String, &ProvedRoots)) -> (usize, String) {
    let ProvedRoots { before, after, blocks, .. } = roots;
    let text = format!(
        "blocks of {fork} with a witness; the state root before is proved on {before} of them, after on {after}"
    );
    (*blocks, text)
}

fn faults(board: &Board) -> Vec<Vec<String>> {
    let row = |row: &super::faults::Row| {
        let mut cells =
            vec![row.id.clone(), row.title.clone(), row.precedent.clone(), row.tier.clone()];
        cells.extend(Means::ALL.map(|means| {
            match (row.searches.get(&means), row.detection(means)) {
                (None, _) => String::new(),
                (Some(search), Some(_)) => format!("{:.2} s", search.seconds),
                (Some(_), None) => "no".to_owned(),
            }
        }));
        cells
    };
    board.faults.iter().map(row).collect()
}
