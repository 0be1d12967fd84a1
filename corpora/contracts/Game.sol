// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Play to earn: a stake, a draw, a score.
abstract contract Rounds {
    mapping(address => uint256) public coins;
    mapping(address => uint256) public score;

    event Played(address indexed player, uint256 indexed table, uint256 draw);

    error TooPoor();

    function play(uint256 table, uint256 stake) external {
        uint256 have = coins[msg.sender];
        if (have < stake) revert TooPoor();
        uint256 draw = roll(table);
        uint256 prize = take(table, stake, draw);
        coins[msg.sender] = have - stake + prize;
        score[msg.sender] += draw % 100;
        emit Played(msg.sender, table, draw);
    }

    function roll(uint256 table) internal virtual returns (uint256);
    function take(uint256 table, uint256 stake, uint256 draw) internal virtual returns (uint256);
}

/// One source of chance, one pot, one leader.
contract GameNaive is Rounds {
    uint256 private chance;
    uint256 public pot;
    uint256 public best;
    address public leader;

    function roll(uint256) internal override returns (uint256) {
        chance = uint256(keccak256(abi.encode(chance, msg.sender)));
        return chance;
    }

    function take(uint256, uint256 stake, uint256 draw) internal override returns (uint256 prize) {
        pot += stake;
        if (draw % 8 == 0) {
            prize = pot / 2;
            pot -= prize;
        }
        if (score[msg.sender] >= best) (best, leader) = (score[msg.sender], msg.sender);
    }
}

/// Chance from the block and from each player's own rounds, a pot for each table.
contract Game is Rounds {
    mapping(address => uint256) public rounds;
    mapping(uint256 => uint256) public pot;

    function roll(uint256 table) internal override returns (uint256) {
        return uint256(keccak256(abi.encode(block.prevrandao, msg.sender, table, rounds[msg.sender]++)));
    }

    function take(uint256 table, uint256 stake, uint256 draw) internal override returns (uint256 prize) {
        uint256 inside = pot[table] + stake;
        if (draw % 8 == 0) prize = inside / 2;
        pot[table] = inside - prize;
    }
}
