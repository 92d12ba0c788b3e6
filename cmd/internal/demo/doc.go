// Package demo makes a network that has the world's traffic on it, for
// "packetheat demo": two namespaces of its own, a veth pair, and a generator that
// writes frames to one end while the sensor captures at the other.
//
// Nothing of the sensor is replaced or bypassed: frames go through the kernel, the
// ring, the decoder, the store and the page like anybody's. What is made up is who
// talks to whom; the addresses are real allocations, picked from the GeoIP
// database that is there, so that the map shows cities where there are some.
//
// The parts, in the order of use: Command starts this program again inside the
// namespaces, Wire makes the veth pair there, NewWorld picks the hosts, NewTraffic
// makes them talk, Play puts the frames on the wire at their time.
package demo
