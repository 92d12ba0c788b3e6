package clickhouse

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// mapped is where IPv4 addresses are among those of IPv6: RFC 4291 section 2.5.5.2.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// networks is true of an endpoint of which all lies in one of list. side is addr or peer.
// In the table every endpoint is one of 128 bits, and an IPv4 network and its twin of
// IPv6 look the same but for the family: either finds both, as store.Term has it.
func networks(side string, list []netip.Prefix) string {
	var any, single []string
	for _, n := range list {
		n = wide(n)
		if n.IsSingleIP() {
			single = append(single, address(n.Addr()))
			continue
		}
		first, last := n.Masked().Addr(), lastOf(n)
		sql := fmt.Sprintf("%[1]s_bits >= %[2]d AND %[1]s >= %[3]s AND %[1]s <= %[4]s", side, n.Bits(), address(first), address(last))
		if n.Bits() < mapped.Bits() && n.Contains(mapped.Addr()) { // ::/0 and the like have no IPv4 in them
			sql += fmt.Sprintf(" AND NOT (%[1]s_bits >= %[2]d AND %[1]s >= %[3]s AND %[1]s <= %[4]s)", side, mapped.Bits(), address(mapped.Addr()), address(lastOf(mapped)))
		}
		any = append(any, sql)
	}
	if len(single) > 0 {
		any = append(any, fmt.Sprintf("%[1]s_bits = 128 AND %[1]s IN (%[2]s)", side, strings.Join(single, ", ")))
	}
	return fmt.Sprintf("(%s_family != 0 AND %s)", side, anyOf(any))
}

// wide returns the same network as one of 128 bits.
func wide(n netip.Prefix) netip.Prefix {
	if n.Addr().Is4() {
		return netip.PrefixFrom(netip.AddrFrom16(n.Addr().As16()), n.Bits()+96)
	}
	return n
}

// lastOf returns the last address of a network of 128 bits.
func lastOf(n netip.Prefix) netip.Addr {
	b := n.Addr().As16()
	for i := n.Bits(); i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom16(b)
}

// address is one as SQL has it.
func address(a netip.Addr) string {
	b := a.As16()
	return "toFixedString(unhex('" + hex.EncodeToString(b[:]) + "'), 16)"
}
