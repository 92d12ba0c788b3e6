package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// interruptPatience is how long a command that was interrupted may take to tidy up.
const interruptPatience = 2 * time.Second

// endOnSignal lets SIGINT and SIGTERM end a question: queries are broken off and half-written
// files removed. What does not end by that, as who waits for a pipe that nobody reads,
// ends all the same. Commands that take signals to mean something else do so themselves.
func (p *program) endOnSignal(cmd *cobra.Command) {
	if contains([]string{"run", "demo", "replay", "serve", "tail"}, cmd.Name()) || cmd.HasParent() && cmd.Parent().Name() == "db" && cmd.Name() != "stats" {
		return
	}
	if follow := cmd.Flags().Lookup("follow"); cmd.Name() == "map" && follow != nil && follow.Value.String() == "true" {
		return
	}
	ctx, cancel := context.WithCancelCause(cmd.Context())
	p.watchSignals(cancel) // until the process ends
	context.AfterFunc(ctx, func() {
		time.Sleep(interruptPatience)
		p.complain(errSignal)
		os.Exit(exitFailed)
	})
	cmd.SetContext(ctx)
}

// interrupted reports whether a command ended because of a signal.
func interrupted(cmd *cobra.Command) bool {
	return cmd.Context() != nil && errors.Is(context.Cause(cmd.Context()), errSignal)
}
