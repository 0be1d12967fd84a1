// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// States the price of collateral.
contract Oracle {
    uint256 public price;
}

interface IOracle {
    function price() external view returns (uint256);
}

/// What both lending markets have in common: cash, collateral and debt of each account.
abstract contract LendingBook {
    struct Account {
        uint128 cash;
        uint128 collateral;
        uint256 debt;
    }

    mapping(address => Account) public accounts;
    address public oracle;

    event Changed(address indexed account, uint256 cash, uint256 collateral, uint256 debt);

    error TooLittle();
    error Unhealthy();
    error Healthy();

    function deposit(uint128 amount) external {
        Account storage account = accounts[msg.sender];
        if (account.cash < amount) revert TooLittle();
        account.cash -= amount;
        account.collateral += amount;
        counted(int256(uint256(amount)), 0);
        changed(msg.sender, account);
    }

    function borrow(uint128 amount) external {
        Account storage account = accounts[msg.sender];
        account.debt += amount;
        if (account.debt * index() * 2 > account.collateral * IOracle(oracle).price() * 1e18) revert Unhealthy();
        account.cash += amount;
        counted(0, int256(uint256(amount)));
        changed(msg.sender, account);
    }

    function repay(uint128 amount) external {
        Account storage account = accounts[msg.sender];
        if (account.cash < amount || account.debt < amount) revert TooLittle();
        account.cash -= amount;
        account.debt -= amount;
        counted(0, -int256(uint256(amount)));
        changed(msg.sender, account);
    }

    /// Takes over collateral and debt of an account whose collateral is worth less than its debt.
    function liquidate(address whose) external {
        Account storage account = accounts[whose];
        if (account.debt * index() <= account.collateral * IOracle(oracle).price() * 1e18) revert Healthy();
        Account storage mine = accounts[msg.sender];
        mine.collateral += account.collateral;
        mine.debt += account.debt;
        counted(0, 0);
        (account.collateral, account.debt) = (0, 0);
        changed(whose, account);
    }

    function changed(address whose, Account storage account) private {
        emit Changed(whose, account.cash, account.collateral, account.debt);
    }

    function index() internal virtual returns (uint256);
    function counted(int256 collateral, int256 debt) internal virtual;
}

/// Interest and totals are brought up to date by whoever comes: one place for all.
contract LendingNaive is LendingBook {
    int256 public totalCollateral;
    int256 public totalDebt;
    uint256 public operations;
    uint256 private interest = 1e18;
    uint256 private updatedAt;

    function index() internal override returns (uint256) {
        interest += interest * (block.timestamp - updatedAt) / 1e12;
        updatedAt = block.timestamp;
        return interest;
    }

    function counted(int256 collateral, int256 debt) internal override {
        totalCollateral += collateral;
        totalDebt += debt;
        operations += 1;
    }
}

/// Interest follows from the time alone, and totals stand in as many places as there are first two bytes
/// of addresses.
contract Lending is LendingBook {
    mapping(uint256 => int256) public collateralOf;
    mapping(uint256 => int256) public debtOf;

    function index() internal view override returns (uint256) {
        return 1e18 + block.timestamp * 1e6;
    }

    function counted(int256 collateral, int256 debt) internal override {
        uint256 shard = uint160(msg.sender) >> 144;
        if (collateral != 0) collateralOf[shard] += collateral;
        if (debt != 0) debtOf[shard] += debt;
    }
}
