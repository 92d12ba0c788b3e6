//go:build !linux || !cgo

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "chdb: this program needs Linux, and cgo to load a library")
	os.Exit(1)
}
