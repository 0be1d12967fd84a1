// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Fractions of an asset, which only verified holders may have, and not sell too soon.
abstract contract Shares {
    mapping(address => uint256) public shares;
    mapping(address => uint256) public verifiedUntil;
    mapping(address => uint256) public lockedUntil;

    event Moved(address indexed from, address indexed to, uint256 amount);

    error NotVerified(address who);
    error Locked();
    error TooFew();

    function move(address to, uint256 amount) external {
        if (verifiedUntil[msg.sender] < block.timestamp) revert NotVerified(msg.sender);
        if (verifiedUntil[to] < block.timestamp) revert NotVerified(to);
        if (lockedUntil[msg.sender] > block.timestamp) revert Locked();
        uint256 have = shares[msg.sender];
        if (have < amount) revert TooFew();
        uint256 had = shares[to];
        shares[msg.sender] = have - amount;
        shares[to] = had + amount;
        audit(have == amount, had == 0, amount);
        emit Moved(msg.sender, to, amount);
    }

    function audit(bool left, bool joined, uint256 amount) internal virtual;
}

/// The register counts its holders and what was moved.
contract RegistryNaive is Shares {
    uint256 public holders;
    uint256 public moved;
    uint256 public moves;

    function audit(bool left, bool joined, uint256 amount) internal override {
        if (joined) holders += 1;
        if (left) holders -= 1;
        moved += amount;
        moves += 1;
    }
}

/// Counts nothing that the events do not say.
contract Registry is Shares {
    function audit(bool, bool, uint256) internal override {}
}
