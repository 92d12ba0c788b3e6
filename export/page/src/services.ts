// Names of service ports as people know them: IANA's registry
// (https://www.iana.org/assignments/service-names-port-numbers), with the everyday
// name where the registry's is not the one in use (dns for domain, rdp for
// ms-wbt-server), and some ports in wide use that nobody registered.

/** Of TCP and, where it has no name of its own below, of UDP. */
const common = `1 tcpmux 7 echo 9 discard 11 systat 13 daytime 17 qotd 19 chargen 20 ftp-data 21 ftp 22 ssh 23 telnet 25 smtp 37 time 42 wins
43 whois 49 tacacs 53 dns 67 dhcp 68 dhcp-client 69 tftp 70 gopher 79 finger 80 http 81 http-alt 82 http-alt 88 kerberos 102 iso-tsap 104 dicom
106 poppassd 109 pop2 110 pop3 111 rpcbind 113 ident 119 nntp 123 ntp 135 msrpc 137 netbios-ns 138 netbios-dgm 139 netbios-ssn
143 imap 161 snmp 162 snmp-trap 177 xdmcp 179 bgp 194 irc 199 smux 264 bgmp 311 macos-server 319 ptp-event 320 ptp-general 369 rpc2portmap
389 ldap 427 slp 443 https 444 snpp 445 smb 464 kpasswd 465 smtps 497 retrospect 500 ike 502 modbus 512 rexec 513 rlogin 514 rsh 515 lpd
520 rip 521 ripng 523 db2-admin 524 ncp 530 rpc 540 uucp 543 klogin 544 kshell 546 dhcpv6-client 547 dhcpv6 548 afp 554 rtsp 563 nntps 587 submission
593 msrpc-http 623 ipmi 631 ipp 636 ldaps 639 msdp 646 ldp 655 tinc 674 acap 691 ms-exchange 749 kerberos-adm 783 spamd 789 redlion 802 modbus-tls
830 netconf 843 flash-policy 853 dns-tls 860 iscsi 873 rsync 902 vmware 953 rndc 989 ftps-data 990 ftps 992 telnets 993 imaps 994 ircs 995 pop3s
1080 socks 1085 webobjects 1099 rmi 1194 openvpn 1200 codesys 1214 kazaa 1241 nessus 1311 dell-openmanage 1352 notes 1414 ibm-mq 1433 mssql
1434 mssql-monitor 1494 citrix-ica 1512 wins 1521 oracle 1524 ingreslock 1526 oracle 1604 citrix 1645 radius-old 1646 radius-acct-old 1701 l2tp
1719 h323-ras 1720 h323 1723 pptp 1755 ms-streaming 1801 msmq 1812 radius 1813 radius-acct 1863 msnp 1883 mqtt 1900 ssdp 1911 niagara-fox 1935 rtmp
1962 pcworx 1965 gemini 1967 cisco-ipsla 1985 hsrp 2000 cisco-sccp 2049 nfs 2082 cpanel 2083 cpanels 2086 whm 2087 whms 2095 webmail 2096 webmails
2101 rtcm 2121 ftp-alt 2123 gtp-c 2152 gtp-u 2181 zookeeper 2222 ssh-alt 2223 ssh-alt 2323 telnet-alt 2332 sierra-acemanager 2375 docker 2376 docker-tls
2377 docker-swarm 2379 etcd 2380 etcd-peer 2404 iec-104 2401 cvs 2455 codesys 2483 oracle 2484 oracle-tls 2598 citrix-cgp 2601 zebra 2605 bgpd 2628 dict
2638 sybase 2775 smpp 2809 corba 2883 oceanbase 2947 gpsd 2948 wap-push 2967 symantec-av 3000 http-dev 3001 http-dev 3005 plex 3050 firebird 3052 apc-powerchute
3128 proxy 3205 isns 3260 iscsi 3268 ldap-gc 3269 ldap-gcs 3283 apple-remote 3299 saprouter 3306 mysql 3307 mysql-alt 3310 clamav 3333 stratum
3351 btrieve 3388 rdp-alt 3389 rdp 3390 rdp-alt 3391 rdp-alt 3478 stun 3479 stun-alt 3493 nut 3632 distcc 3659 apple-sasl
3671 knx 3689 daap 3690 svn 3702 ws-discovery 3724 battle-net 3784 bfd 3785 bfd-echo 3868 diameter 4000 icq 4028 cgminer 4070 spotify 4190 sieve 4222 nats
4242 quassel 4321 rwhois 4353 f5-iquery 4369 epmd 4433 https-alt 4443 https-alt 4444 stratum 4460 nts-ke 4500 ipsec-nat-t 4505 salt 4506 salt
4569 iax 4662 edonkey 4664 google-desktop 4672 edonkey 4782 quasar 4786 smart-install 4789 vxlan 4800 moxa 4840 opc-ua 4848 glassfish 4899 radmin 4911 niagara-fox-tls 4949 munin
5000 upnp 5001 iperf 5004 rtp 5005 rtcp 5007 melsec 5009 airport 5038 asterisk 5050 mesos 5060 sip 5061 sips 5080 sip-alt 5084 llrp 5093 sentinel
5094 hart-ip 5190 aim 5201 iperf3 5222 xmpp 5223 apns 5228 google-push 5229 google-push 5230 google-push 5242 viber 5243 viber 5246 capwap 5247 capwap 5269 xmpp-server 5280 xmpp-bosh
5298 xmpp-link 5349 stuns 5351 nat-pmp 5353 mdns 5355 llmnr 5357 wsdapi 5358 wsdapi-s 5404 corosync 5405 corosync 5432 postgresql 5433 postgresql-alt
5500 vnc-listen 5554 sasser 5555 adb 5556 freeciv 5601 kibana 5631 pcanywhere 5632 pcanywhere 5666 nrpe 5667 nsca 5671 amqps 5672 amqp 5678 mikrotik-discovery 5683 coap 5684 coaps
5722 dfsr 5800 vnc-http 5801 vnc-http 5858 node-debug 5900 vnc 5901 vnc 5902 vnc 5903 vnc 5938 teamviewer 5984 couchdb 5985 winrm 5986 winrms 6000 x11 6001 x11 6002 x11 6005 x11
6080 novnc 6081 geneve 6346 gnutella 6347 gnutella 6379 redis 6380 redis-tls 6432 pgbouncer 6443 kubernetes 6481 service-tags 6513 netconf-tls 6514 syslog-tls 6556 checkmk 6566 sane 6588 proxy-alt
6600 mpd 6633 openflow 6640 ovsdb 6653 openflow 6660 irc 6661 irc 6662 irc 6663 irc 6664 irc 6665 irc 6666 irc 6667 irc 6668 irc 6669 irc 6679 ircs 6697 ircs 6699 napster 6771 bittorrent-lpd
6881 bittorrent 6882 bittorrent 6883 bittorrent 6884 bittorrent 6885 bittorrent 6886 bittorrent 6887 bittorrent 6888 bittorrent 6889 bittorrent 6969 bittorrent-tracker 7000 cassandra 7001 weblogic 7002 weblogics
7070 realserver 7077 spark 7100 font-service 7199 cassandra-jmx 7210 maxdb 7443 https-alt 7474 neo4j 7547 tr-069 7548 tr-069 7600 jgroups 7687 neo4j-bolt 7946 docker-gossip 8000 http-alt
8001 http-alt 8006 proxmox 8007 proxmox-backup 8008 http-alt 8009 ajp 8010 http-alt 8020 hadoop 8069 odoo 8074 gadu-gadu 8080 http-alt 8081 http-alt 8082 http-alt 8083 http-alt 8085 http-alt 8086 influxdb
8087 http-alt 8088 http-alt 8089 splunk 8090 http-alt 8091 couchbase 8092 couchbase 8096 jellyfin 8112 deluge 8118 privoxy 8123 home-assistant 8139 puppet 8140 puppet 8181 http-alt 8191 mongodb-shard 8200 vault 8222 vmware-http
8243 https-alt 8291 winbox 8300 consul 8301 consul 8302 consul 8332 bitcoin-rpc 8333 bitcoin 8383 http-alt 8388 shadowsocks 8400 commvault 8404 haproxy 8428 victoriametrics 8443 https-alt 8444 https-alt 8448 matrix 8472 vxlan-linux
8500 consul 8545 ethereum-rpc 8554 rtsp-alt 8559 https-alt 8686 jmx 8728 mikrotik-api 8729 mikrotik-apis 8767 teamspeak 8800 http-alt 8834 nessus 8843 unifi-portal 8880 http-alt 8883 mqtts
8885 https-alt 8888 http-alt 8899 onvif 8983 solr 9000 http-alt 9001 tor 9030 tor-dir 9042 cassandra 9050 tor-socks 9051 tor-control 9080 http-alt 9090 prometheus 9091 transmission 9092 kafka 9093 alertmanager
9100 jetdirect 9101 bacula-dir 9102 bacula-fd 9103 bacula-sd 9110 http-alt 9115 blackbox-exporter 9151 tor-browser 9160 cassandra 9191 http-alt 9200 elasticsearch 9201 wap-wsp 9295 ps-remote-play 9300 elasticsearch-node 9306 sphinx 9389 ad-web
9418 git 9443 https-alt 9530 xmeye 9600 omron-fins 9735 lightning 9981 tvheadend 9987 teamspeak3 9993 zerotier 9999 telnet-alt 10000 webmin 10001 ubiquiti-discovery 10009 lightning-rpc
10050 zabbix-agent 10051 zabbix 10080 amanda 10161 snmps 10162 snmp-trap-tls 10250 kubelet 10255 kubelet-ro 10256 kube-proxy 10443 https-alt 10809 nbd 11112 dicom 11211 memcached 11214 memcached-tls 11311 ros 11371 hkp 11434 ollama
12201 graylog 12345 netbus 13000 http-alt 13720 netbackup 13721 netbackup 13724 vnetd 14550 mavlink 15672 rabbitmq 16010 hbase 16384 rtp 16992 intel-amt 16993 intel-amts 17500 dropbox-lan 18080 monero 18081 monero-rpc
18245 ge-srtp 18333 bitcoin-test 19132 minecraft-bedrock 19302 google-stun 19999 netdata 20000 dnp3 20547 proconos 20880 dubbo 21025 starbound 22000 syncthing 24224 fluentd 24554 binkp 24800 synergy 25565 minecraft
25672 rabbitmq-node 25826 collectd 26257 cockroachdb 26379 redis-sentinel 27015 steam 27016 steam 27017 mongodb 27018 mongodb 27019 mongodb 27036 steam-remote 27374 sub7 28015 rethinkdb 28017 mongodb-http 28960 call-of-duty 29070 jedi-academy
30303 ethereum 31337 back-orifice 32400 plex 32764 sercomm 33060 mysqlx 33434 traceroute 34567 xmeye 34962 profinet 34963 profinet 34964 profinet 37215 huawei-hg 37777 dahua 41641 tailscale 43594 runescape 44818 ethernet-ip 47808 bacnet
48101 mirai 49152 upnp 50000 sap-db2 50070 hadoop 50075 hadoop 51413 transmission 51820 wireguard 51821 wireguard 52869 realtek-upnp 55443 yeelight 55553 metasploit 60000 mosh 60001 mosh 61613 stomp 61616 activemq 62078 iphone-sync 64738 mumble`;

/** Where UDP has another name. */
const ofUDP = `21 fsp 443 quic 80 quic 512 biff 513 who 514 syslog 517 talk 518 ntalk 853 dns-quic 4433 quic 4443 quic 5555 rplay 6696 babel 7000 afs3 7001 afs3 7002 afs3 7003 afs3 7004 afs3 7005 afs3 7007 afs3 8443 quic 27005 steam 27031 steam`;

function table(text: string): Map<number, string> {
  const words = text.split(/\s+/), out = new Map<number, string>();
  for (let i = 0; i < words.length; i += 2) out.set(Number(words[i]), words[i + 1]);
  return out;
}

const tcp = table(common), udp = table(ofUDP);

/** The name of a port; proto is a protocol class (1: UDP). "": it has none. */
export function serviceName(port: number, proto: number): string {
  return (proto === 1 && udp.get(port)) || tcp.get(port) || "";
}

/** 443 https; quic where it is UDP; the bare number of the others. */
export function service(port: number, proto: number): string {
  const name = serviceName(port, proto);
  return name ? `${port} ${name}` : String(port);
}

/** Ports with their names, for completion: all whose name or number begins with a text. */
export function services(beginning: string): [number, string][] {
  const out: [number, string][] = [];
  for (const [port, name] of tcp) if (name.startsWith(beginning) || String(port).startsWith(beginning)) out.push([port, name]);
  return out;
}

/** The port that a service is best known for. */
export function portOf(name: string): number | undefined {
  for (const names of [tcp, udp]) for (const [port, n] of names) if (n === name) return port;
  return undefined;
}
