// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

interface IToken {
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// A constant-product market (x * y = k) with a fee of 0.3 % and a time-weighted price.
contract Pair {
    address public token0;
    address public token1;
    uint112 private reserve0;
    uint112 private reserve1;
    uint32 private updatedAt;
    uint256 public price0Cumulative;
    uint256 public price1Cumulative;
    uint256 private locked;

    event Swap(address indexed sender, uint256 in0, uint256 in1, uint256 out0, uint256 out1, address indexed to);
    event Sync(uint112 reserve0, uint112 reserve1);

    error Locked();
    error InsufficientOutput();
    error InsufficientLiquidity();
    error InvariantBroken();

    modifier lock() {
        if (locked != 1) revert Locked();
        locked = 2;
        _;
        locked = 1;
    }

    function reserves() external view returns (uint112, uint112) {
        return (reserve0, reserve1);
    }

    /// Sends out what was asked for, and demands that the product has not fallen.
    function swap(uint256 out0, uint256 out1, address to) external lock {
        if (out0 == 0 && out1 == 0) revert InsufficientOutput();
        (uint112 before0, uint112 before1) = (reserve0, reserve1);
        if (out0 >= before0 || out1 >= before1) revert InsufficientLiquidity();
        if (out0 > 0) IToken(token0).transfer(to, out0);
        if (out1 > 0) IToken(token1).transfer(to, out1);
        uint256 now0 = IToken(token0).balanceOf(address(this));
        uint256 now1 = IToken(token1).balanceOf(address(this));
        uint256 in0 = now0 > before0 - out0 ? now0 - (before0 - out0) : 0;
        uint256 in1 = now1 > before1 - out1 ? now1 - (before1 - out1) : 0;
        uint256 paid0 = now0 * 1000 - in0 * 3;
        uint256 paid1 = now1 * 1000 - in1 * 3;
        if (paid0 * paid1 < uint256(before0) * before1 * 1_000_000) revert InvariantBroken();
        update(now0, now1, before0, before1);
        emit Swap(msg.sender, in0, in1, out0, out1, to);
    }

    function update(uint256 now0, uint256 now1, uint112 before0, uint112 before1) private {
        uint32 time = uint32(block.timestamp);
        unchecked {
            uint32 passed = time - updatedAt;
            if (passed > 0 && before0 != 0 && before1 != 0) {
                price0Cumulative += ((uint256(before1) << 112) / before0) * passed;
                price1Cumulative += ((uint256(before0) << 112) / before1) * passed;
            }
        }
        reserve0 = uint112(now0);
        reserve1 = uint112(now1);
        updatedAt = time;
        emit Sync(uint112(now0), uint112(now1));
    }
}
