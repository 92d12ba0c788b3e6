package main

import (
	"os"
	"syscall"
)

// demoSignals are what the process inside wants to know about.
func demoSignals() []os.Signal {
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1}
}
