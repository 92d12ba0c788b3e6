package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/metrics"
)

var (
	//go:embed manual/install.md
	installText string
	//go:embed manual/clickhouse.md
	clickhouseText string
	//go:embed manual/privacy.md
	privacyText string
	//go:embed manual/metrics.md
	metricsText string
)

// topic is a page of the manual that is about no single command. Its text is the part of
// Markdown that reads well as it is: headings, lists, indented examples.
type topic struct {
	name, short, text string
}

func topics() []topic {
	return []topic{
		{"clickhouse", "Many sensors on one map: ClickHouse, what to rely on, what is unproven", clickhouseText},
		{"install", "Where to install it, sizing, upgrade, backup, what is unproven", installText},
		{"metrics", "Health, the log, and every Prometheus metric", metricsText + metricsTable()},
		{"privacy", "What is stored about people, and for how long", privacyText},
	}
}

// metricsTable lists what /metrics shows, from what it is made of.
func metricsTable() string {
	var b strings.Builder
	for _, m := range metrics.All() {
		labels := ""
		if len(m.Labels) > 0 {
			labels = "{" + strings.Join(m.Labels, ", ") + "}"
		}
		fmt.Fprintf(&b, "\n    %s%s  %s\n", m.Name, labels, m.Type())
		for _, line := range folded(m.Help, 84) {
			fmt.Fprintf(&b, "        %s\n", line)
		}
	}
	return b.String()
}

// folded breaks a text into lines of at most so many characters.
func folded(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// plain is the text for a terminal.
func (t *topic) plain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", t.short)
	for line := range strings.Lines(t.text) {
		if heading, ok := strings.CutPrefix(line, "# "); ok {
			line = strings.ToUpper(heading)
		}
		b.WriteString(strings.ReplaceAll(line, "**", ""))
	}
	return b.String()
}

// command makes the topic known to "packetheat help".
func (t *topic) command() *cobra.Command {
	c := &cobra.Command{Use: t.name, Short: t.short, Long: t.plain()}
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { fmt.Fprint(c.OutOrStdout(), c.Long) })
	return c
}

// man writes the topic as a page of section 7. Its date is SOURCE_DATE_EPOCH's where that
// is set, as that of the commands' pages is: the same input makes the same page.
func (t *topic) man(w io.Writer) error {
	date := time.Now()
	if epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		date = time.Unix(epoch, 0).UTC()
	}
	page := fmt.Sprintf("%% \"PACKETHEAT-%s\" \"7\" \"%s\" \"packetheat %s\" \"packetheat\"\n# NAME\npacketheat-%s - %s\n\n%s\n# SEE ALSO\n**packetheat(1)**\n",
		strings.ToUpper(t.name), date.Format("Jan 2006"), release, t.name, t.short, t.text)
	_, err := w.Write(md2man.Render([]byte(page)))
	return err
}

// findTopic returns the topic of a name.
func findTopic(args []string) (topic, bool) {
	for _, t := range topics() {
		if len(args) == 1 && args[0] == t.name {
			return t, true
		}
	}
	return topic{}, false
}

// writeTopics writes all topics into a folder.
func writeTopics(dir string) (err error) {
	for _, t := range topics() {
		f, e := os.Create(filepath.Join(dir, "packetheat-"+t.name+".7"))
		if e != nil {
			return fmt.Errorf("write manual pages: %w", e)
		}
		err = t.man(f)
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return fmt.Errorf("write manual pages: %w", err)
		}
	}
	return nil
}
