//! EVM code, put together.

use alloy_primitives::{Address, Bytes, U256};

/// Instructions by their names in the Yellow Paper.
pub(super) mod op {
    pub(crate) const STOP: u8 = 0x00;
    pub(crate) const ADD: u8 = 0x01;
    pub(crate) const SUB: u8 = 0x03;
    pub(crate) const DIV: u8 = 0x04;
    pub(crate) const LT: u8 = 0x10;
    pub(crate) const ISZERO: u8 = 0x15;
    pub(crate) const AND: u8 = 0x16;
    pub(crate) const KECCAK256: u8 = 0x20;
    pub(crate) const ADDRESS: u8 = 0x30;
    pub(crate) const BALANCE: u8 = 0x31;
    pub(crate) const ORIGIN: u8 = 0x32;
    pub(crate) const CALLER: u8 = 0x33;
    pub(crate) const CALLVALUE: u8 = 0x34;
    pub(crate) const CALLDATALOAD: u8 = 0x35;
    pub(crate) const GASPRICE: u8 = 0x3a;
    pub(crate) const EXTCODESIZE: u8 = 0x3b;
    pub(crate) const RETURNDATASIZE: u8 = 0x3d;
    pub(crate) const EXTCODEHASH: u8 = 0x3f;
    pub(crate) const BLOCKHASH: u8 = 0x40;
    pub(crate) const COINBASE: u8 = 0x41;
    pub(crate) const TIMESTAMP: u8 = 0x42;
    pub(crate) const NUMBER: u8 = 0x43;
    pub(crate) const PREVRANDAO: u8 = 0x44;
    pub(crate) const GASLIMIT: u8 = 0x45;
    pub(crate) const CHAINID: u8 = 0x46;
    pub(crate) const SELFBALANCE: u8 = 0x47;
    pub(crate) const BASEFEE: u8 = 0x48;
    pub(crate) const BLOBHASH: u8 = 0x49;
    pub(crate) const BLOBBASEFEE: u8 = 0x4a;
    pub(crate) const POP: u8 = 0x50;
    pub(crate) const MLOAD: u8 = 0x51;
    pub(crate) const MSTORE: u8 = 0x52;
    pub(crate) const SLOAD: u8 = 0x54;
    pub(crate) const SSTORE: u8 = 0x55;
    pub(crate) const JUMPI: u8 = 0x57;
    pub(crate) const GAS: u8 = 0x5a;
    pub(crate) const JUMPDEST: u8 = 0x5b;
    pub(crate) const TLOAD: u8 = 0x5c;
    pub(crate) const TSTORE: u8 = 0x5d;
    pub(crate) const PUSH1: u8 = 0x60;
    pub(crate) const LOG0: u8 = 0xa0;
    pub(crate) const CREATE: u8 = 0xf0;
    pub(crate) const CALL: u8 = 0xf1;
    pub(crate) const CALLCODE: u8 = 0xf2;
    pub(crate) const RETURN: u8 = 0xf3;
    pub(crate) const DELEGATECALL: u8 = 0xf4;
    pub(crate) const CREATE2: u8 = 0xf5;
    pub(crate) const STATICCALL: u8 = 0xfa;
    pub(crate) const REVERT: u8 = 0xfd;
    pub(crate) const INVALID: u8 = 0xfe;
    pub(crate) const SELFDESTRUCT: u8 = 0xff;
}

/// Code in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Assembler(Vec<u8>);

/// The offset at which the target of a jump is still to be written.
#[derive(Debug)]
#[must_use]
pub(super) struct Skip(usize);

impl Assembler {
    pub(super) fn op(&mut self, op: u8) -> &mut Self {
        self.0.push(op);
        self
    }

    /// Pushes the bytes as one word of 1 to 32 bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.push(op::PUSH1 + (bytes.len() - 1) as u8);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        let bytes = number.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(7);
        self.push(&bytes[zeros..])
    }

    pub(super) fn address(&mut self, address: Address) -> &mut Self {
        self.push(address.as_slice())
    }

    /// Goes on at [`Self::land`] where the word on the stack is zero.
    pub(super) fn skip_where_zero(&mut self) -> Skip {
        self.op(op::ISZERO);
        // The target is not known yet: two bytes of room for it.
        let skip = Skip(self.0.len() + 1);
        self.push(&[0, 0]).op(op::JUMPI);
        skip
    }

    /// Lands a skip here: patches its jump target and adds the `JUMPDEST`.
    pub(super) fn land(&mut self, Skip(place): Skip) {
        let target = (self.0.len() as u16).to_be_bytes();
        self.0[place..place + 2].copy_from_slice(&target);
        self.op(op::JUMPDEST);
    }

    /// Puts bytes into memory from 0 on.
    pub(super) fn remember(&mut self, bytes: &[u8]) {
        for (index, chunk) in bytes.chunks(32).enumerate() {
            let mut word = [0; 32];
            word[..chunk.len()].copy_from_slice(chunk);
            self.push(&word).number(index as u64 * 32).op(op::MSTORE);
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.into()
    }
}

/// Init code that writes a slot, where asked to, and leaves this code of up to 32 bytes behind.
pub(super) fn init_code(runtime: &[u8], slot: Option<(u64, u64)>) -> Bytes {
    let mut code = Assembler::default();
    if let Some((slot, value)) = slot {
        code.number(value).number(slot).op(op::SSTORE);
    }
    let length = runtime.len() as u64;
    if runtime.is_empty() {
        code.op(op::STOP);
    } else {
        code.push(runtime).number(0).op(op::MSTORE);
        code.number(length).number(32 - length).op(op::RETURN);
    }
    code.finish()
}

/// Calldata of one word.
pub(super) fn words(words: &[u64]) -> Bytes {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect::<Vec<u8>>().into()
}
