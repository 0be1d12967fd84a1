// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Payments in a stablecoin with a fee of 0.1 %, as most are written first: one treasury, one count of
/// everything. Every payment waits for the one before.
contract PaymentsNaive {
    mapping(address => uint256) public balanceOf;
    uint256 public fees;
    uint256 public volume;
    uint256 public payments;

    event Paid(address indexed from, address indexed to, uint256 value, uint256 number);

    error InsufficientBalance(uint256 have, uint256 need);

    function pay(address to, uint256 value) external {
        uint256 have = balanceOf[msg.sender];
        if (have < value) revert InsufficientBalance(have, value);
        uint256 fee = value / 1000;
        unchecked {
            balanceOf[msg.sender] = have - value;
            balanceOf[to] += value - fee;
            fees += fee;
            volume += value;
            payments += 1;
        }
        emit Paid(msg.sender, to, value, payments);
    }
}

/// The same, and payments of different people have nothing in common: each payer's fees wait to be swept,
/// and whoever wants the volume adds up the events.
contract Payments {
    mapping(address => uint256) public balanceOf;
    mapping(address => uint256) public feesOf;

    event Paid(address indexed from, address indexed to, uint256 value);

    error InsufficientBalance(uint256 have, uint256 need);

    function pay(address to, uint256 value) external {
        uint256 have = balanceOf[msg.sender];
        if (have < value) revert InsufficientBalance(have, value);
        uint256 fee = value / 1000;
        unchecked {
            balanceOf[msg.sender] = have - value;
            balanceOf[to] += value - fee;
            feesOf[msg.sender] += fee;
        }
        emit Paid(msg.sender, to, value);
    }
}
