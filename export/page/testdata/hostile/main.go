// Command hostile writes GeoIP databases whose names are programs: HTML and JavaScript
// that a page must show as text. The browser tests locate real traffic with them.
//
//	go run ./export/page/testdata/hostile -dir DIR    writes city.mmdb and asn.mmdb, and prints the names as JSON
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// names would each set window.ran to true somewhere: as markup, out of an attribute,
// out of a script or comment, as a template, as an address.
var names = []string{
	`<img src=x onerror="ran=true">`,
	`<script>ran=true</script>`,
	`</script><script>ran=true</script>`,
	`"><svg onload=ran=true>`,
	`' onmouseover='ran=true' tabindex='1' onfocus='ran=true' autofocus '`,
	`<!--<script>ran=true;//`,
	`javascript:ran=true`,
	`{{constructor.constructor("ran=true")()}}${ran=true}`,
	`<iframe srcdoc="<script>parent.ran=true</script>">`,
	`]]></style><style>*{display:none!important}</style>`,
	"<a href=javascript:ran=true>\u202eevil",
}

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", ".", "`FOLDER` to write to")
	flag.Parse()
	err := errors.Join(
		write(filepath.Join(*dir, "city.mmdb"), "GeoLite2-City", city),
		write(filepath.Join(*dir, "asn.mmdb"), "GeoLite2-ASN", network),
		json.NewEncoder(os.Stdout).Encode(names))
	if err != nil {
		log.Fatal(err)
	}
}

// city is the place of the i-th /8: all over the inhabited world.
func city(i int) mmdbtype.Map {
	name := func(k int) mmdbtype.Map { return mmdbtype.Map{"en": mmdbtype.String(names[(i+k)%len(names)])} }
	return mmdbtype.Map{
		"city":         mmdbtype.Map{"names": name(0)},
		"subdivisions": mmdbtype.Slice{mmdbtype.Map{"names": name(1)}},
		"country":      mmdbtype.Map{"iso_code": mmdbtype.String([]string{"US", "DE", "JP", "BR", "ZA"}[i%5]), "names": name(2)},
		"location":     mmdbtype.Map{"latitude": mmdbtype.Float64(i*13%100 - 40), "longitude": mmdbtype.Float64(i*47%340 - 170)},
	}
}

func network(i int) mmdbtype.Map {
	return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500 + i), "autonomous_system_organization": mmdbtype.String(names[(i+3)%len(names)])}
}

// write writes a database with a record for each of the 256 IPv4 /8, and all of IPv6.
func write(name, kind string, record func(int) mmdbtype.Map) (err error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, Languages: []string{"en"}, IncludeReservedNetworks: true})
	if err != nil {
		return err
	}
	for i := range 224 {
		if err := tree.Insert(&net.IPNet{IP: net.IPv4(byte(i), 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, record(i)); err != nil {
			return err
		}
	}
	if err := tree.Insert(&net.IPNet{IP: net.ParseIP("2000::"), Mask: net.CIDRMask(3, 128)}, record(7)); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = tree.WriteTo(f)
	return err
}
