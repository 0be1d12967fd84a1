//! `lockstep explore`.

mod blocks;
mod show;

use crate::{
    EXIT_NOTHING, Lockstep,
    args::{ExploreArgs, ExploreFormat, Order},
    candidates::{factory, one},
    files, interrupt,
    one_case::in_process,
    output,
};
use anyhow::{Context, Result};
use blocks::{Blocks, Named};
use lockstep_engine::Candidate;
use lockstep_jobs::{
    explore::{
        Explorer, Plan,
        outside::{Holds, Outside},
        schedule::Schedule,
    },
    minimise::Suspect,
    trials::{Report, Trials},
};
use lockstep_model::Mode;
pub(crate) use show::Line;
use show::Shown;
use std::sync::atomic::Ordering;

/// Exit status where a schedule failed.
const EXIT_FAILED: u8 = 1;

/// Runs the command; gives its exit status.
pub(crate) fn explore(args: &ExploreArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    if let Some(folder) = &args.out {
        files::make_out(folder)?;
    }
    let report = in_process(args.hang_after, &|trials| explore_all(args, command, trials))?;
    output::err(&report.remarks);
    output::out(&report.text);
    Ok(report.status)
}

/// What is common to all blocks.
struct Work<'a> {
    args: &'a ExploreArgs,
    candidate: Candidate,
    reference: Candidate,
    trials: &'a Trials,
    plan: Plan,
}

fn explore_all(args: &ExploreArgs, command: &Lockstep, trials: &Trials) -> Result<Report> {
    let candidate = one(&command.executors, &args.executor, Some(args.threads))?;
    let reference = factory(&command.executors, &command.reference, Mode::Forced)?;
    let reference = Candidate::reference(&reference);
    let interrupted = interrupt::flag();
    interrupted.fetch_or(trials.is_stopped(), Ordering::SeqCst);
    let plan = Plan {
        strategies: args.strategy.clone(),
        schedules: args.schedules,
        first: args.first,
        dry: args.dry,
        time: args.time,
        seed: args.schedule_seed,
        depth: args.depth,
        as_found: args.as_found,
        interrupted: interrupted.clone(),
    };
    let Blocks { named, mut remarks } = blocks::of(args, &reference)?;
    let work = Work { args, candidate, reference, trials, plan };
    let (mut text, mut status, mut done) = (String::new(), 0, 0);
    for block in &named {
        if args.fail_fast && status == EXIT_FAILED {
            break;
        }
        if interrupted.load(Ordering::SeqCst) {
            remarks.push_str(&output::problem("interrupted: not all blocks were explored"));
            break;
        }
        let shown = match &args.schedule {
            Some(Order::Steps(schedule)) => work.replay(block, schedule)?,
            Some(Order::Reads(holds)) => work.replay_reads(block, holds)?,
            None => work.explore(block)?,
        };
        done += 1;
        status = status.max(u8::from(shown.failed) * EXIT_FAILED);
        match args.format {
            ExploreFormat::Human => text.push_str(&shown.text),
            ExploreFormat::Json => {
                text.push_str(&format!("{}\n", serde_json::to_string(&shown.line)?))
            }
        }
    }
    if done == 0 {
        remarks.push_str(&output::problem("nothing ran"));
        status = EXIT_NOTHING;
    }
    Ok(Report { status, text, remarks })
}

impl Work<'_> {
    fn suspect(&self) -> Suspect {
        let hang_after = self.args.hang_after + self.candidate.patience;
        Suspect::new(&self.reference, &self.candidate, self.trials.clone(), hang_after)
    }

    fn replay(&self, block: &Named, schedule: &Schedule) -> Result<Shown> {
        let mut suspect = self.suspect();
        let mut explorer = Explorer::new(&block.block, &mut suspect, self.candidate.threads);
        let id = &block.block.case.id;
        let replayed = explorer.replay(schedule).with_context(|| format!("{id}: --schedule"))?;
        Ok(show::replayed(block, &self.candidate.label, &replayed))
    }

    fn explore(&self, block: &Named) -> Result<Shown> {
        let mut suspect = self.suspect();
        let mut explorer = Explorer::new(&block.block, &mut suspect, self.candidate.threads);
        let id = &block.block.case.id;
        let explored = explorer.explore(&self.plan, &mut |schedules, pairs| {
            let (seen, possible) = (pairs.seen, pairs.possible);
            self.trials
                .progress(format!("{id}: {schedules} schedules, {seen} of {possible} pairs"));
        });
        let Some(explored) = explored.with_context(|| id.to_string())? else {
            return self.explore_reads(block);
        };
        let saved = self.args.out.as_ref().zip(explored.failing.as_ref());
        let saved = saved.map(|(folder, failing)| {
            show::save(folder, block, failing, &self.candidate.label, &mut suspect)
        });
        let saved = saved.transpose()?;
        Ok(show::explored(self.args, block, &self.candidate, &explored, saved.as_deref()))
    }

    /// The executor follows no schedule: its reads are held back.
    fn explore_reads(&self, block: &Named) -> Result<Shown> {
        let mut suspect = self.suspect();
        let mut outside = Outside::new(&block.block, &mut suspect, self.candidate.threads);
        let id = &block.block.case.id;
        let steered = outside.explore(&self.plan, &mut |schedules| {
            self.trials.progress(format!("{id}: {schedules} orders of reads"));
        });
        let steered = steered.with_context(|| id.to_string())?;
        Ok(show::steered(self.args, block, &self.candidate, &steered))
    }

    fn replay_reads(&self, block: &Named, holds: &Holds) -> Result<Shown> {
        let mut suspect = self.suspect();
        let mut outside = Outside::new(&block.block, &mut suspect, self.candidate.threads);
        let id = &block.block.case.id;
        let replayed = outside.replay(holds).with_context(|| format!("{id}: --schedule"))?;
        Ok(show::replayed_reads(block, &self.candidate.label, &replayed))
    }
}
