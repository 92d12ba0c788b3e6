package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// This file says in words what cobra and pflag say in theirs.

// noArgs is for commands without arguments; for those that only hold others, what was
// typed is one that does not exist.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasAvailableSubCommands() {
		return usagef("%s takes no arguments, and %q is one", cmd.CommandPath(), args[0])
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("unknown command %q: %s has %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
}

// oneOf is for commands with one argument out of a list.
func oneOf(list []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		possible := strings.Join(list, "|")
		switch {
		case len(args) == 0:
			return usagef("%s what? write one of %s", cmd.CommandPath(), possible)
		case len(args) > 1:
			return usagef("%s takes one of %s, and %q is one more", cmd.CommandPath(), possible, args[1])
		case !slices.Contains(list, args[0]):
			return usagef("%s %s is not possible: write one of %s", cmd.CommandPath(), args[0], possible)
		}
		return nil
	}
}

// atLeastOne is for commands that take any number of a thing, but one.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s what? name %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// explainFlag says what a flag takes.
func explainFlag(_ *cobra.Command, err error) error {
	var wrong *pflag.InvalidValueError
	if !errors.As(err, &wrong) {
		return err
	}
	flag := wrong.GetFlag()
	hint := map[string]string{"int": "a whole number", "uint64": "a whole number from 0 on", "float64": "a number", "bool": "true or false"}[flag.Value.Type()]
	if hint == "" { // one of ours, whose error says it
		return usagef("--%s: %w", flag.Name, wrong.Unwrap())
	}
	return usagef("--%s %q is not possible: write %s", flag.Name, wrong.GetValue(), hint)
}
