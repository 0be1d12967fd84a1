// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Votes by weight, and payments out of what was voted for.
abstract contract Votes {
    mapping(address => uint256) public weightOf;
    mapping(uint256 => mapping(address => bool)) public voted;

    event Voted(uint256 indexed proposal, address indexed voter, bool support, uint256 weight);
    event Spent(uint256 indexed proposal, address indexed to, uint256 amount);

    error VotedBefore();
    error NoWeight();

    function vote(uint256 proposal, bool support) external {
        if (voted[proposal][msg.sender]) revert VotedBefore();
        uint256 weight = weightOf[msg.sender];
        if (weight == 0) revert NoWeight();
        voted[proposal][msg.sender] = true;
        tally(proposal, support, weight);
        emit Voted(proposal, msg.sender, support, weight);
    }

    function spend(uint256 proposal, address to, uint256 amount) external {
        book(proposal, to, amount);
        emit Spent(proposal, to, amount);
    }

    function tally(uint256 proposal, bool support, uint256 weight) internal virtual;
    function book(uint256 proposal, address to, uint256 amount) internal virtual;
}

/// One sum for each side of a proposal, one for the treasury.
contract DaoNaive is Votes {
    mapping(uint256 => uint256) public yes;
    mapping(uint256 => uint256) public no;
    uint256 public spent;
    mapping(address => uint256) public received;

    function tally(uint256 proposal, bool support, uint256 weight) internal override {
        if (support) yes[proposal] += weight;
        else no[proposal] += weight;
    }

    function book(uint256, address to, uint256 amount) internal override {
        spent += amount;
        received[to] += amount;
    }
}

/// A sum for each of 1024 groups of voters, and a budget for each payee: whoever closes the vote adds up.
contract Dao is Votes {
    mapping(uint256 => mapping(uint256 => uint256)) public yes;
    mapping(uint256 => mapping(uint256 => uint256)) public no;
    mapping(address => uint256) public received;

    function tally(uint256 proposal, bool support, uint256 weight) internal override {
        uint256 group = uint160(msg.sender) >> 150;
        if (support) yes[proposal][group] += weight;
        else no[proposal][group] += weight;
    }

    function book(uint256, address to, uint256 amount) internal override {
        received[to] += amount;
    }
}
