//! Blocks as clients tell of them: the slow-block JSON that geth, Nethermind, Erigon, Besu and others log.
//!
//! The line is one of a log: as JSON, behind a prefix, or as a text within JSON, depending on the client and on how it logs
//! (go-ethereum#33655, nethermind#11400, erigon#23764, besu#9834). Its times are the client's own word, of a block that the
//! client has accepted; nothing here has compared its outcome.

use serde::{Deserialize, Serialize};

/// What every such line says.
const MARK: &str = "Slow block";

/// A block that a client has told of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowBlock {
    /// The log that it comes from.
    #[serde(default)]
    pub log: String,
    /// The block.
    pub block: Block,
    /// How long it took.
    pub timing: Timing,
    /// How fast that is.
    #[serde(default)]
    pub throughput: Throughput,
}

/// The block itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    #[serde(default)]
    pub hash: String,
    /// Gas that it used.
    #[serde(default)]
    pub gas_used: u64,
    /// Its transactions.
    #[serde(default)]
    pub tx_count: u64,
}

/// Times, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Of its execution.
    pub execution_ms: f64,
    /// Of reads of the state.
    #[serde(default)]
    pub state_read_ms: Option<f64>,
    /// Of the state root.
    #[serde(default)]
    pub state_hash_ms: Option<f64>,
    /// Of writing it down.
    #[serde(default)]
    pub commit_ms: Option<f64>,
    /// Of everything.
    #[serde(default)]
    pub total_ms: Option<f64>,
}

/// Gas a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// In millions.
    #[serde(default)]
    pub mgas_per_sec: Option<f64>,
}

/// Whether a text is such a log.
pub fn is_one(text: &str) -> bool {
    text.lines().any(|line| parse(line).is_some())
}

/// The blocks of a log, and how many lines tell of one in a form that is not known.
pub fn read(log: &str, text: &str) -> (Vec<SlowBlock>, usize) {
    let (mut blocks, mut unknown) = (Vec::new(), 0);
    for line in text.lines().filter(|line| line.contains(MARK)) {
        match parse(line) {
            Some(block) => blocks.push(SlowBlock { log: log.to_owned(), ..block }),
            None => unknown += 1,
        }
    }
    (blocks, unknown)
}

/// The object around the mark, as it stands in the line or as a text of JSON.
fn parse(line: &str) -> Option<SlowBlock> {
    around(line).or_else(|| {
        let plain = line.replace("\\\"", "\"");
        around(&plain)
    })
}

fn around(line: &str) -> Option<SlowBlock> {
    let at = line
        .find(&format!("\"msg\":\"{MARK}\""))
        .or_else(|| line.find(&format!("\"msg\": \"{MARK}\"")))?;
    // Objects within come before the mark too; what follows the object is the log's own.
    let mut starts = line[..at].rmatch_indices('{');
    starts.find_map(|(start, _)| {
        serde_json::Deserializer::from_str(&line[start..]).into_iter().next()?.ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"level":"warn","msg":"Slow block","block":{"number":7,"hash":"0xab","gas_used":185130,"tx_count":3},"timing":{"execution_ms":0.5,"state_hash_ms":0.1,"total_ms":1.25},"throughput":{"mgas_per_sec":370.26}}"#;

    #[test]
    fn every_way_of_logging_is_read() {
        let escaped = serde_json::to_string(JSON).unwrap();
        for line in [
            JSON.to_owned(),
            format!("WARN [02-02|15:03:22.121] {JSON}"),
            format!("{{\"lvl\":\"warn\",\"t\":\"2026-09-03\",\"msg\":{escaped}}}"),
            // Besu's, which is no JSON.
            format!("{{\"@timestamp\":\"2026\",\"message\":\"{JSON}\",\"throwable\":\"\"}}"),
        ] {
            let (blocks, unknown) = read("geth.log", &format!("something else\n{line}\n"));
            assert_eq!((blocks.len(), unknown), (1, 0), "{line}");
            assert_eq!((blocks[0].block.number, blocks[0].timing.total_ms), (7, Some(1.25)));
            assert_eq!(blocks[0].throughput.mgas_per_sec, Some(370.26));
        }
        // Reth's own form, and one that was cut, are counted.
        let text = format!("WARN reth::slow_block: Slow block block.hash=0x01\n{}\n", &JSON[..90]);
        assert_eq!(read("log", &text), (Vec::new(), 2));
        assert!(!is_one("nothing of the kind\n"));
    }
}
