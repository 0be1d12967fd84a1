//! `lockstep fuzz`.
//!
//! * `plan`: from the command line to a campaign. * `lines`: its output. * `folder`: its files.
//! * `replay`: the commands that show a finding again. * `minimised`: findings made small.

mod folder;
mod lines;
mod minimised;
mod plan;
mod replay;

pub(crate) use folder::{CAMPAIGN, Campaign, finding_files, is_fixture};
pub(crate) use lines::Line;
pub(crate) use minimised::content;
pub(crate) use plan::{limits, named_auto};

use crate::{
    EXIT_NOTHING, EXIT_USAGE, Lockstep,
    args::{FuzzArgs, FuzzFormat},
    git,
    live::{self, Shown},
    output,
    progress::Progress,
};
use anyhow::{Result, bail};
use folder::{Folder, Session};
use lockstep_engine::isolation::{Staff, is_worker, of_this_process};
use lockstep_jobs::{
    finding::Finding,
    fuzz::{FuzzPlan, Status, Tally, run, work},
};
use lockstep_live::Control;
use replay::Again;
use std::{path::Path, sync::atomic::Ordering};

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
    let folder = args.out.as_deref().map(|out| open_folder(out, args, &mut plan)).transpose()?;
    output::err(&format!("{}\n", lines::describe(&plan)));
    let control = Control { stop: plan.interrupted.clone(), pause: plan.paused.clone() };
    let about = lines::describe(&plan);
    let shown = Shown::open(&args.watched, ("fuzz", &about), "seeds", control)?;
    if let Some(shown) = &shown {
        shown.fill(|view| view.of = plan.blocks);
    }
    let mut reporter = Reporter::new(args, folder, shown);
    let staff = if args.in_process {
        let plan = plan.clone();
        Staff::threads(move |ends| work(&plan, ends))
    } else {
        Staff::processes()
    };
    let tally = run(&plan, staff, &mut |status, finding| reporter.tell(&plan, status, finding));
    reporter.end(&plan, tally.as_ref().ok());
    let tally = tally.map_err(anyhow::Error::msg)?;
    let status = Status::at_end(&tally);
    reporter.finish(args, &plan, status);
    match args.format {
        FuzzFormat::Human => {
            output::out(&format!("{status}\n{}", lines::features_line(&tally)));
            output::out(&lines::findings_table(&tally));
        }
        FuzzFormat::Json => output::out(&lines::campaign_line(&tally, tally.elapsed)),
    }
    Ok(exit_status(&tally, reporter.problem))
}

/// Opens the folder of a campaign; the plan goes on where it stopped.
fn open_folder(out: &Path, args: &FuzzArgs, plan: &mut FuzzPlan) -> Result<Folder> {
    let mut folder = Folder::open(out)?;
    let before = if args.resume { Some(folder.campaign()?) } else { None };
    if before.is_none() && folder.has_campaign() {
        bail!(
            "--out {}: expected a folder without a campaign, found campaign.json; --resume goes on with it",
            out.display()
        );
    }
    let mut seeds = (plan.seed, plan.blocks);
    if let Some(before) = &before {
        plan.seed = before.next_seed;
        let done = before.next_seed.saturating_sub(before.first_seed);
        if args.blocks.is_none() && args.time.is_none() {
            // To the end that was asked for at first.
            plan.blocks = before.seeds.map(|seeds| seeds.saturating_sub(done)).or(plan.blocks);
            plan.time = plan.time.filter(|_| plan.blocks.is_none());
        }
        let all = plan.blocks.map(|blocks| done + blocks);
        seeds = (before.first_seed, all.max(before.seeds));
    }
    let commit = args.commit.clone().or_else(git::head);
    let session = Session::begin(commit, lines::options(plan), plan.seed, plan.jobs);
    folder.begin(session, seeds, before);
    Ok(folder)
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
    shown: Option<Shown>,
    again: Again,
    folder: Option<Folder>,
    /// Why no more is written.
    problem: Option<anyhow::Error>,
}

impl Reporter {
    fn new(args: &FuzzArgs, folder: Option<Folder>, shown: Option<Shown>) -> Self {
        let (progress, again) = (Progress::new(), Again::of(args));
        Self { format: args.format, progress, shown, again, folder, problem: None }
    }

    /// Nothing more comes: the terminal is as before.
    fn end(&mut self, plan: &FuzzPlan, tally: Option<&Tally>) {
        self.progress.finish();
        let again = &self.again;
        if let Some(shown) = &mut self.shown {
            if let Some(tally) = tally {
                let status = Status::at_end(tally);
                shown.fill(|view| {
                    live::progress(view, plan.seed, status, &|finding| again.fuzz(finding));
                });
            }
            shown.finish();
        }
    }

    fn tell(&mut self, plan: &FuzzPlan, status: Status<'_>, finding: Option<&Finding>) {
        self.progress.say(&status.to_string());
        let again = &self.again;
        if let Some(shown) = &mut self.shown
            && shown.is_due()
        {
            shown.fill(|view| {
                live::progress(view, plan.seed, status, &|finding| again.fuzz(finding));
            });
        }
        if let Some(finding) = finding {
            self.progress.suspend(|| match self.format {
                FuzzFormat::Human => output::error(&lines::describe_finding(finding, &self.again)),
                FuzzFormat::Json => {
                    output::out(&lines::finding_line(finding, self.again.fuzz(finding)));
                }
            });
        }
        if let (Some(folder), None) = (&mut self.folder, &self.problem)
            && let Err(error) = folder.save(status, &self.again)
        {
            // The findings so far stand on the terminal: nothing known is lost by going on no further.
            self.problem = Some(error);
            plan.interrupted.store(true, Ordering::SeqCst);
        }
    }

    /// Writes the end of the campaign, and its findings made small.
    fn finish(&mut self, args: &FuzzArgs, plan: &FuzzPlan, status: Status<'_>) {
        let (Some(folder), None) = (&mut self.folder, &self.problem) else { return };
        let saved = folder.save(status, &self.again).and_then(|()| folder.save_campaign(status));
        let done = saved.and_then(|()| {
            if args.fail_fast {
                return Ok(());
            }
            minimised::minimise_all(status.tally, folder, &self.again, &plan.interrupted)
        });
        self.problem = done.err();
    }
}
