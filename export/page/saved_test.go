package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// built is a page as the front-end's build leaves it, in small.
const built = `<!doctype html><html><head><meta charset="utf-8">
<!--packetheat:csp-->
<title>packetheat</title>
<script type="module" crossorigin>console.log("<style>not one</style>")</script>
<style>body { color: red }</style></head><body>
<script type="application/json" id="packetheat-evidence"><!--packetheat:evidence--></script>
<script type="application/octet-stream" id="packetheat-data"><!--packetheat:data--></script>
</body></html>`

// source is a CSP source for an inline element.
func source(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestPolicy(t *testing.T) {
	script, style := source(`console.log("<style>not one</style>")`), source(`body { color: red }`)
	saved := "default-src 'none'; script-src " + script + "; style-src " + style + "; img-src data:; base-uri 'none'; form-action 'none'"
	if diff := cmp.Diff(saved, policy([]byte(built), false)); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(saved+"; connect-src 'self'; frame-ancestors 'none'", policy([]byte(built), true)); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
	if got := policy([]byte("<p>plain"), false); !strings.Contains(got, "script-src 'none'; style-src 'none'") {
		t.Errorf("page without script has policy %q", got)
	}
}

// parts are what an HTML parser finds in a page.
type parts struct {
	csp, title   string
	data         map[string]string
	inline       []string // scripts and styles that would run
	foreign      []string // anything that loads something
	otherElement []string
}

// dissect parses a page as a browser does.
func dissect(t *testing.T, page []byte) parts {
	t.Helper()
	p := parts{data: map[string]string{}}
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		at := map[string]string{}
		for _, a := range n.Attr {
			at[a.Key] = a.Val
		}
		var text string
		if n.FirstChild != nil {
			text = n.FirstChild.Data
		}
		switch {
		case n.Data == "meta" && at["http-equiv"] == "Content-Security-Policy":
			p.csp = at["content"]
		case n.Data == "title":
			p.title = text
		case n.Data == "script" && strings.HasPrefix(at["type"], "application/"):
			p.data[at["id"]] = text
		case n.Data == "script" || n.Data == "style":
			p.inline = append(p.inline, text)
		case n.Data == "b" || n.Data == "img" || n.Data == "iframe":
			p.otherElement = append(p.otherElement, n.Data)
		}
		for _, k := range []string{"src", "href"} {
			if v := at[k]; v != "" && !strings.HasPrefix(v, "data:") {
				p.foreign = append(p.foreign, v)
			}
		}
	}
	return p
}

// TestWriteSaved fills both the small page and, where it was built, the real one,
// with names that try to get out.
func TestWriteSaved(t *testing.T) {
	pages := map[string][]byte{"small": []byte(built), "embedded": Live()}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			d := vector()
			d.Meta.Sensor = `</title><script>alert(1)</script>`
			d.Meta.Title = `</script><img src=x onerror=alert(1)>&amp;`
			d.Meta.Note = "<!--packetheat:data-->"
			var out bytes.Buffer
			if err := writeSaved(&out, page, d); err != nil {
				t.Fatal(err)
			}
			p := dissect(t, out.Bytes())
			if want := d.Meta.Title + " · 2026-11-17 14:00 UTC · packetheat"; p.title != want {
				t.Errorf("title %q, want %q", p.title, want)
			}
			if len(p.foreign) > 0 || len(p.otherElement) > 0 {
				t.Errorf("the page loads %q, has elements %q", p.foreign, p.otherElement)
			}
			for _, e := range p.inline {
				if !strings.Contains(p.csp, source(e)) {
					t.Errorf("policy %q does not name an inline element of %d bytes", p.csp, len(e))
				}
			}
			if n := strings.Count(p.csp, "sha256-"); n != len(p.inline) {
				t.Errorf("policy names %d elements, the page has %d", n, len(p.inline))
			}
			var evidence Meta
			if err := json.Unmarshal([]byte(p.data["packetheat-evidence"]), &evidence); err != nil {
				t.Errorf("evidence: %v", err)
			}
			want := d.Meta
			want.Coverage = nil
			if diff := cmp.Diff(want, evidence); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
			packed, err := base64.StdEncoding.DecodeString(p.data["packetheat-data"])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(unpack(t, packed), encode(t, d)) {
				t.Error("the data tag holds something else than Encode writes")
			}
		})
	}
}

func TestWriteSavedWithoutMarks(t *testing.T) {
	err := writeSaved(new(bytes.Buffer), []byte("<html></html>"), &Data{})
	if err == nil || !strings.Contains(err.Error(), "make page") {
		t.Errorf("error %v, want one that says how to build the page", err)
	}
}

func TestTitle(t *testing.T) {
	for want, m := range map[string]Meta{
		"packetheat":       {},
		"gw1 · packetheat": {Sensor: "gw1"},
		"Incident 7 · 2026-11-17 14:00 UTC · packetheat": {Sensor: "gw1", Title: "Incident 7", From: vector().Meta.From},
	} {
		if got := title(&m); got != want {
			t.Errorf("title(%+v) = %q, want %q", m, got, want)
		}
	}
}

// TestPlaceholder holds the file that stands in for the built page: it takes
// data like the page does, and says what to do.
func TestPlaceholder(t *testing.T) {
	b, err := dist.ReadFile("dist/placeholder.html")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := writeSaved(&out, b, vector()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "make page") {
		t.Error("the placeholder does not say how to build the page")
	}
}

// TestLive checks the page as it is served: the marks empty, and of the real page
// that it is self-contained and small.
func TestLive(t *testing.T) {
	p := dissect(t, Live())
	if got := p.data["packetheat-data"]; got != markData {
		t.Errorf("data tag of the live page holds %.40q", got)
	}
	for _, e := range p.inline {
		if !strings.Contains(CSP(true), source(e)) {
			t.Errorf("policy does not name an inline element of %d bytes", len(e))
		}
	}
	if !Built() {
		t.Skip("the front-end is not built: make page")
	}
	if len(p.foreign) > 0 {
		t.Errorf("the page loads %q", p.foreign)
	}
	if m := regexp.MustCompile(`(?i)\son(click|load|error)=`).Find(Live()); m != nil {
		t.Errorf("the page has an inline handler: %q", m)
	}
}
