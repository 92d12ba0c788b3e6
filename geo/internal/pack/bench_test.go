package pack

import (
	"os"
	"testing"
)

// BenchmarkDecode unpacks the built-in database of places.
func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile("../../builtin/city.pack")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMMDB writes the database of places as a MaxMind DB.
func BenchmarkMMDB(b *testing.B) {
	data, err := os.ReadFile("../../builtin/city.pack")
	if err != nil {
		b.Fatal(err)
	}
	db, err := Decode(data)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.SetBytes(int64(len(db.MMDB(Metadata{}))))
	}
}
