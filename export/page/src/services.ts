// Names of the service ports seen most (IANA's registry).

const names: Record<number, string> = {
  20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 67: "dhcp", 69: "tftp", 80: "http", 110: "pop3",
  119: "nntp", 123: "ntp", 135: "msrpc", 137: "netbios", 139: "netbios", 143: "imap", 161: "snmp", 179: "bgp", 389: "ldap",
  443: "https", 445: "smb", 465: "smtps", 500: "ike", 514: "syslog", 587: "submission", 636: "ldaps", 853: "dns-tls",
  873: "rsync", 993: "imaps", 995: "pop3s", 1080: "socks", 1194: "openvpn", 1433: "mssql", 1883: "mqtt", 1900: "ssdp",
  3128: "proxy", 3306: "mysql", 3389: "rdp", 3478: "stun", 4500: "ipsec", 5060: "sip", 5222: "xmpp", 5353: "mdns", 5432: "postgres",
  5900: "vnc", 6379: "redis", 6443: "kubernetes", 6881: "bittorrent", 8080: "http-alt", 8333: "bitcoin", 8443: "https-alt",
  8883: "mqtts", 9418: "git", 11211: "memcached", 27017: "mongodb", 51820: "wireguard",
};

/** 443 https; quic where it is UDP; the bare number of the others. */
export function service(port: number, proto: number): string {
  const name = port === 443 && proto === 1 ? "quic" : names[port];
  return name ? `${port} ${name}` : String(port);
}
