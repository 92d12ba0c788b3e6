package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/privilege"
	"github.com/packetheat/packetheat/cmd/internal/term"
)

// program is one run of packetheat: its streams and the flags that all commands have.
type program struct {
	in       io.Reader
	out, err io.Writer

	configFile string
	data       string
	running    bool // arguments and flags are right, the command has begun

	handed *privilege.Handover // by the process with rights that this one was; nil: it was none
}

// The exit statuses that contract.md promises.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

// usageError is a mistake on the command line that a command found itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errSilent ends a command with status 1 that has already said why.
var errSilent = errors.New("failed")

// execute runs the command that args name and returns the exit status.
func (p *program) execute(args []string) int {
	root := p.root()
	if err := shed(root, args); err != nil {
		p.complain(fmt.Errorf("%w: going on with more rights than needed", err))
	}
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	cmd, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return exitDone
	}
	var usage usageError
	var problems config.Problems
	isUsage := !p.running || errors.As(err, &usage) || errors.As(err, &problems) && problems.Usage()
	switch {
	case errors.Is(err, errSilent):
	case interrupted(cmd) && errors.Is(err, context.Canceled):
		p.complain(errSignal)
	case problems != nil:
		for _, problem := range problems {
			p.complain(problem)
		}
	default:
		message := strings.ReplaceAll(err.Error(), "\n", "; ")
		if !p.running {
			message += fmt.Sprintf(" (see: %s --help)", cmd.CommandPath())
		}
		p.complain(message)
	}
	if isUsage {
		return exitUsage
	}
	return exitFailed
}

// complain writes one line to standard error.
func (p *program) complain(message any) {
	fmt.Fprintf(p.err, "packetheat: %s\n", term.Clean(fmt.Sprint(message)))
}

// say writes one line to standard error: what is no answer, but good to know.
func (p *program) say(format string, args ...any) {
	fmt.Fprintln(p.err, term.Clean(fmt.Sprintf(format, args...)))
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "packetheat",
		Short: "A world map of your network traffic that you can rewind",
		Long: `packetheat captures packets, finds out where in the world their public endpoints
are, and shows them as a heatmap: live in a browser, and as files that need no
network to be opened. It keeps headers' sums, never payload, on this machine only.`,
		Example: `  sudo packetheat run                    capture; the dashboard is on http://127.0.0.1:8080
  packetheat replay traffic.pcap         a map of a capture file, beside it
  packetheat top country --last 24h      who most
  packetheat top ip --at "tue 15:00"     who was that on Tuesday at three
  packetheat export html -o map.html     a page to hand on`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			p.running = true
			p.endOnSignal(cmd)
		},
	}
	root.PersistentFlags().StringVar(&p.configFile, "config", "", "configuration `FILE` (else PACKETHEAT_CONFIG, ./config.yaml, /etc/packetheat/config.yaml)")
	root.PersistentFlags().StringVar(&p.data, "data", "", "folder of the store, `DIR` (configuration: store.path, default data)")
	root.AddGroup(&cobra.Group{ID: groupMap, Title: "Make a map:"}, &cobra.Group{ID: groupAsk, Title: "Ask the store:"},
		&cobra.Group{ID: groupCare, Title: "Look after it:"})
	for group, commands := range map[string][]*cobra.Command{
		groupMap:  {p.runCommand(), p.demoCommand(), p.replayCommand(), p.serveCommand(), p.exportCommand()},
		groupAsk:  {p.mapCommand(), p.topCommand(), p.seenCommand(), p.tailCommand(), p.statusCommand(), p.inspectCommand()},
		groupCare: {p.interfacesCommand(), p.geoCommand(), p.dbCommand(), p.fleetCommand(), p.configCommand(), p.doctorCommand()},
	} {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	root.AddCommand(p.versionCommand(), p.manCommand())
	for _, t := range topics() {
		root.AddCommand(t.command())
	}
	root.SetFlagErrorFunc(explainFlag)
	return root
}

// Groups of commands in the help.
const (
	groupMap  = "map"
	groupAsk  = "ask"
	groupCare = "care"
)

// bound maps the flags that stand for a key of the configuration to it.
var bound = map[string]string{
	"data": "store.path", "interface": "sensor.interfaces", "listen": "dashboard.listen", "out": "export.dir",
}

// boundIn are the same for flags that mean something else in other commands.
var boundIn = map[string]map[string]string{"serve": {"mask": "dashboard.mask", "mask-k": "dashboard.mask_k"}}

// load reads the configuration. Flags of the command that bound names win over it,
// apart from those in except.
func (p *program) load(cmd *cobra.Command, except ...string) (*config.Loaded, error) {
	flags := map[string]*pflag.Flag{}
	for name, key := range bound {
		if flag := cmd.Flags().Lookup(name); flag != nil && !contains(except, name) {
			flags[key] = flag
		}
	}
	for name, key := range boundIn[cmd.Name()] {
		flags[key] = cmd.Flags().Lookup(name)
	}
	return config.Load(config.Options{File: p.configFile, Flags: flags})
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

// logger returns the program's logger as log.level and log.format want it.
func (p *program) logger(c *config.Loaded) *slog.Logger {
	return term.NewLogger(p.err, term.Level(c.Log.Level), c.Log.Format)
}

// getenv is os.Getenv; a variable for desktop's functions.
func (p *program) getenv(name string) string { return os.Getenv(name) }
