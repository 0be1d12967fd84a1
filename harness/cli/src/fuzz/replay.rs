//! The commands that show a finding again.

use crate::{args::FuzzArgs, program};
use lockstep_cases::generate::Limits;
use lockstep_jobs::finding::Finding;
use std::time::Duration;

/// `fuzz --hang-after`, where nothing is said.
const DEFAULT_HANG_AFTER: Duration = Duration::from_secs(30);

/// Options of the campaign that the printed commands repeat.
#[derive(Debug)]
pub(crate) struct Again {
    hang_after: Duration,
    threads: Vec<usize>,
}

impl Again {
    pub(super) fn of(args: &FuzzArgs) -> Self {
        Self { hang_after: args.hang_after, threads: args.threads.clone() }
    }

    /// Checks the block of the finding as the campaign has.
    pub(super) fn fuzz(&self, finding: &Finding) -> String {
        program::command(self.words(finding))
    }

    /// The arguments of a process that does so.
    pub(super) fn arguments(&self, finding: &Finding) -> Vec<String> {
        program::arguments(self.words(finding))
    }

    fn words(&self, finding: &Finding) -> Vec<String> {
        let recipe = &finding.recipe;
        let mut words = words("fuzz --blocks 1 --seed", recipe.seed);
        words.extend(limits(&recipe.limits));
        if let Some((name, _)) = finding.executor.split_once('@') {
            words.extend(["--executor".to_owned(), name.to_owned()]);
            if !self.threads.is_empty() {
                words.extend(["--threads".to_owned(), program::list(&self.threads)]);
            }
        }
        if self.hang_after != DEFAULT_HANG_AFTER {
            words.extend(["--hang-after".to_owned(), program::duration(self.hang_after)]);
        }
        words
    }

    /// Explains the finding.
    pub(super) fn explain(&self, finding: &Finding) -> String {
        program::command(self.about("explain", finding))
    }

    /// The arguments of a process that minimises the finding.
    pub(super) fn minimise(&self, finding: &Finding) -> Vec<String> {
        self.about("minimise", finding)
    }

    fn about(&self, command: &str, finding: &Finding) -> Vec<String> {
        let recipe = &finding.recipe;
        let mut words = words(&format!("{command} --seed"), recipe.seed);
        if recipe.link > 0 {
            words.extend(["--link".to_owned(), recipe.link.to_string()]);
        }
        words.extend(limits(&recipe.limits));
        if let Some((name, threads)) = finding.executor.split_once('@') {
            let threads = threads.split(' ').next().unwrap_or(threads);
            words.extend(["--executor", name, "--threads", threads].map(str::to_owned));
        }
        words
    }
}

fn words(text: &str, seed: u64) -> Vec<String> {
    text.split(' ').map(str::to_owned).chain([seed.to_string()]).collect()
}

/// Limits as options, where they are not the default.
fn limits(limits: &Limits) -> Vec<String> {
    let default = Limits::default();
    let mut words = Vec::new();
    let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
    if limits.forks != default.forks {
        add("--fork", program::list(&limits.forks));
    }
    if limits.features != default.features {
        let features: Vec<&str> = limits.features.iter().map(|feature| feature.name()).collect();
        add("--features", features.join(","));
    }
    if limits.transactions != default.transactions {
        add("--transactions", limits.transactions.to_string());
    }
    words
}
