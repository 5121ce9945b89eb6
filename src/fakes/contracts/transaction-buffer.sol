// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// A stand-in for the Tesseract buffer, for the demonstration and for tests: the same events and view functions as its
/// first generation, and the states as bit flags, but whoever calls decides what becomes of a transaction.
contract TransactionBuffer {
    event TransactionBuffered(
        bytes32 indexed tx_id,
        address indexed origin_rollup,
        address indexed target_rollup,
        uint256 timestamp
    );
    event TransactionReady(bytes32 indexed tx_id);
    event TransactionFailed(bytes32 indexed tx_id, string reason);

    uint256 private constant BUFFERED = 2;
    uint256 private constant READY = 4;

    address public owner = msg.sender;
    bool public paused;
    uint256 public transaction_count;
    uint256 public coordination_window = 30;
    mapping(bytes32 => uint256) private states;

    modifier whileRunning() {
        require(!paused, "paused");
        _;
    }

    function buffer(bytes32 tx_id, address origin, address target) external whileRunning {
        require(states[tx_id] == 0, "Transaction already exists");
        bufferOne(tx_id, origin, target);
    }

    /// Many in one transaction, with ids that count on from `first`.
    function bufferMany(uint256 first, uint256 count) external whileRunning {
        for (uint256 n = first; n < first + count; n++) bufferOne(bytes32(n), msg.sender, address(this));
    }

    function ready(bytes32 tx_id) external whileRunning {
        require(states[tx_id] == BUFFERED, "Transaction not in buffered state");
        states[tx_id] = READY;
        emit TransactionReady(tx_id);
    }

    /// As in the original: an attempt that failed leaves the transaction buffered.
    function fail(bytes32 tx_id, string calldata reason) external whileRunning {
        require(states[tx_id] == BUFFERED, "Transaction not in buffered state");
        emit TransactionFailed(tx_id, reason);
    }

    function get_transaction_state(bytes32 tx_id) external view returns (uint256) {
        return states[tx_id];
    }

    function is_transaction_ready(bytes32 tx_id) external view returns (bool) {
        return states[tx_id] == READY;
    }

    function setPaused(bool isPaused) external {
        require(msg.sender == owner, "not the owner");
        paused = isPaused;
    }

    function transferOwnership(address newOwner) external {
        require(msg.sender == owner, "not the owner");
        owner = newOwner;
    }

    function bufferOne(bytes32 tx_id, address origin, address target) private {
        states[tx_id] = BUFFERED;
        transaction_count += 1;
        emit TransactionBuffered(tx_id, origin, target, block.timestamp);
    }
}
