//! A profile for a terminal, and as Markdown.

use super::{Profile, WhatIf, short};
use std::fmt::Write as _;

/// Links of a chain that are shown: the first and the last ones.
const LINKS: usize = 12;

fn time(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{:.0} µs", ns as f64 / 1e3),
        _ => format!("{:.1} ms", ns as f64 / 1e6),
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// The bound, and the speedup on the cores of the what-if.
fn what_if(profile: &Profile, what_if: WhatIf) -> String {
    let bound = profile.speedup(what_if.chain_ns);
    format!("{bound:.2}x / {:.2}x", profile.speedup(what_if.ideal_ns))
}

/// The lines before the tables.
fn summary(profile: &Profile) -> Vec<String> {
    let Profile { transactions, gas_used, work_ns, chain_ns, chain_gas, .. } = profile;
    let ideal: Vec<String> = profile
        .ideal
        .iter()
        .map(|ideal| format!("{:.2}x on {}", profile.speedup(ideal.time_ns), ideal.cores))
        .collect();
    let score = profile.ideal.first().and_then(|ideal| profile.score(ideal.time_ns));
    let mut lines = vec![
        format!(
            "{transactions} transactions, {gas_used} gas, {} on one thread; {} wait for no other",
            time(*work_ns),
            profile.independent
        ),
        format!(
            "longest chain: {} transactions, {} ({:.0} % of the time), {chain_gas} gas ({:.0} %)",
            profile.chain.len(),
            time(*chain_ns),
            percent(*chain_ns, *work_ns),
            percent(*chain_gas, *gas_used),
        ),
        format!(
            "bound of dependencies: {:.2}x; an ideal schedule: {}",
            profile.bound(),
            ideal.join(", ")
        ),
    ];
    if let (Some(score), Some(first)) = (score, profile.ideal.first()) {
        lines.push(format!(
            "M = (T - A) / (T - L) of an ideal schedule on {} cores: {score:.2}",
            first.cores
        ));
    }
    lines
}

/// The links that are shown, and how many are left out between them.
fn links(profile: &Profile) -> impl Iterator<Item = Result<&super::Link, usize>> {
    let count = profile.chain.len();
    let is_long = count > LINKS;
    let (head, tail) = if is_long { (LINKS / 2, LINKS / 2) } else { (count, 0) };
    let left_out = is_long.then_some(Err(count - head - tail));
    let first = profile.chain[..head].iter().map(Ok);
    first.chain(left_out).chain(profile.chain[count - tail..].iter().map(Ok))
}

/// A profile for a terminal.
pub fn terminal(profile: &Profile) -> String {
    let mut text = format!("{}\n", profile.block);
    summary(profile).iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    if profile.chain.len() > 1 {
        text.push_str("\n  the chain\n");
        for link in links(profile) {
            match link {
                Ok(link) => {
                    let waits: Vec<String> = link.waits_at.iter().map(|name| short(name)).collect();
                    let waits = if waits.is_empty() {
                        String::new()
                    } else {
                        format!("  waits at {}", waits.join("; "))
                    };
                    let _ = writeln!(
                        text,
                        "    tx {:<5} {:>8}  {}{waits}",
                        link.transaction,
                        time(link.time_ns),
                        short(&link.to)
                    );
                }
                Err(count) => {
                    let _ = writeln!(text, "    … {count} more …");
                }
            }
        }
    }
    if !profile.hot.is_empty() {
        text.push_str(
            "\n  waiting  time      links  if it commuted    if sharded by sender  place\n",
        );
        text.push_str("                           (bound / 16 cores)\n");
    }
    for hot in &profile.hot {
        let sharded = hot.if_sharded.map_or("-".to_owned(), |sharded| what_if(profile, sharded));
        let _ = writeln!(
            text,
            "  {:>7}  {:>8}  {:>5}  {:<16}  {:<20}  {}",
            hot.waiting,
            time(hot.waiting_ns),
            hot.links,
            what_if(profile, hot.if_commuted),
            sharded,
            short(&hot.name)
        );
    }
    if !profile.together.is_empty() {
        text.push_str("\n  if nobody waited there, one place more each time (bound / 16 cores)\n");
    }
    for together in &profile.together {
        let shown = what_if(profile, together.what_if);
        let _ = writeln!(text, "    {shown:<17}  {}", short(&together.also));
    }
    if !profile.contracts.is_empty() {
        text.push_str("\n  contracts at whose storage the chain waits\n");
    }
    for contract in &profile.contracts {
        let (links, spent) = (contract.links, time(contract.time_ns));
        let _ = writeln!(text, "    {links:>5} links  {spent:>8}  {}", short(&contract.name));
    }
    text
}

/// A text in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// A profile as Markdown.
pub fn markdown(profile: &Profile) -> String {
    let mut text = format!("## {}\n\n", cell(&profile.block));
    summary(profile).iter().for_each(|line| text.push_str(&format!("* {line}\n")));
    if profile.chain.len() > 1 {
        text.push_str("\n| transaction | time | gas | calls | waits at |\n|--:|--:|--:|---|---|\n");
        for link in links(profile) {
            match link {
                Ok(link) => {
                    let waits: Vec<String> =
                        link.waits_at.iter().map(|name| cell(&short(name))).collect();
                    let _ = writeln!(
                        text,
                        "| {} | {} | {} | {} | {} |",
                        link.transaction,
                        time(link.time_ns),
                        link.gas_used,
                        cell(&short(&link.to)),
                        waits.join("; ")
                    );
                }
                Err(count) => {
                    let _ = writeln!(text, "| … | | | {count} more | |");
                }
            }
        }
    }
    if !profile.hot.is_empty() {
        text.push_str(
            "\n| place | waiting | time | links of the chain | if it commuted: bound / 16 cores | if sharded by \
             sender |\n|---|--:|--:|--:|--:|--:|\n",
        );
    }
    for hot in &profile.hot {
        let sharded = hot.if_sharded.map_or("-".to_owned(), |sharded| what_if(profile, sharded));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {sharded} |",
            cell(&short(&hot.name)),
            hot.waiting,
            time(hot.waiting_ns),
            hot.links,
            what_if(profile, hot.if_commuted)
        );
    }
    if !profile.together.is_empty() {
        text.push_str("\n| nobody waits there either | bound / 16 cores |\n|---|--:|\n");
    }
    for together in &profile.together {
        let shown = what_if(profile, together.what_if);
        let _ = writeln!(text, "| {} | {shown} |", cell(&short(&together.also)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::tests::example, *};

    #[test]
    fn a_profile_names_the_chain_and_its_places() {
        let text = terminal(&example());
        assert!(text.contains("waits at balanceOf[0x1111…1111] of <Token>"), "{text}");
        assert!(text.contains("4.00x / 3.33x"), "{text}");
        let text = markdown(&example());
        assert!(text.contains("balanceOf[0x1111…1111] of &lt;Token>"), "{text}");
    }
}
