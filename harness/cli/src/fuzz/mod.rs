//! `lockstep fuzz`.
//!
//! * `plan`: from the command line to a campaign. * `lines`: its output. * `folder`: its files.
//! * `replay`: the commands that show a finding again. * `minimised`: findings made small.

mod folder;
mod lines;
mod minimised;
mod plan;
mod replay;

pub(crate) use folder::Campaign;
pub(crate) use lines::Line;
pub(crate) use plan::{limits, named_auto};

use crate::{
    EXIT_NOTHING, EXIT_USAGE, Lockstep,
    args::{FuzzArgs, FuzzFormat},
    output,
    progress::Progress,
};
use anyhow::Result;
use folder::Folder;
use lockstep_engine::isolation::{Staff, is_worker, of_this_process};
use lockstep_jobs::{
    finding::Finding,
    fuzz::{FuzzPlan, Status, Tally, run, work},
};
use replay::Again;
use std::{sync::atomic::Ordering, time::Instant};

const EXIT_FOUND: u8 = 1;

/// Runs the command; gives its exit status.
pub(crate) fn fuzz(args: &FuzzArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    lockstep_executors::remember();
    let mut plan = plan::plan(args, command)?;
    if is_worker() {
        work(&plan, of_this_process()?);
        return Ok(0);
    }
    let mut first_seed = plan.seed;
    let mut folder = args.out.as_deref().map(Folder::open).transpose()?;
    if let (true, Some(folder)) = (args.resume, &folder) {
        let campaign = folder.campaign()?;
        plan.seed = campaign.next_seed;
        first_seed = campaign.first_seed;
    }
    if let Some(folder) = &mut folder {
        let before = plan.seed.saturating_sub(first_seed);
        folder.begin(first_seed, plan.blocks.map(|blocks| before + blocks));
    }
    output::err(&format!("{}\n", lines::describe(&plan)));
    let mut reporter = Reporter::new(args, folder);
    let start = Instant::now();
    let staff = if args.in_process {
        let plan = plan.clone();
        Staff::threads(move |ends| work(&plan, ends))
    } else {
        Staff::processes()
    };
    let tally = run(&plan, staff, &mut |status, finding| reporter.tell(&plan, status, finding));
    let elapsed = start.elapsed();
    reporter.progress.finish();
    let tally = tally.map_err(anyhow::Error::msg)?;
    reporter.finish(args, &plan, &tally);
    match args.format {
        FuzzFormat::Human => {
            let status = Status { tally: &tally, elapsed };
            output::out(&format!("{status}\n{}", lines::features_line(&tally)));
            output::out(&lines::findings_table(&tally));
        }
        FuzzFormat::Json => output::out(&lines::campaign_line(&tally, elapsed)),
    }
    Ok(exit_status(&tally, reporter.problem))
}

fn exit_status(tally: &Tally, problem: Option<anyhow::Error>) -> u8 {
    if let Some(error) = problem {
        output::error(&format!("{error:#}"));
        return if tally.findings.is_empty() { EXIT_USAGE } else { EXIT_FOUND };
    }
    match (tally.findings.is_empty(), tally.sums.blocks) {
        (false, _) => EXIT_FOUND,
        (true, 0) => {
            output::error("nothing ran");
            EXIT_NOTHING
        }
        (true, _) => 0,
    }
}

/// Prints and writes what a campaign tells.
struct Reporter {
    format: FuzzFormat,
    progress: Progress,
    again: Again,
    folder: Option<Folder>,
    /// Why no more is written.
    problem: Option<anyhow::Error>,
}

impl Reporter {
    fn new(args: &FuzzArgs, folder: Option<Folder>) -> Self {
        let again = Again::of(args);
        Self { format: args.format, progress: Progress::new(), again, folder, problem: None }
    }

    fn tell(&mut self, plan: &FuzzPlan, status: Status<'_>, finding: Option<&Finding>) {
        self.progress.say(&status.to_string());
        if let Some(finding) = finding {
            self.progress.suspend(|| match self.format {
                FuzzFormat::Human => output::error(&lines::describe_finding(finding, &self.again)),
                FuzzFormat::Json => {
                    output::out(&lines::finding_line(finding, self.again.fuzz(finding)));
                }
            });
        }
        if let (Some(folder), None) = (&mut self.folder, &self.problem)
            && let Err(error) = folder.save(status.tally, &self.again)
        {
            // The findings so far stand on the terminal: nothing known is lost by going on no further.
            self.problem = Some(error);
            plan.interrupted.store(true, Ordering::SeqCst);
        }
    }

    /// Writes the end of the campaign, and its findings made small.
    fn finish(&mut self, args: &FuzzArgs, plan: &FuzzPlan, tally: &Tally) {
        let (Some(folder), None) = (&mut self.folder, &self.problem) else { return };
        let saved = folder.save(tally, &self.again).and_then(|()| folder.save_campaign(tally));
        let done = saved.and_then(|()| {
            if args.fail_fast {
                return Ok(());
            }
            minimised::minimise_all(tally, folder, &self.again, &plan.interrupted)
        });
        self.problem = done.err();
    }
}
