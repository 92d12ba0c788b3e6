// Package livetest tests the whole program as its users have it: the built binary
// captures in a network namespace of its own, frames are sent to it over a veth
// pair, and what it stores, exports, serves and says is held against what was sent.
//
// There is nothing here but tests. They need the right to make network namespaces
// and packet sockets (root, or "unshare -rn") and are skipped without it, unless
// PACKETHEAT_REQUIRE_CAPTURE=1. PACKETHEAT_PROGRAM names a built binary to test
// instead of building one.
package livetest
