// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "../interfaces/AggregatorV3Interface.sol";
import {FeedReader} from "./FeedReader.sol";

/// @notice What an insurer agrees to, besides the shares. Times in unix seconds, money in USDC base units.
struct Terms {
    /// Such as "ICN-JFK" and "KE081", in ASCII, padded with zeros at the end.
    bytes16 route;
    bytes16 flightNo;
    /// Scheduled departure.
    uint40 departure;
    /// The delay from which the whole payout is due.
    uint16 thresholdMinutes;
    uint96 payout;
    address beneficiary;
    /// The policy operator, who may approve and reject claims besides the leader; zero for none.
    address operator;
    AggregatorV3Interface feed;
    /// keccak256 of the feed's description.
    bytes32 feedDescriptionHash;
    uint40 underwritingDeadline;
    uint40 activeFrom;
    uint40 activeTo;
    /// Seconds after which anybody may approve a claim.
    uint32 approvalWindow;
    /// Seconds after `activeTo` in which a claim may still be made.
    uint32 claimGrace;
}

/// @notice An insurer's part of the payout.
struct Share {
    address insurer;
    uint16 bps;
}

/// @dev An amount must be 1 to `max`.
error InvalidAmount(uint256 amount, uint256 max);
/// @dev A time or a duration must lie in `earliest..latest`, both included.
error InvalidTimeWindow(uint256 time, uint256 earliest, uint256 latest);
error InvalidInput(string field, uint256 value);

/// @title What the terms of a parametric policy must be
library PolicyTerms {
    uint256 internal constant TOTAL_BPS = 10_000;
    uint256 internal constant MAX_SHARES = 16;

    uint256 private constant _MIN_THRESHOLD_MINUTES = 10;
    uint256 private constant _MAX_THRESHOLD_MINUTES = 9_980;
    uint256 private constant _MAX_TERM = 400 days;
    uint256 private constant _MIN_WINDOW = 1 hours;
    uint256 private constant _MAX_WINDOW = 30 days;

    /// @dev A share's part must not be 0, and all must make `totalBps`.
    error InvalidRatio(uint256 bps, uint256 totalBps);
    error InvalidDelayThreshold(uint256 thresholdMinutes);

    /// @notice Reverts unless these terms can be underwritten from now on.
    /// @dev Under all terms that pass, a claim is possible: `activeTo` lies after the moment from which readings count.
    function check(Terms calldata terms) internal view {
        require(terms.payout != 0, InvalidAmount(0, type(uint96).max));
        uint256 threshold = terms.thresholdMinutes;
        require(
            threshold >= _MIN_THRESHOLD_MINUTES && threshold <= _MAX_THRESHOLD_MINUTES
                && threshold % FeedReader.STEP == 0,
            InvalidDelayThreshold(threshold)
        );
        requireWithin(terms.underwritingDeadline, block.timestamp + 1, terms.activeFrom);
        requireWithin(terms.activeFrom, terms.underwritingDeadline, terms.departure);
        requireWithin(terms.activeTo, delayedSince(terms.departure, threshold) + 1, block.timestamp + _MAX_TERM);
        requireWithin(terms.approvalWindow, _MIN_WINDOW, _MAX_WINDOW);
        requireWithin(terms.claimGrace, _MIN_WINDOW, _MAX_WINDOW);
        require(address(terms.feed).code.length != 0, InvalidInput("feed", uint160(address(terms.feed))));
        uint256 decimals = terms.feed.decimals();
        require(decimals == 0, InvalidInput("decimals", decimals));
        FeedReader.requireDescription(terms.feed, terms.feedDescriptionHash);
    }

    /// @notice Reverts unless these shares make up the whole payout, each of another insurer.
    /// @return dust what rounding down leaves of the payout, in USDC base units: share 0 carries it
    function check(Share[] calldata shares, uint256 payout) internal pure returns (uint256 dust) {
        uint256 count = shares.length;
        require(count != 0 && count <= MAX_SHARES, InvalidInput("shares", count));
        uint256 totalBps;
        dust = payout;
        for (uint256 i = 0; i < count; ++i) {
            address insurer = shares[i].insurer;
            uint256 bps = shares[i].bps;
            require(insurer != address(0), InvalidInput("insurer", 0));
            for (uint256 j = 0; j < i; ++j) {
                require(insurer != shares[j].insurer, InvalidInput("insurer", uint160(insurer)));
            }
            require(bps != 0, InvalidRatio(bps, TOTAL_BPS));

            totalBps += bps;
            // Wraps where the shares are more than the whole, which is refused below.
            unchecked {
                dust -= roundedDown(payout, bps);
            }
        }
        require(totalBps == TOTAL_BPS, InvalidRatio(totalBps, TOTAL_BPS));
    }

    /// @notice Reverts unless `time` lies in `earliest..latest`, both included.
    function requireWithin(uint256 time, uint256 earliest, uint256 latest) internal pure {
        require(time >= earliest && time <= latest, InvalidTimeWindow(time, earliest, latest));
    }

    /// @notice When a flight that has not left is late enough, in unix seconds.
    /// @dev A reading from before tells of a delay that has not happened yet: a forecast, or another day's flight.
    function delayedSince(uint256 departure, uint256 thresholdMinutes) internal pure returns (uint256) {
        return departure + thresholdMinutes * 1 minutes;
    }

    /// @notice A share's part of the payout without the dust, in USDC base units.
    function roundedDown(uint256 payout, uint256 bps) internal pure returns (uint256) {
        return payout * bps / TOTAL_BPS;
    }
}
