// Addresses and networks, as Go's net/netip reads them.

/** A network; an address is one of all its bits. */
export interface Net { bits: bigint; size: 32 | 128; length: number }

/** Reads an address or a network in CIDR notation; bits behind its length are cleared. */
export function parseNet(text: string): Net | undefined {
  const slash = text.lastIndexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const [bits, size] = address;
  if (slash < 0) return unmap({ bits, size, length: size });
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(digits) || +digits > size) return undefined;
  return unmap(masked({ bits, size, length: +digits }));
}

/** Does all of the other lie in the net? */
export function contains(net: Net, other: Net): boolean {
  if (other.size !== net.size || other.length < net.length) return false;
  const drop = BigInt(net.size - net.length);
  return other.bits >> drop === net.bits >> drop;
}

/** Is it one single address? */
export const single = (n: Net) => n.length === n.size;

function masked(n: Net): Net {
  const drop = BigInt(n.size - n.length);
  return { ...n, bits: (n.bits >> drop) << drop };
}

/** A v4-mapped IPv6 network (RFC 4291, 2.5.5.2) is the IPv4 network. */
function unmap(n: Net): Net {
  if (n.size === 32 || n.length < 96 || n.bits >> 32n !== 0xffffn) return n;
  return { bits: n.bits & 0xffffffffn, size: 32, length: n.length - 96 };
}

function parseAddress(text: string): [bigint, 32 | 128] | undefined {
  if (!text.includes(":")) {
    const v4 = parseV4(text);
    return v4 === undefined ? undefined : [v4, 32];
  }
  const v6 = parseV6(text);
  return v6 === undefined ? undefined : [v6, 128];
}

function parseV4(text: string): bigint | undefined {
  const octets = text.split(".");
  if (octets.length !== 4 || octets.some((o) => !/^(0|[1-9]\d{0,2})$/.test(o) || +o > 255)) return undefined;
  return octets.reduce((n, o) => (n << 8n) | BigInt(o), 0n);
}

function parseV6(text: string): bigint | undefined {
  const dots = text.lastIndexOf(":") + 1;
  if (text.includes(".")) { // the last 32 bits as an IPv4 address
    const v4 = parseV4(text.slice(dots));
    if (v4 === undefined) return undefined;
    text = text.slice(0, dots) + (v4 >> 16n).toString(16) + ":" + (v4 & 0xffffn).toString(16);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((h) => (h ? h.split(":") : []));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail ? missing < 1 : missing !== 0) return undefined;
  const groups = tail ? [...head, ...Array<string>(missing).fill("0"), ...tail] : head;
  if (groups.some((g) => !/^[0-9a-f]{1,4}$/i.test(g))) return undefined;
  return groups.reduce((n, g) => (n << 16n) | BigInt(parseInt(g, 16)), 0n);
}

/** As netip prints a network: octets, or hex groups with the longest run of zeros left out. */
export function netText(n: Net): string {
  return `${n.size === 32 ? v4Text(n.bits) : v6Text(n.bits)}/${n.length}`;
}

function v4Text(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((s) => String((bits >> s) & 255n)).join(".");
}

function v6Text(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(112 - 16 * i)) & 0xffffn));
  let at = -1, most = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > most) (at = i), (most = n);
  }
  const hex = groups.map((g) => g.toString(16));
  return at < 0 ? hex.join(":") : `${hex.slice(0, at).join(":")}::${hex.slice(at + most).join(":")}`;
}
