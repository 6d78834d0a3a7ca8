// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "../interfaces/AggregatorV3Interface.sol";

/// @title A feed for tests, demo and test networks
/// @notice Answers what its owner pushed last, be it sensible or not.
contract MockFeed is AggregatorV3Interface {
    address public immutable owner;

    uint8 public decimals;
    string public description;

    uint80 private _roundId;
    int256 private _answer;
    uint256 private _updatedAt;

    /// @dev Chainlink's.
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
    event DescriptionSet(string description);
    event DecimalsSet(uint8 decimals);

    error NotOwner(address caller, address owner);

    modifier onlyOwner() {
        require(msg.sender == owner, NotOwner(msg.sender, owner));
        _;
    }

    constructor(address owner_, string memory description_) {
        owner = owner_;
        description = description_;
        emit DescriptionSet(description_);
    }

    /// @notice Reports `answer` in a new round, as of now.
    function push(int256 answer) external onlyOwner {
        _report(_roundId + 1, answer, block.timestamp);
    }

    /// @notice Reports `answer` in any round, as of any time (unix seconds).
    function pushRound(uint80 roundId, int256 answer, uint256 updatedAt) external onlyOwner {
        _report(roundId, answer, updatedAt);
    }

    function setDescription(string calldata description_) external onlyOwner {
        description = description_;
        emit DescriptionSet(description_);
    }

    function setDecimals(uint8 decimals_) external onlyOwner {
        decimals = decimals_;
        emit DecimalsSet(decimals_);
    }

    /// @inheritdoc AggregatorV3Interface
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (_roundId, _answer, _updatedAt, _updatedAt, _roundId);
    }

    function _report(uint80 roundId, int256 answer, uint256 updatedAt) private {
        _roundId = roundId;
        _answer = answer;
        _updatedAt = updatedAt;
        emit AnswerUpdated(answer, roundId, updatedAt);
    }
}
