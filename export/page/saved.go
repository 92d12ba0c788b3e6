package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
)

// dist holds the built page, and always the placeholder.
//
//go:embed dist
var dist embed.FS

// The marks in the built page that WriteSaved fills; see index.html.
const (
	markCSP      = "<!--packetheat:csp-->"
	markTitle    = "<title>packetheat</title>"
	markEvidence = "<!--packetheat:evidence-->"
	markData     = "<!--packetheat:data-->"
)

// Built reports whether the front-end was there when the program was built.
func Built() bool {
	_, err := dist.Open("dist/index.html")
	return err == nil
}

// Live returns the page with its data tag empty, to be served together with the
// header CSP(true). The caller may change the slice.
func Live() []byte {
	for _, name := range []string{"dist/index.html", "dist/placeholder.html"} {
		if b, err := dist.ReadFile(name); err == nil {
			return b
		}
	}
	return nil // not reached: go:embed fails without the placeholder
}

// CSP returns the content security policy of the page. Nothing may be loaded
// from anywhere; the page's own script and style are named by their SHA-256. A
// live page may talk to the server it came from, and must not be framed.
func CSP(live bool) string { return policy(Live(), live) }

// policy returns the policy for one built page.
func policy(page []byte, live bool) string {
	sources := map[string]string{}
	for _, e := range inline(string(page)) {
		sum := sha256.Sum256([]byte(e.body))
		sources[e.tag] += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	p := "default-src 'none'; script-src" + cmp.Or(sources["script"], " 'none'") +
		"; style-src" + cmp.Or(sources["style"], " 'none'") +
		"; img-src data:; base-uri 'none'; form-action 'none'"
	if live {
		p += "; connect-src 'self'; frame-ancestors 'none'"
	}
	return p
}

// element is an inline script or style of a page.
type element struct{ tag, body string }

// inline returns the elements of a page that need leave to run, in order. Data
// blocks (a script whose type is no script) are inert and need none. It reads
// our own built page, not any HTML.
func inline(page string) []element {
	var out []element
	for {
		at := -1
		var tag string
		for _, t := range []string{"script", "style"} {
			if i := strings.Index(page, "<"+t); i >= 0 && (at < 0 || i < at) {
				at, tag = i, t
			}
		}
		if at < 0 {
			return out
		}
		attributes, after, _ := strings.Cut(page[at:], ">")
		body, after, ok := strings.Cut(after, "</"+tag+">")
		if !ok {
			return out
		}
		if !strings.Contains(attributes, `type="application/`) {
			out = append(out, element{tag, body})
		}
		page = after
	}
}

// WriteSaved writes the whole page with d inside: one HTML file that needs no
// network and, by its policy, cannot use one.
func WriteSaved(w io.Writer, d *Data) error { return writeSaved(w, Live(), d) }

// writeSaved fills the marks of one built page.
func writeSaved(w io.Writer, page []byte, d *Data) error {
	evidence := d.Meta
	evidence.Coverage = nil // it is in the columns, and may be long
	// json.Marshal writes <, > and & as \u escapes, so that no name ends the tag.
	block, err := json.MarshalIndent(evidence, "", " ")
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	var columns bytes.Buffer
	if err := Encode(&columns, d); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	parts := []struct {
		mark string
		fill func(io.Writer) error
	}{
		{markCSP, text(`<meta http-equiv="Content-Security-Policy" content="` + html.EscapeString(policy(page, false)) + `">`)},
		{markTitle, text("<title>" + html.EscapeString(title(&d.Meta)) + "</title>")},
		{markEvidence, text(string(block))},
		{markData, func(w io.Writer) error {
			b := base64.NewEncoder(base64.StdEncoding, w)
			if _, err := b.Write(columns.Bytes()); err != nil {
				return err
			}
			return b.Close()
		}},
	}
	for _, p := range parts {
		before, after, ok := bytes.Cut(page, []byte(p.mark))
		if !ok {
			return fmt.Errorf("write page: built page has no %s (build it again: make page)", p.mark)
		}
		if _, err := w.Write(before); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
		if err := p.fill(w); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
		page = after
	}
	if _, err := w.Write(page); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// text returns a function that writes s.
func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// title is what the browser's tab says: whose traffic, and of which day.
func title(m *Meta) string {
	name := m.Title
	if name == "" {
		name = m.Sensor
	}
	if name == "" {
		return "packetheat"
	}
	if m.From.IsZero() {
		return name + " · packetheat"
	}
	return name + " · " + m.From.UTC().Format("2006-01-02 15:04") + " UTC · packetheat"
}
