//go:build !cgo

package sqlite

// Without cgo the driver is a stub that opens nothing and says so itself.

func notDatabase(error) bool { return false }

func cannotOpen(error) bool { return false }

func diskFull(error) bool { return false }

func hint(error) string { return "" }
