//go:build race

package main

// underRace says that the tests run with the race detector.
const underRace = true
