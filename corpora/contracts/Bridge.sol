// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Pays out what a root says that was locked on another chain.
abstract contract Claims {
    bytes32 public root;
    mapping(address => uint256) public balanceOf;

    event Claimed(uint256 indexed index, address indexed to, uint256 amount);

    error WrongProof();
    error ClaimedBefore();

    function claim(uint256 index, address to, uint256 amount, bytes32[12] calldata proof) external {
        bytes32 node = keccak256(abi.encode(index, to, amount));
        for (uint256 i = 0; i < 12; i++) {
            node = (index >> i) & 1 == 0
                ? keccak256(abi.encode(node, proof[i]))
                : keccak256(abi.encode(proof[i], node));
        }
        if (node != root) revert WrongProof();
        mark(index, amount);
        balanceOf[to] += amount;
        emit Claimed(index, to, amount);
    }

    function mark(uint256 index, uint256 amount) internal virtual;
}

/// A bit for each claim, 256 of them in a slot, and one sum.
contract BridgeNaive is Claims {
    mapping(uint256 => uint256) public bits;
    uint256 public paid;

    function mark(uint256 index, uint256 amount) internal override {
        uint256 bit = 1 << (index & 255);
        if (bits[index >> 8] & bit != 0) revert ClaimedBefore();
        bits[index >> 8] |= bit;
        paid += amount;
    }
}

/// A slot for each claim.
contract Bridge is Claims {
    mapping(uint256 => bool) public claimed;

    function mark(uint256 index, uint256) internal override {
        if (claimed[index]) revert ClaimedBefore();
        claimed[index] = true;
    }
}
