// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IUSDC} from "./interfaces/IUSDC.sol";
import {FeedReader} from "./libraries/FeedReader.sol";
import {PolicyBook} from "./libraries/PolicyBook.sol";
import {InvalidAmount, InvalidInput, PolicyTerms, Share, Terms} from "./libraries/PolicyTerms.sol";

/// @title Open Parametric: co-insured flight-delay policies
/// @notice Insurers escrow their shares of a fixed payout; a feed that reports the delay makes the claim; the payout
/// goes to the beneficiary, or each escrow back to its insurer. An ownerless singleton for all leaders and policies.
///
/// Who can move money: each insurer, its own escrow in by accepting and out after expiry or failure; anyone, an
/// approved payout to the policy's beneficiary and nobody else; a beneficiary, what USDC refused to deliver (`credit`),
/// and anyone, that to the beneficiary.
/// Who can stop it: nobody. A leader or policy operator can reject a policy's claim once, which a newer reading renews.
/// What happens when they do nothing: time alone lets anyone fail the underwriting, activate, check, approve, settle or
/// expire, so that every escrow ends as a payout or a refund.
/// What insurers trust: the feed, beneficiary and policy operator that they accept. USDC sent here by mistake stays.
/// @dev Policies share no state but the token balance: escrows add up to the payout, so each policy is solvent alone.
contract OpenParametric is PolicyBook, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice How many policyholders may be registered with a policy.
    uint256 public constant MAX_POLICYHOLDERS = 128;

    event PolicyCreated(uint256 indexed id, address indexed leader, bytes32 termsHash, Terms terms, Share[] shares);
    event UnderwritingOpened(uint256 indexed id);
    event ShareAccepted(uint256 indexed id, uint256 indexed index, address indexed insurer, uint256 escrow);
    event ShareRejected(uint256 indexed id, uint256 indexed index, address indexed insurer);
    event ShareReplaced(
        uint256 indexed id, uint256 indexed index, address indexed insurer, address previous, bytes32 termsHash
    );
    event UnderwritingFinalized(uint256 indexed id);
    event UnderwritingFailed(uint256 indexed id, address indexed by);
    event PolicyActivated(uint256 indexed id, address indexed by);
    /// @dev A reading that counts and makes no claim.
    event OracleChecked(uint256 indexed id, uint80 indexed roundId, uint256 delayMinutes, uint256 updatedAt);
    event ClaimCreated(
        uint256 indexed id, uint80 indexed roundId, uint256 delayMinutes, uint256 updatedAt, uint256 windowEndsAt
    );
    event ClaimApproved(uint256 indexed id, address indexed by);
    event ClaimRejected(uint256 indexed id, address indexed by, uint80 roundId, uint256 claimDeadline);
    event ClaimSettled(uint256 indexed id, address indexed beneficiary, uint256 amount);
    event ClaimCredited(uint256 indexed id, address indexed beneficiary, uint256 amount);
    event PolicyExpired(uint256 indexed id, address indexed by);
    event ShareRefunded(uint256 indexed id, uint256 indexed index, address indexed insurer, address to, uint256 escrow);
    event CreditWithdrawn(address indexed account, address indexed to, uint256 amount);
    event PolicyholderRegistered(
        uint256 indexed id, bytes32 indexed ref, uint256 index, uint96 premium, uint96 coverage
    );

    constructor(IUSDC usdc_) PolicyBook(usdc_) {}

    /// @notice Drafts a policy with the caller as its leader, in which it may or may not hold a share.
    /// @param shares_ who insures how many basis points, 10 000 in all; share 0 carries the dust of rounding
    /// @return id the leader's address and its sequence: `leader << 64 | sequence`
    function createPolicy(Terms calldata terms_, Share[] calldata shares_) external returns (uint256 id) {
        PolicyTerms.check(terms_);
        uint256 dust = PolicyTerms.check(shares_, terms_.payout);
        _requireRecipient("beneficiary", terms_.beneficiary);

        id = uint256(uint160(msg.sender)) << 64 | ++sequences[msg.sender];
        bytes32 termsHash = keccak256(abi.encode(terms_, shares_));
        for (uint256 i = 0; i < shares_.length; ++i) {
            _shares[id][i] = shares_[i];
        }
        Policy storage policy = _policies[id];
        policy.termsHash = termsHash;
        policy.feedDescriptionHash = terms_.feedDescriptionHash;
        policy.route = terms_.route;
        policy.flightNo = terms_.flightNo;
        policy.feed = terms_.feed;
        policy.payout = terms_.payout;
        policy.beneficiary = terms_.beneficiary;
        policy.departure = terms_.departure;
        policy.activeFrom = terms_.activeFrom;
        policy.thresholdMinutes = terms_.thresholdMinutes;
        policy.operator = terms_.operator;
        policy.underwritingDeadline = terms_.underwritingDeadline;
        policy.activeTo = terms_.activeTo;
        // forge-lint: disable-next-line(unsafe-typecast) fits: at most 16
        policy.shareCount = uint8(shares_.length);
        // forge-lint: disable-next-line(unsafe-typecast) fits: less than one unit a share
        policy.dust = uint8(dust);
        policy.state = State.Draft;
        policy.createdAt = _now();
        policy.claimDeadline = terms_.activeTo + terms_.claimGrace;
        policy.approvalWindow = terms_.approvalWindow;
        policy.claimGrace = terms_.claimGrace;
        emit PolicyCreated(id, msg.sender, termsHash, terms_, shares_);
    }

    /// @notice Lets the insurers answer. Leader.
    function openUnderwriting(uint256 id) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Draft);
        _requireLeader(id);

        policy.state = State.Open;
        emit UnderwritingOpened(id);
    }

    /// @notice Accepts share `index` and pulls exactly its escrow from the caller's allowance. The share's insurer,
    /// until and including the underwriting deadline.
    /// @param termsHash what the insurer has agreed to: after a reorganisation the id may stand for other terms
    function acceptShare(uint256 id, uint256 index, bytes32 termsHash) external nonReentrant {
        _acceptShare(id, index, termsHash);
    }

    /// @notice `acceptShare`, after setting the allowance with an EIP-2612 permit for exactly the escrow.
    /// @dev A permit that fails does not matter by itself (anyone may have sent it first): the allowance decides.
    /// @param deadline unix seconds until which the permit holds
    function acceptShareWithPermit(
        uint256 id,
        uint256 index,
        bytes32 termsHash,
        uint256 deadline,
        bytes calldata signature
    ) external nonReentrant {
        try usdc.permit(msg.sender, address(this), _escrowOf(id, index), deadline, signature) {} catch {}

        _acceptShare(id, index, termsHash);
    }

    /// @notice Declines share `index`, for good unless the leader assigns it again. The share's insurer.
    function rejectShare(uint256 id, uint256 index) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Open);
        _requireInsurer(id, index);
        _requireShareStatus(id, index, ShareStatus.Pending);

        policy.rejected |= _bit(index);
        emit ShareRejected(id, index, msg.sender);
    }

    /// @notice Assigns share `index`, if not accepted, to `insurer`, who has not answered then. Leader.
    /// @dev The terms' hash changes: who has accepted under the old one has agreed to the same escrow, and who has not
    /// yet must look at the new.
    function replaceShare(uint256 id, uint256 index, address insurer) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Draft || policy.state == State.Open);
        _requireLeader(id);
        _requireIndex(id, index);
        require(policy.accepted & _bit(index) == 0, InvalidShareStatus(id, index, ShareStatus.Accepted));
        require(insurer != address(0), InvalidInput("insurer", 0));
        for (uint256 i = 0; i < policy.shareCount; ++i) {
            require(i == index || _shares[id][i].insurer != insurer, InvalidInput("insurer", uint160(insurer)));
        }

        address previous = _shares[id][index].insurer;
        _shares[id][index].insurer = insurer;
        policy.rejected &= ~_bit(index);
        bytes32 termsHash = keccak256(abi.encode(terms(id), shares(id)));
        policy.termsHash = termsHash;
        emit ShareReplaced(id, index, insurer, previous, termsHash);
    }

    /// @notice Ends an underwriting that is not complete: escrows can be refunded. Leader, or anyone after the
    /// underwriting deadline.
    /// @dev Never once funded: a leader could take cover away when the flight turns out late.
    function failUnderwriting(uint256 id) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Draft || policy.state == State.Open);
        require(
            msg.sender == leaderOf(id) || block.timestamp > policy.underwritingDeadline, Unauthorized(id, msg.sender)
        );

        policy.state = State.Failed;
        emit UnderwritingFailed(id, msg.sender);
    }

    /// @notice Records a policyholder by a salted hash, never by personal data. Leader, before the departure.
    /// @dev Kept as events; the chain keeps the count and the sum. Nothing is paid by these entries.
    /// @param ref salted hash of the leader's own reference; the salt stays with the leader
    /// @param premium what the policyholder paid elsewhere, in USDC base units
    /// @param coverage the policyholder's part of the payout, in USDC base units
    function registerPolicyholder(uint256 id, bytes32 ref, uint96 premium, uint96 coverage) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state >= State.Draft && policy.state <= State.Active);
        _requireLeader(id);
        PolicyTerms.requireWithin(block.timestamp, 0, policy.departure - 1);
        uint256 index = policy.policyholders;
        require(index < MAX_POLICYHOLDERS, InvalidInput("policyholders", index + 1));
        require(ref != bytes32(0), InvalidInput("ref", 0));
        uint96 uncovered = policy.payout - policy.coverage;
        require(coverage != 0 && coverage <= uncovered, InvalidAmount(coverage, uncovered));

        ++policy.policyholders;
        policy.coverage += coverage;
        emit PolicyholderRegistered(id, ref, index, premium, coverage);
    }

    /// @notice Starts cover, `activeFrom` to `activeTo`. Anyone.
    function activatePolicy(uint256 id) external {
        _requireState(id, _policies[id].state == State.Funded);

        _activate(id);
    }

    /// @notice Reads the feed and makes a claim if the delay has reached the threshold, until and including the claim
    /// deadline. Activates a funded policy first. Anyone.
    function checkOracle(uint256 id) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Active || policy.state == State.Funded);
        if (policy.state == State.Funded) _activate(id);
        PolicyTerms.requireWithin(block.timestamp, 0, policy.claimDeadline);
        FeedReader.Reading memory reading = FeedReader.read(
            policy.feed,
            policy.feedDescriptionHash,
            policy.claimRound,
            PolicyTerms.delayedSince(policy.departure, policy.thresholdMinutes)
        );

        if (reading.delayMinutes < policy.thresholdMinutes) {
            emit OracleChecked(id, reading.roundId, reading.delayMinutes, reading.updatedAt);
            return;
        }
        policy.state = State.Claimable;
        policy.claimRound = reading.roundId;
        policy.verifiedAt = _now();
        policy.claimValue = reading.delayMinutes;
        emit ClaimCreated(id, reading.roundId, reading.delayMinutes, reading.updatedAt, _windowEndsAt(policy));
    }

    /// @notice Approves the claim. Leader or policy operator, or anyone after the approval window.
    function approveClaim(uint256 id) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Claimable);
        require(_decides(id, msg.sender) || block.timestamp > _windowEndsAt(policy), Unauthorized(id, msg.sender));

        policy.state = State.Approved;
        policy.approvedBy = msg.sender;
        emit ClaimApproved(id, msg.sender);
    }

    /// @notice Sends the claim back to the feed, once a policy: a newer round can make it again. Leader or policy
    /// operator, until and including the end of the approval window.
    /// @dev Leaves at least `claimGrace` for the new claim, so that rejecting late cannot let it run out.
    function rejectClaim(uint256 id) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Claimable);
        require(_decides(id, msg.sender), Unauthorized(id, msg.sender));
        require(!policy.rejectionSpent, RejectionSpent(id));
        PolicyTerms.requireWithin(block.timestamp, 0, _windowEndsAt(policy));

        policy.state = State.Active;
        policy.rejectionSpent = true;
        uint40 extended = _now() + policy.claimGrace;
        if (extended > policy.claimDeadline) policy.claimDeadline = extended;
        emit ClaimRejected(id, msg.sender, policy.claimRound, policy.claimDeadline);
    }

    /// @notice Pays the beneficiary, or credits it where USDC refuses. Anyone.
    /// @dev Too little gas cannot turn a payment into a credit: what a transfer that ran out leaves is too little to
    /// record one.
    function settleClaim(uint256 id) external nonReentrant {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Approved);

        policy.state = State.Settled;
        address beneficiary = policy.beneficiary;
        uint256 amount = policy.payout;

        if (IERC20(usdc).trySafeTransfer(beneficiary, amount)) {
            emit ClaimSettled(id, beneficiary, amount);
        } else {
            credit[beneficiary] += amount;
            emit ClaimCredited(id, beneficiary, amount);
        }
    }

    /// @notice Ends a policy without payout: escrows can be refunded. Anyone, after the claim deadline, or after
    /// `activeTo` if it was never activated.
    function expirePolicy(uint256 id) external {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Active || policy.state == State.Funded);
        uint256 end = policy.state == State.Active ? policy.claimDeadline : policy.activeTo;
        PolicyTerms.requireWithin(block.timestamp, end + 1, type(uint256).max);

        policy.state = State.Expired;
        emit PolicyExpired(id, msg.sender);
    }

    /// @notice Sends share `index`'s escrow to `to`, once, after the policy expired or its underwriting failed. The
    /// share's insurer.
    function refund(uint256 id, uint256 index, address to) external nonReentrant {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Expired || policy.state == State.Failed);
        _requireInsurer(id, index);
        _requireShareStatus(id, index, ShareStatus.Accepted);
        _requireRecipient("to", to);

        policy.refunded |= _bit(index);
        uint256 escrow = _escrowOf(id, index);
        emit ShareRefunded(id, index, msg.sender, to, escrow);

        IERC20(usdc).safeTransfer(to, escrow);
    }

    /// @notice Sends the caller's whole credit to `to`.
    function withdraw(address to) external nonReentrant {
        _sendCredit(msg.sender, to);
    }

    /// @notice Sends `account`'s whole credit to `account`, which may have no ether for `withdraw`. Anyone.
    /// @dev It goes where the payout was to go. A beneficiary that wants it elsewhere may find that a stranger was
    /// faster: that costs it the gas of its own call, never money, and until USDC takes it again only the beneficiary
    /// can move it. A transfer that fails, for lack of gas too, reverts: the credit stays.
    function payCredit(address account) external nonReentrant {
        _sendCredit(account, account);
    }

    function _sendCredit(address account, address to) private {
        uint256 amount = credit[account];
        require(amount != 0, InvalidAmount(0, 0));
        _requireRecipient("to", to);

        credit[account] = 0;
        emit CreditWithdrawn(account, to, amount);

        IERC20(usdc).safeTransfer(to, amount);
    }

    function _acceptShare(uint256 id, uint256 index, bytes32 termsHash) private {
        Policy storage policy = _policies[id];
        _requireState(id, policy.state == State.Open);
        PolicyTerms.requireWithin(block.timestamp, 0, policy.underwritingDeadline);
        _requireInsurer(id, index);
        _requireShareStatus(id, index, ShareStatus.Pending);
        require(termsHash == policy.termsHash, TermsMismatch(id, termsHash, policy.termsHash));

        uint16 accepted = policy.accepted | _bit(index);
        policy.accepted = accepted;
        uint256 escrow = _escrowOf(id, index);
        emit ShareAccepted(id, index, msg.sender, escrow);
        if (accepted == (1 << policy.shareCount) - 1) {
            policy.state = State.Funded;
            emit UnderwritingFinalized(id);
        }

        IERC20(usdc).safeTransferFrom(msg.sender, address(this), escrow);
    }

    function _activate(uint256 id) private {
        Policy storage policy = _policies[id];
        PolicyTerms.requireWithin(block.timestamp, policy.activeFrom, policy.activeTo);

        policy.state = State.Active;
        emit PolicyActivated(id, msg.sender);
    }

    function _now() private view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast) fits until the year 36,812
        return uint40(block.timestamp);
    }
}
