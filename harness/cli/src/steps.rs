//! Steps of a transaction as geth writes them (EIP-3155, with numbers where drivers read numbers).

use alloy_primitives::hex;
use lockstep_model::{Step, Traced};
use serde_json::{Value, json};

/// A step.
pub(crate) fn line(step: &Step, with_stack: bool) -> Value {
    let mut line = json!({
        "pc": step.pc,
        "op": step.opcode,
        "gas": format!("{:#x}", step.gas),
        "gasCost": format!("{:#x}", step.gas_cost),
        "memSize": step.memory_size,
        "depth": step.depth,
        "refund": step.refund,
        "opName": step.op,
    });
    if with_stack {
        line["stack"] = step.stack.iter().map(|word| json!(format!("{word:#x}"))).collect();
    }
    line
}

/// The line behind the last step.
pub(crate) fn end(traced: &Traced) -> Value {
    let gas_used = traced.result.as_ref().map_or(0, |receipt| receipt.gas_used);
    json!({ "output": hex::encode(&traced.output), "gasUsed": format!("{gas_used:#x}") })
}
