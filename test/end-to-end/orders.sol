// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// A contract that Chainwarden has no preset for, compiled when the tests run: its events carry what ABIs are made of
/// (tuples, arrays, negative numbers, overloads, indexed texts), and its view functions answer, take arguments and revert.
contract Orders {
    struct Cause {
        uint16 code;
        string reason;
    }

    event OrderPlaced(bytes32 indexed order_id, address indexed by, uint256 amount, uint64[] lots);
    event OrderFilled(bytes32 indexed order_id, int256 price);
    event OrderFailed(bytes32 indexed order_id, Cause cause);
    event Noted(string indexed topic, bytes note);

    enum Stage {
        Unknown,
        Placed,
        Over
    }

    address public owner = msg.sender;
    bool public paused;
    uint256 public count;
    uint256 public failures;
    mapping(bytes32 => Stage) private stages;

    function place(uint256 first, uint256 many) external {
        require(!paused, "paused");
        for (uint256 id = first; id < first + many; id++) {
            require(stages[bytes32(id)] == Stage.Unknown, "known");
            stages[bytes32(id)] = Stage.Placed;
            count += 1;
            uint64[] memory lots = new uint64[](id % 3);
            emit OrderPlaced(bytes32(id), msg.sender, id * 1 ether, lots);
        }
    }

    function fill(bytes32 order_id) external {
        end(order_id);
        emit OrderFilled(order_id, -int256(uint256(order_id)));
        emit Noted("filled", abi.encode(order_id));
    }

    function fail(bytes32 order_id, string calldata reason) external {
        end(order_id);
        failures += 1;
        emit OrderFailed(order_id, Cause(uint16(uint256(order_id)), reason));
    }

    function setPaused(bool isPaused) external {
        paused = isPaused;
    }

    function stageOf(bytes32 order_id) external view returns (uint8) {
        return uint8(stages[order_id]);
    }

    function unreadable() external pure returns (uint256) {
        revert("not for you");
    }

    function end(bytes32 order_id) private {
        require(stages[order_id] == Stage.Placed, "not open");
        stages[order_id] = Stage.Over;
    }
}
