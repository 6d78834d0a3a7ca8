// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Calendar dates in UTC as numbers that people can read
library UtcDate {
    /// @notice The UTC date of `timestamp` (unix seconds) as YYYYMMDD.
    /// @dev Proleptic Gregorian calendar, algorithm `civil_from_days` of Howard Hinnant, "chrono-Compatible
    /// Low-Level Date Algorithms". A year starts on 1 March there, so that the leap day comes last.
    function yyyymmdd(uint256 timestamp) internal pure returns (uint64) {
        uint256 day = timestamp / 1 days + 719_468; // days since 0000-03-01
        uint256 era = day / 146_097; // of 400 years
        uint256 dayOfEra = day % 146_097;
        uint256 yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        uint256 shiftedMonth = (5 * dayOfYear + 2) / 153; // March is 0
        uint256 dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1;
        uint256 month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
        uint256 year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
        // forge-lint: disable-next-line(unsafe-typecast) fits: 20 digits hold any year up to 10^15
        return uint64(year * 10_000 + month * 100 + dayOfMonth);
    }
}
