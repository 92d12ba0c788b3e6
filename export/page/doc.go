// Package page is the map itself: one HTML file that is both the exported page
// (opened from disk, no network at all) and the live dashboard.
//
// The front-end beside these files (TypeScript, see package.json) is built into
// dist/index.html, which this package embeds. WriteSaved fills its data tag and
// pins it with a content security policy; Live returns it with the tag empty, and
// then the page asks the dashboard's API. A build without the front-end still
// compiles and answers one sentence that says how to build it (Built is false).
//
// All functions are safe for concurrent use; none keeps a reference to its
// arguments.
//
// # Columns
//
// Encode writes the numbers of a page as columns, because a browser decodes
// typed arrays about ten times faster than objects, and because columns compress.
// The stream is one gzip member (RFC 1952) of, all integers little-endian:
//
//	"PHCOLS"             magic
//	uint16 version       2
//	uint32 n, n bytes    Meta as JSON
//	columns              until the end
//
// and each column is
//
//	uint8 id, uint8 kind, uint16 zero, uint32 count, uint32 length, length bytes
//
// A reader skips columns whose id it does not know, so that columns can be added
// without a new version. Kinds:
//
//	0 bytes       count bytes
//	1 planes      count int32, transposed: all lowest bytes, then all second ones …
//	2 strings     count UTF-8 texts, each ended by a NUL byte
//	3 magnitudes  count bytes, each the bit length n of a value (0 to 53), then one
//	              bit stream (lowest bit of a byte first) with the n-1 bits below
//	              the leading one of every value whose n is 2 or more
//
// Columns:
//
//	 1 place latitude     planes      1/10000 degree; 0 without coordinates
//	 2 place longitude    planes      1/10000 degree
//	 3 place flags        bytes       bit 0 has coordinates; bits 1-2 precision:
//	                                  0 unknown, 1 city, 2 region, 3 country
//	 4 place country      strings     ISO 3166-1 alpha-2, or empty
//	 5 place region       strings
//	 6 place city         strings
//	 7 place accuracy     magnitudes  km, 0 unknown
//	16 row key            magnitudes  difference to the key of the row before
//	17 row bin            magnitudes  new key: the bin; same key: bins since the
//	                                  row before, less one
//	18 row packets        magnitudes
//	19 row mean size      magnitudes  bytes / packets, rounded down; 0 without packets
//	20 row opens          magnitudes
//	21 row remainder      magnitudes  bytes - packets × mean size
//	32 detail place       magnitudes  difference to the place of the detail before
//	33 detail kind        bytes       the Kind constants
//	34 detail key         bytes       as the low four bits of a row's key
//	35 detail name        strings
//	36 detail number      magnitudes
//	37 detail packets     magnitudes
//	38 detail bytes       magnitudes
//	39 detail opens       magnitudes
//	40 detail first       magnitudes  bin
//	41 detail span        magnitudes  last bin less first bin
//	42 detail labels      magnitudes  bit i: it has the label Meta.Labels[i]
//
// Mean and remainder take less than the bytes would: packets of a row are often of
// one size. A row's key is place × 16 + (8 when of a big cloud) + protocol class × 2 +
// (1 when out). Rows are sorted by key and bin, and each pair occurs once; details are sorted by place. Places
// that no row and no detail names are left out, and the others renumbered.
//
// The vectors in testdata are written by the Go tests, read by the TypeScript
// ones, and compared by both.
package page
