package sensor

// Warning is something that makes the numbers wrong or useless and that a line of the
// configuration mends. A Sensor gives each Code once.
type Warning struct {
	Code string `json:"code"` // for programs: "nat_both_sides", "counted_twice", "unlisted_network" or "duplicates"
	Text string `json:"text"` // what was measured, a sentence
	Mend string `json:"mend"` // what to write, or do
}
