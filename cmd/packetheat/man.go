package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (p *program) manCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "Print the manual page of a command",
		Long: `Print the manual page of packetheat, of one of its commands or of a topic (install, metrics,
privacy), or write all of them into a folder.`,
		Example: `  packetheat man | man -l -
  packetheat man top | man -l -
  packetheat man install | man -l -
  packetheat man --dir /usr/local/share/man/man1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same input makes the same page
			header := &doc.GenManHeader{Title: "PACKETHEAT", Section: "1", Source: "packetheat " + release, Manual: "packetheat"}
			if dir != "" {
				if len(args) > 0 {
					return usagef("--dir writes all pages: name no command with it")
				}
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return fmt.Errorf("write manual pages: %w", err)
				}
				if err := doc.GenManTree(root, header, dir); err != nil {
					return fmt.Errorf("write manual pages: %w", err)
				}
				if err := writeTopics(dir); err != nil {
					return err
				}
				pages, _ := filepath.Glob(filepath.Join(dir, "packetheat*.[17]"))
				p.say("wrote %d pages to %s", len(pages), dir)
				return nil
			}
			if t, ok := findTopic(args); ok {
				return t.man(p.out)
			}
			target, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q: packetheat help lists them", args)
			}
			return doc.GenMan(target, header, p.out)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write all pages into `DIR`")
	return cmd
}
