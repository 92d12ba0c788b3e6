//go:build !race

package main

// buildFlags are those of the program under test.
var buildFlags []string
