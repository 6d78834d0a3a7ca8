// The floor of a batch payment: a loop of token transfers and nothing else. No roles, no proof, no cap, no events.
// Calldata: the token as one word, then one word for each payment: recipient (20 bytes), amount (12 bytes).
object "BareTransfers" {
  code {
    datacopy(0, dataoffset("runtime"), datasize("runtime"))
    return(0, datasize("runtime"))
  }
  object "runtime" {
    code {
      let token := calldataload(0)
      let end := calldatasize()
      mstore(0, shl(224, 0xa9059cbb)) // transfer(address,uint256)
      for { let i := 32 } lt(i, end) { i := add(i, 32) } {
        let payment := calldataload(i)
        mstore(4, shr(96, payment))
        mstore(36, and(payment, 0xffffffffffffffffffffffff))
        if iszero(call(gas(), token, 0, 0, 68, 0, 0)) { revert(0, 0) }
      }
    }
  }
}
