//! Which blocks are wanted in the suite.

use super::{Draft, SuitePlan, search::Search};
use lockstep_cases::{
    built_in,
    generate::{Feature, Limits},
    kept::{Kept, KeptFile},
    pack::sampled,
};
use lockstep_formats::Walk;
use lockstep_judge::{chain, definition::Body, runnable::Runnable};
use lockstep_model::{At, Fork, Rule};
use std::collections::BTreeMap;

/// Valid blocks of every feature, for each fork.
const EVERYTHING: usize = 32;

/// Seeds among which invalid blocks are looked for, for each fork.
const INVALID_SEEDS: u64 = 1_500;

/// Blocks for each way of making a list wrong.
const WRONG_LISTS: usize = 3;

/// State tests in a packed block, at most.
const PACKED: usize = 16;

/// All blocks that are wanted, family by family. `tell` hears which family is looked for.
///
/// # Errors
/// When a file of `packed` cannot be read.
pub fn collect(plan: &SuitePlan, tell: &mut dyn FnMut(&str)) -> Result<Vec<Draft>, String> {
    let mut search = Search::new(plan);
    let mut all = Vec::new();
    for kept in Kept::ALL {
        all.extend(kept.files().iter().flat_map(|file| of_kept(kept, file)));
    }
    for fork in Limits::default().forks {
        tell(&format!("conflicts of {fork}"));
        all.extend(conflicts(&mut search, fork));
        tell(&format!("invalid blocks of {fork}"));
        all.extend(invalid(&mut search, fork));
    }
    tell("wrong lists");
    all.extend(wrong_lists(&mut search, plan));
    all.push(too_long_a_list());
    if !plan.packed.is_empty() {
        tell("packed tests");
        all.extend(packed(plan)?);
    }
    Ok(all)
}

fn draft(family: &'static str, file: &str, label: String, block: Runnable) -> Draft {
    let (file, stands_for) = (file.to_owned(), String::new());
    Draft {
        family,
        file,
        label,
        stands_for,
        fault: None,
        block,
        wrong_list: None,
        wrong_hash: false,
    }
}

fn of_kept(kept: Kept, file: &KeptFile) -> Option<Draft> {
    let test = file.tests(kept.folder()).pop()?;
    let Body::Chain(chain) = &test.body else { return None };
    let block = chain::only_block(chain, &test.id)?;
    let fault =
        (kept == Kept::Faults).then(|| file.name.split('-').next().unwrap_or_default().to_owned());
    let stands_for = file.comment();
    Some(Draft { stands_for, fault, ..draft(kept.folder(), file.name, test.fork, block) })
}

/// One block for each feature that the fork has, and some with everything.
fn conflicts(search: &mut Search<'_>, fork: Fork) -> Vec<Draft> {
    const FAMILY: &str = "conflicts";
    let mut all = Vec::new();
    for feature in Feature::ALL {
        if matches!(feature, Feature::Invalid | Feature::Full) {
            continue;
        }
        if let Some((seed, found)) = search.conflicts(fork, feature) {
            let name = feature.name();
            let stands_for = format!("Transactions that conflict over {name}. Seed {seed}.");
            let block = draft(FAMILY, name, format!("{fork}-{seed}"), found.block);
            all.push(Draft { stands_for, ..block });
        }
    }
    for (seed, found) in search.valid(fork, EVERYTHING) {
        let stands_for = format!("Transactions that conflict over many things. Seed {seed}.");
        let block = draft(FAMILY, "everything", format!("{fork}-{seed}"), found.block);
        all.push(Draft { stands_for, ..block });
    }
    all
}

/// For each rule that a block can break the first block that breaks it behind a valid transaction.
fn invalid(search: &mut Search<'_>, fork: Fork) -> Vec<Draft> {
    let mut by_rule: BTreeMap<String, Draft> = BTreeMap::new();
    for (rejection, (seed, found)) in search.invalid(fork, INVALID_SEEDS) {
        if matches!(rejection.rule, Rule::Other(_)) || rejection.at == At::Transaction(0) {
            continue;
        }
        let rule = rejection.rule.to_string();
        let stands_for = format!("{rule} {}. Seed {seed}.", rejection.at);
        let block = draft("invalid", &rule, format!("{fork}-{seed}"), found.block);
        by_rule.entry(rule.clone()).or_insert(Draft { stands_for, ..block });
    }
    by_rule.into_values().collect()
}

/// For each way of making a list wrong some blocks whose list can be made so.
fn wrong_lists(search: &mut Search<'_>, plan: &SuitePlan) -> Vec<Draft> {
    let blocks = search.valid(Fork::Amsterdam, usize::MAX);
    let mut all = Vec::new();
    for (name, mutate) in &plan.mutators {
        let file = file_name(name);
        // Which of them have such a list shows when they are filled in.
        for (seed, found) in &blocks {
            let label = format!("{}-{seed}", Fork::Amsterdam);
            let stands_for = format!("A wrong list, {name}. Seed {seed}.");
            let block = draft("lists", &file, label, found.block.clone());
            all.push(Draft { stands_for, wrong_list: Some(*mutate), ..block });
        }
    }
    let another = plan.mutators.first().into_iter().flat_map(|(_, mutate)| {
        blocks.iter().map(move |(seed, found)| {
            let label = format!("{}-{seed}", Fork::Amsterdam);
            let stands_for =
                format!("The right list, and the hash of another one in the header. Seed {seed}.");
            let block = draft("lists", "K2-hash-of-another", label, found.block.clone());
            Draft { stands_for, wrong_list: Some(*mutate), wrong_hash: true, ..block }
        })
    });
    all.extend(another);
    all
}

/// A block so small that what the system calls access is already too much for its list.
fn too_long_a_list() -> Draft {
    let block = built_in::smallest(Fork::Amsterdam);
    let stands_for =
        "More accesses than the block's gas limit allows in a list (EIP-7928).".to_owned();
    let label = Fork::Amsterdam.to_string();
    Draft { stands_for, ..draft("lists", "K4-too-many-items", label, block) }
}

impl Draft {
    /// How many of the blocks with this one's file are wanted, at most.
    pub const fn wanted(&self) -> usize {
        if self.wrong_list.is_some() { WRONG_LISTS } else { usize::MAX }
    }
}

/// Official state tests in blocks, an order of their own.
fn packed(plan: &SuitePlan) -> Result<Vec<Draft>, String> {
    let walk = Walk::new(plan.packed.clone());
    let sampled = sampled(&walk, PACKED, 1).map_err(|error| error.to_string())?;
    let mut drafts = Vec::new();
    for test in sampled.tests {
        if drafts.len() == plan.packed_blocks {
            break;
        }
        let Body::Pack(recipe) = &test.body else { continue };
        if recipe.len() < 2 {
            continue;
        }
        let block = recipe.assemble(&test.id);
        let ids = recipe.ids().map(|id| id.rsplit('/').next().unwrap_or(id));
        let stands_for = format!("Packed {}: {}.", recipe.mode().name(), join(ids));
        let label = format!("{}-{}", recipe.mode().name(), drafts.len());
        drafts.push(Draft { stands_for, ..draft("packed", &test.fork, label, block) });
    }
    if drafts.is_empty() {
        return Err("expected state tests that can be packed, found none".to_owned());
    }
    Ok(drafts)
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// A name as that of a file: letters and digits, with `-` between words.
fn file_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}
