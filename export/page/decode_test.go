package page

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func saved(t testing.TB, d *Data) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeSaved(&b, []byte(built), d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	d := vector()
	file := saved(t, d)
	s, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Meta, s.Meta); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
	if len(s.Places) != 5 || len(s.Rows) != 10 || len(s.Details) != 4 {
		t.Errorf("%d places, %d rows, %d details", len(s.Places), len(s.Rows), len(s.Details))
	}
	clouds := 0
	for _, r := range s.Rows {
		if r.Cloud {
			clouds++
		}
	}
	if clouds != 2 {
		t.Errorf("%d rows of clouds", clouds)
	}
	var names []string
	sum := 0
	for i, p := range s.Parts {
		names = append(names, p.Name)
		if i < 3 {
			sum += p.Bytes
		} else if p.Bytes <= 0 {
			t.Errorf("%s has %d bytes", p.Name, p.Bytes)
		}
	}
	want := []string{PartProgram, PartEvidence, PartData, PartMeta, PartPlaces, PartRows, PartDetails}
	if diff := cmp.Diff(want, names); diff != "" || sum != len(file) {
		t.Errorf("parts of %d bytes in a file of %d (-want +got):\n%s", sum, len(file), diff)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"another page":  {"<html><body>hello</body></html>", "this is no page of packetheat"},
		"the live page": {built, "it is the one that the dashboard serves"},
		"no gzip":       {strings.Replace(built, markData, "aGVsbG8=", 1), "unpack data"},
		"cut off":       {string(saved(t, vector())[:len(saved(t, vector()))-200]), "this is no page of packetheat"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	newer := encode(t, vector())
	newer[6] = 9
	if _, err := decode(newer); err == nil || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("error %v, want one about version 9", err)
	}
	whole := encode(t, vector())
	read := 0
	for n := range len(whole) {
		if _, err := decode(whole[:n]); err == nil {
			read++
		}
	}
	if read > 3 { // behind the window, the places and the rows: pages without the rest are pages, too
		t.Errorf("%d cut streams of %d bytes are read as a whole", read, len(whole))
	}
}

// FuzzDecode reads anything without a panic: pages come from others.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("PHCOLS\x02\x00\x02\x00\x00\x00{}"))
	f.Add([]byte("PHCOLS\x02\x00\x02\x00\x00\x00{}\x10\x03\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x40"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decode(b); err != nil && s != nil && !errors.Is(err, errDamaged) {
			t.Errorf("%v with an answer", err)
		}
	})
}
