// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "../interfaces/AggregatorV3Interface.sol";
import {IUSDC} from "../interfaces/IUSDC.sol";
import {InvalidInput, PolicyTerms, Share, Terms} from "./PolicyTerms.sol";

/// @title What is recorded of parametric policies, and how it is read
/// @dev Written to by `OpenParametric` only. An unknown id reads as a policy in state None.
abstract contract PolicyBook {
    enum State {
        None,
        Draft,
        Open,
        Funded,
        Active,
        Claimable,
        Approved,
        Settled,
        Expired,
        Failed
    }

    enum UnderwritingStatus {
        None,
        Proposed,
        Open,
        Finalized,
        Failed
    }

    enum ClaimStatus {
        None,
        PendingOracle,
        Claimable,
        Approved,
        Settled,
        Rejected
    }

    enum ShareStatus {
        Pending,
        Accepted,
        Rejected,
        Refunded
    }

    /// @dev The leader is in the id. Bit i of each mask is share i's.
    struct Policy {
        // slot 0
        bytes32 termsHash;
        // slot 1
        bytes32 feedDescriptionHash;
        // slot 2
        bytes16 route;
        bytes16 flightNo;
        // slot 3
        AggregatorV3Interface feed;
        uint96 payout;
        // slot 4
        address beneficiary;
        uint40 departure;
        uint40 activeFrom;
        uint16 thresholdMinutes;
        // slot 5
        address operator;
        uint40 underwritingDeadline;
        uint40 activeTo;
        uint8 shareCount;
        uint8 dust;
        // slot 6
        State state;
        uint16 accepted;
        uint16 rejected;
        uint16 refunded;
        uint8 policyholders;
        bool rejectionSpent;
        uint40 createdAt;
        uint40 claimDeadline;
        uint32 approvalWindow;
        uint32 claimGrace;
        // slot 7: the claim made last
        uint80 claimRound;
        uint40 verifiedAt;
        uint128 claimValue;
        // slot 8
        address approvedBy;
        uint96 coverage;
    }

    /// @notice The only token that LiqPass settles in.
    IUSDC public immutable usdc;

    /// @notice USDC base units that could not be delivered to this account, for `withdraw` and `payCredit`.
    mapping(address account => uint256) public credit;

    /// @notice How many policies this leader has created: the sequence of its newest one.
    mapping(address leader => uint64) public sequences;

    mapping(uint256 id => Policy) internal _policies;
    mapping(uint256 id => mapping(uint256 index => Share)) internal _shares;

    error NotAContract(address account);
    error Unauthorized(uint256 id, address caller);
    error InvalidState(uint256 id, State state);
    error InvalidShareStatus(uint256 id, uint256 index, ShareStatus status);
    error TermsMismatch(uint256 id, bytes32 termsHash, bytes32 expectedHash);
    error RejectionSpent(uint256 id);

    constructor(IUSDC usdc_) {
        require(address(usdc_).code.length != 0, NotAContract(address(usdc_)));
        usdc = usdc_;
    }

    /// @notice Everything of a policy but its shares, the claim made last included; zeros where there is none.
    function policies(uint256 id) external view returns (Policy memory) {
        return _policies[id];
    }

    /// @notice A policy's terms, as they were created.
    function terms(uint256 id) public view returns (Terms memory) {
        Policy storage policy = _policies[id];
        return Terms({
            route: policy.route,
            flightNo: policy.flightNo,
            departure: policy.departure,
            thresholdMinutes: policy.thresholdMinutes,
            payout: policy.payout,
            beneficiary: policy.beneficiary,
            operator: policy.operator,
            feed: policy.feed,
            feedDescriptionHash: policy.feedDescriptionHash,
            underwritingDeadline: policy.underwritingDeadline,
            activeFrom: policy.activeFrom,
            activeTo: policy.activeTo,
            approvalWindow: policy.approvalWindow,
            claimGrace: policy.claimGrace
        });
    }

    /// @notice A policy's shares, as they are assigned now.
    function shares(uint256 id) public view returns (Share[] memory shares_) {
        shares_ = new Share[](_policies[id].shareCount);
        for (uint256 i = 0; i < shares_.length; ++i) {
            shares_[i] = _shares[id][i];
        }
    }

    /// @notice What has become of a share.
    function shareStatus(uint256 id, uint256 index) public view returns (ShareStatus) {
        _requireIndex(id, index);
        Policy storage policy = _policies[id];
        uint16 bit = _bit(index);
        if (policy.refunded & bit != 0) return ShareStatus.Refunded;
        if (policy.accepted & bit != 0) return ShareStatus.Accepted;
        if (policy.rejected & bit != 0) return ShareStatus.Rejected;
        return ShareStatus.Pending;
    }

    /// @notice What a share's insurer escrows, in USDC base units: rounded down, and share 0 carries the dust.
    function escrowOf(uint256 id, uint256 index) external view returns (uint256) {
        _requireIndex(id, index);
        return _escrowOf(id, index);
    }

    /// @notice Where a policy is in its life.
    function state(uint256 id) external view returns (State) {
        return _policies[id].state;
    }

    /// @notice The account that created the policy.
    function leaderOf(uint256 id) public pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast) exact: `createPolicy` shifted an address
        return address(uint160(id >> 64));
    }

    /// @notice Until when a claim can be made, in unix seconds; a rejection may move it.
    function claimDeadline(uint256 id) external view returns (uint256) {
        return _policies[id].claimDeadline;
    }

    /// @notice The underwriting's part of the state.
    function underwritingStatus(uint256 id) external view returns (UnderwritingStatus) {
        State state_ = _policies[id].state;
        if (state_ == State.None) return UnderwritingStatus.None;
        if (state_ == State.Draft) return UnderwritingStatus.Proposed;
        if (state_ == State.Open) return UnderwritingStatus.Open;
        if (state_ == State.Failed) return UnderwritingStatus.Failed;
        return UnderwritingStatus.Finalized;
    }

    /// @notice The claim's part of the state. A rejected claim stays so until a newer round makes another.
    function claimStatus(uint256 id) external view returns (ClaimStatus) {
        Policy storage policy = _policies[id];
        State state_ = policy.state;
        if (state_ == State.Claimable) return ClaimStatus.Claimable;
        if (state_ == State.Approved) return ClaimStatus.Approved;
        if (state_ == State.Settled) return ClaimStatus.Settled;
        if (policy.rejectionSpent) return ClaimStatus.Rejected;
        if (state_ == State.Active) return ClaimStatus.PendingOracle;
        return ClaimStatus.None;
    }

    /// @dev `allowed` says whether the policy's state is one that the caller's function takes.
    function _requireState(uint256 id, bool allowed) internal view {
        require(allowed, InvalidState(id, _policies[id].state));
    }

    function _requireLeader(uint256 id) internal view {
        require(msg.sender == leaderOf(id), Unauthorized(id, msg.sender));
    }

    function _requireIndex(uint256 id, uint256 index) internal view {
        require(index < _policies[id].shareCount, InvalidInput("share", index));
    }

    function _requireInsurer(uint256 id, uint256 index) internal view {
        _requireIndex(id, index);
        require(msg.sender == _shares[id][index].insurer, Unauthorized(id, msg.sender));
    }

    function _requireShareStatus(uint256 id, uint256 index, ShareStatus required) internal view {
        ShareStatus status = shareStatus(id, index);
        require(status == required, InvalidShareStatus(id, index, status));
    }

    /// @dev USDC refuses transfers to itself, and what is sent to this contract would stay here.
    function _requireRecipient(string memory field, address account) internal view {
        require(
            account != address(0) && account != address(this) && account != address(usdc),
            InvalidInput(field, uint160(account))
        );
    }

    function _escrowOf(uint256 id, uint256 index) internal view returns (uint256 escrow) {
        Policy storage policy = _policies[id];
        escrow = PolicyTerms.roundedDown(policy.payout, _shares[id][index].bps);
        if (index == 0) escrow += policy.dust;
    }

    /// @dev Whether `account` may decide on the policy's claims.
    function _decides(uint256 id, address account) internal view returns (bool) {
        return account == leaderOf(id) || account == _policies[id].operator;
    }

    /// @dev The last second of the approval window.
    function _windowEndsAt(Policy storage policy) internal view returns (uint256) {
        return uint256(policy.verifiedAt) + policy.approvalWindow;
    }

    function _bit(uint256 index) internal pure returns (uint16) {
        // forge-lint: disable-next-line(unsafe-typecast) fits: an index is less than 16
        return uint16(1 << index);
    }
}
