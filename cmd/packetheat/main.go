// Command packetheat captures packets, finds out where in the world their public
// endpoints are, keeps that in a store, and shows it as a map that can be rewound.
//
// Every subcommand has a file of its own. The first word of "packetheat help" to
// read is run; run.go also holds what the demo shares with it.
package main

import (
	"os"

	"github.com/packetheat/packetheat/cmd/internal/privilege"
)

func main() {
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	var err error
	if p.handed, err = privilege.Inherit(); err != nil {
		p.complain(err)
		os.Exit(exitFailed)
	}
	os.Exit(p.execute(os.Args[1:]))
}
