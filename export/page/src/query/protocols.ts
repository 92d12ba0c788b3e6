// Names of IP protocols, as the sensor writes them (package store, ProtoName).

const names: Record<string, number> = {
  icmp: 1, igmp: 2, ipip: 4, tcp: 6, udp: 17, dccp: 33, ipv6: 41, gre: 47, esp: 50, ah: 51, icmpv6: 58, ospf: 89, pim: 103,
  vrrp: 112, l2tp: 115, sctp: 132, udplite: 136,
};

/** What proto: can be given by name: the names, sorted, and "other". */
export const protocolWords = [...Object.keys(names).sort(), "other"];

/** A range of protocol numbers for each value; "other" is all but TCP, UDP and ICMP. */
export function protocolRanges(value: string): [number, number][] | undefined {
  const v = value.toLowerCase();
  if (v === "other") return [[0, 0], [2, 5], [7, 16], [18, 57], [59, 255]];
  const n = names[v] ?? (/^\d+$/.test(v) ? Number(v) : NaN);
  return n <= 255 ? [[n, n]] : undefined;
}

/** The four classes that rows tell apart, by protocol number. */
export function classOf(proto: number): number {
  return proto === 6 ? 0 : proto === 17 ? 1 : proto === 1 || proto === 58 ? 2 : 3;
}
