package main

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

// labelling tells the labels of addresses, each set of them put into words once.
type labelling struct {
	*store.Tagger
	texts map[uint32]*tagText
}

// tagText is a set of labels in the forms that answers need.
type tagText struct {
	names []string
	json  []byte
	cell  string
}

func newLabelling(labels store.Labels) *labelling {
	return &labelling{store.NewTagger(labels), map[uint32]*tagText{}}
}

// of returns the labels of an address, which may be on either side of a connection.
func (l *labelling) of(addr netip.Addr, asn uint32) *tagText {
	addr = addr.Unmap().WithZone("")
	p := netip.PrefixFrom(addr, addr.BitLen())
	bits := l.Addr(p, asn) | l.Peer(p)
	text := l.texts[bits]
	if text == nil {
		text = newTagText(l.Of(bits))
		l.texts[bits] = text
	}
	return text
}

func newTagText(names []string) *tagText {
	t := &tagText{names: names, cell: term.Clean(strings.Join(names, ", "))}
	t.json, _ = json.Marshal(names) // texts: cannot fail
	return t
}
