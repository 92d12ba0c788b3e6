package demo

import (
	"net/netip"
	"time"
)

// This file is what the demo's people, machines and strangers do.

const ms = time.Millisecond

// session plans a TCP conversation: handshake, request, answer of some segments with
// an acknowledgement for every second one, and the end, as RFC 9293 has it.
func (t *Traffic) session(client, server endpoint, rtt time.Duration, up, down int, gap time.Duration) {
	cseq, sseq := t.rng.Uint32(), t.rng.Uint32()
	from := func(at time.Duration, flags uint8, size int) {
		t.send(at, packet{src: client, dst: server, proto: tcp, flags: flags, seq: cseq, ack: sseq, payload: size})
		cseq += uint32(size)
	}
	back := func(at time.Duration, flags uint8, size int) {
		t.send(at, packet{src: server, dst: client, proto: tcp, flags: flags, seq: sseq, ack: cseq, payload: size})
		sseq += uint32(size)
	}
	t.send(0, packet{src: client, dst: server, proto: tcp, flags: syn, seq: cseq})
	cseq++
	back(rtt/2, syn|ack, 0)
	sseq++
	at := rtt
	from(at, ack, 0)
	for i := range up {
		from(at+ms, psh|ack, 180+(i%5)*240)
		if i%2 == 1 {
			back(at+ms+rtt/2, ack, 0)
		}
		at += gap
	}
	at += rtt / 2
	for i := range down {
		back(at, psh|ack, mss)
		if i%2 == 1 {
			from(at+2*ms, ack, 0)
		}
		at += gap
	}
	from(at, fin|ack, 0)
	cseq++
	back(at+rtt/2, fin|ack, 0)
	sseq++
	from(at+rtt, ack, 0)
}

// browse is somebody at home who opens a page somewhere: they are few segments or
// many, as pages are.
func (t *Traffic) browse() {
	h := t.remote()
	client, rtt := t.client(h.Addr), t.rtt(h)
	t.session(client, endpoint{h.Addr, 443}, rtt, 1+t.rng.IntN(4), 4+int(20*min(t.rng.ExpFloat64(), 5)), 12*ms)
}

// visitor is somebody out there who uses one of home's servers.
func (t *Traffic) visitor() {
	h := t.remote()
	port := [...]uint16{443, 443, 443, 80, 22, 25, 993}[t.rng.IntN(7)]
	server := endpoint{local(h.Addr, 2+t.rng.IntN(4)), port}
	t.session(endpoint{h.Addr, t.ephemeral()}, server, t.rtt(h), 1+t.rng.IntN(3), 2+t.rng.IntN(20), 15*ms)
}

// stream is a video or page over QUIC.
func (t *Traffic) stream() {
	h := t.remote()
	client, server, rtt := t.client(h.Addr), endpoint{h.Addr, 443}, t.rtt(h)
	t.send(0, packet{src: client, dst: server, proto: udp, payload: 1200})
	at := rtt / 2
	for i := range 20 + t.rng.IntN(60) {
		t.send(at, packet{src: server, dst: client, proto: udp, payload: 1250})
		if i%3 == 2 {
			t.send(at+3*ms, packet{src: client, dst: server, proto: udp, payload: 45})
		}
		at += 18 * ms
	}
}

// resolvers are well-known public DNS services.
var resolvers = [...]netip.Addr{
	netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("9.9.9.9"),
	netip.MustParseAddr("2001:4860:4860::8888"), netip.MustParseAddr("2606:4700:4700::1111"),
}

// resolve is a DNS question and its answer; now and then somebody asks the time, too.
func (t *Traffic) resolve() {
	server := endpoint{resolvers[t.rng.IntN(len(resolvers))], 53}
	ask, answer, rtt := 34+t.rng.IntN(20), 60+t.rng.IntN(300), 14*ms
	if t.rng.IntN(12) == 0 { // NTP
		h := t.remote()
		server, ask, answer, rtt = endpoint{h.Addr, 123}, 48, 48, t.rtt(h)
	}
	client := t.client(server.addr)
	t.send(0, packet{src: client, dst: server, proto: udp, payload: ask})
	t.send(rtt, packet{src: server, dst: client, proto: udp, payload: answer})
}

// ping is four echo requests from home, or from out there to a server of ours.
func (t *Traffic) ping() {
	h := t.remote()
	a, b := endpoint{addr: local(h.Addr, 10+t.rng.IntN(50))}, endpoint{addr: h.Addr}
	if t.rng.IntN(4) == 0 {
		a, b = b, endpoint{addr: local(h.Addr, 2+t.rng.IntN(4))}
	}
	rtt := t.rtt(h)
	for i := range uint32(4) {
		at := time.Duration(i) * time.Second
		t.send(at, packet{src: a, dst: b, proto: echo, seq: i, payload: 56})
		if t.rng.IntN(10) != 0 {
			t.send(at+rtt, packet{src: b, dst: a, proto: echo, seq: i, reply: true, payload: 56})
		}
	}
}

// probePorts are what strangers try.
var probePorts = [...]uint16{22, 23, 80, 443, 445, 1433, 3306, 3389, 5432, 5900, 6379, 8080, 8443, 9200}

// probe is a stranger who tries a door that nobody opens.
func (t *Traffic) probe() {
	h := t.world.V4[t.rng.IntN(len(t.world.V4))]
	t.knock(h, probePorts[t.rng.IntN(len(probePorts))])
}

func (t *Traffic) knock(h Host, port uint16) {
	door := endpoint{local(h.Addr, 1+t.rng.IntN(254)), port}
	t.send(0, packet{src: endpoint{h.Addr, t.ephemeral()}, dst: door, proto: tcp, flags: syn, seq: t.rng.Uint32()})
}

// sweep is a botnet that looks for one service from everywhere at once, for ten
// seconds in every two minutes.
func (t *Traffic) sweep() {
	port := probePorts[t.rng.IntN(len(probePorts))]
	for i := range 2500 {
		h := t.world.V4[t.rng.IntN(len(t.world.V4))]
		t.at(time.Duration(i)*4*ms, func() { t.knock(h, port) })
	}
	t.at(2*time.Minute, t.sweep)
}

// flood is a short attack on a server of ours from one country: small UDP packets,
// unanswered.
func (t *Traffic) flood() {
	country := t.world.V4[t.rng.IntN(len(t.world.V4))].Country
	var hosts []Host
	for _, h := range t.world.V4 {
		if h.Country == country {
			hosts = append(hosts, h)
		}
	}
	for i := range 9600 {
		h := hosts[t.rng.IntN(len(hosts))]
		t.send(time.Duration(i)*8*time.Second/9600, packet{src: endpoint{h.Addr, t.ephemeral()},
			dst: endpoint{local(h.Addr, 2), 53}, proto: udp, payload: 40 + t.rng.IntN(400)})
	}
	t.at(150*time.Second, t.flood)
}

// call is a video call of a minute with somebody: both sides send all the time.
// Then the next one, somewhere else.
func (t *Traffic) call() {
	h := t.remote()
	us, them := t.client(h.Addr), endpoint{h.Addr, 3478}
	for i := range 60 * 40 {
		at := time.Duration(i) * 25 * ms
		t.send(at, packet{src: us, dst: them, proto: udp, payload: 700 + t.rng.IntN(500)})
		t.send(at+11*ms, packet{src: them, dst: us, proto: udp, payload: 700 + t.rng.IntN(500)})
	}
	t.at(64*time.Second, t.call)
}

// backup sends half a minute of full segments to one place, twice in a demo day.
func (t *Traffic) backup() {
	h := t.remote()
	t.session(endpoint{local(h.Addr, 5), t.ephemeral()}, endpoint{h.Addr, 22}, t.rtt(h), 6000, 20, 5*ms)
	t.at(Day/2, t.backup)
}

// tunnel is an IPsec connection to an office, always on: neither TCP nor UDP.
func (t *Traffic) tunnel() {
	office := endpoint{addr: t.world.V4[0].Addr}
	us := endpoint{addr: local(office.addr, 1)}
	var next func()
	next = func() {
		t.send(0, packet{src: us, dst: office, proto: esp, payload: 120 + t.rng.IntN(900)})
		t.send(20*ms, packet{src: office, dst: us, proto: esp, payload: 120 + t.rng.IntN(900)})
		t.at(100*ms, next)
	}
	next()
}
