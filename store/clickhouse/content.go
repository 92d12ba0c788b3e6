package clickhouse

import (
	"errors"
	"fmt"
	"slices"
)

// ErrContent says that a batch is not taken because of what is in it. Sending it again is
// of no use, unless it is the server whose tables or views take nothing: that others are
// taken at the same time tells one from the other.
var ErrContent = errors.New("it is refused for what is in it")

// ErrTime is the ErrContent of a batch whose tick cannot be kept: ClickHouse's times reach
// from 1970 to 2106.
var ErrTime = fmt.Errorf("tick is not between 1970 and 2106: %w", ErrContent)

// contentCodes are those exceptions of an insert that are about values, by their numbers
// in ClickHouse's list of error codes. What is about room, load, rights or tables is not
// among them: it goes by, or somebody has to do something.
var contentCodes = [...]int32{
	6,   // a text cannot be parsed
	26,  // nor a quoted one
	27,  // nor what comes behind it
	33,  // some of the data are missing
	38,  // a date
	41,  // a time
	53,  // a value of another type
	69,  // out of bounds
	70,  // cannot be converted
	72,  // no number
	117, // data that cannot be
	131, // too long a text
	349, // nothing where something has to be
	395, // a function that says so (throwIf)
	407, // too big a decimal
	469, // a constraint of the table
	691, // no value of an enumeration
}

// ofContent reports whether err is the server's word about values.
func ofContent(err error) bool { return slices.Contains(contentCodes[:], codeOf(err)) }
