package termmap

// Colour tables for amounts: inferno on dark, viridis reversed on light, both by Smith
// and van der Walt (CC0), as anchors 1/16 apart: those of the page.
var (
	inferno = [17]uint32{
		0x000004, 0x0b0724, 0x210c4a, 0x3b0964, 0x550f6d, 0x6a176e, 0x801f6c, 0x952667,
		0xbc3754, 0xcb4149, 0xdd513a, 0xea632a, 0xf37819, 0xfa9207, 0xfbb91f, 0xf4df53, 0xfcffa4,
	}
	viridis = [17]uint32{
		0x440154, 0x481668, 0x482878, 0x443a83, 0x3e4989, 0x365d8d, 0x31688e, 0x297a8e,
		0x21918c, 0x1f9f88, 0x35b779, 0x54c568, 0x6ece58, 0x90d743, 0xb5de2b, 0xdae319, 0xfde725,
	}
)

// The weakest heat is a way up the ramp: thin dots must be told from the background.
const footDark, footLight = 0.3, 0.18

// rampColour is the colour at t, 0 to 1.
func rampColour(light bool, t float64) (c [3]uint8) {
	table, foot := &inferno, footDark
	if light {
		table, foot = &viridis, footLight
	}
	at := (foot + (1-foot)*t) * 16
	i := min(15, int(at))
	f := at - float64(i)
	a, b := table[i], table[i+1]
	if light {
		a, b = table[16-i], table[15-i]
	}
	for k := range c {
		shift := 16 - 8*k
		x, y := float64(a>>shift&255), float64(b>>shift&255)
		c[k] = uint8(x + f*(y-x) + 0.5)
	}
	return c
}

// cubeSteps are the levels of a channel in the 6×6×6 cube of xterm's 256 colours.
var cubeSteps = [6]int{0, 95, 135, 175, 215, 255}

// nearest256 is the entry of xterm's colour cube that is nearest to a colour.
func nearest256(c [3]uint8) int {
	index := 16
	for k, weight := range [3]int{36, 6, 1} {
		best := 0
		for i, level := range cubeSteps {
			if distance(level, int(c[k])) < distance(cubeSteps[best], int(c[k])) {
				best = i
			}
		}
		index += weight * best
	}
	return index
}

func distance(a, b int) int { return max(a-b, b-a) }
