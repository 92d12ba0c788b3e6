package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/sqlite"
)

func (p *program) dbCheckCommand() *cobra.Command {
	var rewrite, asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check every byte of the store, and mend what can be",
		Long: `Read all of the store and compare it: SQLite's own structure, the checksum and content of
every block, ids with the dictionaries, sums of 10 minutes, hours and days with what they
are sums of, the sums by place, network, port and protocol with the addresses that they
come from. It may run beside a sensor.

--rewrite, for which no sensor may write to the store, makes sums anew that are wrong and
whose source is right. Blocks that are damaged stay out of answers.

Exit status: 0 all is right, 1 something is wrong and stays wrong, 2 wrong usage.`,
		Example: `  packetheat db check
  packetheat db check --json --data /backup
  packetheat db check --rewrite`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.dbCheck(cmd, rewrite, asJSON) },
	}
	cmd.Flags().BoolVar(&rewrite, "rewrite", false, "make anew what is wrong and can be")
	addJSON(cmd, &asJSON)
	return cmd
}

// checkJSON is what "db check --json" prints.
type checkJSON struct {
	Path    string        `json:"path"`
	Batches int64         `json:"batches"`
	Blocks  int64         `json:"blocks"`
	Tiers   int64         `json:"tiers"`
	Parts   int64         `json:"parts"` // of tiers
	Bytes   int64         `json:"bytes"` // that were read
	Wrong   int64         `json:"wrong"` // and stays wrong
	Fixed   int64         `json:"fixed"`
	List    []findingJSON `json:"findings"` // the first thousand
}

type findingJSON struct {
	Where   string    `json:"where"` // file, dictionary, batch, tier or list
	Sensor  string    `json:"sensor,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Seconds float64   `json:"seconds,omitempty"` // from time on
	Text    string    `json:"text"`
	Fixed   bool      `json:"fixed"`
}

func (p *program) dbCheck(cmd *cobra.Command, rewrite, asJSON bool) (err error) {
	s, err := p.openWriting(cmd, rewrite, "without --rewrite it can be checked meanwhile")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	progress, done := p.progress("checking")
	defer done()
	result, err := s.Check(s.ctx, rewrite, progress)
	if err != nil {
		return err
	}
	done()
	if asJSON {
		err = p.printJSON(checkToJSON(s.config.Store.Path, &result))
	} else {
		err = p.printCheck(&result)
	}
	if err == nil && result.Wrong > 0 {
		if !rewrite {
			p.say("%s wrong: packetheat db check --rewrite makes anew what can be (stop the sensor before)", counted(uint64(result.Wrong), "thing"))
		}
		err = errSilent
	}
	return err
}

func checkToJSON(path string, c *sqlite.Checked) checkJSON {
	out := checkJSON{path, c.Batches, c.Blocks, c.Tiers, c.Parts, c.Bytes, c.Wrong, c.Fixed, []findingJSON{}}
	for _, f := range c.Findings {
		out.List = append(out.List, findingJSON{f.Where, f.Sensor, f.Time, f.Length.Seconds(), f.Text, f.Fixed})
	}
	return out
}

func (p *program) printCheck(c *sqlite.Checked) error {
	for _, f := range c.Findings {
		line := f.Where
		if !f.Time.IsZero() {
			line += fmt.Sprintf(" of %s, %s of %s", f.Sensor, f.Time.Format(time.RFC3339), term.Duration(f.Length))
		}
		line += ": " + f.Text
		if f.Fixed {
			line += " (made anew)"
		}
		if _, err := fmt.Fprintln(p.out, term.Clean(line)); err != nil {
			return err
		}
	}
	if more := c.Wrong + c.Fixed - int64(len(c.Findings)); more > 0 {
		p.say("and %d more", more)
	}
	verdict := "all is right"
	if c.Wrong+c.Fixed > 0 {
		verdict = fmt.Sprintf("%d wrong, %d made anew", c.Wrong, c.Fixed)
	}
	_, err := fmt.Fprintf(p.out, "%s: %s batches, %s blocks, %s tiers in %s parts, %s\n", verdict, term.Count(uint64(c.Batches)),
		term.Count(uint64(c.Blocks)), term.Count(uint64(c.Tiers)), term.Count(uint64(c.Parts)), term.Bytes(uint64(c.Bytes)))
	return err
}
