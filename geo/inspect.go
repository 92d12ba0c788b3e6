package geo

import "fmt"

// Inspect opens a file, looks some addresses up in it, and says what it can be used
// for: its Kind is "city" where it knows places below countries, else "asn" where it
// knows autonomous systems. One that knows countries only is an error, since the
// built-in database knows more; geo.city can name it all the same.
func Inspect(path string) (Source, error) {
	asn, asnErr := openTable(kindASN, path)
	if asnErr == nil {
		defer asn.reader.Close()
	}
	city, cityErr := openTable(kindCity, path)
	if cityErr == nil {
		defer city.reader.Close()
	}
	switch {
	case cityErr == nil && city.fields&(fieldCoordinates|fieldRegion|fieldCity) != 0:
		return city.source, nil
	case asnErr == nil:
		return asn.source, nil
	case cityErr == nil:
		return Source{}, fmt.Errorf("database of type %q knows countries only, the built-in one knows cities (name it in geo.city if that is what you want)", city.source.Type)
	}
	return Source{}, cityErr
}
