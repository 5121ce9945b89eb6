// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Emits as many logs as it is asked to, cheaply: for tests and benchmarks that need very many of them.
contract Counter {
    event Counted(address indexed by, uint256 indexed value, string note);

    uint256 public count;

    function countTo(uint256 more, string calldata note) external {
        uint256 value = count;
        for (uint256 n = 0; n < more; n++) emit Counted(msg.sender, ++value, note);
        count = value;
    }

    /// Reverts with its own error: a view function that a monitor cannot read.
    function unreadable() external pure returns (uint256) {
        revert("not for you");
    }
}
