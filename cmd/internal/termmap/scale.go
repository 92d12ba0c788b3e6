package termmap

import "math"

// scale is the logarithmic one between amounts and colours. Its limits snap to 1, 2 or
// 5 times a power of ten, so that they can be read. It is that of the page.
type scale struct{ low, high float64 }

// decades are how many are told apart: more would leave no colour for what matters.
const decades = 6

func fitScale(weakest, strongest float64) scale {
	high := snapUp(strongest)
	low := snapDown(math.Max(weakest, high/math.Pow10(decades)))
	return scale{math.Min(low, high/100), high} // equal amounts are all strong, not all weak
}

func snapDown(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)+1e-12))
	switch m := v / power; {
	case m >= 5-1e-9:
		return 5 * power
	case m >= 2-1e-9:
		return 2 * power
	}
	return power
}

func snapUp(v float64) float64 {
	down := snapDown(v)
	if math.Abs(down-v) <= v*1e-9 {
		return down
	}
	if lead := math.Round(down / math.Pow(10, math.Floor(math.Log10(down)+1e-12))); lead == 2 {
		return down * 2.5
	}
	return down * 2
}

// position is 0 at the low limit, 1 at the high one, held between.
func (s scale) position(v float64) float64 {
	t := math.Log(v/s.low) / math.Log(s.high/s.low)
	return math.Max(0, math.Min(1, t))
}
