package main

import "github.com/packetheat/packetheat/store/sqlite"

// logReaders names the processes that make the store's log grow by reading for long;
// nil where it is short.
func logReaders(s *sqlite.Store) (names []string) {
	for _, r := range s.LogStatus().Readers {
		names = append(names, r.String())
	}
	return names
}
