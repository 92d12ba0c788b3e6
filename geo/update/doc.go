// Package update fetches GeoIP databases, or takes them from a file, and puts them
// where package geo finds them.
//
// An [Updater] keeps a folder:
//
//	city/dbip-city-lite-2026-11.mmdb   places: one database, or its two halves
//	asn/dbip-asn-lite-2026-11.mmdb     autonomous systems: the same
//	update.json                        what was tried, what came of it, when to try again
//	.lock                              held by who writes (flock(2))
//
// Without an account it fetches DB-IP's City Lite and ASN Lite of the month, once
// they are out. With an account id and a licence key it fetches MaxMind's editions by
// the protocol of geoipupdate: it asks for the hash first, and for the file only
// where that differs from the file that is there.
//
// # What is promised
//
// A file appears under its name only when it is whole: it is unpacked beside, compared
// with the publisher's hash where there is one, opened and probed, written to the disk,
// and renamed. What was there before stays until then. One that is older than what is
// there is not taken.
//
// # Manners
//
// Who fails waits 5 minutes, then twice as long each time, a day at most, and does so
// across restarts, since update.json tells. A publisher that says how long to wait
// (429 or 503 with Retry-After) is obeyed. What a request got wrong itself (4xx) is not
// tried again for a day, or until the settings change.
package update
