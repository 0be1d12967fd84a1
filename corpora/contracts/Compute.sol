// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Work without state: a chain of hashes and a power.
contract Compute {
    event Result(bytes32 digest, uint256 power);

    function run(uint256 start, uint256 steps) external {
        bytes32 digest = bytes32(start);
        uint256 power = start | 1;
        for (uint256 i = 0; i < steps; i++) {
            digest = keccak256(abi.encode(digest, i));
            power = mulmod(power, power, type(uint256).max - 58);
        }
        emit Result(digest, power);
    }
}

/// The same, and it is kept: everybody has a contract of their own.
contract Cell {
    bytes32 public digest;

    function run(uint256 start, uint256 steps) external {
        bytes32 now_ = digest ^ bytes32(start);
        for (uint256 i = 0; i < steps; i++) now_ = keccak256(abi.encode(now_, i));
        digest = now_;
    }
}
