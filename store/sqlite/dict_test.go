package sqlite

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// TestDict follows ids through a transaction that fails and one that succeeds.
func TestDict(t *testing.T) {
	s := openNew(t, Options{NoMaintenance: true}) // the writing connection is the test's
	ctx := context.Background()
	d := s.dicts.sensors
	other := newDict(sensorTable) // as another process has it
	if err := other.load(ctx, s.readers); err != nil {
		t.Fatal(err)
	}
	if got := []uint32{d.id(""), d.id("a"), d.id("b"), d.id("a")}; !slices.Equal(got, []uint32{0, 1, 2, 1}) {
		t.Fatalf("ids %v", got)
	}
	if n := len(d.snapshot()); n != 1 {
		t.Errorf("readers see %d values before the commit", n)
	}
	d.forget()
	if got := []uint32{d.id("c"), d.id("a")}; !slices.Equal(got, []uint32{1, 2}) {
		t.Fatalf("ids %v after a transaction that failed", got)
	}
	tx, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.write(ctx, tx); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := d.load(ctx, s.readers); err != nil { // a reader is faster than publish
		t.Fatal(err)
	}
	d.publish()
	if err := other.load(ctx, s.readers); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*dict[string]{"own": d, "other": other} {
		if got := d.snapshot(); !slices.Equal(got, []string{"", "c", "a"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := []uint32{d.id("c"), d.id("a"), d.id("d")}; !slices.Equal(got, []uint32{1, 2, 3}) {
		t.Errorf("ids %v after the commit", got)
	}
	d.forget()
}

// TestDictMissingRow: ids without gaps are what makes them an index.
func TestDictMissingRow(t *testing.T) {
	s := openNew(t, Options{})
	onWriter(t, s, "INSERT INTO places VALUES (2, 0, 0, 'DE', '', '', 1, 0)")
	err := newDict(placeTable).load(context.Background(), s.readers)
	if err == nil || !strings.Contains(err.Error(), "read places: id 1 is missing") {
		t.Errorf("a gap: %v", err)
	}
}

// TestFilterNeeds: a question reads the columns that it is about and no others.
func TestFilterNeeds(t *testing.T) {
	for text, want := range map[string]need{
		"": 0, "country:DE city:x region:y place:1,2": 0, "proto:tcp dir:in opened:us sensor:a": 0,
		"asn:1": needASN, "ip:::1": needAddr, "peer:::1": needPeer, "host:::1": needAddr | needPeer, "port:1": needPort,
		"-port:1 asn:2": needPort | needASN,
	} {
		f, err := store.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := newFilter(f.Terms).need; got != want {
			t.Errorf("%q needs %b, want %b", text, got, want)
		}
	}
}
