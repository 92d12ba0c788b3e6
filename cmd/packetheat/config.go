package main

import (
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check or print the configuration",
		Long: `The configuration comes from flags, the environment (PACKETHEAT_STORE_PATH stands for
store.path), the file, and defaults, in this order. The file config.yaml that comes with
the program explains every key.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.configCheckCommand(), p.configDumpCommand(), p.configTokenCommand())
	return cmd
}

func (p *program) configCheckCommand() *cobra.Command {
	var insecure bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Find every mistake in the configuration",
		Long: `Print every mistake in file and environment, and in the files that they name (certificate,
token, lists, databases), one a line, and end with status 1 if there is any: what passes, run
starts with, and takes on SIGHUP. Keys whose feature is not in this version are warned of.`,
		Example: "  packetheat config check --config /etc/packetheat/config.yaml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			for _, warning := range c.Warnings {
				p.say("warning: %s", warning)
			}
			if err := p.check(c, insecure); err != nil {
				return err
			}
			if c.File == "" {
				_, err = fmt.Fprintln(p.out, "configuration is good (no file: defaults and environment)")
				return err
			}
			_, err = fmt.Fprintf(p.out, "configuration is good (%s)\n", c.File)
			return err
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure", false, "let the dashboard be served beyond loopback without TLS and token, as run --insecure does")
	return cmd
}

func (p *program) configTokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "Print a random token for the dashboard",
		Long: `Print a random token, of 26 letters and digits, for dashboard.token or dashboard.read_token.
Kept in a file of its own, it needs not stand in the configuration: the variable
PACKETHEAT_DASHBOARD_TOKEN_FILE (PACKETHEAT_DASHBOARD_READ_TOKEN_FILE) names the file.`,
		Example: `  (umask 077; packetheat config token > token)
  PACKETHEAT_DASHBOARD_TOKEN_FILE=token packetheat run`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.out, rand.Text())
			return err
		},
	}
}

func (p *program) configDumpCommand() *cobra.Command {
	var sources, asJSON bool
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Print the values that count, and where they come from",
		Example: `  packetheat config dump --sources
  PACKETHEAT_STORE_PATH=/srv packetheat config dump --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				return c.DumpJSON(p.out)
			}
			return c.Dump(p.out, sources)
		},
	}
	cmd.Flags().BoolVar(&sources, "sources", false, "say of each value whether it is from default, file, env or flag")
	addJSON(cmd, &asJSON)
	return cmd
}
