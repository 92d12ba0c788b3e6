package termmap

import (
	_ "embed"
	"encoding/binary"
	"math"
	"sync"
)

//go:generate node ../../../export/page/build/outline.mjs

// outline is the coasts, in the format that outline.mjs describes.
//
//go:embed world.bin
var outline []byte

// coasts returns the coast lines in the plane of project, each cut where it would run
// across the map from one edge to the other. It is decoded once.
var coasts = sync.OnceValue(func() [][][2]float64 { return decodeCoasts(outline) })

// unit is steps a degree in the outline.
const unit = 100

func decodeCoasts(b []byte) (lines [][][2]float64) {
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		b = b[size:]
		var x, y int64
		var line [][2]float64
		last := 0.0
		for range n {
			var dx, dy int64
			dx, b = step(b)
			dy, b = step(b)
			x, y = x+dx, y+dy
			longitude, latitude := float64(x)/unit, float64(y)/unit
			turn := math.Remainder(longitude-turned, 360)
			if len(line) > 0 && math.Abs(turn-last) > 180 {
				lines = append(lines, line)
				line = nil
			}
			px, py := project(latitude, longitude)
			line, last = append(line, [2]float64{px, py}), turn
		}
		lines = append(lines, line)
	}
	return lines
}

func step(b []byte) (int64, []byte) {
	v, size := binary.Varint(b)
	return v, b[max(0, size):]
}

// draw puts the coasts into the dots of a map.
func (m *worldMap) coast() {
	for _, line := range coasts() {
		for i := 1; i < len(line); i++ {
			x0, y0 := m.dot(line[i-1][0], line[i-1][1])
			x1, y1 := m.dot(line[i][0], line[i][1])
			m.line(x0, y0, x1, y1)
		}
	}
}

// line sets the dots between two points, one a step along the longer axis.
func (m *worldMap) line(x0, y0, x1, y1 float64) {
	if math.Max(x0, x1) < 0 || math.Min(x0, x1) > float64(m.width) || math.Max(y0, y1) < 0 || math.Min(y0, y1) > float64(m.height) {
		return
	}
	n := math.Ceil(math.Max(math.Abs(x1-x0), math.Abs(y1-y0)))
	for i := 0.0; i <= n; i++ {
		t := 0.0
		if n > 0 {
			t = i / n
		}
		x, y := int(math.Floor(x0+t*(x1-x0))), int(math.Floor(y0+t*(y1-y0)))
		if x >= 0 && y >= 0 && x < m.width && y < m.height {
			m.land[y*m.width+x] = true
		}
	}
}
