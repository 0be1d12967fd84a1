//! `lockstep faults`: how many known bugs of executors are caught, and by what.
//!
//! * `detect`: one way of looking for one fault: a process of its own, in which the fault is planted.
//! * `schedules`: strategies of `lockstep explore` compared.
//! * `table`: as Markdown and as JSON.
//!
//! A process of its own because a planted fault may hang, panic or take everything down: the means
//! of detection is the command as a user runs it.

mod detect;
mod schedules;
mod table;

use crate::{EXIT_NOTHING, args::FaultsArgs, files, interrupt, output, progress::Progress};
use anyhow::{Context, Result, bail};
use detect::Campaign;
use lockstep_faults::{CAN_PLANT, Fault, Reach, Tier};
use lockstep_report::faults::{Means, Row, Scores};
use std::{fs, path::Path, sync::atomic::Ordering, time::Duration};

const EXIT_MISSED: u8 = 1;

/// How long a fault of the tier is looked for, where nothing is said.
const fn time_for(tier: Tier) -> Duration {
    Duration::from_secs(match tier {
        Tier::Must | Tier::Canary => 60,
        Tier::Rest | Tier::Schedule => 300,
    })
}

/// Runs the command; gives its exit status.
pub(crate) fn faults(args: &FaultsArgs) -> Result<u8> {
    output::set_color(args.color);
    if args.list {
        list();
        return Ok(0);
    }
    if !CAN_PLANT {
        bail!(
            "this program carries no faults, as no released one does; \
             build one that does: cargo run --release --features faults -- faults"
        );
    }
    if args.schedules {
        return schedules::compare(args);
    }
    let chosen = chosen(args)?;
    let mut rows = match &args.out {
        Some(folder) => open(folder, args.resume)?,
        None => Vec::new(),
    };
    if let Some(folder) = &args.blocks {
        files::make_out(folder)?;
    }
    let interrupted = interrupt::flag();
    let campaign = Campaign::new(args, interrupted.clone())?;
    let progress = Progress::new();
    output::out(&table::heading());
    for fault in chosen {
        if rows.iter().any(|row| row.id == fault.id) {
            continue;
        }
        let row = examine(fault, args, &campaign, &|what| {
            progress.say(&format!("{}: {what}", fault.id));
        })?;
        if interrupted.load(Ordering::SeqCst) {
            break;
        }
        progress.suspend(|| output::out(&table::line(&row)));
        rows.push(row);
        if let Some(folder) = &args.out {
            save(folder, &rows)?;
        }
    }
    progress.finish();
    if rows.is_empty() {
        output::error("nothing ran");
        return Ok(EXIT_NOTHING);
    }
    let scores = Scores::of(&rows);
    output::out(&format!("\n{scores}"));
    Ok(if scores.is_good() && !interrupted.load(Ordering::SeqCst) { 0 } else { EXIT_MISSED })
}

fn list() {
    for fault in lockstep_faults::all() {
        let Fault { id, title, pattern, precedent, tier, reach } = fault;
        output::out(&format!(
            "{id:<4} {:<8} {:<9} {title}\n{:24}shows in: {pattern}\n{:24}had by: {precedent}\n",
            tier.name(),
            reach.name(),
            "",
            ""
        ));
    }
}

fn chosen(args: &FaultsArgs) -> Result<Vec<&'static Fault>> {
    let by_tier = |fault: &&Fault| !args.must || fault.tier == Tier::Must;
    if args.only.is_empty() {
        return Ok(lockstep_faults::all().filter(by_tier).collect());
    }
    let find = |id: &String| {
        let known = || lockstep_faults::all().map(|fault| fault.id).collect::<Vec<_>>().join(", ");
        lockstep_faults::named(id)
            .with_context(|| format!("unknown fault `{id}`, expected one of: {}", known()))
    };
    args.only.iter().map(find).collect()
}

/// Looks for a fault by every means.
fn examine(
    fault: &'static Fault,
    args: &FaultsArgs,
    campaign: &Campaign,
    say: &dyn Fn(&str),
) -> Result<Row> {
    let mut row = Row::new(fault);
    if let Some(folder) = &args.suite {
        say(Means::Suite.name());
        row.add(Means::Suite, campaign.suite(fault.id, folder, args.repeats)?);
        return Ok(row);
    }
    // Reference and candidates err together: comparing them for a minute shows nothing.
    if fault.reach != Reach::Shared || !args.official.is_empty() {
        let time = args.time.unwrap_or_else(|| time_for(fault.tier));
        say("fuzz");
        let found = campaign.fuzz(fault.id, args.seed, time)?;
        if let Some(seed) = found.detection.as_ref().and_then(|detection| detection.seed) {
            say("again");
            row.is_clean_without = Some(campaign.agrees_without(seed)?);
            row.repeats = Some(campaign.repeats(fault.id, seed, time)?);
            if let Some(folder) = &args.blocks {
                say("minimise");
                keep(fault, seed, folder, campaign)?;
            }
        }
        row.add(Means::Fuzz, found);
    }
    say(Means::BuiltIn.name());
    row.add(Means::BuiltIn, campaign.check(fault.id, Means::BuiltIn, &[])?);
    for (means, paths) in [
        (Means::Official, &args.official),
        (Means::Packed, &args.packed),
        (Means::Real, &args.real),
    ] {
        if !paths.is_empty() {
            say(means.name());
            row.add(means, campaign.check(fault.id, means, paths)?);
        }
    }
    Ok(row)
}

/// Writes the block that reveals the fault, unless there is one. A fault that hides while it is looked at has none.
fn keep(fault: &Fault, seed: u64, folder: &Path, campaign: &Campaign) -> Result<()> {
    let file = folder.join(format!("{}.json", fault.id));
    if !file.exists()
        && let Err(error) = campaign.keep(fault, seed, &file)
    {
        output::err(&format!("{error:#}\n"));
    }
    Ok(())
}

const RECORD: &str = "faults.json";
const REPORT: &str = "faults.md";

/// Makes sure that the folder can be written to; gives what an earlier run has left there.
fn open(folder: &Path, resume: bool) -> Result<Vec<Row>> {
    files::make_out(folder)?;
    let path = folder.join(RECORD);
    if !resume {
        save(folder, &[])?;
        return Ok(Vec::new());
    }
    let shown = path.display();
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{shown}: expected the record that --resume goes on with"))?;
    serde_json::from_str(&text).with_context(|| format!("{shown}: expected a record of faults"))
}

fn save(folder: &Path, rows: &[Row]) -> Result<()> {
    files::replace(&folder.join(RECORD), &(serde_json::to_string_pretty(rows)? + "\n"))?;
    files::replace(&folder.join(REPORT), &table::markdown(rows))
}
