package termmap

import "math"

// worldMap is the dots of one map: two a character across, four down.
type worldMap struct {
	columns, rows int // characters
	width, height int // dots
	view          view
	k             float64 // dots a unit of the plane
	offX, offY    float64
	land          []bool
	values        []float64 // amount near each dot
	scale         scale
	sigma         float64 // dots
	any           bool    // there is heat
}

// newMap returns a map of so many characters with the view in its middle.
func newMap(columns, rows int, v view) *worldMap {
	m := &worldMap{columns: columns, rows: rows, width: 2 * columns, height: 4 * rows, view: v}
	m.k = math.Min(float64(m.width)/(v.x1-v.x0), float64(m.height)/(v.y1-v.y0))
	m.offX = (float64(m.width) - m.k*(v.x1-v.x0)) / 2
	m.offY = (float64(m.height) - m.k*(v.y1-v.y0)) / 2
	m.land = make([]bool, m.width*m.height)
	m.values = make([]float64, m.width*m.height)
	m.sigma = math.Max(0.62, math.Min(1.6, 0.0044*float64(m.width)))
	m.coast()
	return m
}

// dot is where a point of the plane lies, in dots from the top left.
func (m *worldMap) dot(x, y float64) (float64, float64) {
	return m.offX + m.k*(x-m.view.x0), m.offY + m.k*(m.view.y1-y)
}

// at returns the dot of a spot; ok is false outside of the map.
func (m *worldMap) at(s Spot) (x, y int, ok bool) {
	fx, fy := m.dot(project(s.Latitude, s.Longitude))
	x, y = int(math.Floor(fx)), int(math.Floor(fy))
	return x, y, x >= 0 && y >= 0 && x < m.width && y < m.height
}

// reach is where the skirt of a strong spot ends, in sigmas: it is a millionth there.
const reach = 5.3

// heat spreads the spots by a Gaussian whose peak is one, so that a lone place reads its
// own number and neighbours add up, and fits the scale to the outcome.
func (m *worldMap) heat(spots []Spot) {
	grid := make([]float64, len(m.values))
	weakest := math.Inf(1)
	for _, s := range spots {
		if x, y, ok := m.at(s); ok && s.Weight > 0 {
			grid[y*m.width+x] += float64(s.Weight)
			weakest = math.Min(weakest, float64(s.Weight))
			m.any = true
		}
	}
	if !m.any {
		return
	}
	half := int(math.Ceil(m.sigma * reach))
	kernel := make([]float64, half+1)
	for i := range kernel {
		kernel[i] = math.Exp(-float64(i*i) / (2 * m.sigma * m.sigma))
	}
	across := make([]float64, len(grid))
	spread(grid, across, m.height, m.width, m.width, 1, kernel)
	spread(across, m.values, m.width, m.height, 1, m.width, kernel)
	strongest := 0.0
	for _, v := range m.values {
		strongest = math.Max(strongest, v)
	}
	m.scale = fitScale(weakest, strongest)
}

// spread adds each value of from to its neighbours along one axis: lines of n values,
// stride apart from line to line, step apart within one. What is zero costs nothing.
func spread(from, to []float64, lines, n, stride, step int, kernel []float64) {
	half := len(kernel) - 1
	for l := range lines {
		for i := range n {
			v := from[l*stride+i*step]
			if v == 0 {
				continue
			}
			for j := max(0, i-half); j <= min(n-1, i+half); j++ {
				to[l*stride+j*step] += v * kernel[max(i-j, j-i)]
			}
		}
	}
}

// strength is the strongest heat within a character, and which of its dots are warm.
func (m *worldMap) strength(column, row int) (v float64, warm, land uint8) {
	for dy := range 4 {
		for dx := range 2 {
			i := (4*row+dy)*m.width + 2*column + dx
			bit := braille[dy][dx]
			if m.land[i] {
				land |= bit
			}
			if m.any && m.values[i] >= m.scale.low {
				warm |= bit
				v = math.Max(v, m.values[i])
			}
		}
	}
	return v, warm, land
}

// earth is the radius of a sphere as large as the earth, in km. The projection keeps areas.
const earth = 6371

// reachKM is the radius of "near here": two sigmas, as the page has it.
func (m *worldMap) reachKM() float64 { return 2 * m.sigma / m.k * earth }
