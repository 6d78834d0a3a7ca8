// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A Chainlink data feed, as far as LiqPass calls it
interface AggregatorV3Interface {
    /// @notice Decimals of the answer.
    function decimals() external view returns (uint8);

    /// @notice What the feed tells of.
    function description() external view returns (string memory);

    /// @notice The newest report: `updatedAt` in unix seconds, 0 before the first one.
    /// @dev A proxy puts its phase into the upper 16 bits of `roundId`, so an empty one answers with 2^64.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
