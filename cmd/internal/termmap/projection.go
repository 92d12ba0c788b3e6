package termmap

import "math"

// turned is the longitude in the middle: so turned, the map's edge runs through the
// Bering Strait and no country is cut. The page does the same.
const turned = 11

// The polynomial of Equal Earth (Šavrič, Patterson, Jenny 2018, doi:10.1080/13658816.2018.1504949).
const (
	a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
	root3half      = 0.8660254037844386
)

// project is the Equal Earth projection on a sphere of radius 1: x to the right from
// the middle longitude, y up from the equator. It keeps areas.
func project(latitude, longitude float64) (x, y float64) {
	lambda := math.Remainder(longitude-turned, 360) * math.Pi / 180
	theta := math.Asin(root3half * math.Sin(latitude*math.Pi/180))
	t2 := theta * theta
	t6 := t2 * t2 * t2
	x = lambda * math.Cos(theta) / (root3half * (a1 + 3*a2*t2 + t6*(7*a3+9*a4*t2)))
	return x, theta * (a1 + a2*t2 + t6*(a3+a4*t2))
}

// edge is the x of the map's right edge at the equator; the left one is -edge.
var edge = math.Pi / (root3half * a1)

// view is the part of the plane that is shown.
type view struct{ x0, y0, x1, y1 float64 }

func (v view) aspect() float64 { return (v.x1 - v.x0) / (v.y1 - v.y0) }

// world is the part of the earth where traffic lives: from the cape of South America to
// the north of Svalbard.
func world() view {
	_, north := project(81, turned)
	_, south := project(-57, turned)
	return view{-edge, south, edge, north}
}

// leastView is the least width of a fitted view: even one place is seen among its neighbours.
const leastView = 1.0 / 8

// view returns the world, or with Fit the part of it that has all spots, with room around it.
func (s Screen) view(spots []Spot) view {
	v := world()
	if !s.Fit || len(spots) == 0 {
		for _, spot := range spots { // those at the poles are shown too
			_, y := project(spot.Latitude, spot.Longitude)
			v.y0, v.y1 = math.Min(v.y0, y-0.03), math.Max(v.y1, y+0.03)
		}
		return v
	}
	b := view{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, spot := range spots {
		x, y := project(spot.Latitude, spot.Longitude)
		b = view{math.Min(b.x0, x), math.Min(b.y0, y), math.Max(b.x1, x), math.Max(b.y1, y)}
	}
	const room = 1.2
	w, h := room*(b.x1-b.x0), room*(b.y1-b.y0)
	w = math.Max(math.Max(w, h*1.6), leastView*2*edge)
	w = math.Min(w, 2*edge)
	h = math.Max(h, w/2.2)
	x, y := (b.x0+b.x1)/2, (b.y0+b.y1)/2
	x = math.Max(-edge+w/2, math.Min(edge-w/2, x))
	return view{x - w/2, y - h/2, x + w/2, y + h/2}
}
