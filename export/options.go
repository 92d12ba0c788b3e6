package export

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// How much a page carries besides the sums of its places.
const (
	DetailPlaces    = "places"    // nothing: no address leaves the sensor
	DetailAddresses = "addresses" // the top addresses, peers, ports and networks, 20,000 in all
	DetailFull      = "full"      // up to 250,000 of them
)

// Options say what to write and what the file says about itself. The zero value
// writes everything there is.
type Options struct {
	Filter store.Filter // which points

	Version string // of the program
	Sensor  string // name to show; empty: the sensors that the store knows
	Source  string // flag by which a command asks the same store; empty: it asks no other
	Command string // that makes the file again; empty: derived from source, filter and format
	Title   string // in place of the sensor's name
	Note    string // shown under the answer
	Message string // why there is nothing, if the caller knows
	Home    *page.Home
	Links   []page.Link  // from cards to other sites
	State   string       // hash that a page opens with: what its map shows
	Labels  store.Labels // of the details of a page; its rows tell "cloud" apart; nil: none
	Mask    *Mask        // what the file must not tell; nil: it is for ourselves

	Detail  string        // of a page: one of the Detail constants; empty: addresses
	Refresh time.Duration // after which a page reloads itself; 0: never
	Written time.Time     // when the file says it was made; zero: it does not say
	Step    time.Duration // finest time bin of a page; 0: the sensor's tick
	MaxRows int           // of a page; 0: 250,000

	// Partial is called by Build, in its goroutine, with what a long answer has come to
	// so far, of a share of the work from 0 to 1: places and rows, no details. It must
	// not keep the data. nil: nobody waits.
	Partial func(data *page.Data, done float64)

	// Standing files only: how coarse the rows are, and how long a file may get.
	coarse level
	long   time.Duration // of a row at levelTenMinutes
	budget int64
	pace   string // one clause, where the file is rewritten less often than asked

	maxDetails int   // of a page; 0: what Detail says
	applied    *Mask // that the rows have passed already
}

// Report is what Write did.
type Report struct {
	Format Format
	Rows   uint64    // points, or rows of the page
	Sum    store.Sum // of all rows
	Bytes  int64
	SHA256 string // of all bytes, in hexadecimal

	Window    store.Window   // asked for, open sides closed by the data
	Step      time.Duration  // of a row: the tick, or more where time was coarsened
	Coarsened string         // one sentence, if rows are coarser than points
	First     time.Time      // start of the first row; zero: no row
	Coverage  store.Coverage // what the window has data about
}

func (o *Options) check(format Format) error {
	if int(format) >= len(formatNames) {
		return fmt.Errorf("%s is unknown: use %s", format, strings.Join(Formats(), ", "))
	}
	switch o.Detail {
	case "", DetailPlaces, DetailAddresses, DetailFull:
	default:
		return fmt.Errorf("detail %q is unknown: use %s, %s or %s", o.Detail, DetailPlaces, DetailAddresses, DetailFull)
	}
	if o.Step < 0 || o.Step%time.Second != 0 {
		return fmt.Errorf("step %s is not possible: use whole seconds", o.Step)
	}
	if err := o.checkMask(); err != nil {
		return err
	}
	return o.Filter.Window.Check()
}

// command returns the command line that writes the same file again. It has the
// window resolved, so that "last hour" stays the hour that it was.
func (o *Options) command(format Format, w store.Window) string {
	if o.Command != "" {
		return o.Command
	}
	words := []string{"packetheat export", format.String()}
	if o.Source != "" {
		words = append(words, o.Source)
	}
	for _, end := range []struct {
		flag string
		at   time.Time
	}{{"--from", w.From}, {"--to", w.To}} {
		if !end.at.IsZero() {
			words = append(words, end.flag, end.at.UTC().Format(time.RFC3339Nano))
		}
	}
	if s := o.Filter.String(); s != "" {
		words = append(words, "--filter", shellQuote(s))
	}
	if o.applied != nil {
		words = append(words, o.applied.flags()...)
	} else if format == HTML && o.Detail != "" && o.Detail != DetailAddresses {
		words = append(words, "--detail", o.Detail)
	}
	if format == HTML {
		for _, text := range [][2]string{{"--title", o.Title}, {"--note", o.Note}, {"--state", o.State}} {
			if text[1] != "" {
				words = append(words, text[0], shellQuote(text[1]))
			}
		}
	}
	return strings.Join(append(words, "-o", "FILE."+format.String()), " ")
}

// shellQuote quotes s for a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// coverage asks what the window has data about, and closes the window's open
// sides by the answer.
func coverage(ctx context.Context, r source, w store.Window) (store.Coverage, store.Window, error) {
	cov, err := r.Coverage(ctx, w)
	if err != nil {
		return cov, w, fmt.Errorf("read coverage: %w", err)
	}
	if w.From.IsZero() {
		w.From = cov.First
	}
	if w.To.IsZero() {
		w.To = cov.Last
	}
	if w.To.Before(w.From) { // open to one side, and all data on the other
		if w.To.Equal(cov.Last) {
			w.To = w.From
		} else {
			w.From = w.To
		}
	}
	return cov, store.Window{From: w.From.UTC(), To: w.To.UTC()}, nil
}
