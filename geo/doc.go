// Package geo answers where an address is.
//
// A [DB] holds up to one database of places and one of autonomous systems for
// each IP version. It takes them, in this order, from the configured paths,
// from files discovered in the usual folders, from what package geo/update has
// fetched, and from the databases built into the program, so that it always has
// an answer and needs no account. [DB.Watch] picks up files that are replaced.
//
// # Databases
//
// All files are MaxMind DB files (.mmdb). Their shape is found by reading some
// of their records, not by trusting their name:
//
//   - nested records, as in GeoLite2, GeoIP2 and DB-IP City, Country and
//     Enterprise;
//   - autonomous systems, as in GeoLite2-ASN, DB-IP ASN Lite and GeoIP2-ISP;
//   - flat records, as in ip-location-db (IPv4 and IPv6 in a file each) and
//     IPinfo Lite.
//
// What is built in, from where, and how far it can be trusted, is told in
// builtin/README.md.
//
// # Unknown stays unknown
//
// A record that names only a country has no coordinates in a [Location], even
// where the database gives some: the middle of a country is not a place where
// anybody is. The same holds for the point 0,0. An error inside a damaged
// database makes the address unlocated and is counted, see [DB.Faults].
//
// # Speed
//
// [DB.Locate] walks the search tree, and decodes a record only the first time
// it meets it. [Cache] stands in front of it for one goroutine, and answers
// from a flat table without a lock or an allocation.
package geo
