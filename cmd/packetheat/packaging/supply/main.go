// Command supply writes down what a built packetheat is made of: THIRD-PARTY.txt, the
// licence of everything in it with its whole text, and packetheat.cdx.json, the same as a
// CycloneDX bill of materials. It reads the modules out of the program itself, so that
// nothing is listed that is not shipped, and the page's packages from where npm put them.
// It fails where a licence is missing, is not recognised or is none that we may pass on.
//
//	go run ./cmd/packetheat/packaging/supply -program bin/packetheat -page export/page -out dist
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	program := flag.String("program", "bin/packetheat", "the program, as built (`FILE`)")
	page := flag.String("page", "export/page", "the page's folder, with its node_modules (`DIR`)")
	out := flag.String("out", "dist", "where to write (`DIR`)")
	flag.Parse()
	if err := supply(*program, *page, *out); err != nil {
		fmt.Fprintln(os.Stderr, "supply:", err)
		os.Exit(1)
	}
}

// supply writes both files, or none and every reason why not.
func supply(program, page, out string) error {
	modules, version, err := goModules(program)
	if err != nil {
		return err
	}
	packages, err := npmPackages(page)
	if err != nil {
		return err
	}
	parts := append(append(modules, packages...), data()...)
	var problems []error
	for i := range parts {
		problems = append(problems, parts[i].readLicence())
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	var bom bytes.Buffer
	if err := cdx.NewBOMEncoder(&bom, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bill(version, parts)); err != nil {
		return fmt.Errorf("encode the bill of materials: %w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("write what is shipped: %w", err)
	}
	err = errors.Join(os.WriteFile(filepath.Join(out, "THIRD-PARTY.txt"), []byte(notices(parts)), 0o644),
		os.WriteFile(filepath.Join(out, "packetheat.cdx.json"), bom.Bytes(), 0o644))
	if err != nil {
		return fmt.Errorf("write what is shipped: %w", err)
	}
	fmt.Printf("%d parts, every licence known: THIRD-PARTY.txt and packetheat.cdx.json in %s\n", len(parts), out)
	return nil
}

// bill is the bill of materials of a version. It has no time and no serial number: the
// same program makes the same bill.
func bill(version string, parts []part) *cdx.BOM {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: "packetheat", Type: cdx.ComponentTypeApplication, Name: "packetheat", Version: version,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
	}}
	components := make([]cdx.Component, len(parts))
	for i, p := range parts {
		components[i] = cdx.Component{
			BOMRef: p.url, PackageURL: p.url, Type: p.kind, Name: p.name, Version: p.version, Licenses: &cdx.Licenses{},
		}
		for _, id := range p.licences {
			*components[i].Licenses = append(*components[i].Licenses, cdx.LicenseChoice{License: &cdx.License{ID: id}})
		}
	}
	bom.Components = &components
	return bom
}

// notices is the list of all parts, then the text of each one's licence.
func notices(parts []part) string {
	var b strings.Builder
	b.WriteString("packetheat is under the Apache License 2.0. In it are:\n\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "%-60s %s\n", p.name+" "+p.version, strings.Join(p.licences, ", "))
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "\n%s\n%s %s\n\n%s\n", strings.Repeat("=", 80), p.name, p.version, strings.TrimSpace(p.text))
	}
	return b.String()
}
