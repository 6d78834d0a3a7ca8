// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "../interfaces/AggregatorV3Interface.sol";

/// @title Readings of a flight's delay that count
/// @notice A reading is the delay in whole minutes, floored to 10; 9990 stands for a cancelled flight.
library FeedReader {
    /// @notice How old a reading may be, in seconds.
    uint256 internal constant MAX_AGE = 1_800;

    /// @notice Minutes come in steps of this.
    uint256 internal constant STEP = 10;

    /// @dev Fits beside round and time in one slot, and is far beyond any delay.
    uint256 private constant _MAX_ANSWER = type(uint128).max;

    /// @notice A reading that has passed every check.
    struct Reading {
        uint80 roundId;
        uint40 updatedAt;
        uint128 delayMinutes;
    }

    error FeedMismatch(address feed, bytes32 descriptionHash, bytes32 expectedHash);
    error RoundReused(address feed, uint80 roundId, uint80 lastRoundId);
    error OracleStale(address feed, uint256 updatedAt, uint256 earliest, uint256 latest);
    error OracleFormat(address feed, int256 answer);

    /// @notice The feed's newest reading. Reverts unless it is of this feed as it was described, of a later round than
    /// `lastRoundId`, at most `MAX_AGE` old, not from before `notBefore` (unix seconds), and a delay in steps of 10.
    /// @dev Round 0 is never later. `answeredInRound` is deprecated and ignored.
    function read(AggregatorV3Interface feed, bytes32 descriptionHash, uint80 lastRoundId, uint256 notBefore)
        internal
        view
        returns (Reading memory)
    {
        requireDescription(feed, descriptionHash);
        (uint80 roundId, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        require(roundId > lastRoundId, RoundReused(address(feed), roundId, lastRoundId));
        // `notBefore` is a time after a departure, so this refuses 0, too: a feed that has never reported.
        uint256 oldest = block.timestamp - MAX_AGE;
        uint256 earliest = oldest > notBefore ? oldest : notBefore;
        require(
            updatedAt >= earliest && updatedAt <= block.timestamp,
            OracleStale(address(feed), updatedAt, earliest, block.timestamp)
        );
        // forge-lint: disable-next-line(unsafe-typecast) a negative answer becomes one far above the maximum
        uint256 delayMinutes = uint256(answer);
        require(delayMinutes <= _MAX_ANSWER && delayMinutes % STEP == 0, OracleFormat(address(feed), answer));

        // forge-lint: disable-next-line(unsafe-typecast) fits: a time up to now, and an answer up to the maximum
        return Reading({roundId: roundId, updatedAt: uint40(updatedAt), delayMinutes: uint128(delayMinutes)});
    }

    /// @notice Reverts unless the feed's description hashes to `expectedHash`.
    /// @dev A proxy can be pointed at another flight: its address alone says nothing.
    function requireDescription(AggregatorV3Interface feed, bytes32 expectedHash) internal view {
        bytes32 descriptionHash = keccak256(bytes(feed.description()));
        require(descriptionHash == expectedHash, FeedMismatch(address(feed), descriptionHash, expectedHash));
    }
}
