//! Instructions that are functions of their operands alone, and cost the same for all of them.

use alloy_primitives::U256;
use revm::{
    bytecode::opcode::{
        ADD, ADDMOD, AND, BYTE, CLZ, DIV, EQ, EXP, GT, ISZERO, LT, MOD, MUL, MULMOD, NOT, OR, SAR,
        SDIV, SGT, SHL, SHR, SIGNEXTEND, SLT, SMOD, SUB, XOR,
    },
    interpreter::instructions::i256::{i256_cmp, i256_div, i256_mod},
};
use std::cmp::Ordering;

/// Operands of the instruction, if it is one of them. `EXP` is charged for its exponent: that one is to be guarded.
pub(super) const fn operands(opcode: u8) -> Option<usize> {
    match opcode {
        ISZERO | NOT | CLZ => Some(1),
        ADD | MUL | SUB | DIV | SDIV | MOD | SMOD | EXP | SIGNEXTEND | LT | GT | SLT | SGT | EQ
        | AND | OR | XOR | BYTE | SHL | SHR | SAR => Some(2),
        ADDMOD | MULMOD => Some(3),
        _ => None,
    }
}

/// The result (Yellow Paper, appendix H.2). The first operand is the top of the stack.
pub(super) fn apply(opcode: u8, [a, b, c]: [U256; 3]) -> U256 {
    match opcode {
        ADD => a.wrapping_add(b),
        MUL => a.wrapping_mul(b),
        SUB => a.wrapping_sub(b),
        DIV => a.checked_div(b).unwrap_or_default(),
        SDIV => i256_div(a, b),
        MOD => a.checked_rem(b).unwrap_or_default(),
        SMOD => i256_mod(a, b),
        ADDMOD => a.add_mod(b, c),
        MULMOD => a.mul_mod(b, c),
        EXP => a.pow(b),
        SIGNEXTEND => sign_extend(a, b),
        LT => U256::from(a < b),
        GT => U256::from(a > b),
        SLT => U256::from(i256_cmp(&a, &b) == Ordering::Less),
        SGT => U256::from(i256_cmp(&a, &b) == Ordering::Greater),
        EQ => U256::from(a == b),
        ISZERO => U256::from(a.is_zero()),
        AND => a & b,
        OR => a | b,
        XOR => a ^ b,
        NOT => !a,
        CLZ => U256::from(a.leading_zeros()),
        BYTE => U256::from(shift(a).filter(|at| *at < 32).map_or(0, |at| b.byte(31 - at))),
        SHL => shift(a).map_or(U256::ZERO, |bits| b << bits),
        SHR => shift(a).map_or(U256::ZERO, |bits| b >> bits),
        SAR => shift(a).map_or_else(
            || if b.bit(255) { U256::MAX } else { U256::ZERO },
            |bits| b.arithmetic_shr(bits),
        ),
        _ => unreachable!("no pure instruction: {opcode:#04x}"),
    }
}

/// A number of bits, if it is less than a word has.
fn shift(bits: U256) -> Option<usize> {
    usize::try_from(bits).ok().filter(|bits| *bits < 256)
}

fn sign_extend(bytes: U256, value: U256) -> U256 {
    let Some(sign) = usize::try_from(bytes).ok().filter(|bytes| *bytes < 31).map(|b| 8 * b + 7)
    else {
        return value;
    };
    let mask = (U256::ONE << sign) - U256::ONE;
    if value.bit(sign) { value | !mask } else { value & mask }
}
